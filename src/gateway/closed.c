/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/closed.h"

#include "base/macros.h"
#include "wire/ipv6.h"

#include <errno.h>

static const struct prefix4 link_local4 = { IP4(169, 254, 0, 0), 16 };

static const ip4_t metadata4[] = {
	IP4(169, 254, 169, 254), /* AWS, Azure, Google, OpenStack, Oracle, DigitalOcean, Hetzner and others */
	IP4(169, 254, 170, 2),   /* AWS: credentials of containers (ECS) */
	IP4(169, 254, 170, 23),  /* AWS: credentials of pods (EKS) */
	IP4(169, 254, 42, 42),   /* Scaleway */
	IP4(169, 254, 0, 23),    /* Tencent */
	IP4(100, 100, 100, 200), /* Alibaba */
	IP4(168, 63, 129, 16),   /* Azure: the platform's wire server */
	IP4(192, 0, 0, 192),     /* Oracle, of instances without a network of their own */
};

static const struct ip_addr metadata6[] = {
	{ { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54 } }, /* fd00:ec2::254, AWS */
	{ { 0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23 } },       /* fd00:ec2::23, AWS: credentials of pods (EKS) */
	{ { 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54 } }, /* fd20:ce::254, Google */
	{ { 0xfd, 0x00, 0x00, 0x42, [15] = 0x42 } },       /* fd00:42::42, Scaleway */
};

static int check(unsigned group, unsigned opened, enum drop_reason *ret_why)
{
	if (group == 0 || (group & opened))
		return 0;
	*ret_why = group == CLOSED_METADATA ? DROP_METADATA : DROP_LINK_LOCAL;
	return -EACCES;
}

static unsigned group4(ip4_t ip)
{
	for (size_t i = 0; i < ARRAY_SIZE(metadata4); i++)
		if (ip == metadata4[i])
			return CLOSED_METADATA;
	return prefix4_contains(link_local4, ip) ? CLOSED_LINK_LOCAL : 0;
}

static unsigned group6(const struct ip_addr *addr)
{
	for (size_t i = 0; i < ARRAY_SIZE(metadata6); i++)
		if (ip_equal(addr, &metadata6[i]))
			return CLOSED_METADATA;
	return ipv6_is_link_local(addr) ? CLOSED_LINK_LOCAL : 0;
}

int closed_check4(ip4_t ip, unsigned opened, enum drop_reason *ret_why)
{
	/* The first octets of all that is closed: most packets need no more than this. */
	switch (ip >> 24) {
	case 100:
	case 168:
	case 169:
	case 192: return check(group4(ip), opened, ret_why);
	default: return 0;
	}
}

int closed_check(const struct ip_addr *addr, unsigned opened, enum drop_reason *ret_why)
{
	return ip_is_v4(addr) ? closed_check4(ip_to_ip4(addr), opened, ret_why) : check(group6(addr), opened, ret_why);
}
