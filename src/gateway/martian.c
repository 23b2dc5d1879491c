/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/martian.h"

#include "base/macros.h"
#include "gateway/ip6.h"

#include <errno.h>

/* The first match decides (RFC 1812 §5.3.7, RFC 6890). */
static const struct {
	struct prefix4 prefix;
	enum drop_reason why;
} never_destinations[] = {
	{ { IP4(255, 255, 255, 255), 32 }, DROP_LOCAL_MULTICAST }, /* limited broadcast */
	{ { IP4(224, 0, 0, 0), 4 }, DROP_LOCAL_MULTICAST },        /* no multicast routing; 224.0.0.0/24 is link-local anyway */
	{ { IP4(0, 0, 0, 0), 8 }, DROP_MARTIAN_DESTINATION },      /* connect() there reaches loopback listeners */
	{ { IP4(127, 0, 0, 0), 8 }, DROP_MARTIAN_DESTINATION },    { { IP4(240, 0, 0, 0), 4 }, DROP_MARTIAN_DESTINATION }, /* class E */
};

/* Whether the table can have @ip, by its first octet: most packets need no walk. */
static bool may_be_never(ip4_t ip)
{
	return ip >= IP4(224, 0, 0, 0) || ip >> 24 == 0 || ip >> 24 == 127;
}

/* The all-zeros or all-ones host address of a prefix; a prefix of 31 or 32 bits has neither (RFC 3021). */
static bool is_network_or_broadcast(const struct prefix4 *subnet, ip4_t ip)
{
	return subnet->length < 31 && (ip == subnet->network || ip == prefix4_broadcast(*subnet));
}

int martian_check_source(const struct prefix4 *subnet, ip4_t gateway, ip4_t src, enum drop_reason *ret_why)
{
	if (src == gateway) {
		*ret_why = DROP_GATEWAY_ADDRESS;
		return -EPERM;
	}
	if (!prefix4_contains(*subnet, src) || is_network_or_broadcast(subnet, src)) {
		*ret_why = DROP_MARTIAN_SOURCE;
		return -EPERM;
	}
	return 0;
}

int martian_check_destination(const struct prefix4 *subnet, ip4_t gateway, ip4_t dst, enum drop_reason *ret_why)
{
	if (dst == gateway)
		return 0;
	for (size_t i = 0; may_be_never(dst) && i < ARRAY_SIZE(never_destinations); i++) {
		if (prefix4_contains(never_destinations[i].prefix, dst)) {
			*ret_why = never_destinations[i].why;
			return -EPERM;
		}
	}
	if (prefix4_contains(*subnet, dst)) {
		*ret_why = DROP_MARTIAN_DESTINATION;
		return -EPERM;
	}
	return 0;
}

/* The first match decides. */
static const struct {
	struct prefix6 prefix;
	enum drop_reason why;
} never_destinations6[] = {
	{ { { { 0xff } }, 8 }, DROP_LOCAL_MULTICAST },                   /* RFC 4291 §2.7; no multicast routing */
	{ { { { [10] = 0xff, 0xff } }, 96 }, DROP_MARTIAN_DESTINATION }, /* IPv4-mapped: connect() there uses IPv4 (RFC 4291 §2.5.5.2) */
	{ { { { 0 } }, 96 }, DROP_MARTIAN_DESTINATION },                 /* "::", "::1", and IPv4-compatible (RFC 4291 §2.5.5.1) */
	{ { { { 0xfe, 0x80 } }, 10 }, DROP_MARTIAN_DESTINATION },        /* of the host's links, which are others than the guests' */
	{ { { { 0xfe, 0xc0 } }, 10 }, DROP_MARTIAN_DESTINATION },        /* site-local, deprecated (RFC 3879) */
	{ { { { 0x20, 0x01, 0x0d, 0xb8 } }, 32 }, DROP_MARTIAN_DESTINATION },    /* documentation (RFC 3849) */
	{ { { { 0x20, 0x01, 0, 0x10 } }, 28 }, DROP_MARTIAN_DESTINATION },       /* ORCHID: names of hosts, not addresses (RFC 4843) */
	{ { { { 0x3f, 0xff } }, 20 }, DROP_MARTIAN_DESTINATION },                /* documentation (RFC 9637) */
	{ { { { 0, 0x64, 0xff, 0x9b } }, 96 }, DROP_MARTIAN_DESTINATION },       /* IPv4 behind NAT64 (RFC 6052), which checks no address */
	{ { { { 0, 0x64, 0xff, 0x9b, 0, 1 } }, 48 }, DROP_MARTIAN_DESTINATION }, /* the same of a site (RFC 8215) */
	{ { { { 0x01 } }, 64 }, DROP_MARTIAN_DESTINATION },                      /* discard only (RFC 6666) */
};

int martian_check_source6(const struct gateway_ip6 *ip6, const struct ip_addr *src, enum drop_reason *ret_why)
{
	if (gateway_ip6_is_guest(ip6, src))
		return 0;
	*ret_why = gateway_ip6_has(ip6, src) ? DROP_GATEWAY_ADDRESS : DROP_MARTIAN_SOURCE;
	return -EPERM;
}

int martian_check_destination6(const struct gateway_ip6 *ip6, const struct ip_addr *dst, enum drop_reason *ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(never_destinations6); i++) {
		if (prefix6_contains(&never_destinations6[i].prefix, dst)) {
			*ret_why = never_destinations6[i].why;
			return -EPERM;
		}
	}
	if (prefix6_contains(&ip6->prefix, dst)) {
		*ret_why = DROP_MARTIAN_DESTINATION;
		return -EPERM;
	}
	return 0;
}
