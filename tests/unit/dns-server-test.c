/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dns/server.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

static void addresses_ports_and_scopes_parse_and_format(void)
{
	static const struct {
		const char *text, *address;
		uint16_t port;
		const char *scope, *again;
	} cases[] = {
		{ "192.168.122.1", "192.168.122.1", 53, "", "192.168.122.1" },
		{ "127.0.0.53", "127.0.0.53", 53, "", "127.0.0.53" },
		{ "10.0.0.1#5353", "10.0.0.1", 5353, "", "10.0.0.1:5353" },
		{ "10.0.0.1:5353", "10.0.0.1", 5353, "", "10.0.0.1:5353" },
		{ "10.0.0.1:53", "10.0.0.1", 53, "", "10.0.0.1" },
		{ "2001:db8::1", "2001:db8::1", 53, "", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1", 53, "", "2001:db8::1" },
		{ "[2001:db8::1]:5353", "2001:db8::1", 5353, "", "[2001:db8::1]:5353" },
		{ "2001:db8::1#5353", "2001:db8::1", 5353, "", "[2001:db8::1]:5353" },
		{ "fe80::1%eth0", "fe80::1", 53, "eth0", "fe80::1%eth0" },
		{ "[fe80::1%wlp0s20f3.1234]:1", "fe80::1", 1, "wlp0s20f3.1234", "[fe80::1%wlp0s20f3.1234]:1" },
		{ "::1", "::1", 53, "", "::1" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dns_server s, again;
		struct ip_addr want;
		char text[DNS_SERVER_TEXT_SIZE];
		g_test_message("%s", cases[i].text);
		g_assert_cmpint(dns_server_parse(cases[i].text, &s), ==, 0);
		g_assert_cmpint(ip_parse(cases[i].address, &want), ==, 0);
		g_assert_true(ip_equal(&s.endpoint.addr, &want));
		g_assert_cmpuint(s.endpoint.port, ==, cases[i].port);
		g_assert_cmpstr(s.scope, ==, cases[i].scope);
		g_assert_cmpstr(dns_server_format(&s, text), ==, cases[i].again);
		g_assert_cmpint(dns_server_parse(text, &again), ==, 0);
		g_assert_true(dns_server_equal(&s, &again));
	}
}

static void invalid_addresses_are_refused(void)
{
	static const char *const texts[] = {
		"",
		"dns.example.com",
		"1.2.3",
		"1.2.3.4:",
		"1.2.3.4:0",
		"1.2.3.4:65536",
		"1.2.3.4:5x",
		"1.2.3.4#",
		"1.2.3.4%eth0",
		"fe80::1%",
		"[fe80::1",
		"[fe80::1]x",
		"[fe80::1]:",
		"[]",
		"fe80::1%0123456789abcdef",
		"1.2.3.4 ",
		"1.2.3.4:+5",
		":53",
		"[::1]:-1",
		"%eth0",
		"fe80::1%a b",
		"[fe80::1%a#b]",
		"fe80::1%a%b",
		"1::2::3#53",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct dns_server s = { .endpoint.port = 7 };
		g_test_message("%s", texts[i]);
		g_assert_cmpint(dns_server_parse(texts[i], &s), ==, -EINVAL);
		g_assert_cmpuint(s.endpoint.port, ==, 7);
	}
}

static struct dns_server server(const char *text)
{
	struct dns_server s;
	g_assert_cmpint(dns_server_parse(text, &s), ==, 0);
	return s;
}

static void lists_hold_each_server_once_and_are_bounded(void)
{
	struct dns_server_list list = { 0 };
	struct dns_server a = server("10.0.0.1"), b = server("10.0.0.1:54"), c = server("fe80::1%a"), d = server("fe80::1%b");
	const struct dns_server *all[] = { &a, &b, &a, &c, &d, &d };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		g_assert_cmpint(dns_server_list_add(&list, all[i]), ==, 0);
	g_assert_cmpuint(list.count, ==, 4);
	for (uint16_t port = 1; port < 20; port++) {
		struct dns_server more = a;
		more.endpoint.port = port;
		g_assert_cmpint(dns_server_list_add(&list, &more), ==, port <= DNS_SERVERS_MAX - 4 ? 0 : -ENOSPC);
	}
	g_assert_cmpuint(list.count, ==, DNS_SERVERS_MAX);
	g_assert_cmpint(dns_server_list_add(&list, &a), ==, 0);
}

static void lists_compare_in_order(void)
{
	struct dns_server a = server("10.0.0.1"), b = server("10.0.0.2");
	struct dns_server_list ab = { { a, b }, 2 }, ba = { { b, a }, 2 }, just_a = { { a }, 1 }, again = { { a, b }, 2 };
	g_assert_true(dns_server_list_equal(&ab, &again));
	g_assert_false(dns_server_list_equal(&ab, &ba));
	g_assert_false(dns_server_list_equal(&ab, &just_a));
	g_assert_false(dns_server_list_equal(&just_a, &ab));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/dns-server/" #f, f)
	ADD(addresses_ports_and_scopes_parse_and_format);
	ADD(invalid_addresses_are_refused);
	ADD(lists_hold_each_server_once_and_are_bounded);
	ADD(lists_compare_in_order);
	return g_test_run();
}
