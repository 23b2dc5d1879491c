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
 * A key may occur again; what that means is up to whoever takes the entries.  There is no quoting and no
 * continuation; white space around keys and values is not part of them.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Takes one entry.  Negative: refused, @error says why in one line and the rest of the file is not read. */
typedef int (*ini_entry_func)(void *opaque, const char *key, const char *value, char *error, size_t size);

/*
 * Hands every entry of @text's [network] section to @entry, in order.  On failure @error names @path and
 * the line.
 */
bool ini_parse(const char *path, const char *text, size_t len, ini_entry_func entry, void *opaque, GError **error);
/* The same for the file at @path; G_FILE_ERROR_NOENT when there is none. */
bool ini_load(const char *path, ini_entry_func entry, void *opaque, GError **error);
