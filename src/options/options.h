/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a network.  The command line, --help, the manual page, the INI file, lanlet_config_set() and reload all come from one
 * set of tables.  Their texts are read by lanlet_option_at() and lanlet_option_choice().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct settings;

/* Sets all of @s to the defaults, without freeing anything: @s may be uninitialized. */
void option_set_defaults(struct settings *s);

/*
 * Sets the option @name in @s.  A repeatable option adds a value; an empty value removes all of its values.
 * -ENOENT: no such option, -EINVAL: invalid value, -ENOMEM.  @error then has one line about it, and @s is unchanged.
 */
int option_set(struct settings *s, const char *name, const char *value, char *error, size_t size);

/* Whether @a and @b have the same value of the option at @index, as lanlet_option_at() counts. */
bool option_is_same(size_t index, const struct settings *a, const struct settings *b);
/* Whether a reload changes the option at @index; all others need a restart. */
bool option_is_live(size_t index);
/* Exchanges between @a and @b the values of all options that a reload changes. */
void option_swap_live(struct settings *a, struct settings *b);
