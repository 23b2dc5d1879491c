/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macros.h"
#include "service/dhcp/lease_text.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

static int parse(const char *line, struct lease_line *ret)
{
	return lease_text_parse(line, strlen(line), ret);
}

/* As libvirt's dnsmasq wrote it. */
static void dnsmasq_line_parses(void)
{
	struct lease_line l;
	g_assert_cmpint(parse("1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu *", &l), ==, 0);
	g_assert_cmpuint(l.expires_s, ==, 1441525677);
	g_assert_cmpmem(l.mac.b, 6, "\x52\x54\x00\x75\xdd\x1a", 6);
	g_assert_cmpuint(l.ip, ==, IP4(192, 168, 122, 6));
	g_assert_cmpstr(l.name, ==, "ubuntu");
	g_assert_cmpuint(l.client_id_len, ==, 0);
}

static void client_id_parses(void)
{
	struct lease_line l;
	g_assert_cmpint(parse("0 52:54:00:75:dd:1a 192.168.122.6 * 01:52:54:00:75:DD:1a", &l), ==, 0);
	g_assert_cmpuint(l.expires_s, ==, 0);
	g_assert_cmpstr(l.name, ==, "");
	g_assert_cmpmem(l.client_id, l.client_id_len, "\x01\x52\x54\x00\x75\xdd\x1a", 7);
	g_assert_cmpint(parse("0 52:54:00:75:dd:1a 192.168.122.6 * ff", &l), ==, 0);
	g_assert_cmpmem(l.client_id, l.client_id_len, "\xff", 1);
}

static void invalid_lines_are_refused(void)
{
	static const char *const bad[] = {
		"",
		" ",
		"1441525677",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu * ",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu * *",
		"1441525677  52:54:00:75:dd:1a 192.168.122.6 ubuntu *",
		" 1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu *",
		"1441525677\t52:54:00:75:dd:1a 192.168.122.6 ubuntu *",
		"-1 52:54:00:75:dd:1a 192.168.122.6 ubuntu *",
		"+1 52:54:00:75:dd:1a 192.168.122.6 ubuntu *",
		"0x10 52:54:00:75:dd:1a 192.168.122.6 ubuntu *",
		"99999999999999999999 52:54:00:75:dd:1a 192.168.122.6 ubuntu *",
		"1441525677 52:54:00:75:dd 192.168.122.6 ubuntu *",
		"1441525677 52:54:00:75:dd:1a:00 192.168.122.6 ubuntu *",
		"1441525677 52:54:00:75:dd:1a 192.168.122 ubuntu *",
		"1441525677 52:54:00:75:dd:1a 192.168.122.256 ubuntu *",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubun\001tu *",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 \303\274buntu *",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu 1",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu 01:",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu 01:5",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu 0g",
		"1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu 01-02",
		"duid 00:01:00:01",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct lease_line l = { .expires_s = 7 };
		g_assert_cmpint(parse(bad[i], &l), ==, -EINVAL);
		g_assert_cmpuint(l.expires_s, ==, 7);
	}
	struct lease_line l;
	static const char nul[] = "1441525677 52:54:00:75:dd:1a 192.168.122.6 ubuntu *\0";
	g_assert_cmpint(lease_text_parse(nul, sizeof(nul) - 1, &l), ==, -EINVAL);
}

static void overlong_fields_are_refused(void)
{
	struct lease_line l;
	g_autofree char *name = g_strnfill(255, 'a');
	g_autofree char *fits = g_strdup_printf("1 52:54:00:75:dd:1a 192.168.122.6 %s *", name);
	g_assert_cmpint(parse(fits, &l), ==, 0);
	g_assert_cmpuint(strlen(l.name), ==, 255);
	g_autofree char *too_long = g_strdup_printf("1 52:54:00:75:dd:1a 192.168.122.6 %sa *", name);
	g_assert_cmpint(parse(too_long, &l), ==, -EINVAL);

	g_autoptr(GString) id = g_string_new("1 52:54:00:75:dd:1a 192.168.122.6 * 00");
	for (int i = 1; i < 255; i++)
		g_string_append(id, ":11");
	g_assert_cmpint(parse(id->str, &l), ==, 0);
	g_assert_cmpuint(l.client_id_len, ==, 255);
	g_string_append(id, ":11");
	g_assert_cmpint(parse(id->str, &l), ==, -EINVAL);
}

static void formatted_lines_are_those_of_dnsmasq(void)
{
	struct lease_line l = { .expires_s = 1441525677, .mac = { { 0x52, 0x54, 0, 0x75, 0xdd, 0x1a } }, .ip = IP4(192, 168, 122, 6) };
	char text[LEASE_TEXT_LINE_SIZE];
	size_t len = lease_text_format(&l, text);
	g_assert_cmpstr(text, ==, "1441525677 52:54:00:75:dd:1a 192.168.122.6 * *\n");
	g_assert_cmpuint(len, ==, strlen(text));
	strcpy(l.name, "web");
	memcpy(l.client_id, "\x01\xab", l.client_id_len = 2);
	lease_text_format(&l, text);
	g_assert_cmpstr(text, ==, "1441525677 52:54:00:75:dd:1a 192.168.122.6 web 01:ab\n");
}

