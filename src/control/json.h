/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text (RFC 8259), written as it comes.  A tree of json-glib's costs several allocations for each value, which is too much for
 * lists of many thousands; reading, where it matters less, is json-glib's.
 *
 * Strings are taken for UTF-8; bytes that are not come out as U+FFFD, control characters escaped.  The caller opens and closes
 * what he opens and closes; commas are put where they belong.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct json {
	GString *text;
	bool comma; /* before the next value */
};

/* @key NULL: an element of an array, or the whole. */
void json_open_object(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_open_array(struct json *j, const char *key);
void json_close_array(struct json *j);
/* NULL: null. */
void json_string(struct json *j, const char *key, const char *value);
void json_unsigned(struct json *j, const char *key, uint64_t value);
/* With three decimals: seconds, milliseconds. */
void json_decimal(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
