/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local names: each case is a query and its answer as a line of text. */
#include "service/dns/local.h"
#include "service/dns/names.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

struct test_names {
	struct dns_names names;
	ip4_t web; /* the address of one guest; another one, "many", has several of both families */
};

static int find_name(struct dns_names *n, usec_t now, const char *name, struct ip_addr ret[static DNS_NAMES_ADDRESSES_MAX])
{
	static const char *const many[] = { "192.168.122.64", "fd00::64", "192.168.122.65", "fd00::1:64" };
	if (strcmp(name, "many") == 0) {
		for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
			g_assert_cmpint(ip_parse(many[i], &ret[i]), ==, 0);
		return ARRAY_SIZE(many);
	}
	if (strcmp(name, "web") != 0 && strcmp(name, "gateway") != 0)
		return -ENOENT;
	ret[0] = ip_from_ip4(container_of(n, struct test_names, names)->web);
	return 1;
}

static int find_address(struct dns_names *n, usec_t now, const struct ip_addr *addr, char ret[static DNS_LABEL_MAX + 1])
{
	static const struct ip_addr web6 = { { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a, [15] = 0x63 } };
	if (!ip_equal(addr, &web6) && ip_to_ip4(addr) != container_of(n, struct test_names, names)->web)
		return -ENOENT;
	g_strlcpy(ret, "web", DNS_LABEL_MAX + 1);
	return 0;
}

static const struct dns_names_ops names_ops = { .find_name = find_name, .find_address = find_address };

static void append_name(GString *s, const struct dns_name *n)
{
	for (unsigned i = 0; i < dns_name_labels(n); i++) {
		struct dns_name rest = dns_name_parent(n, i);
		g_string_append_len(s, (const char *)rest.bytes + 1, rest.bytes[0]);
		g_string_append_c(s, '.');
	}
}

static void append_stored(GString *s, const struct dns_stored *r)
{
	char ip[IP_TEXT_SIZE];
	struct ip_addr addr = { { [10] = 0xff, [11] = 0xff } };
	struct bytes_reader reader = bytes_reader(r->data, r->len);
	struct dns_name name;
	g_string_append_printf(s, " %s",
			       r->type == DNS_TYPE_A       ? "A"
			       : r->type == DNS_TYPE_AAAA  ? "AAAA"
			       : r->type == DNS_TYPE_CNAME ? "CNAME"
			       : r->type == DNS_TYPE_PTR   ? "PTR"
							   : "data");
	if (r->type == DNS_TYPE_A || r->type == DNS_TYPE_AAAA) {
		memcpy(addr.b + sizeof(addr.b) - r->len, r->data, r->len);
		g_string_append_printf(s, " %s", ip_format(&addr, ip));
	} else if (r->type != DNS_TYPE_TXT && dns_name_parse(&reader, r->data, &name) == 0) {
		g_string_append_c(s, ' ');
		append_name(s, &name);
	}
}

static void append_record(GString *s, const struct dns_reply *reply, const struct dns_record *r)
{
	char ip[IP_TEXT_SIZE];
	if (r->link > 0) {
		g_string_append_c(s, ' ');
		append_name(s, &reply->links[r->link - 1]);
	}
	if (r->stored) {
		append_stored(s, r->stored);
		return;
	}
	switch (r->type) {
	case DNS_TYPE_A: g_string_append_printf(s, " A %s", ip4_format(r->a, ip)); break;
	case DNS_TYPE_AAAA: g_string_append_printf(s, " AAAA %s", ip_format(&r->aaaa, ip)); break;
	case DNS_TYPE_SOA: g_string_append(s, " SOA"); break;
	default: g_string_append(s, r->type == DNS_TYPE_NS ? " NS " : " PTR "); append_name(s, r->name);
	}
}

static char *describe(const struct dns_reply *r)
{
	static const char *const rcodes[] = { [0] = "NOERROR", [3] = "NXDOMAIN", [5] = "REFUSED", [16] = "BADVERS" };
	GString *s = g_string_new(rcodes[r->rcode]);
	g_string_append(s, r->authoritative ? " aa" : "");
	for (unsigned i = 0; i < r->n_answers; i++)
		append_record(s, r, &r->answers[i]);
	if (r->has_zone) {
		g_string_append(s, " zone ");
		append_name(s, &r->zone);
	}
	return g_string_free(s, FALSE);
}

