/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/nat64.h"

#include "base/macros.h"

#include <glib.h>

static struct ip_addr address(const char *text)
{
	struct ip_addr a;
	g_assert_cmpint(ip_parse(text, &a), ==, 0);
	return a;
}

static void global_addresses_are_in_the_well_known_prefix(void)
{
	struct ip_addr a = nat64_embed(IP4(192, 0, 2, 33)), wanted = address("64:ff9b::192.0.2.33"); /* RFC 6052 §2.4 */
	ip4_t ip;
	g_assert_true(ip_equal(&a, &wanted));
	g_assert_true(nat64_extract(&a, &ip));
	g_assert_cmphex(ip, ==, IP4(192, 0, 2, 33));
	a = address("64:ff9b:1::192.0.2.33");
	g_assert_true(nat64_has(&a));
	g_assert_false(nat64_extract(&a, &ip));
}

static void private_addresses_are_in_the_local_prefix(void)
{
	static const ip4_t private[] = { IP4(10, 1, 2, 3), IP4(172, 16, 0, 1), IP4(172, 31, 255, 255), IP4(192, 168, 1, 1),
					 IP4(100, 64, 0, 1) };
	ip4_t ip;
	for (size_t i = 0; i < ARRAY_SIZE(private); i++) {
		struct ip_addr a = nat64_embed(private[i]);
		g_assert_true(prefix6_contains(&NAT64_LOCAL_PREFIX, &a));
		g_assert_true(nat64_extract(&a, &ip));
		g_assert_cmphex(ip, ==, private[i]);
		memcpy(a.b, NAT64_PREFIX.network.b, 12); /* RFC 6052 §3.1 */
		g_assert_false(nat64_extract(&a, &ip));
	}
}

static void other_addresses_have_none(void)
{
	static const char *const others[] = { "64:ff9b::1:0:0", "64:ff9b:2::1.2.3.4", "64:ff9b:1:1::1.2.3.4",
					      "::ffff:1.2.3.4", "::1.2.3.4",          "2001:db8::1" };
	ip4_t ip;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct ip_addr a = address(others[i]);
		g_assert_false(nat64_has(&a));
		g_assert_false(nat64_extract(&a, &ip));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/nat64/global_addresses_are_in_the_well_known_prefix", global_addresses_are_in_the_well_known_prefix);
	g_test_add_func("/nat64/private_addresses_are_in_the_local_prefix", private_addresses_are_in_the_local_prefix);
	g_test_add_func("/nat64/other_addresses_have_none", other_addresses_have_none);
	return g_test_run();
}
