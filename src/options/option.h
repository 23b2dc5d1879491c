/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One option, as the tables in this folder hold it: what people read of it, and how a value comes into the settings.  Each file is
 * a group of options with the same subject; options/options.c knows the groups, and everybody else only options/options.h.
 */
#pragma once

#include "lanlet.h"

#include <stdbool.h>
#include <stddef.h>

struct settings;

struct option {
	struct lanlet_option public;
	const char *accepts; /* completes "expected …" */
	/* -EINVAL may come with a reason in *@ret_why, a string that lives for ever. */
	int (*set)(struct settings *s, const char *value, const char **ret_why);
	void (*clear)(struct settings *s);                          /* for repeatable options */
	const char *(*choice)(size_t index, const char **ret_help); /* for options with fixed words; NULL behind the last */
	bool derived; /* the default is settings_check()'s work and its text is for people only */
	/* Where its value is in struct settings: a member, or several that follow one another.  Empty when it shares a list with others. */
	struct option_place {
		size_t offset, size;
	} place;
	/* Whether @a and @b have the same value of this option.  NULL: they have when the bytes at @place are the same. */
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
	const char *title; /* heads it in --help and the manual page */
	const struct option *options;
	size_t count;
};

extern const struct option_group options_of_segment;
extern const struct option_group options_of_names;
extern const struct option_group options_of_ports;
extern const struct option_group options_of_outside;
extern const struct option_group options_of_log;
