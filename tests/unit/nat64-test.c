/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What NAT64 translates: addresses, and the errors of IPv4. */
#include "gateway/nat64.h"

#include "base/macros.h"
#include "gateway/icmp6_error.h"

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

/* RFC 7915 §4.2; type 0: no error is sent. */
static void errors_of_ipv4_become_those_of_ipv6(void)
{
	static const struct {
		uint8_t type, code;
		uint32_t info;
		uint8_t type6, code6;
		uint32_t info6;
	} rows[] = {
		{ 3, 0, 0, 1, 0, 0 },       { 3, 1, 0, 1, 0, 0 },      { 3, 2, 0, 4, 1, 6 },    { 3, 3, 0, 1, 4, 0 },
		{ 3, 4, 1480, 2, 0, 1480 }, { 3, 4, 576, 2, 0, 1280 }, { 3, 4, 0, 2, 0, 1280 }, { 3, 5, 0, 1, 0, 0 },
		{ 3, 6, 0, 1, 0, 0 },       { 3, 7, 0, 1, 0, 0 },      { 3, 8, 0, 1, 0, 0 },    { 3, 9, 0, 1, 1, 0 },
		{ 3, 10, 0, 1, 1, 0 },      { 3, 11, 0, 1, 0, 0 },     { 3, 12, 0, 1, 0, 0 },   { 3, 13, 0, 1, 1, 0 },
		{ 3, 14, 0, 0, 0, 0 },      { 3, 15, 0, 1, 1, 0 },     { 3, 16, 0, 0, 0, 0 },   { 11, 0, 0, 3, 0, 0 },
		{ 11, 1, 0, 3, 1, 0 },      { 12, 0, 0, 4, 0, 0 },     { 12, 0, 1, 4, 0, 1 },   { 12, 0, 2, 4, 0, 4 },
		{ 12, 0, 3, 4, 0, 4 },      { 12, 0, 4, 0, 0, 0 },     { 12, 0, 7, 0, 0, 0 },   { 12, 0, 8, 4, 0, 7 },
		{ 12, 2, 9, 4, 0, 6 },      { 12, 0, 10, 0, 0, 0 },    { 12, 0, 12, 4, 0, 8 },  { 12, 0, 15, 4, 0, 8 },
		{ 12, 0, 16, 4, 0, 24 },    { 12, 0, 19, 4, 0, 24 },   { 12, 0, 20, 0, 0, 0 },  { 12, 0, UINT32_MAX, 0, 0, 0 },
		{ 12, 1, 0, 0, 0, 0 },      { 4, 0, 0, 0, 0, 0 },      { 5, 1, 0, 0, 0, 0 },    { 0, 0, 0, 0, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct icmp6_error e;
		g_assert_cmpint(icmp6_error_of_icmp4(rows[i].type, rows[i].code, rows[i].info, &e), ==, rows[i].type6 != 0);
		if (rows[i].type6 == 0)
			continue;
		g_assert_cmpuint(e.type, ==, rows[i].type6);
		g_assert_cmpuint(e.code, ==, rows[i].code6);
		g_assert_cmpuint(e.info, ==, rows[i].info6);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/nat64/global_addresses_are_in_the_well_known_prefix", global_addresses_are_in_the_well_known_prefix);
	g_test_add_func("/nat64/private_addresses_are_in_the_local_prefix", private_addresses_are_in_the_local_prefix);
	g_test_add_func("/nat64/other_addresses_have_none", other_addresses_have_none);
	g_test_add_func("/nat64/errors_of_ipv4_become_those_of_ipv6", errors_of_ipv4_become_those_of_ipv6);
	return g_test_run();
}