struct place {
	const char *subnet, *gateway, *web, *domain;
	bool shares_domain;
	const char *prefix6;
};

/* Records that the user has given, and those of the host. */
static void add_records(struct dns_local *l)
{
	static const struct {
		bool is_given;
		const char *owner;
		uint16_t type;
		const char *data;
	} all[] = {
		{ true, "api.example.com", DNS_TYPE_A, "\12\1\1\1" },
		{ true, "txt.example.com", DNS_TYPE_TXT, "\3abc" },
		{ true, "_ssh._tcp.lanlet.internal", DNS_TYPE_TXT, "\3abc" },
		{ true, "alias.example.com", DNS_TYPE_CNAME, "\3web\6lanlet\10internal" },
		{ true, "far.example.com", DNS_TYPE_CNAME, "\3www\7example\3org" },
		{ true, "loop.example.com", DNS_TYPE_CNAME, "\4loop\7example\3com" },
		{ true, "1.1.1.10.in-addr.arpa", DNS_TYPE_PTR, "\3api\7example\3com" },
		{ false, "printer", DNS_TYPE_A, "\12\11\10\7" },
		{ false, "web", DNS_TYPE_A, "\12\11\10\10" },
		{ false, "api.example.com", DNS_TYPE_A, "\12\11\10\11" },
		{ false, "6.example.com", DNS_TYPE_AAAA, "\375xxxxxxxxxxxxxxx" },
		{ false, "7.8.9.10.in-addr.arpa", DNS_TYPE_PTR, "\7printer" },
	};
	struct dns_records given = { 0 }, hosts = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct dns_name owner;
		bool is_name = all[i].type == DNS_TYPE_CNAME || all[i].type == DNS_TYPE_PTR;
		g_assert_cmpint(dns_name_from_text(all[i].owner, &owner), ==, 0);
		g_assert_cmpint(
			dns_records_add(all[i].is_given ? &given : &hosts, &owner, all[i].type, all[i].data, strlen(all[i].data) + is_name),
			==, 0);
		if (all[i].is_given)
			g_assert_cmpint(dns_records_add_parents(&given, &owner), ==, 0);
	}
	dns_local_set_given(l, &given);
	dns_local_set_hosts(l, &hosts);
}

static const struct place usual = { "192.168.122.0/24", "192.168.122.1", "192.168.122.63", "lanlet.internal" };

static const struct place with_ipv6 = { "192.168.122.0/24", "192.168.122.1", "192.168.122.63", "lanlet.internal",
					.prefix6 = "fd12:3456:789a::/64" };

static char *answer_to(const struct place *place, const char *name, uint16_t type, uint16_t class, uint8_t edns_version)
{
	struct test_names names = { { &names_ops }, 0 };
	struct dns_local_config config = { .domain = place->domain, .gateway_name = "gateway", .names = &names.names };
	g_assert_cmpint(prefix4_parse(place->subnet, &config.subnet), ==, 0);
	g_assert_cmpint(ip4_parse(place->gateway, &config.gateway), ==, 0);
	g_assert_cmpint(ip4_parse(place->web, &names.web), ==, 0);
	struct prefix6 prefix;
	struct gateway_ip6 ip6 = { 0 };
	if (place->prefix6) {
		g_assert_cmpint(prefix6_parse(place->prefix6, &prefix), ==, 0);
		ip6 = gateway_ip6_of(&prefix);
		config.ip6 = &ip6;
	}
	struct dns_local local;
	config.shares_domain = place->shares_domain;
	g_assert_cmpint(dns_local_init(&local, &config), ==, 0);
	add_records(&local);
	struct dns_query q = { .question = { .type = type, .class = class }, .edns = { true, 1232, edns_version, false } };
	g_assert_cmpint(dns_name_from_text(name, &q.question.name), ==, 0);
	struct dns_reply reply;
	enum dns_local_verdict verdict = dns_local_answer(&local, 0, &q, &reply);
	char *text = verdict == DNS_LOCAL_OUTSIDE ? g_strdup("outside") : describe(&reply);
	if (verdict == DNS_LOCAL_ALIAS) {
		char *partial = text;
		text = g_strconcat("outside:", partial, NULL);
		g_free(partial);
	}
	dns_local_done(&local);
	return text;
}

