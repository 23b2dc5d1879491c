/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network itself: its addresses, its switch and its DHCP server. */
#include "base/macros.h"
#include "lan/storm.h"
#include "options/option.h"
#include "options/rate_text.h"
#include "options/settings.h"
#include "options/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_subnet(struct settings *s, const char *value, const char **ret_why)
{
	struct prefix4 p;
	int r = prefix4_parse(value, &p);
	if (r == -EDOM)
		*ret_why = "it has bits set after the prefix";
	if (r < 0)
		return -EINVAL;
	if (p.length < 8 || p.length > 30) {
		*ret_why = "its length is out of range";
		return -EINVAL;
	}
	if (!prefix4_is_private(p)) {
		*ret_why = "it is not a private network: guests could not reach the hosts that have these addresses";
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

static int set_gateway_mac(struct settings *s, const char *value, const char **ret_why)
{
	struct mac m;
	if (mac_parse(value, &m) < 0)
		return -EINVAL;
	if (mac_is_group(m) || mac_is_zero(m)) {
		*ret_why = "a router cannot have this MAC";
		return -EINVAL;
	}
	s->gateway_mac = m;
	return 0;
}

static int set_ipv6(struct settings *s, const char *value, const char **ret_why)
{
	struct prefix6 p = { 0 };
	enum settings_ip6 ip6 = SETTINGS_IP6_PREFIX;
	if (strcmp(value, "off") == 0 || strcmp(value, "auto") == 0) {
		ip6 = strcmp(value, "off") == 0 ? SETTINGS_IP6_OFF : SETTINGS_IP6_AUTO;
	} else {
		int r = prefix6_parse(value, &p);
		if (r == -EDOM)
			*ret_why = "it has bits set after the prefix";
		else if (r == 0 && p.network.b[0] != 0xfd)
			*ret_why = "it is not a unique local prefix: guests could not reach the hosts that have these addresses";
		else if (r == 0 && p.length != 64)
			*ret_why = "its length must be 64, from which guests make their addresses";
		if (r < 0 || *ret_why)
			return -EINVAL;
	}
	s->ip6 = ip6;
	s->prefix6 = p;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct dhcp_range *x = a, *y = b;
	return (x->first > y->first) - (x->first < y->first);
}

/* "FIRST-LAST", "FIRST,LAST" or "FIRST-LAST,TIME"; @text is written to. */
static int parse_dhcp_range(char *text, struct dhcp_range *ret)
{
	char *time = strchr(text, '-') ? strchr(text, ',') : NULL;
	if (time)
		*time++ = '\0';
	int r = value_ip4_range(text, &ret->first, &ret->last);
	return r == 0 && time ? value_lease_time(time, &ret->lease_time_s) : r;
}

static int set_ipv6_only(struct settings *s, const char *value, const char **ret_why)
{
	return value_switch(value, &s->ipv6_only);
}

static int set_dhcp_range(struct settings *s, const char *value, const char **ret_why)
{
	char text[1024];
	struct dhcp_range ranges[DHCP_RANGES_MAX] = { 0 };
	unsigned n = 0;
	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text))
		return -EINVAL;
	for (char *at = text, *word; (word = strsep(&at, " "));) {
		if (n == DHCP_RANGES_MAX)
			*ret_why = "no more than 16 ranges are possible";
		if (n == DHCP_RANGES_MAX || parse_dhcp_range(word, &ranges[n]) < 0)
			return -EINVAL;
		n++;
	}
	qsort(ranges, n, sizeof(ranges[0]), compare_ranges);
	for (unsigned i = 1; i < n; i++)
		if (ranges[i].first <= ranges[i - 1].last) {
			*ret_why = "two ranges overlap";
			return -EINVAL;
		}
	memcpy(s->dhcp_ranges, ranges, sizeof(ranges));
	s->n_dhcp_ranges = n;
	s->dhcp_first = ranges[0].first;
	s->dhcp_last = ranges[n - 1].last;
	return 0;
}

