/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a network: one table, from which the command line, --help, the manual page, the INI file and
 * lanlet_config_set() are made.  What a reader sees of it is lanlet_option_at() and lanlet_option_choice().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct settings;

/* Fills @s, whatever it held, with the defaults; there is nothing to free yet. */
void option_set_defaults(struct settings *s);

/*
 * Sets the option @name in @s.  A repeatable option adds a value; an empty one takes all its values back.
 * -ENOENT: no such option, -EINVAL: wrong value, -ENOMEM; @error then has one line that says so, and @s is as before.
 */
int option_set(struct settings *s, const char *name, const char *value, char *error, size_t size);

/* Whether @a and @b have the same value of the option at @index, as lanlet_option_at() counts. */
bool option_is_same(size_t index, const struct settings *a, const struct settings *b);
/* Whether a reload changes the option at @index; all others need a restart. */
bool option_is_live(size_t index);
/* Has @a and @b exchange the values of all options that a reload changes. */
void option_swap_live(struct settings *a, struct settings *b);
