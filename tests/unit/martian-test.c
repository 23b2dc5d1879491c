/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/martian.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h"

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
	return g_test_run();
}
