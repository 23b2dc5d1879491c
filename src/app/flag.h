/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flags: the options of commands, as opposed to those of a network (options/options.h). A row gives a flag's name, argument,
 * default and help, and where its value is stored.
 *
 * A command keeps its table of flags and the struct that they fill beside its code. The struct starts as zeroes unless the command
 * says otherwise: NULL, 0 or false means that a flag was not given. Flags that several commands take are in
 * shared_flag_at()'s table and fill struct arguments. The parser, --help, the manual page and the completions read these rows
 * only.
 */
#pragma once

#include "lanlet.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Which commands take a shared flag: all, or those whose struct command has the bit in `shares`. */
enum flag_share {
	FLAG_SHARED_BY_ALL = 1 << 0,
	FLAG_SHARED_NETWORK = 1 << 1, /* --network, for commands that ask a running network */
	FLAG_SHARED_JSON = 1 << 2,
};

struct flag {
	struct lanlet_option option;
	/* Stores @value at @at. False, with a usage error that names the flag, if the value is invalid. */
	bool (*store)(const struct flag *flag, const char *value, void *at, GError **error);
	size_t offset;  /* of the member in the command's struct or, for a shared flag, in struct arguments */
	unsigned share; /* enum flag_share; 0: the command's own */
};

/* Ends a command's table. */
#define FLAG_END \
	{ \
		.store = NULL \
	}

/* .store and .offset of a row. The compiler rejects a @member of another type than @function writes. */
#define FLAG_STORED(function, type, object, member) \
	.store = function, .offset = offsetof(object, member) + 0 * sizeof(char[_Generic(((object *)0)->member, type : 1)])

#define FLAG_SWITCH(object, member) FLAG_STORED(flag_store_switch, bool, object, member)
#define FLAG_TEXT(object, member) FLAG_STORED(flag_store_text, const char *, object, member)
#define FLAG_DIRECTORY(object, member) FLAG_STORED(flag_store_directory, const char *, object, member)
#define FLAG_MAC(object, member) FLAG_STORED(flag_store_mac, const char *, object, member)
#define FLAG_SECONDS(object, member) FLAG_STORED(flag_store_seconds, double, object, member)

bool flag_store_switch(const struct flag *flag, const char *value, void *at, GError **error);
/* The server checks the text. */
bool flag_store_text(const struct flag *flag, const char *value, void *at, GError **error);
bool flag_store_directory(const struct flag *flag, const char *value, void *at, GError **error);
bool flag_store_mac(const struct flag *flag, const char *value, void *at, GError **error);
bool flag_store_seconds(const struct flag *flag, const char *value, void *at, GError **error);

/* The shared flag at @index, or NULL behind the last one. */
const struct flag *shared_flag_at(size_t index);
