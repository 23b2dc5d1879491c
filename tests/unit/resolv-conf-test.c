/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/resolv_conf.h"

#include <glib.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

static void check_bytes(const char *conf, size_t len, const char *want)
{
	struct resolv_conf parsed;
	resolv_conf_parse(conf, len, &parsed);
	g_autoptr(GString) got = g_string_new(NULL);
	char text[DNS_SERVER_TEXT_SIZE];
	for (unsigned i = 0; i < parsed.servers.count; i++)
		g_string_append_printf(got, "%s%s", i > 0 ? " " : "", dns_server_format(&parsed.servers.server[i], text));
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
	check("", "127.0.0.1");
	check("\n\n", "127.0.0.1");
	check("search example.com lan\noptions edns0 trust-ad\nsortlist 10.0.0.0\n", "127.0.0.1");
	check("# nameserver 10.0.0.1\n;nameserver 10.0.0.1\n", "127.0.0.1");
	check(" nameserver 10.0.0.1\n", "127.0.0.1");
	check("nameservers 10.0.0.1\nnameserver10.0.0.1\nNAMESERVER 10.0.0.1\n", "127.0.0.1");
	check("nameserver\nnameserver \nnameserver dns.example.com\nnameserver 10.0.0\n", "127.0.0.1");
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

static void check_search(const char *conf, const char *want)
{
	struct resolv_conf parsed;
	resolv_conf_parse(conf, strlen(conf), &parsed);
	g_autoptr(GString) got = g_string_new(NULL);
	for (unsigned i = 0; i < parsed.n_search; i++)
		g_string_append_printf(got, "%s%s", i > 0 ? " " : "", parsed.search[i]);
	g_assert_cmpstr(got->str, ==, want);
}

/* resolv.conf(5): domain and search are mutually exclusive, the last one wins. */
static void last_search_or_domain_line_is_the_search_list(void)
{
	check_search("", "");
	check_search("search office.example lab.example\n", "office.example lab.example");
	check_search("search a.example\nsearch\tB.Example. c.example\r\n", "b.example c.example");
	check_search("domain a.example b.example\n", "a.example");
	check_search("domain a.example\nsearch b.example\n", "b.example");
	check_search("search b.example\ndomain a.example\n", "a.example");
	check_search("search a.example a.example A.EXAMPLE\n", "a.example");
	check_search("search a.example # and no more\n", "a.example");
	check_search("search a..example .b lan\n", "lan");
	check_search("search .\n", ""); /* of systemd-resolved, when there is none */
}

static void search_list_is_bounded(void)
{
	g_autoptr(GString) conf = g_string_new("search");
	for (int i = 0; i < 100; i++)
		g_string_append_printf(conf, " d%d.example", i);
	struct resolv_conf parsed;
	resolv_conf_parse(conf->str, conf->len, &parsed);
	g_assert_cmpuint(parsed.n_search, ==, RESOLV_SEARCH_MAX);
	g_autofree char *label = g_strnfill(60, 'x');
	g_autofree char *long_one = g_strdup_printf("search %s.%s.%s.%s.%s lan\n", label, label, label, label, label);
	check_search(long_one, "lan");
}

static void options_that_matter_are_read(void)
{
	struct resolv_conf conf;
	static const char all[] = "options timeout:1 rotate ndots:2\noptions use-vc edns0 no-aaaa\n";
	resolv_conf_parse(all, strlen(all), &conf);
	g_assert_true(conf.rotate && conf.use_vc && conf.no_aaaa);
	static const char none[] = "options rotated use-vcx no-aaaa:1 ;rotate\n";
	resolv_conf_parse(none, strlen(none), &conf);
	g_assert_false(conf.rotate || conf.use_vc || conf.no_aaaa);
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
	ADD(last_search_or_domain_line_is_the_search_list);
	ADD(search_list_is_bounded);
	ADD(options_that_matter_are_read);
	return g_test_run();
}
