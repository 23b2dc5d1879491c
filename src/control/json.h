/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON (RFC 8259) directly as text.  A tree of json-glib costs several allocations for each value, which is too much for lists of
 * many thousands; json-glib is used for reading.
 *
 * Strings are UTF-8: invalid bytes are written as U+FFFD, control characters are escaped.  The caller opens and closes objects and arrays;
 * commas are written where they belong.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct json {
	GString *text;
	bool comma; /* before the next value */
};

/* @key NULL: an element of an array, or the top level. */
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