struct question {
	const char *name;
	uint16_t type;
	const char *want;
};

static void check(const struct place *place, const struct question *questions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		g_autofree char *got = answer_to(place, questions[i].name, questions[i].type, DNS_CLASS_IN, 0);
		g_test_message("%s %u", questions[i].name, questions[i].type);
		g_assert_cmpstr(got, ==, questions[i].want);
	}
}

/* clang-format off */
#define CHECK(place, ...)                                                    \
	do {                                                                 \
		static const struct question questions[] = { __VA_ARGS__ };  \
		check(place, questions, ARRAY_SIZE(questions));              \
	} while (0)

static void guests_have_addresses_with_and_without_the_domain(void)
{
	CHECK(&usual,
	      { "web.lanlet.internal", DNS_TYPE_A, "NOERROR aa A 192.168.122.63" },
	      { "web", DNS_TYPE_A, "NOERROR aa A 192.168.122.63" },
	      { "WeB.LANlet.INTERNAL", DNS_TYPE_A, "NOERROR aa A 192.168.122.63" },
	      { "WEB", DNS_TYPE_ANY, "NOERROR aa A 192.168.122.63" });
}

static void guest_has_several_addresses_of_both_families(void)
{
	CHECK(&usual,
	      { "many", DNS_TYPE_A, "NOERROR aa A 192.168.122.64 A 192.168.122.65" },
	      { "many.lanlet.internal", DNS_TYPE_AAAA, "NOERROR aa AAAA fd00::64 AAAA fd00::1:64" },
	      { "many", DNS_TYPE_ANY, "NOERROR aa A 192.168.122.64 AAAA fd00::64 A 192.168.122.65 AAAA fd00::1:64" });
}

static void gateway_keeps_its_name_when_a_guest_has_the_same(void)
{
	CHECK(&usual,
	      { "gateway", DNS_TYPE_A, "NOERROR aa A 192.168.122.1" },
	      { "gateway.lanlet.internal", DNS_TYPE_A, "NOERROR aa A 192.168.122.1" },
	      { "1.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR gateway.lanlet.internal." });
}

/* RFC 2308 §2.2 */
static void other_types_of_a_known_name_are_nodata(void)
{
	CHECK(&usual,
	      { "web.lanlet.internal", DNS_TYPE_AAAA, "NOERROR aa zone lanlet.internal." },
	      { "web.lanlet.internal", DNS_TYPE_TXT, "NOERROR aa zone lanlet.internal." },
	      { "web.lanlet.internal", DNS_TYPE_SOA, "NOERROR aa zone lanlet.internal." },
	      { "gateway.lanlet.internal", DNS_TYPE_AAAA, "NOERROR aa zone lanlet.internal." },
	      { "63.122.168.192.in-addr.arpa", DNS_TYPE_A, "NOERROR aa zone 122.168.192.in-addr.arpa." },
	      { "web", DNS_TYPE_AAAA, "NOERROR aa" });
}

/* RFC 2308 §2.1 */
static void unknown_names_of_the_domain_do_not_exist(void)
{
	CHECK(&usual,
	      { "db.lanlet.internal", DNS_TYPE_A, "NXDOMAIN aa zone lanlet.internal." },
	      { "db.lanlet.internal", 15, "NXDOMAIN aa zone lanlet.internal." },
	      { "www.web.lanlet.internal", DNS_TYPE_A, "NXDOMAIN aa zone lanlet.internal." },
	      { "w b.lanlet.internal", DNS_TYPE_A, "NXDOMAIN aa zone lanlet.internal." });
}

static void domain_itself_has_soa_and_ns(void)
{
	CHECK(&usual,
	      { "lanlet.internal", DNS_TYPE_SOA, "NOERROR aa SOA" },
	      { "lanlet.internal", DNS_TYPE_NS, "NOERROR aa NS gateway.lanlet.internal." },
	      { "lanlet.internal", DNS_TYPE_ANY, "NOERROR aa SOA NS gateway.lanlet.internal." },
	      { "lanlet.internal", DNS_TYPE_A, "NOERROR aa zone lanlet.internal." });
}

