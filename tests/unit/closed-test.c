/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/closed.h"

#include "base/macros.h"

#include <errno.h>
#include <glib.h>

#define ALL (CLOSED_LINK_LOCAL | CLOSED_METADATA)

static void assert_open(const char *text, unsigned opened)
{
	struct ip_addr addr;
	enum drop_reason why = DROP_REASON_COUNT;
	g_assert_cmpint(ip_parse(text, &addr), ==, 0);
	g_assert_cmpint(closed_check(&addr, opened, &why), ==, 0);
	g_assert_cmpint(why, ==, DROP_REASON_COUNT);
}

static void assert_closed(const char *text, unsigned opened, enum drop_reason expected)
{
	struct ip_addr addr;
	enum drop_reason why = DROP_REASON_COUNT;
	g_assert_cmpint(ip_parse(text, &addr), ==, 0);
	g_assert_cmpint(closed_check(&addr, opened, &why), ==, -EACCES);
	g_assert_cmpint(why, ==, expected);
}

static void metadata_services_are_closed_until_they_are_opened(void)
{
	static const char *const services[] = { "169.254.169.254", "169.254.170.2",   "169.254.170.23", "169.254.42.42",
						"169.254.0.23",    "100.100.100.200", "168.63.129.16",  "192.0.0.192",
						"fd00:ec2::254",   "fd00:ec2::23",    "fd20:ce::254",   "fd00:42::42" };
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		assert_closed(services[i], 0, DROP_METADATA);
		assert_closed(services[i], CLOSED_LINK_LOCAL, DROP_METADATA);
		assert_open(services[i], CLOSED_METADATA);
	}
}

static void link_local_addresses_are_closed_until_they_are_opened(void)
{
	static const char *const addresses[] = { "169.254.0.0", "169.254.0.1", "169.254.169.253",   "169.254.255.255",
						 "fe80::",      "fe80::1",     "fe80::5054:ff:fe1", "febf:ffff::1" };
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_closed(addresses[i], 0, DROP_LINK_LOCAL);
		assert_closed(addresses[i], CLOSED_METADATA, DROP_LINK_LOCAL);
		assert_open(addresses[i], CLOSED_LINK_LOCAL);
		assert_open(addresses[i], ALL);
	}
}

static void neighbours_of_closed_addresses_are_open(void)
{
	static const char *const addresses[] = {
		"169.253.255.255", "169.255.0.0", "100.100.100.199", "100.100.100.201", "168.63.129.15",    "168.63.129.17",
		"192.0.0.191",     "192.0.0.193", "192.168.1.1",     "100.64.0.1",      "8.8.8.8",          "10.0.0.1",
		"fd00:ec2::253",   "fd20:ce::1",  "fec0::1",         "fe7f::1",         "2001:db8::fe80:1", "::",
		"ff02::1",         "fd00:42::43"
	};
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		assert_open(addresses[i], 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/closed/" #name, name)
	TEST(metadata_services_are_closed_until_they_are_opened);
	TEST(link_local_addresses_are_closed_until_they_are_opened);
	TEST(neighbours_of_closed_addresses_are_open);
#undef TEST
	return g_test_run();
}
