/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host names from DHCP clients, converted to a DNS label in lower case: as in RFC 1123 §2.1, or with '_', which Windows has in names. */
#pragma once

#include "gateway/guest.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Converts @raw, @len bytes from a client, to a label: the part in front of the first dot, in lower case, with ' ' replaced
 * by '-'.  False, and "" in @ret, when the result is not a valid label.
 */
bool guest_name_clean(const void *raw, size_t len, char ret[static GUEST_NAME_SIZE]);