static void single_labels_have_local_addresses_and_nothing_else(void)
{
	for (uint16_t type = 1; type < 300; type++) {
		bool is_local = type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_ANY;
		g_autofree char *guest = answer_to(&usual, "web", type, DNS_CLASS_IN, 0);
		g_assert_cmpint(strcmp(guest, "outside") != 0, ==, is_local);
		g_autofree char *gateway = answer_to(&usual, "gateway", type, DNS_CLASS_IN, 0);
		g_assert_cmpint(strcmp(gateway, "outside") != 0, ==, is_local);
	}
}

static void unknown_single_labels_are_forwarded(void)
{
	CHECK(&usual,
	      { "db", DNS_TYPE_A, "outside" },
	      { "db", DNS_TYPE_AAAA, "outside" },
	      { "db", DNS_TYPE_HTTPS, "outside" },
	      { "db", DNS_TYPE_ANY, "outside" },
	      { "sub.web", DNS_TYPE_A, "outside" },
	      { "com", DNS_TYPE_NS, "outside" },
	      { "com", 43, "outside" },
	      { ".", DNS_TYPE_NS, "outside" },
	      { ".", DNS_TYPE_A, "outside" });
}

static void other_names_are_forwarded(void)
{
	CHECK(&usual,
	      { "example.com", DNS_TYPE_A, "outside" },
	      { "web.example.com", DNS_TYPE_A, "outside" },
	      { "internal.lanlet", DNS_TYPE_A, "outside" },
	      { "xlanlet.internal", DNS_TYPE_A, "outside" });
}

/* RFC 6761 §6.3 */
static void localhost_is_a_loopback_address(void)
{
	CHECK(&usual,
	      { "localhost", DNS_TYPE_A, "NOERROR aa A 127.0.0.1" },
	      { "LOCALHOST", DNS_TYPE_AAAA, "NOERROR aa AAAA ::1" },
	      { "localhost", DNS_TYPE_TXT, "NOERROR aa" },
	      { "app.Localhost", DNS_TYPE_A, "NOERROR aa A 127.0.0.1" }, /* RFC 6761 §6.3 */
	      { "a.b.localhost", DNS_TYPE_AAAA, "NOERROR aa AAAA ::1" },
	      { "a.localhost", DNS_TYPE_MX, "NOERROR aa" },
	      { "mylocalhost", DNS_TYPE_A, "outside" },
	      { "localhost.example", DNS_TYPE_A, "outside" });
}

static void addresses_of_the_segment_have_names(void)
{
	CHECK(&usual,
	      { "63.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR web.lanlet.internal." },
	      { "63.122.168.192.IN-ADDR.ARPA", DNS_TYPE_ANY, "NOERROR aa PTR web.lanlet.internal." },
	      { "64.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 122.168.192.in-addr.arpa." },
	      { "255.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 122.168.192.in-addr.arpa." },
	      { "122.168.192.in-addr.arpa", DNS_TYPE_SOA, "NOERROR aa SOA" },
	      { "122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa zone 122.168.192.in-addr.arpa." });
}

/* "a.9.8.7.6.5.4.3.2.1.d.f" with the subnet's zeros in front. */
#define ZONE6 "0.0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa"
#define ZEROS_13 "0.0.0.0.0.0.0.0.0.0.0.0.0."

static void addresses_of_the_ipv6_prefix_have_names(void)
{
	CHECK(&with_ipv6,
	      { "gateway", DNS_TYPE_AAAA, "NOERROR aa AAAA fd12:3456:789a::1" },
	      { "gateway.lanlet.internal", DNS_TYPE_ANY, "NOERROR aa A 192.168.122.1 AAAA fd12:3456:789a::1" },
	      { "1.0.0." ZEROS_13 ZONE6, DNS_TYPE_PTR, "NOERROR aa PTR gateway.lanlet.internal." },
	      { "3.6.0." ZEROS_13 ZONE6, DNS_TYPE_PTR, "NOERROR aa PTR web.lanlet.internal." },
	      { "4.6.0." ZEROS_13 ZONE6, DNS_TYPE_PTR, "NXDOMAIN aa zone " ZONE6 "." },
	      { "x.6.0." ZEROS_13 ZONE6, DNS_TYPE_PTR, "NXDOMAIN aa zone " ZONE6 "." },
	      { "10.0." ZEROS_13 ZONE6, DNS_TYPE_PTR, "NXDOMAIN aa zone " ZONE6 "." },
	      { "1.1.0.0." ZEROS_13 ZONE6, DNS_TYPE_PTR, "NXDOMAIN aa zone " ZONE6 "." },
	      { "0." ZONE6, DNS_TYPE_PTR, "NOERROR aa zone " ZONE6 "." },
	      { ZONE6, DNS_TYPE_SOA, "NOERROR aa SOA" },
	      { "1.0.0." ZEROS_13 "1" ZONE6, DNS_TYPE_PTR, "outside" },
	      { "0.0.0.a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa", DNS_TYPE_SOA, "outside" });
}

