/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/nat64.h"

#define IPV4_AT 12 /* in an address with a prefix of 96 bits (RFC 6052 §2.2) */

/* The prefix to which @ip belongs. */
static struct prefix6 prefix_for(ip4_t ip)
{
	return prefix4_is_private((struct prefix4){ ip, 32 }) ? NAT64_LOCAL_PREFIX : NAT64_PREFIX;
}

bool nat64_has(const struct ip_addr *a)
{
	return prefix6_contains(&NAT64_PREFIX, a) || prefix6_contains(&NAT64_LOCAL_PREFIX, a);
}

bool nat64_extract(const struct ip_addr *a, ip4_t *ret)
{
	const uint8_t *b = a->b + IPV4_AT;
	ip4_t ip = IP4(b[0], b[1], b[2], b[3]);
	struct prefix6 prefix = prefix_for(ip);
	if (!prefix6_contains(&prefix, a))
		return false;
	*ret = ip;
	return true;
}

struct ip_addr nat64_embed(ip4_t ip)
{
	struct ip_addr a = prefix_for(ip).network;
	for (unsigned i = 0; i < 4; i++)
		a.b[IPV4_AT + i] = (uint8_t)(ip >> (24 - 8 * i));
	return a;
}
