/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What settings.h promises of settings that have passed settings_check(), for all targets that make settings. */
#pragma once

#include "options/settings.h"

#include <stdlib.h>

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static inline bool is_host(const struct settings *s, ip4_t ip)
{
	return prefix4_contains(s->subnet, ip) && ip != s->subnet.network && ip != prefix4_broadcast(s->subnet);
}

static inline void check_rules(const struct settings *s)
{
	REQUIRE(s->n_dhcp_tags <= DHCP_RULES_MAX && s->n_dhcp_options <= DHCP_RULES_MAX && s->n_dhcp_boots <= DHCP_RULES_MAX);
	for (size_t i = 0; i < s->n_dhcp_options; i++)
		REQUIRE(dhcp_rules_may_set(s->dhcp_options[i].code) && s->dhcp_options[i].when.n <= DHCP_CONDITION_TAGS);
	for (size_t i = 0; i < s->n_dhcp_tags; i++)
		REQUIRE(s->dhcp_tags[i].tag[0] && (s->dhcp_tags[i].by == DHCP_CLASS_ARCHITECTURE || s->dhcp_tags[i].text[0]));
}

static inline void check_promises(const struct settings *s)
{
	REQUIRE(s->subnet.length >= 8 && s->subnet.length <= 30);
	REQUIRE(is_host(s, s->gateway) && is_host(s, s->dhcp_first) && is_host(s, s->dhcp_last));
	REQUIRE(s->dhcp_first <= s->dhcp_last && s->n_dhcp_ranges <= DHCP_RANGES_MAX);
	REQUIRE(s->n_dhcp_ranges > 0 || s->gateway < s->dhcp_first || s->gateway > s->dhcp_last);
	for (unsigned i = 0; i < s->n_dhcp_ranges; i++) {
		const struct dhcp_range *r = &s->dhcp_ranges[i];
		REQUIRE(is_host(s, r->first) && is_host(s, r->last) && r->first <= r->last &&
			(s->gateway < r->first || s->gateway > r->last));
		REQUIRE(i == 0 ? r->first == s->dhcp_first : r->first > s->dhcp_ranges[i - 1].last);
	}
	REQUIRE(s->mtu == SETTINGS_MTU_AUTO || (s->mtu >= SETTINGS_MTU_MIN && s->mtu <= SETTINGS_MTU_MAX));
	REQUIRE(s->lease_time_s > 0 && s->domain[0] != '\0' && s->engine);
	REQUIRE(s->dns.count <= DNS_SERVERS_MAX);
	check_rules(s);
	for (unsigned i = 0; i < s->dns.count; i++)
		REQUIRE(s->dns.server[i].endpoint.port != 0);
	for (size_t i = 0; i < s->n_hosts; i++) {
		ip4_t ip = s->hosts[i].ip;
		REQUIRE(!ip || (is_host(s, ip) && ip != s->gateway));
		REQUIRE(ip || s->hosts[i].name[0] || s->hosts[i].tag[0] || s->hosts[i].lease_time_s);
		for (size_t j = 0; j < i; j++)
			REQUIRE(!mac_equal(s->hosts[i].mac, s->hosts[j].mac) && (!ip || ip != s->hosts[j].ip));
	}
}
