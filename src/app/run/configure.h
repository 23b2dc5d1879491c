/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds a network's configuration from the defaults, the file and the command line, in this order. */
#pragma once

#include <glib.h>

struct arguments;
struct lanlet_config;

/* @file NULL: the default file, if it exists. NULL on failure; the error names the file and line, or the flag. */
struct lanlet_config *configure(const struct arguments *a, const char *file, GError **error);