/* lease_update_file() of dnsmasq's lease.c */
static void leases_of_ipv6_are_those_of_dnsmasq(void)
{
	static const char text[] = "1441525677 4294967295 fd12:3456:789a::c0a8:7a06 web 00:03:00:01:ab\n";
	struct lease_line l;
	char again[LEASE_TEXT_LINE_SIZE];
	g_assert_cmpint(lease_text_parse(text, sizeof(text) - 2, &l), ==, 0);
	g_assert_cmpuint(l.ip, ==, 0);
	g_assert_cmpuint(l.iaid, ==, UINT32_MAX);
	g_assert_cmpuint(l.ip6.b[15], ==, 6);
	g_assert_cmpmem(l.client_id, l.client_id_len, "\0\3\0\1\253", 5);
	lease_text_format(&l, again);
	g_assert_cmpstr(again, ==, text);
	lease_text_format_duid(l.client_id, l.client_id_len, again);
	g_assert_cmpstr(again, ==, "duid 00:03:00:01:ab\n");
	g_assert_cmpint(parse("1441525677 4294967296 fd12::6 web *", &l), ==, -EINVAL);
	g_assert_cmpint(parse("1441525677 5 192.168.122.6 web *", &l), ==, -EINVAL);
	g_assert_cmpint(parse("1441525677 52:54:00:75:dd:1a 0.0.0.0 web *", &l), ==, -EINVAL);
}

static void longest_line_fits_and_parses_back(void)
{
	struct lease_line l = { .expires_s = UINT64_MAX / 10 - 1, .mac = MAC_BROADCAST, .ip = UINT32_MAX, .client_id_len = 255 }, back;
	memset(l.name, 'n', sizeof(l.name) - 1);
	memset(l.client_id, 0xee, sizeof(l.client_id));
	char text[LEASE_TEXT_LINE_SIZE];
	size_t len = lease_text_format(&l, text);
	g_assert_cmpuint(len, <, sizeof(text));
	g_assert_cmpint(lease_text_parse(text, len - 1, &back), ==, 0);
	g_assert_cmpmem(&back, sizeof(back), &l, sizeof(l));
}

struct seen {
	unsigned lines;
	ip4_t last;
	ip4_t refused; /* each() returns false for it */
};

static bool count(void *opaque, const struct lease_line *l)
{
	struct seen *s = opaque;
	if (l->ip == s->refused)
		return false;
	s->lines++;
	s->last = l->ip;
	return true;
}

#define LINE(n) "1 52:54:00:75:dd:1a 10.0.0." #n " * *\n"

static void valid_lines_of_a_damaged_text_are_read(void)
{
	static const struct {
		const char *text;
		unsigned good, damaged;
	} cases[] = {
		{ "", 0, 0 },
		{ LINE(1) LINE(2), 2, 0 },
		{ LINE(1) "rubbish\n" LINE(2), 2, 1 },
		{ LINE(1) "\n" LINE(2), 2, 1 },
		{ LINE(1) "1 52:54:00:75:dd:1a 10.0.0.2 * *", 2, 0 },
		{ LINE(1) "1 52:54:00:75:dd:1a 10.0.0.2 * 01:52", 2, 0 },
		{ LINE(1) LINE(2) "1 52:54:00:75:dd:1a 10.0.0.3 * 01:5", 2, 1 },
		{ LINE(1) LINE(2) "1 52:54:00:75:dd:1a 10.0.0.3 *", 2, 1 },
		{ LINE(1) LINE(2) "1 52:54:00:75:dd:1a 10.0.0.3", 2, 1 },
		{ LINE(1) LINE(9) LINE(2), 2, 1 },
		{ LINE(1) "duid 00:03:00:01\n" LINE(2), 2, 0 },
		{ "rubbish", 0, 1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seen s = { .refused = IP4(10, 0, 0, 9) };
		g_assert_cmpuint(lease_text_parse_all(cases[i].text, strlen(cases[i].text), count, &s), ==, cases[i].damaged);
		g_assert_cmpuint(s.lines, ==, cases[i].good);
		if (s.lines)
			g_assert_cmpuint(s.last, ==, IP4(10, 0, 0, 2));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/lease-text/" #name, name)
	TEST(dnsmasq_line_parses);
	TEST(client_id_parses);
	TEST(invalid_lines_are_refused);
	TEST(overlong_fields_are_refused);
	TEST(formatted_lines_are_those_of_dnsmasq);
	TEST(leases_of_ipv6_are_those_of_dnsmasq);
	TEST(longest_line_fits_and_parses_back);
	TEST(valid_lines_of_a_damaged_text_are_read);
	return g_test_run();
}