static void malformed_reverse_names_of_the_segment_do_not_exist(void)
{
	CHECK(&usual,
	      { "063.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 122.168.192.in-addr.arpa." },
	      { "256.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 122.168.192.in-addr.arpa." },
	      { "x.63.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 122.168.192.in-addr.arpa." },
	      { "b._dns-sd._udp.0.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 122.168.192.in-addr.arpa." });
}

static void other_reverse_names_are_forwarded(void)
{
	CHECK(&usual,
	      { "63.123.168.192.in-addr.arpa", DNS_TYPE_PTR, "outside" },
	      { "63.0122.168.192.in-addr.arpa", DNS_TYPE_PTR, "outside" },
	      { "168.192.in-addr.arpa", DNS_TYPE_SOA, "outside" },
	      { "in-addr.arpa", DNS_TYPE_NS, "outside" },
	      { "1.0.0.127.in-addr.arpa", DNS_TYPE_PTR, "outside" },
	      { "63.122.168.192.ip6.arpa", DNS_TYPE_PTR, "outside" });
}

/* Each octet that the prefix fixes in part makes separate zones, as in RFC 6303 for 172.16/12. */
static void wide_segments_have_several_zones(void)
{
	static const struct place wide = { "172.16.0.0/12", "172.16.0.1", "172.31.9.7", "lan" };
	CHECK(&wide,
	      { "7.9.31.172.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR web.lan." },
	      { "8.9.31.172.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 31.172.in-addr.arpa." },
	      { "9.31.172.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa zone 31.172.in-addr.arpa." },
	      { "16.172.in-addr.arpa", DNS_TYPE_NS, "NOERROR aa NS gateway.lan." },
	      { "7.9.32.172.in-addr.arpa", DNS_TYPE_PTR, "outside" },
	      { "172.in-addr.arpa", DNS_TYPE_SOA, "outside" });
}

static void narrow_segments_share_their_zone_with_other_networks(void)
{
	static const struct place narrow = { "10.0.0.64/26", "10.0.0.65", "10.0.0.126", "lan" };
	CHECK(&narrow,
	      { "126.0.0.10.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR web.lan." },
	      { "100.0.0.10.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 0.0.10.in-addr.arpa." },
	      { "63.0.0.10.in-addr.arpa", DNS_TYPE_PTR, "outside" },
	      { "128.0.0.10.in-addr.arpa", DNS_TYPE_PTR, "outside" },
	      { "0.0.10.in-addr.arpa", DNS_TYPE_SOA, "outside" });
}

static void largest_segment_has_one_zone(void)
{
	static const struct place large = { "10.0.0.0/8", "10.0.0.1", "10.200.3.4", "lan" };
	CHECK(&large,
	      { "4.3.200.10.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR web.lan." },
	      { "5.3.200.10.in-addr.arpa", DNS_TYPE_PTR, "NXDOMAIN aa zone 10.in-addr.arpa." },
	      { "10.in-addr.arpa", DNS_TYPE_SOA, "NOERROR aa SOA" },
	      { "4.3.200.11.in-addr.arpa", DNS_TYPE_PTR, "outside" });
}

static void without_a_domain_there_are_single_labels_only(void)
{
	static const struct place plain = { "192.168.122.0/24", "192.168.122.1", "192.168.122.63", NULL };
	CHECK(&plain,
	      { "web", DNS_TYPE_A, "NOERROR aa A 192.168.122.63" },
	      { "gateway", DNS_TYPE_A, "NOERROR aa A 192.168.122.1" },
	      { "web.lanlet.internal", DNS_TYPE_A, "outside" },
	      { ".", DNS_TYPE_SOA, "outside" },
	      { "63.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR web." });
}

