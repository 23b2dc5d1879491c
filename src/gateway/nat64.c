/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/nat64.h"

#include "base/macros.h"

#define IPV4_AT 12 /* in an address with a prefix of 96 bits (RFC 6052 §2.2) */

/* Not global (RFC 1918, RFC 6598). */
static const struct prefix4 private_space[] = {
	{ IP4(10, 0, 0, 0), 8 },
	{ IP4(172, 16, 0, 0), 12 },
	{ IP4(192, 168, 0, 0), 16 },
	{ IP4(100, 64, 0, 0), 10 },
};

static bool is_private(ip4_t ip)
{
	for (size_t i = 0; i < ARRAY_SIZE(private_space); i++)
		if (prefix4_contains(private_space[i], ip))
			return true;
	return false;
}

bool nat64_has(const struct ip_addr *a)
{
	return prefix6_contains(&NAT64_PREFIX, a) || prefix6_contains(&NAT64_LOCAL_PREFIX, a);
}

bool nat64_extract(const struct ip_addr *a, ip4_t *ret)
{
	const uint8_t *b = a->b + IPV4_AT;
	ip4_t ip = IP4(b[0], b[1], b[2], b[3]);
	if (!prefix6_contains(is_private(ip) ? &NAT64_LOCAL_PREFIX : &NAT64_PREFIX, a))
		return false;
	*ret = ip;
	return true;
}

struct ip_addr nat64_embed(ip4_t ip)
{
	struct ip_addr a = is_private(ip) ? NAT64_LOCAL_PREFIX.network : NAT64_PREFIX.network;
	for (unsigned i = 0; i < 4; i++)
		a.b[IPV4_AT + i] = (uint8_t)(ip >> (24 - 8 * i));
	return a;
}
