/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of records, and how /etc/hosts fills it. */
#include "host/hosts_file.h"
#include "service/dns/records.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

static struct dns_name name_of(const char *text)
{
	struct dns_name name;
	g_assert_cmpint(dns_name_from_text(text, &name), ==, 0);
	return name;
}

static void append_data(GString *out, const struct dns_stored *s)
{
	struct ip_addr addr = { { [10] = 0xff, [11] = 0xff } };
	char text[IP_TEXT_SIZE];
	if (s->type == DNS_TYPE_A || s->type == DNS_TYPE_AAAA) {
		memcpy(addr.b + sizeof(addr.b) - s->len, s->data, s->len);
		g_string_append_printf(out, " %s", ip_format(&addr, text));
		return;
	}
	g_string_append_c(out, ' ');
	for (size_t at = 0; s->data[at] != 0; at += 1u + s->data[at])
		g_string_append_printf(out, "%.*s.", s->data[at], (const char *)s->data + at + 1);
}

/* All records of @owner, as text. */
static void check(const struct dns_records *r, const char *owner, const char *want)
{
	struct dns_name name = name_of(owner);
	const struct dns_owner *o = dns_records_find(r, &name);
	g_autoptr(GString) got = g_string_new(o ? "" : "none");
	for (const struct dns_stored *s = o ? o->first : NULL; s; s = s->next)
		append_data(got, s);
	g_assert_cmpstr(got->str, ==, want);
}

static int add(struct dns_records *r, const char *owner, uint16_t type, const char *data)
{
	struct dns_name name = name_of(owner);
	return dns_records_add(r, &name, type, data, strlen(data));
}

static void records_are_found_by_owner_in_any_case(void)
{
	struct dns_records r = { .key = { { 1, 2 } } };
	check(&r, "web.example", "none");
	g_assert_cmpint(add(&r, "Web.Example", DNS_TYPE_A, "\12\1\1\1"), ==, 0);
	g_assert_cmpint(add(&r, "web.example", DNS_TYPE_A, "\12\1\1\2"), ==, 0);
	g_assert_cmpint(add(&r, "WEB.example", DNS_TYPE_A, "\12\1\1\1"), ==, 0); /* again */
	g_assert_cmpuint(r.n, ==, 2);
	check(&r, "wEB.eXample", " 10.1.1.1 10.1.1.2");
	check(&r, "example", "none");
	dns_records_done(&r);
	check(&r, "web.example", "none");
}

/* RFC 2181 §10.1 */
static void alias_stands_alone(void)
{
	struct dns_records r = { 0 };
	g_assert_cmpint(add(&r, "a", DNS_TYPE_A, "\12\1\1\1"), ==, 0);
	g_assert_cmpint(add(&r, "a", DNS_TYPE_CNAME, "\1b"), ==, -EEXIST);
	g_assert_cmpint(add(&r, "c", DNS_TYPE_CNAME, "\1b"), ==, 0);
	g_assert_cmpint(add(&r, "c", DNS_TYPE_CNAME, "\1d"), ==, -EEXIST);
	g_assert_cmpint(add(&r, "c", DNS_TYPE_TXT, "\1b"), ==, -EEXIST);
	dns_records_done(&r);
}

static void records_of_a_name_and_their_data_are_bounded(void)
{
	struct dns_records r = { 0 };
	g_autofree char *longest = g_strnfill(DNS_RECORD_DATA_MAX, 'x'), *too_long = g_strnfill(DNS_RECORD_DATA_MAX + 1, 'x');
	g_assert_cmpint(add(&r, "a", DNS_TYPE_TXT, longest), ==, 0);
	g_assert_cmpint(add(&r, "a", DNS_TYPE_TXT, too_long), ==, -ENOSPC);
	for (unsigned i = 1; i < DNS_RECORDS_PER_NAME; i++)
		g_assert_cmpint(add(&r, "a", DNS_TYPE_TXT, longest + i), ==, 0);
	g_assert_cmpint(add(&r, "a", DNS_TYPE_TXT, "\1x"), ==, -ENOSPC);
	g_assert_cmpint(add(&r, "b", DNS_TYPE_TXT, "\1x"), ==, 0);
	dns_records_done(&r);
}

/* RFC 8020 §2 */
static void names_above_a_record_exist(void)
{
	struct dns_records r = { 0 };
	struct dns_name name = name_of("_ssh._tcp.Example.org");
	g_assert_cmpint(dns_records_add_parents(&r, &name), ==, 0);
	check(&r, "_tcp.example.org", "");
	check(&r, "org", "");
	check(&r, ".", "none");
	check(&r, "x.org", "none");
	dns_records_done(&r);
}