static void records_that_the_user_has_given_come_first(void)
{
	CHECK(&usual,
	      { "api.example.com", DNS_TYPE_A, "NOERROR aa A 10.1.1.1" },
	      { "API.example.com", DNS_TYPE_AAAA, "NOERROR aa" },
	      { "api.example.com", DNS_TYPE_TXT, "outside" },
	      { "txt.example.com", DNS_TYPE_TXT, "NOERROR aa data" },
	      { "txt.example.com", DNS_TYPE_A, "outside" },
	      { "example.com", DNS_TYPE_A, "outside" },
	      { "1.1.1.10.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR api.example.com." },
	      { "_ssh._tcp.lanlet.internal", DNS_TYPE_TXT, "NOERROR aa data" },
	      { "_ssh._tcp.lanlet.internal", DNS_TYPE_A, "NOERROR aa zone lanlet.internal." },
	      { "_tcp.lanlet.internal", DNS_TYPE_A, "NOERROR aa zone lanlet.internal." });
}

/* RFC 1034 §3.6.2 */
static void aliases_are_followed(void)
{
	CHECK(&usual,
	      { "alias.example.com", DNS_TYPE_A, "NOERROR aa CNAME web.lanlet.internal. web.lanlet.internal. A 192.168.122.63" },
	      { "alias.example.com", DNS_TYPE_CNAME, "NOERROR aa CNAME web.lanlet.internal." },
	      { "alias.example.com", DNS_TYPE_TXT, "NOERROR aa CNAME web.lanlet.internal. zone lanlet.internal." },
	      { "far.example.com", DNS_TYPE_A, "outside:NOERROR aa CNAME www.example.org." });
	g_autofree char *loop = answer_to(&usual, "loop.example.com", DNS_TYPE_A, DNS_CLASS_IN, 0);
	g_assert_nonnull(strstr(loop, "CNAME loop.example.com."));
}

static void names_of_the_host_come_behind_those_of_guests(void)
{
	CHECK(&usual,
	      { "printer", DNS_TYPE_A, "NOERROR aa A 10.9.8.7" },
	      { "printer", DNS_TYPE_AAAA, "NOERROR aa" },
	      { "printer", DNS_TYPE_TXT, "outside" },
	      { "printer.lanlet.internal", DNS_TYPE_A, "NOERROR aa A 10.9.8.7" },
	      { "web", DNS_TYPE_A, "NOERROR aa A 192.168.122.63" },
	      { "6.example.com", DNS_TYPE_A, "NOERROR aa" },
	      { "7.8.9.10.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR printer." },
	      { "8.8.9.10.in-addr.arpa", DNS_TYPE_PTR, "outside" });
}

static void domain_that_is_shared_has_other_names_outside(void)
{
	static const struct place shared = { "192.168.122.0/24", "192.168.122.1", "192.168.122.63", "office.example", true };
	CHECK(&shared,
	      { "web.office.example", DNS_TYPE_A, "NOERROR aa A 192.168.122.63" },
	      { "web.office.example", DNS_TYPE_AAAA, "NOERROR aa" },
	      { "web.office.example", DNS_TYPE_MX, "outside" },
	      { "mail.office.example", DNS_TYPE_A, "outside" },
	      { "office.example", DNS_TYPE_SOA, "outside" },
	      { "63.122.168.192.in-addr.arpa", DNS_TYPE_PTR, "NOERROR aa PTR web.office.example." });
}

static void domain_of_one_label_is_a_domain(void)
{
	static const struct place lan = { "192.168.122.0/24", "192.168.122.1", "192.168.122.63", "lan." };
	CHECK(&lan,
	      { "lan", DNS_TYPE_SOA, "NOERROR aa SOA" },
	      { "lan", DNS_TYPE_A, "NOERROR aa zone lan." },
	      { "web.lan", DNS_TYPE_A, "NOERROR aa A 192.168.122.63" });
}

