/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host names of guests, and look-ups by name and address. */
#include "base/macros.h"
#include "service/guest_name.h"
#include "support/dhcp_bench.h"

#include <errno.h>

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)

/* A claims @last octet, B another … */
static void claim(struct dhcp_bench *b, struct mac mac, uint8_t last, const char *name)
{
	bench_forget(b);
	bench_send(b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = mac, .requested = BENCH_IP(last), .name = name });
	bench_only_reply(b, DHCP_ACK);
}

static void assert_address(const struct dhcp_bench *b, const char *name, ip4_t expected)
{
	ip4_t ip = 0;
	int err = bench_find_name(b, name, &ip);
	g_assert_cmpint(err, ==, expected ? 0 : -ENOENT);
	g_assert_cmpuint(ip, ==, expected);
}

static void assert_name(const struct dhcp_bench *b, ip4_t ip, const char *expected)
{
	char name[GUEST_NAME_SIZE] = "untouched";
	int err = dhcp_find_address(&b->dhcp, b->now, ip, name);
	g_assert_cmpint(err, ==, expected ? 0 : -ENOENT);
	g_assert_cmpstr(name, ==, expected ? expected : "untouched");
}

static void names_become_labels(void)
{
	static const struct {
		const char *raw, *clean; /* NULL: invalid */
	} cases[] = {
		{ "web", "web" },
		{ "Web-01", "web-01" },
		{ "web.example.com", "web" },
		{ "web.", "web" },
		{ "my_host", "my_host" },
		{ "Bob PC", "bob-pc" },
		{ "7", "7" },
		{ "", NULL },
		{ ".web", NULL },
		{ "-web", NULL },
		{ "web-", NULL },
		{ "web-.x", NULL },
		{ "_", NULL },
		{ "_web", NULL },
		{ "web_", NULL },
		{ "b\303\274ro", NULL },
		{ "a/b", NULL },
		{ "*", NULL },
		{ "a\nb", NULL },
		{ "a%s", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[GUEST_NAME_SIZE];
		g_assert_cmpint(guest_name_clean(cases[i].raw, strlen(cases[i].raw), name), ==, cases[i].clean != NULL);
		g_assert_cmpstr(name, ==, cases[i].clean ? cases[i].clean : "");
	}
}

static void names_end_at_nul_and_at_63(void)
{
	char name[GUEST_NAME_SIZE];
	g_assert_true(guest_name_clean("web\0xx", 6, name));
	g_assert_cmpstr(name, ==, "web");
	g_autofree char *longest = g_strnfill(63, 'a');
	g_assert_true(guest_name_clean(longest, 63, name));
	g_assert_cmpstr(name, ==, longest);
	g_autofree char *too_long = g_strnfill(64, 'a');
	g_assert_false(guest_name_clean(too_long, 64, name));
	g_assert_cmpstr(name, ==, "");
	g_assert_false(guest_name_clean(NULL, 0, name));
}

static void guest_with_a_lease_has_its_name(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	claim(&b, A, 50, "Web.example.com");
	assert_address(&b, "web", BENCH_IP(50));
	assert_address(&b, "WEB", BENCH_IP(50));
	assert_name(&b, BENCH_IP(50), "web");
	assert_address(&b, "web.example.com", 0);
	assert_address(&b, "we", 0);
	assert_address(&b, "", 0);
	assert_name(&b, BENCH_IP(51), NULL);
	bench_done(&b);
}

/* A name in a query is not cleaned like a client's host name: "my host" is not my-host. */
static void names_in_queries_are_not_cleaned(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	claim(&b, A, 50, "my host");
	assert_address(&b, "my-host", BENCH_IP(50));
	assert_address(&b, "my_host", 0);
	claim(&b, B, 51, "my_host");
	assert_address(&b, "my_host", BENCH_IP(51));
	assert_address(&b, "my-host", BENCH_IP(50));
	assert_address(&b, "my host", 0);
	bench_done(&b);
}

static void offered_guest_has_no_name_yet(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .name = "web" });
	bench_sleep(&b, USEC_PER_SEC);
	assert_address(&b, "web", 0);
	assert_name(&b, bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr, NULL);
	bench_done(&b);
}

/* Reservations of a name, without an address, for A and B. */
static const struct reservation named[] = { { .mac = A, .name = "web" }, { .mac = B, .name = "db" } };

static void reserved_name_needs_no_address(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	claim(&b, A, 50, "localhost");
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, named, ARRAY_SIZE(named)), ==, 0);
	assert_address(&b, "web", BENCH_IP(50));
	assert_name(&b, BENCH_IP(50), "web");
	g_assert_cmpstr(lease_find_mac(&b.dhcp.leases, A)->name, ==, "web");
	assert_address(&b, "db", 0);
	claim(&b, B, 51, "web");
	assert_address(&b, "web", BENCH_IP(50));
	assert_address(&b, "db", BENCH_IP(51));
	assert_name(&b, BENCH_IP(51), "db");
	bench_done(&b);
}

