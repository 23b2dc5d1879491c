/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file:
 *
 *     # a comment is a line of its own, with # or ; in front
 *     [network]
 *     subnet = 10.20.30.0/24
 *     dns = 9.9.9.9
 *     dns = 149.112.112.112
 *
 * A key can occur more than once; the callback decides what that means.  There is no quoting and no continuation.  White space around
 * keys and values is ignored.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Takes one entry. Returns a negative number to refuse it, with a reason of one line in @error; parsing then stops. */
typedef int (*ini_entry_func)(void *opaque, const char *key, const char *value, char *error, size_t size);

/* Calls @entry for every entry of the [network] section in @text, in order. On failure @error names @path and the line. */
bool ini_parse(const char *path, const char *text, size_t len, ini_entry_func entry, void *opaque, GError **error);
/* The same for the file at @path; G_FILE_ERROR_NOENT if it does not exist. */
bool ini_load(const char *path, ini_entry_func entry, void *opaque, GError **error);
