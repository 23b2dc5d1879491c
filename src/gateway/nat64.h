/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 addresses inside IPv6 addresses (RFC 6052), by which guests without IPv4 reach hosts that have nothing else (NAT64, RFC 6146).
 *
 *     64:ff9b::/96     the well-known prefix, for global addresses only (RFC 6052 §3.1)
 *     64:ff9b:1::/96   of the prefix for local use (RFC 8215): private addresses
 *
 * An embedded address passes every check that it would pass as an IPv4 destination.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>

#define NAT64_PREFIX ((struct prefix6){ { { 0, 0x64, 0xff, 0x9b } }, 96 })
#define NAT64_LOCAL_PREFIX ((struct prefix6){ { { 0, 0x64, 0xff, 0x9b, 0, 1 } }, 96 })

/* Whether @a is in one of the two prefixes. */
bool nat64_has(const struct ip_addr *a);
/* Takes the IPv4 address out of @a.  False when @a is in neither prefix, or in the one where that address does not belong. */
bool nat64_extract(const struct ip_addr *a, ip4_t *ret);
/* @ip in the prefix where it belongs. */
struct ip_addr nat64_embed(ip4_t ip);
