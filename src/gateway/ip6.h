/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gateway's IPv6 addresses: fe80::1, by which guests know it as router, and the first address of the segment's prefix. */
#pragma once

#include "base/addr.h"
#include "wire/ipv6.h"

#include <stdbool.h>

#define GATEWAY_IP6_LINK_LOCAL ((struct ip_addr){ { 0xfe, 0x80, [15] = 1 } })

struct gateway_ip6 {
	bool on;               /* false: the gateway has no IPv6, and the other members mean nothing */
	struct prefix6 prefix; /* /64: of the guests' addresses */
	struct ip_addr link_local, address;
	bool nat64; /* guests reach IPv4 destinations in NAT64's prefixes (nat64.h) */
};

static inline struct gateway_ip6 gateway_ip6_of(const struct prefix6 *prefix)
{
	struct gateway_ip6 ip6 = { .on = true, .prefix = *prefix, .address = prefix->network, .link_local = GATEWAY_IP6_LINK_LOCAL };
	ip6.address.b[15] = 1;
	return ip6;
}

/* The address with which the gateway answers a guest's @a: of the same scope (RFC 6724 §5, rule 2). */
static inline const struct ip_addr *gateway_ip6_towards(const struct gateway_ip6 *ip6, const struct ip_addr *a)
{
	return ipv6_is_link_local(a) ? &ip6->link_local : &ip6->address;
}

/* Whether @a is one of the gateway's addresses. */
static inline bool gateway_ip6_has(const struct gateway_ip6 *ip6, const struct ip_addr *a)
{
	return ip6->on && (ip_equal(a, &ip6->link_local) || ip_equal(a, &ip6->address));
}

/*
 * Whether @a can be a guest's: of the link or in the prefix, not the gateway's, and not the anycast address of its routers (RFC 4291
 * §2.6.1).
 */
static inline bool gateway_ip6_is_guest(const struct gateway_ip6 *ip6, const struct ip_addr *a)
{
	return ip6->on && (ipv6_is_link_local(a) || prefix6_contains(&ip6->prefix, a)) && !gateway_ip6_has(ip6, a) &&
	       !ip_equal(a, &ip6->prefix.network);
}
