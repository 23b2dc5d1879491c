/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row of the option tables: the option's texts, and how its value is set, compared and reloaded.  Each file of this folder with a table
 * has the options of one subject; options/options.c knows the tables, and all other code uses options/options.h.
 */
#pragma once

#include "lanlet.h"

#include <stdbool.h>
#include <stddef.h>

struct settings;

struct option {
	struct lanlet_option public;
	const char *accepts; /* what follows "expected" in an error */
	/* With -EINVAL it may set *@ret_why to a static reason. */
	int (*set)(struct settings *s, const char *value, const char **ret_why);
	void (*clear)(struct settings *s);                          /* removes all values of a repeatable option */
	const char *(*choice)(size_t index, const char **ret_help); /* the fixed words of an option; NULL after the last */
	bool derived;                                               /* the default is worked out later; its text is only shown */
	/* Where its value is in struct settings: a member, or several that follow one another.  Empty when it shares a list with others. */
	struct option_place {
		size_t offset, size;
	} place;
	/* Whether @a and @b have the same value of this option.  NULL: compare the bytes at @place. */
	bool (*same)(const struct settings *a, const struct settings *b);
	bool live; /* a reload changes it, by exchanging what is at @place; all others need a restart */
};

#define OPTION_PLACE(member) OPTION_PLACES(member, member)
#define OPTION_PLACES(first, last) \
	{ \
		offsetof(struct settings, first), \
			offsetof(struct settings, last) + sizeof(((struct settings *)NULL)->last) - offsetof(struct settings, first) \
	}

struct option_group {
	const char *title; /* its heading in --help and the manual page */
	const struct option *options;
	size_t count;
};

extern const struct option_group options_of_segment;
extern const struct option_group options_of_names;
extern const struct option_group options_of_dhcp;
extern const struct option_group options_of_ports;
extern const struct option_group options_of_outside;
extern const struct option_group options_of_log;