static void names_and_addresses_are_converted_both_ways(void)
{
	static const char *const pairs[][2] = {
		{ "192.168.122.7", "7.122.168.192.in-addr.arpa" },
		{ "10.0.255.0", "0.255.0.10.in-addr.arpa" },
		{ "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
		{ "fe80::abcd", "d.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct ip_addr addr, back;
		g_assert_cmpint(ip_parse(pairs[i][0], &addr), ==, 0);
		struct dns_name got = dns_name_of_address(&addr), want = name_of(pairs[i][1]);
		g_assert_true(dns_name_equal(&got, &want));
		g_assert_cmpint(dns_name_to_address(&want, &back), ==, 0);
		g_assert_true(ip_equal(&addr, &back));
	}
	static const char *const others[] = { "168.192.in-addr.arpa",
					      "1.7.122.168.192.in-addr.arpa",
					      "07.122.168.192.in-addr.arpa",
					      "256.1.1.1.in-addr.arpa",
					      "300.1.1.1.in-addr.arpa",
					      "a.1.1.1.in-addr.arpa",
					      "1.1.1.1.ip6.arpa",
					      "web",
					      "." };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct dns_name name = name_of(others[i]);
		struct ip_addr addr;
		g_assert_cmpint(dns_name_to_address(&name, &addr), ==, -EINVAL);
	}
	g_autofree char *wide = g_strdup_printf("10.%s", pairs[2][1]);
	struct dns_name name = name_of(wide);
	struct ip_addr addr;
	g_assert_cmpint(dns_name_to_address(&name, &addr), ==, -EINVAL);
}

/* --- /etc/hosts --- */

static struct dns_records parse(const char *text)
{
	struct hosts_file_self self = { .host_name = "box", .addr = ip_from_ip4(IP4(192, 168, 122, 1)) };
	struct dns_records r = { 0 };
	g_assert_cmpint(hosts_file_parse(text, strlen(text), &self, &r), ==, 0);
	return r;
}

static void names_of_hosts_have_addresses_and_back(void)
{
	struct dns_records r = parse("10.9.8.7\tprinter.example printer # first floor\n"
				     "fd00::7 printer.example\r\n"
				     "10.9.8.7 spooler\n"
				     "10.9.8.8 spooler");
	check(&r, "printer.example", " 10.9.8.7 fd00::7");
	check(&r, "PRINTER", " 10.9.8.7");
	check(&r, "spooler", " 10.9.8.7 10.9.8.8");
	check(&r, "7.8.9.10.in-addr.arpa", " printer.example.");
	check(&r, "8.8.9.10.in-addr.arpa", " spooler.");
	check(&r, "first", "none");
	dns_records_done(&r);
}

static void invalid_lines_and_names_of_hosts_are_skipped(void)
{
	struct dns_records r = parse("\n \n#10.0.0.1 a\n10.0.0 b\nc 10.0.0.1\nfe80::1%eth0 d\n10.0.0.1\n10.0.0.2 e..e f .\n  10.0.0.3 g\n");
	check(&r, "a", "none");
	check(&r, "b", "none");
	check(&r, "c", "none");
	check(&r, "d", "none");
	check(&r, "e", "none");
	check(&r, "f", " 10.0.0.2");
	check(&r, "g", " 10.0.0.3");
	dns_records_done(&r);
}

static void name_of_this_machine_is_the_gateway_to_guests(void)
{
	struct dns_records r = parse("127.0.0.1 localhost blocked.example\n127.0.1.1 box.example box\n::1 box6\n0.0.0.0 none.example\n");
	check(&r, "box", " 192.168.122.1");
	check(&r, "box.example", " 192.168.122.1");
	check(&r, "blocked.example", " 127.0.0.1");
	check(&r, "box6", " ::1");
	check(&r, "none.example", " 0.0.0.0");
	check(&r, "1.0.0.127.in-addr.arpa", "none");
	check(&r, "1.122.168.192.in-addr.arpa", "none");
	dns_records_done(&r);
}

static void name_with_many_addresses_does_not_end_the_file(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (unsigned i = 1; i < 100; i++)
		g_string_append_printf(text, "10.0.0.%u many\n", i);
	g_string_append(text, "10.0.1.1 last\n");
	struct dns_records r = parse(text->str);
	check(&r, "last", " 10.0.1.1");
	dns_records_done(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/dns-records/" #f, f)
	ADD(records_are_found_by_owner_in_any_case);
	ADD(alias_stands_alone);
	ADD(records_of_a_name_and_their_data_are_bounded);
	ADD(names_above_a_record_exist);
	ADD(names_and_addresses_are_converted_both_ways);
	ADD(names_of_hosts_have_addresses_and_back);
	ADD(invalid_lines_and_names_of_hosts_are_skipped);
	ADD(name_of_this_machine_is_the_gateway_to_guests);
	ADD(name_with_many_addresses_does_not_end_the_file);
	return g_test_run();
}
