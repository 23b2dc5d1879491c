/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of the commands themselves, in one table: the command line, --help, the manual page and the completions are made
 * from it.  The options of a network are options/options.h's.
 */
#pragma once

#include "lanlet.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct arguments;

/* An option of the command itself, as opposed to the network's.  It is described in the same way. */
struct flag {
	struct lanlet_option option;
	unsigned commands; /* COMMAND_RUN | … */
	bool (*set)(struct arguments *a, const char *value, GError **error);
};

/* The flag at @index, or NULL behind the last one. */
const struct flag *flag_at(size_t index);
