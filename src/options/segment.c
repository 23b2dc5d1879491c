/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the network is: its addresses, and what its switch and its DHCP server do. */
#include "base/macros.h"
#include "lan/storm.h"
#include "options/option.h"
#include "options/settings.h"
#include "options/value.h"

#include <errno.h>
#include <string.h>

#define LEASE_TIME_MIN_S 10 /* below that clients do little else than renew */

/* Private use: RFC 1918 §3, and RFC 6598 §4 (carriers' shared space, which no host outside owns either). */
static const struct prefix4 private_space[] = {
	{ IP4(10, 0, 0, 0), 8 },
	{ IP4(172, 16, 0, 0), 12 },
	{ IP4(192, 168, 0, 0), 16 },
	{ IP4(100, 64, 0, 0), 10 },
};

static bool is_private(struct prefix4 p)
{
	for (size_t i = 0; i < ARRAY_SIZE(private_space); i++)
		if (p.length >= private_space[i].length && prefix4_contains(private_space[i], p.network))
			return true;
	return false;
}

static int set_subnet(struct settings *s, const char *value, const char **ret_why)
{
	struct prefix4 p;
	int r = prefix4_parse(value, &p);
	if (r == -EDOM)
		*ret_why = "it has bits set behind the prefix";
	if (r < 0)
		return -EINVAL;
	if (p.length < 8 || p.length > 30) {
		*ret_why = "its length is out of range";
		return -EINVAL;
	}
	if (!is_private(p)) {
		*ret_why = "it is not private, real hosts live there";
		return -EINVAL;
	}
	s->subnet = p;
	return 0;
}

static int set_gateway(struct settings *s, const char *value, const char **ret_why)
{
	ip4_t ip;
	if (ip4_parse(value, &ip) < 0 || ip == 0)
		return -EINVAL;
	s->gateway = ip;
	return 0;
}

static int set_dhcp_range(struct settings *s, const char *value, const char **ret_why)
{
	return value_ip4_range(value, &s->dhcp_first, &s->dhcp_last);
}

static int set_lease_time(struct settings *s, const char *value, const char **ret_why)
{
	uint32_t seconds;
	if (value_duration(value, SETTINGS_LEASE_INFINITE, &seconds) < 0 || seconds < LEASE_TIME_MIN_S)
		return -EINVAL;
	s->lease_time_s = seconds;
	return 0;
}

static int set_mtu(struct settings *s, const char *value, const char **ret_why)
{
	uint32_t mtu = SETTINGS_MTU_AUTO;
	if (strcmp(value, "auto") != 0 && value_unsigned(value, SETTINGS_MTU_MIN, SETTINGS_MTU_MAX, &mtu) < 0)
		return -EINVAL;
	s->mtu = mtu;
	return 0;
}

static int set_no_dhcp(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->no_dhcp);
}

static int set_no_gateway(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->no_gateway);
}

static int set_isolate(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->isolate);
}

static int set_multicast_snooping(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->multicast_snooping);
}

static int set_storm_limit(struct settings *s, const char *value, const char **ret_why)
{
	uint32_t limit = 0;
	if (strcmp(value, "off") != 0 && value_unsigned(value, STORM_LIMIT_MIN, STORM_LIMIT_MAX, &limit) < 0)
		return -EINVAL;
	s->storm_limit = limit;
	return 0;
}

static const struct option options[] = {
	{
		.public = {
			.name = "subnet",
			.argument = "PREFIX",
			.default_value = "192.168.122.0/24",
			.help = "The network's addresses: a private IPv4 prefix of any length from 8 to 30.",
		},
		.accepts =
			"a prefix of length 8 to 30 inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10, such as "
			"192.168.122.0/24",
		.set = set_subnet,
		.place = OPTION_PLACE(subnet),
	},
	{
		.public = {
			.name = "gateway",
			.argument = "ADDRESS",
			.default_value = "the subnet's first address",
			.help = "The gateway's own address: the guests' router, DHCP and DNS server.",
		},
		.accepts = "an IPv4 address inside the subnet",
		.set = set_gateway,
		.derived = true,
		.place = OPTION_PLACE(gateway),
	},
	{
		.public = {
			.name = "dhcp-range",
			.argument = "FIRST-LAST",
			.default_value = "all addresses on the gateway's larger side",
			.help =
				"The addresses that DHCP gives out, both ends included. Reservations may lie outside of it. FIRST,LAST is "
				"the same.",
		},
		.accepts = "two IPv4 addresses in order, as 192.168.122.2-192.168.122.254",
		.set = set_dhcp_range,
		.derived = true,
		.place = OPTION_PLACES(dhcp_first, dhcp_last),
	},
	{
		.public = {
			.name = "lease-time",
			.argument = "TIME",
			.default_value = "3600",
			.help =
				"How long a guest may use its address before it has to renew: seconds, or a number with s, m, h, d or w "
				"behind it, or \"infinite\".",
		},
		.accepts = "at least 10 seconds, as 3600, 90m, 12h, 7d or infinite",
		.set = set_lease_time,
		.place = OPTION_PLACE(lease_time_s),
		.live = true,
	},
	{
		.public = {
			.name = "mtu",
			.argument = "auto|N",
			.default_value = "auto",
			.help =
				"Largest IP packet, told to guests by DHCP. auto is 65520 for guests whose whole way is known to carry "
				"it, as QEMU's -netdev stream does, and 1500 for others.",
		},
		.accepts = "auto or a number from 576 to 65520",
		.set = set_mtu,
		.place = OPTION_PLACE(mtu),
	},
	{
		.public = {
			.name = "no-dhcp",
			.default_value = "false",
			.help = "Gives out no addresses: somebody else on the segment does, or guests have theirs already.",
		},
		.accepts = "true or false",
		.set = set_no_dhcp,
		.place = OPTION_PLACE(no_dhcp),
	},
	{
		.public = {
			.name = "no-gateway",
			.default_value = "false",
			.help =
				"Is a switch only: no gateway address, so no way outside, no DNS and no DHCP. For the members of a "
				"network that spans hosts, all but one.",
		},
		.accepts = "true or false",
		.set = set_no_gateway,
		.place = OPTION_PLACE(no_gateway),
	},
	{
		.public = {
			.name = "isolate",
			.default_value = "false",
			.help =
				"Keeps guests from one another: each reaches the gateway, the outside and what other switches bring in, "
				"but no other guest.",
		},
		.accepts = "true or false",
		.set = set_isolate,
		.place = OPTION_PLACE(isolate),
	},
	{
		.public = {
			.name = "multicast-snooping",
			.default_value = "true",
			.help =
				"Multicast goes to the guests that have joined its group by IGMP or MLD, who are asked now and then, "
				"instead of to all. Groups of the link, such as mDNS, always go to all.",
		},
		.accepts = "true or false",
		.set = set_multicast_snooping,
		.place = OPTION_PLACE(multicast_snooping),
	},
	{
		.public = {
			.name = "storm-limit",
			.argument = "N|off",
			.default_value = "10000",
			.help =
				"How many frames per second each port may send to everybody: broadcast, multicast that nobody has asked "
				"for, and destinations that are not known. What is more is dropped and counted.",
		},
		.accepts = "off or a number from 10 to 10000000",
		.set = set_storm_limit,
		.place = OPTION_PLACE(storm_limit),
	},
};

const struct option_group options_of_segment = { "The segment", options, ARRAY_SIZE(options) };
