/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/martian.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h"
#include "gateway/ip6.h"

static const struct prefix4 subnet = { IP4(192, 168, 122, 0), 24 };
static const ip4_t gateway = IP4(192, 168, 122, 1);

static void assert_source(const char *text, int expected, enum drop_reason expected_why)
{
	ip4_t ip;
	enum drop_reason why = DROP_REASON_COUNT;
	g_assert_cmpint(ip4_parse(text, &ip), ==, 0);
	g_assert_cmpint(martian_check_source(&subnet, gateway, ip, &why), ==, expected);
	g_assert_cmpint(why, ==, expected_why);
}

static void assert_destination(const char *text, int expected, enum drop_reason expected_why)
{
	ip4_t ip;
	enum drop_reason why = DROP_REASON_COUNT;
	g_assert_cmpint(ip4_parse(text, &ip), ==, 0);
	g_assert_cmpint(martian_check_destination(&subnet, gateway, ip, &why), ==, expected);
	g_assert_cmpint(why, ==, expected_why);
}

static void source_must_be_a_host_of_the_segment(void)
{
	static const char *const good[] = { "192.168.122.2", "192.168.122.254" };
	static const char *const bad[] = { "192.168.122.0", "192.168.122.255", "192.168.121.255", "192.168.123.0",   "0.0.0.0",
					   "127.0.0.1",     "10.0.0.1",        "224.0.0.1",       "255.255.255.255", "240.0.0.1" };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_source(good[i], 0, DROP_REASON_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_source(bad[i], -EPERM, DROP_MARTIAN_SOURCE);
	assert_source("192.168.122.1", -EPERM, DROP_GATEWAY_ADDRESS);
}

static void loopback_and_reserved_destinations_are_dropped(void)
{
	static const char *const bad[] = { "0.0.0.0",         "0.0.0.1",         "0.255.255.255",  "127.0.0.1",
					   "127.0.0.53",      "127.255.255.255", "240.0.0.0",      "240.0.0.1",
					   "255.255.255.254", "192.168.122.0",   "192.168.122.255" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_destination(bad[i], -EPERM, DROP_MARTIAN_DESTINATION);
}

static void multicast_and_limited_broadcast_are_never_translated(void)
{
	static const char *const bad[] = { "224.0.0.0", "224.0.0.251", "224.0.1.1", "239.255.255.250", "255.255.255.255" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_destination(bad[i], -EPERM, DROP_LOCAL_MULTICAST);
}

static void unicast_outside_and_the_gateway_are_accepted(void)
{
	static const char *const good[] = { "192.168.122.1", "1.0.0.0",       "8.8.8.8",       "10.0.0.1",        "126.255.255.255",
					    "128.0.0.0",     "192.168.121.1", "192.168.123.0", "223.255.255.255", "169.254.169.254" };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_destination(good[i], 0, DROP_REASON_COUNT);
}

/* The gateway delivers these on the segment; outside they could reach another network with the same prefix. */
static void other_addresses_of_the_subnet_are_never_sent_outside(void)
{
	assert_destination("192.168.122.77", -EPERM, DROP_MARTIAN_DESTINATION);
}

/* RFC 3021 */
static void a_31_bit_prefix_has_two_hosts(void)
{
	struct prefix4 pair = { IP4(10, 0, 0, 2), 31 };
	enum drop_reason why;
	g_assert_cmpint(martian_check_source(&pair, IP4(10, 0, 0, 2), IP4(10, 0, 0, 3), &why), ==, 0);
	g_assert_cmpint(martian_check_source(&pair, IP4(10, 0, 0, 3), IP4(10, 0, 0, 2), &why), ==, 0);
}

static const struct prefix6 prefix6 = { { { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a } }, 64 };

static void assert_destination6(const char *text, int expected, enum drop_reason expected_why)
{
	struct gateway_ip6 ip6 = gateway_ip6_of(&prefix6);
	struct ip_addr ip;
	enum drop_reason why = DROP_REASON_COUNT;
	g_assert_cmpint(ip_parse(text, &ip), ==, 0);
	g_assert_cmpint(martian_check_destination6(&ip6, &ip, &why), ==, expected);
	g_assert_cmpint(why, ==, expected_why);
}

static void assert_martians6(const char *const *bad, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_destination6(bad[i], -EPERM, DROP_MARTIAN_DESTINATION);
}

static void the_unspecified_and_the_loopback_address_of_ipv6_are_dropped(void)
{
	static const char *const bad[] = { "::", "::1" };
	assert_martians6(bad, ARRAY_SIZE(bad));
}

static void ipv6_addresses_that_stand_for_ipv4_are_dropped(void)
{
	static const char *const bad[] = { "::ffff:127.0.0.1", "::ffff:0.0.0.0", "::ffff:8.8.8.8",
					   "::127.0.0.1",      "::8.8.8.8",      "::255.255.255.255" };
	assert_martians6(bad, ARRAY_SIZE(bad));
}

static void link_and_site_local_ipv6_addresses_are_dropped(void)
{
	static const char *const bad[] = { "fe80::1", "fe80::2", "febf:ffff::1", "fec0::", "fec0::1", "feff:ffff::1" };
	assert_martians6(bad, ARRAY_SIZE(bad));
}

static void other_ipv6_addresses_of_the_segment_are_never_sent_outside(void)
{
	static const char *const bad[] = { "fd12:3456:789a::", "fd12:3456:789a::77", "fd12:3456:789a:0:ffff:ffff:ffff:ffff" };
	assert_martians6(bad, ARRAY_SIZE(bad));
}

/* RFC 6092, REC-3; those of the second version, 2001:20::/28, may be forwarded (RFC 7343). */
static void orchids_are_dropped(void)
{
	static const char *const bad[] = { "2001:10::1", "2001:1f:ffff::1" };
	assert_martians6(bad, ARRAY_SIZE(bad));
}

static void ipv6_addresses_for_documentation_and_discarding_are_dropped(void)
{
	static const char *const bad[] = { "2001:db8::1", "2001:db8:ffff::1", "3fff::1", "3fff:fff::1", "100::1" };
	assert_martians6(bad, ARRAY_SIZE(bad));
}

/* With --ipv6-only the gateway asks nat64.h first. */
static void ipv4_behind_nat64_of_others_is_dropped(void)
{
	static const char *const bad[] = { "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::10.0.0.1", "64:ff9b:1:ffff::1" };
	assert_martians6(bad, ARRAY_SIZE(bad));
}

static void multicast_of_ipv6_is_never_translated(void)
{
	static const char *const bad[] = { "ff00::", "ff02::1", "ff05::1:3", "ff0e::1", "ffff::" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_destination6(bad[i], -EPERM, DROP_LOCAL_MULTICAST);
}

static void other_ipv6_unicast_is_accepted(void)
{
	static const char *const good[] = { "2a00:1450:4001::1",      "2000::1",      "3fff:1000::1",
					    "2001:db7:ffff::1",       "2001:db9::1",  "fd12:3456:789a:1::1",
					    "fd12:3456:7899:ffff::1", "fc00::1",      "64:ff9b:2::1",
					    "64:ff9b::1:0:0",         "100:0:0:1::1", "fe00::1" };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_destination6(good[i], 0, DROP_REASON_COUNT);
}

static void ipv6_source_must_be_of_the_link_or_the_prefix(void)
{
	static const struct {
		const char *text;
		int expected;
		enum drop_reason why;
	} rows[] = {
		{ "fd12:3456:789a::2", 0, DROP_REASON_COUNT },
		{ "fe80::2", 0, DROP_REASON_COUNT },
		{ "fe80::1", -EPERM, DROP_GATEWAY_ADDRESS },
		{ "fd12:3456:789a::1", -EPERM, DROP_GATEWAY_ADDRESS },
		{ "fd12:3456:789a::", -EPERM, DROP_MARTIAN_SOURCE }, /* the anycast address of routers */
		{ "fd12:3456:789a:1::2", -EPERM, DROP_MARTIAN_SOURCE },
		{ "2a00:1450:4001::1", -EPERM, DROP_MARTIAN_SOURCE },
		{ "::", -EPERM, DROP_MARTIAN_SOURCE },
		{ "::1", -EPERM, DROP_MARTIAN_SOURCE },
		{ "::ffff:192.168.122.2", -EPERM, DROP_MARTIAN_SOURCE },
		{ "ff02::1", -EPERM, DROP_MARTIAN_SOURCE },
	};
	struct gateway_ip6 ip6 = gateway_ip6_of(&prefix6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_addr ip;
		enum drop_reason why = DROP_REASON_COUNT;
		g_assert_cmpint(ip_parse(rows[i].text, &ip), ==, 0);
		g_assert_cmpint(martian_check_source6(&ip6, &ip, &why), ==, rows[i].expected);
		g_assert_cmpint(why, ==, rows[i].why);
	}
}

#define ADD(name) g_test_add_func("/martian/" #name, name)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/martian/source_must_be_a_host_of_the_segment", source_must_be_a_host_of_the_segment);
	g_test_add_func("/martian/loopback_and_reserved_destinations_are_dropped", loopback_and_reserved_destinations_are_dropped);
	g_test_add_func("/martian/multicast_and_limited_broadcast_are_never_translated",
			multicast_and_limited_broadcast_are_never_translated);
	g_test_add_func("/martian/unicast_outside_and_the_gateway_are_accepted", unicast_outside_and_the_gateway_are_accepted);
	g_test_add_func("/martian/other_addresses_of_the_subnet_are_never_sent_outside",
			other_addresses_of_the_subnet_are_never_sent_outside);
	g_test_add_func("/martian/a_31_bit_prefix_has_two_hosts", a_31_bit_prefix_has_two_hosts);
	ADD(the_unspecified_and_the_loopback_address_of_ipv6_are_dropped);
	ADD(ipv6_addresses_that_stand_for_ipv4_are_dropped);
	ADD(link_and_site_local_ipv6_addresses_are_dropped);
	ADD(other_ipv6_addresses_of_the_segment_are_never_sent_outside);
	ADD(ipv6_addresses_for_documentation_and_discarding_are_dropped);
	ADD(orchids_are_dropped);
	ADD(ipv4_behind_nat64_of_others_is_dropped);
	ADD(multicast_of_ipv6_is_never_translated);
	ADD(other_ipv6_unicast_is_accepted);
	ADD(ipv6_source_must_be_of_the_link_or_the_prefix);
	return g_test_run();
}