static int set_lease_time(struct settings *s, const char *value, const char **ret_why)
{
	return value_lease_time(value, &s->lease_time_s);
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

static int set_guard(struct settings *s, const char *value, const char **ret_why)
{
	bool on;
	if (value_switch(value, &on) < 0)
		return -EINVAL;
	s->unguarded = !on;
	return 0;
}

static int set_bandwidth_in(struct settings *s, const char *value, const char **ret_why)
{
	return rate_parse(value, &s->bandwidth.in, ret_why);
}

static int set_bandwidth_out(struct settings *s, const char *value, const char **ret_why)
{
	return rate_parse(value, &s->bandwidth.out, ret_why);
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

#define BANDWIDTH_ACCEPTS "off or AVERAGE[/PEAK[/BURST]], such as 10M, 10M/20M, 10M/20M/256K or 10M//256K"

static const struct option options[] = {
	{
		.public = {
			.name = "subnet",
			.argument = "PREFIX",
			.default_value = "192.168.122.0/24",
			.help = "The network's addresses: a private IPv4 prefix, from /8 to /30.",
		},
		.accepts =
			"a private IPv4 prefix from /8 to /30, inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or "
			"100.64.0.0/10, such as 192.168.122.0/24",
		.set = set_subnet,
		.place = OPTION_PLACE(subnet),
	},
	{
		.public = {
			.name = "gateway",
			.argument = "ADDRESS",
			.default_value = "the subnet's first address",
			.help =
				"The gateway's address. The gateway is the guests' default router, their DHCP server and their DNS "
				"server.",
		},
		.accepts = "an IPv4 address inside the subnet",
		.set = set_gateway,
		.derived = true,
		.place = OPTION_PLACE(gateway),
	},
	{
		.public = {
			.name = "gateway-mac",
			.argument = "MAC",
			.default_value = "chosen at random once, and kept in the state directory",
			.help =
				"The gateway's MAC. Two networks that are joined (--vde) need different ones.",
		},
		.accepts = "a MAC, such as 52:54:00:12:34:56",
		.set = set_gateway_mac,
		.derived = true,
		.place = OPTION_PLACE(gateway_mac),
	},
	{
		.public = {
			.name = "ipv6",
			.argument = "auto|off|PREFIX",
			.default_value = "off",
			.help =
				"Give the guests IPv6 addresses, by router advertisements and DHCPv6. The gateway is fe80::1 and the prefix's first "
				"address. auto takes a unique local /64 prefix that the network keeps. Guests reach the IPv6 internet "
				"over TCP and UDP while the host does (engine native).",
		},
		.accepts = "auto, off or a unique local /64 prefix, such as fd12:3456:789a::/64",
		.set = set_ipv6,
		.place = OPTION_PLACES(ip6, prefix6),
	},
	{
		.public = {
			.name = "ipv6-only",
			.default_value = "false",
			.help =
				"Have guests without IPv4: they reach IPv4 destinations by names that DNS64 translates, and by NAT64 at "
				"64:ff9b::/96, also on hosts without IPv6. DHCP tells guests that ask for option 108 to do without IPv4 and "
				"answers no others. Turns --ipv6 auto on.",
		},
		.accepts = "true or false",
		.set = set_ipv6_only,
		.place = OPTION_PLACE(ipv6_only),
	},
	{
		.public = {
			.name = "dhcp-range",
			.argument = "FIRST-LAST[,TIME]...",
			.default_value = "all addresses above or below the gateway, whichever are more",
			.help =
				"The addresses that DHCP gives out, both ends included. Reservations (--host) may be outside this "
				"range. Several ranges have spaces between them. TIME is how long leases of a range are valid, "
				"instead of --lease-time. FIRST,LAST is accepted too.",
		},
		.accepts =
			"two IPv4 addresses, the lower one first, such as 192.168.122.2-192.168.122.254 or with a lease time "
			"192.168.122.2-192.168.122.99,12h, and up to 16 such ranges",
		.set = set_dhcp_range,
		.derived = true,
		.place = OPTION_PLACES(dhcp_first, n_dhcp_ranges),
	},
	{
		.public = {
			.name = "lease-time",
			.argument = "TIME",
			.default_value = "3600",
			.help =
				"How long a DHCP lease is valid: a number of seconds, or a number with s, m, h, d or w, or "
				"\"infinite\". Guests renew after half of it.",
		},
		.accepts = "at least 10 seconds, such as 3600, 90m, 12h, 7d or infinite",
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
				"The largest IP packet. Guests learn it by DHCP. auto is 65520 where the whole path to the guest "
				"carries that, as QEMU's -netdev stream does, and 1500 elsewhere.",
		},
		.accepts = "auto or a number from 576 to 65520",
		.set = set_mtu,
		.place = OPTION_PLACE(mtu),
	},
	{
		.public = {
			.name = "no-dhcp",
			.default_value = "false",
			.help =
				"Turn the DHCP server off, because there is another one on the network or guests have fixed "
				"addresses.",
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
				"Be a switch only: no gateway, so no NAT, no DNS and no DHCP. For all members but one of a network "
				"that spans several hosts.",
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
				"Keep guests apart: a guest reaches the gateway, the outside and what is connected through other "
				"switches, but no other guest.",
		},
		.accepts = "true or false",
		.set = set_isolate,
		.place = OPTION_PLACE(isolate),
	},
	{
		.public = {
			.name = "guard",
			.argument = "on|off",
			.default_value = "on",
			.help =
				"Check at each port that guests are who they say they are: no guest takes a MAC or an address that "
				"another guest holds, or answers DHCP requests and sends router advertisements unless its port may. "
				"guard=off turns this off for one port; ports to other switches (--vde) are not checked.",
		},
		.accepts = "on or off",
		.set = set_guard,
		.place = OPTION_PLACE(unguarded),
		.live = true,
	},
	{
		.public = {
			.name = "bandwidth-in",
			.argument = "AVERAGE[/PEAK[/BURST]]",
			.default_value = "off",
			.help =
				"Limit what guests together get from the gateway and the outside. AVERAGE and PEAK are bits per second, with "
				"k, M or G. After a pause BURST bytes, with K or M, pass at PEAK; AVERAGE//BURST has no peak. Downloads then "
				"wait in the host's sockets. The limit of one guest is a property of its port: bandwidth-in=10M, "
				"bandwidth-out=2M (see --fd and --host).",
		},
		.accepts = BANDWIDTH_ACCEPTS,
		.set = set_bandwidth_in,
		.place = OPTION_PLACE(bandwidth.in),
		.live = true,
	},
	{
		.public = {
			.name = "bandwidth-out",
			.argument = "AVERAGE[/PEAK[/BURST]]",
			.default_value = "off",
			.help = "Limit what guests together send to the gateway and the outside. Written as --bandwidth-in.",
		},
		.accepts = BANDWIDTH_ACCEPTS,
		.set = set_bandwidth_out,
		.place = OPTION_PLACE(bandwidth.out),
		.live = true,
	},
	{
		.public = {
			.name = "multicast-snooping",
			.default_value = "true",
			.help =
				"Send multicast only to guests that joined the group (IGMP/MLD snooping). Link-local groups, such as "
				"mDNS, always go to all guests.",
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
				"Storm control: how many frames per second each port may send to all others, as broadcast, as "
				"multicast to a group that no guest has joined, or to an unknown MAC. Frames above the limit are "
				"dropped and counted.",
		},
		.accepts = "off or a number from 10 to 10000000",
		.set = set_storm_limit,
		.place = OPTION_PLACE(storm_limit),
	},
};

const struct option_group options_of_segment = { "Network", options, ARRAY_SIZE(options) };