static void name_ends_with_the_lease(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	claim(&b, A, 50, "web");
	bench_sleep(&b, 3600 * USEC_PER_SEC - 1);
	assert_address(&b, "web", BENCH_IP(50));
	bench_sleep(&b, 1);
	assert_address(&b, "web", 0);
	assert_name(&b, BENCH_IP(50), NULL);
	bench_done(&b);
}

static void first_guest_keeps_a_name_that_two_ask_for(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	claim(&b, A, 50, "web");
	claim(&b, B, 51, "web");
	assert_address(&b, "web", BENCH_IP(50));
	assert_name(&b, BENCH_IP(51), NULL);
	bench_done(&b);
}

static void second_guest_gets_the_name_after_the_first_has_left(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	claim(&b, A, 50, "web");
	bench_sleep(&b, 3000 * USEC_PER_SEC);
	claim(&b, B, 51, "web");
	bench_sleep(&b, 1000 * USEC_PER_SEC);
	assert_address(&b, "web", 0);
	claim(&b, B, 51, "web");
	assert_address(&b, "web", BENCH_IP(51));
	claim(&b, A, 50, "web");
	assert_address(&b, "web", BENCH_IP(51));
	bench_done(&b);
}

static void guest_may_change_its_name(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	claim(&b, A, 50, "web");
	claim(&b, A, 50, "db");
	assert_address(&b, "web", 0);
	assert_address(&b, "db", BENCH_IP(50));
	claim(&b, A, 50, NULL);
	assert_address(&b, "db", BENCH_IP(50));
	claim(&b, A, 50, "not/good");
	assert_address(&b, "db", 0);
	bench_done(&b);
}

static void wpad_isatap_localhost_and_the_gateways_name_are_refused(void)
{
	static const char *const refused[] = { "localhost", "wpad", "WPAD", "isatap", "gateway", "Gateway.x" };
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct dhcp_bench b;
		bench_start_default(&b);
		claim(&b, A, 50, refused[i]);
		assert_name(&b, BENCH_IP(50), NULL);
		bench_done(&b);
	}
}

static void reserved_guest_has_its_name_without_a_lease(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	assert_address(&b, "web", bench_web.ip);
	assert_address(&b, "Web", bench_web.ip);
	assert_name(&b, bench_web.ip, "web");
	bench_done(&b);
}

static void reserved_name_precedes_that_of_the_client(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	claim(&b, bench_web.mac, 77, "other");
	assert_address(&b, "other", 0);
	assert_name(&b, bench_web.ip, "web");
	bench_done(&b);
}

static void reserved_name_is_refused_to_others(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	claim(&b, B, 50, "web");
	assert_address(&b, "web", bench_web.ip);
	assert_name(&b, BENCH_IP(50), NULL);
	bench_done(&b);
}

static void reserved_guest_resolves_to_its_leased_address(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	bench_arp(&b, bench_web.ip, B);
	ip4_t ip = bench_lease(&b, bench_web.mac, NULL);
	g_assert_cmpuint(ip, !=, bench_web.ip);
	assert_address(&b, "web", ip);
	assert_name(&b, ip, "web");
	bench_done(&b);
}

static void new_reservation_takes_its_name_from_other_guests(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	claim(&b, B, 50, "web");
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, &bench_web, 1), ==, 0);
	assert_address(&b, "web", bench_web.ip);
	assert_name(&b, BENCH_IP(50), NULL);
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, NULL, 0), ==, 0);
	assert_address(&b, "web", 0);
	bench_done(&b);
}

static void reservation_may_have_a_name_that_guests_may_not(void)
{
	struct reservation wpad = bench_web;
	strcpy(wpad.name, "wpad");
	struct dhcp_bench b;
	bench_start_default(&b);
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, &wpad, 1), ==, 0);
	assert_address(&b, "wpad", wpad.ip);
	bench_done(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp-names/" #name, name)
	TEST(names_become_labels);
	TEST(names_end_at_nul_and_at_63);
	TEST(guest_with_a_lease_has_its_name);
	TEST(names_in_queries_are_not_cleaned);
	TEST(offered_guest_has_no_name_yet);
	TEST(reserved_name_needs_no_address);
	TEST(name_ends_with_the_lease);
	TEST(first_guest_keeps_a_name_that_two_ask_for);
	TEST(second_guest_gets_the_name_after_the_first_has_left);
	TEST(guest_may_change_its_name);
	TEST(wpad_isatap_localhost_and_the_gateways_name_are_refused);
	TEST(reserved_guest_has_its_name_without_a_lease);
	TEST(reserved_name_precedes_that_of_the_client);
	TEST(reserved_name_is_refused_to_others);
	TEST(reserved_guest_resolves_to_its_leased_address);
	TEST(new_reservation_takes_its_name_from_other_guests);
	TEST(reservation_may_have_a_name_that_guests_may_not);
	return g_test_run();
}
