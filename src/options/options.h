/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a network: one table, from which the command line, --help, the manual page, the INI file and
 * lanlet_config_set() are made.  What a reader sees of it is lanlet_option_at() and lanlet_option_choice().
 */
#pragma once

#include <stddef.h>

struct settings;

/* Fills @s, whatever it held, with the defaults; there is nothing to free yet. */
void option_set_defaults(struct settings *s);

/*
 * Sets the option @name in @s.  A repeatable option adds a value; an empty one takes all its values back.
 * -ENOENT: no such option, -EINVAL: wrong value, -ENOMEM; @error then has one line that says so, and @s is as before.
 */
int option_set(struct settings *s, const char *name, const char *value, char *error, size_t size);
