/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network's configuration: the defaults, then the file, then the command line. */
#pragma once

#include <glib.h>

struct arguments;
struct lanlet_config;

/* @file NULL: the default file, if it is there.  NULL on failure; the message names the file and line, or the flag. */
struct lanlet_config *configure(const struct arguments *a, const char *file, GError **error);