static void local_names_exist_in_class_in_only(void)
{
	g_autofree char *chaos = answer_to(&usual, "web.lanlet.internal", DNS_TYPE_TXT, DNS_CLASS_CH, 0);
	g_assert_cmpstr(chaos, ==, "REFUSED");
	g_autofree char *any = answer_to(&usual, "web", DNS_TYPE_A, DNS_CLASS_ANY, 0);
	g_assert_cmpstr(any, ==, "NOERROR aa A 192.168.122.63");
	g_autofree char *version = answer_to(&usual, "version.bind", DNS_TYPE_TXT, DNS_CLASS_CH, 0);
	g_assert_cmpstr(version, ==, "outside");
}

/* RFC 6891 §6.1.3 */
static void unknown_edns_versions_are_answered_with_badvers(void)
{
	g_autofree char *local = answer_to(&usual, "web", DNS_TYPE_A, DNS_CLASS_IN, 1);
	g_assert_cmpstr(local, ==, "BADVERS");
	g_autofree char *outside = answer_to(&usual, "example.com", DNS_TYPE_A, DNS_CLASS_IN, 1);
	g_assert_cmpstr(outside, ==, "outside");
}

static void invalid_names_are_refused_at_start(void)
{
	static const struct {
		const char *domain, *gateway;
	} cases[] = { { "a..b", "gateway" }, { "lan", "" }, { "lan", "gate.way" }, { "lan", "gate way" } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dns_local_config config = { .domain = cases[i].domain, .gateway_name = cases[i].gateway };
		struct dns_local local;
		g_assert_cmpint(dns_local_init(&local, &config), ==, -EINVAL);
	}
}

/* The longest possible reply fits DNS_REPLY_SIZE. */
static void every_reply_fits_its_buffer(void)
{
	g_autofree char *label = g_strnfill(63, 'x');
	g_autofree char *longest = g_strdup_printf("%s.%s.%s.%.*s", label, label, label, 61, label);
	struct dns_reply reply = { .n_answers = DNS_REPLY_RECORDS_MAX, .has_zone = true };
	struct dns_soa soa = { .serial = 1 };
	struct dns_query q = { .edns.present = true };
	g_assert_cmpint(dns_name_from_text(longest, &q.question.name), ==, 0);
	g_assert_cmpuint(q.question.name.len, ==, DNS_NAME_MAX);
	soa.mname = soa.rname = reply.zone = q.question.name;
	reply.soa = &soa;
	for (unsigned i = 0; i < DNS_REPLY_RECORDS_MAX; i++)
		reply.answers[i].type = DNS_TYPE_SOA;
	uint8_t bytes[DNS_REPLY_SIZE];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	dns_reply_emit(&w, &q, &reply);
	g_assert_false(w.failed);
}

/* clang-format on */

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/dns-local/" #f, f)
	ADD(guests_have_addresses_with_and_without_the_domain);
	ADD(guest_has_several_addresses_of_both_families);
	ADD(gateway_keeps_its_name_when_a_guest_has_the_same);
	ADD(other_types_of_a_known_name_are_nodata);
	ADD(unknown_names_of_the_domain_do_not_exist);
	ADD(domain_itself_has_soa_and_ns);
	ADD(single_labels_have_local_addresses_and_nothing_else);
	ADD(unknown_single_labels_are_forwarded);
	ADD(other_names_are_forwarded);
	ADD(localhost_is_a_loopback_address);
	ADD(addresses_of_the_segment_have_names);
	ADD(addresses_of_the_ipv6_prefix_have_names);
	ADD(malformed_reverse_names_of_the_segment_do_not_exist);
	ADD(other_reverse_names_are_forwarded);
	ADD(wide_segments_have_several_zones);
	ADD(narrow_segments_share_their_zone_with_other_networks);
	ADD(largest_segment_has_one_zone);
	ADD(without_a_domain_there_are_single_labels_only);
	ADD(records_that_the_user_has_given_come_first);
	ADD(aliases_are_followed);
	ADD(names_of_the_host_come_behind_those_of_guests);
	ADD(domain_that_is_shared_has_other_names_outside);
	ADD(domain_of_one_label_is_a_domain);
	ADD(local_names_exist_in_class_in_only);
	ADD(unknown_edns_versions_are_answered_with_badvers);
	ADD(invalid_names_are_refused_at_start);
	ADD(every_reply_fits_its_buffer);
	return g_test_run();
}
