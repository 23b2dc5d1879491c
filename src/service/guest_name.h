/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names that guests give themselves, made fit for DNS: one label (RFC 1123 §2.1), lower case. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define GUEST_NAME_SIZE 64 /* a label of 63 octets and NUL */

/*
 * Makes a label of @raw, @len bytes as a client sent them: what stands before the first dot, in
 * lower case, with '_' and ' ' turned into '-'.  False, and "" in @ret, when that is no label.
 */
bool guest_name_clean(const void *raw, size_t len, char ret[static GUEST_NAME_SIZE]);
