/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/resolv_conf.h"
#include "service/dns/server.h"

#include <glib.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

static void check_bytes(const char *conf, size_t len, const char *want)
{
	struct dns_server_list list;
	resolv_conf_parse(conf, len, &list);
	g_autoptr(GString) got = g_string_new(NULL);
	char text[DNS_SERVER_TEXT_SIZE];
	for (unsigned i = 0; i < list.count; i++)
		g_string_append_printf(got, "%s%s", i > 0 ? " " : "", dns_server_format(&list.server[i], text));
	g_assert_cmpstr(got->str, ==, want);
}

static void check(const char *conf, const char *want)
{
	check_bytes(conf, strlen(conf), want);
}

static void servers_keep_their_order(void)
{
	check("nameserver 10.0.0.2\nnameserver 10.0.0.1\n", "10.0.0.2 10.0.0.1");
	check("nameserver\t127.0.0.53", "127.0.0.53");
	check("nameserver 2001:db8::1\nnameserver fe80::1%eth0\n", "2001:db8::1 fe80::1%eth0");
	check("nameserver 192.168.122.1\n", "192.168.122.1");
}

static void other_lines_are_skipped(void)
{
	check("", "");
	check("\n\n", "");
	check("search example.com lan\noptions edns0 trust-ad\nsortlist 10.0.0.0\n", "");
	check("# nameserver 10.0.0.1\n;nameserver 10.0.0.1\n", "");
	check(" nameserver 10.0.0.1\n", "");
	check("nameservers 10.0.0.1\nnameserver10.0.0.1\nNAMESERVER 10.0.0.1\n", "");
	check("nameserver\nnameserver \nnameserver dns.example.com\nnameserver 10.0.0\n", "");
	check("domain x\nnameserver 10.0.0.1\noptions timeout:1\n", "10.0.0.1");
}

static void text_behind_the_address_is_ignored(void)
{
	check("nameserver 10.0.0.1 # home\nnameserver 10.0.0.2;x\nnameserver  \t 10.0.0.3\t\n", "10.0.0.1 10.0.0.2 10.0.0.3");
	check("nameserver 10.0.0.1\r\nnameserver 10.0.0.2\r\n", "10.0.0.1 10.0.0.2");
	check("nameserver 10.0.0.1 10.0.0.2\n", "10.0.0.1");
	check_bytes("nameserver 10.0.0.1\0x\nnameserver 10.0.0.2", 41, "10.0.0.1 10.0.0.2");
}

static void servers_are_bounded_and_listed_once(void)
{
	g_autoptr(GString) conf = g_string_new("nameserver 10.0.0.1\nnameserver 10.0.0.1\n");
	for (int i = 2; i < 100; i++)
		g_string_append_printf(conf, "nameserver 10.0.0.%d\n", i);
	check(conf->str, "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8");
}

static void long_lines_are_skipped(void)
{
	g_autofree char *ones = g_strnfill(5000, '1');
	g_autofree char *conf = g_strdup_printf("nameserver %s\n%s\nnameserver 10.0.0.1\n", ones, ones);
	check(conf, "10.0.0.1");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/resolv-conf/" #f, f)
	ADD(servers_keep_their_order);
	ADD(other_lines_are_skipped);
	ADD(text_behind_the_address_is_ignored);
	ADD(servers_are_bounded_and_listed_once);
	ADD(long_lines_are_skipped);
	return g_test_run();
}
