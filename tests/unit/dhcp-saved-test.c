/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saved leases: what a restarted server accepts, and which leases it lists for saving. */
#include "base/macros.h"
#include "support/dhcp_bench.h"

#include <errno.h>

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)
#define C BENCH_MAC(3)

static struct dhcp_saved_lease saved(struct mac mac, ip4_t ip, usec_t expires, const char *name)
{
	return (struct dhcp_saved_lease){ .mac = mac, .ip = ip, .expires = expires, .name = name };
}

static void restored_lease_keeps_name_and_address(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct dhcp_saved_lease s = saved(A, BENCH_IP(33), b.now + 100 * USEC_PER_SEC, "web");
	s.client_id = (const uint8_t *)"id";
	s.client_id_len = 2;
	g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &s), ==, 0);
	g_assert_cmpuint(b.saves, ==, 0);
	ip4_t ip;
	g_assert_cmpint(bench_find_name(&b, "web", &ip), ==, 0);
	g_assert_cmpuint(ip, ==, BENCH_IP(33));
	g_assert_cmpuint(bench_lease(&b, A, NULL), ==, BENCH_IP(33));
	g_assert_cmpuint(b.probes->len, ==, 0);
	bench_done(&b);
}

/* The host was off for longer than an hour. */
static void restored_expired_lease_keeps_its_address(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct dhcp_saved_lease s = saved(A, BENCH_IP(33), 0, "web");
	g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &s), ==, 0);
	g_assert_cmpint(bench_find_name(&b, "web", &(ip4_t){ 0 }), ==, -ENOENT);
	g_assert_cmpuint(bench_lease(&b, A, NULL), ==, BENCH_IP(33));
	bench_done(&b);
}

static void saved_leases_outside_the_configuration_are_refused(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.first = BENCH_IP(10);
	b.config.last = BENCH_IP(12);
	b.config.reservations = &bench_web;
	b.config.n_reservations = 1;
	bench_start(&b);
	const struct {
		int err;
		struct dhcp_saved_lease s;
	} cases[] = {
		{ 0, saved(B, BENCH_IP(10), b.now + 1, NULL) },
		{ 0, saved(B, BENCH_IP(11), b.now + 1, NULL) }, /* instead of the one before, by its MAC */
		{ 0, saved(C, BENCH_IP(11), b.now + 1, NULL) }, /* by its address */
		{ 0, saved(B, BENCH_IP(10), b.now + 1, NULL) },
		{ 0, saved(B, BENCH_IP(11), b.now + 1, NULL) }, /* by both */
		{ 0, saved(B, BENCH_IP(10), b.now + 1, NULL) },
		{ -EADDRNOTAVAIL, saved(C, BENCH_IP(20), b.now + 1, NULL) },
		{ -EADDRNOTAVAIL, saved(C, bench_web.ip, b.now + 1, NULL) },
		{ -EADDRNOTAVAIL, saved(C, IP4(10, 0, 0, 1), b.now + 1, NULL) },
		{ -EINVAL, saved((struct mac){ { 1 } }, BENCH_IP(11), b.now + 1, NULL) },
		{ -EINVAL, saved((struct mac){ { 0 } }, BENCH_IP(11), b.now + 1, NULL) },
		{ 0, saved(bench_web.mac, bench_web.ip, b.now + 1, NULL) },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &cases[i].s), ==, cases[i].err);
	bench_done(&b);
}

static void collect(void *opaque, const struct lease *l)
{
	g_array_append_val((GArray *)opaque, l->ip);
}

struct ended {
	unsigned n;
	usec_t when;
	struct mac mac;
};

static struct ended ended;

static void record_end(struct dhcp_env *env, usec_t now, const struct port *p, const struct lease *l, enum dhcp_lease_event what)
{
	if (what != DHCP_LEASE_EXPIRED)
		return;
	g_assert_null(p);
	g_assert_false(lease_is_active(l, now));
	ended.n++;
	ended.when = now;
	ended.mac = l->mac;
}

static void end_of_a_lease_is_told_when_it_comes(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct dhcp_env_ops ops = *b.env.ops;
	ops.leased = record_end;
	b.env.ops = &ops;
	ended = (struct ended){ 0 };
	bench_lease(&b, A, NULL);
	struct dhcp_saved_lease from_file = saved(B, BENCH_IP(10), b.now + 10 * USEC_PER_SEC, NULL);
	struct dhcp_saved_lease old = saved(C, BENCH_IP(11), b.now - 1, NULL);
	g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &from_file), ==, 0);
	g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &old), ==, 0);
	g_assert_cmpuint(b.dhcp.leases.n_bound, ==, 2);
	bench_sleep(&b, 10 * USEC_PER_SEC - 1);
	g_assert_cmpuint(ended.n, ==, 0);
	bench_sleep(&b, 1);
	g_assert_cmpuint(ended.n, ==, 1);
	g_assert_true(mac_equal(ended.mac, B));
	g_assert_cmpuint(ended.when, ==, from_file.expires);
	bench_discover(&b, BENCH_MAC(9)); /* its offer ends, too, and is no lease */
	usec_t end = lease_find_mac(&b.dhcp.leases, A)->expires;
	bench_sleep(&b, end - b.now);
	g_assert_cmpuint(ended.n, ==, 2);
	g_assert_true(mac_equal(ended.mac, A));
	g_assert_cmpuint(b.dhcp.leases.n_bound, ==, 0);
	bench_done(&b);
}

static void leases_are_listed_from_the_least_recently_used(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, A, BENCH_IP(30), 0, 0);
	bench_request(&b, B, BENCH_IP(20), 0, 0);
	bench_request(&b, C, BENCH_IP(10), 0, 0);
	bench_request(&b, A, 0, 0, BENCH_IP(30));
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = C, .ciaddr = BENCH_IP(10) });
	bench_discover(&b, BENCH_MAC(9));
	g_autoptr(GArray) ips = g_array_new(FALSE, FALSE, sizeof(ip4_t));
	dhcp_for_each_lease(&b.dhcp, collect, ips);
	g_assert_cmpuint(ips->len, ==, 2);
	g_assert_cmpuint(g_array_index(ips, ip4_t, 0), ==, BENCH_IP(20));
	g_assert_cmpuint(g_array_index(ips, ip4_t, 1), ==, BENCH_IP(30));
	bench_done(&b);
}

#define TEST(name) g_test_add_func("/dhcp/" #name, name)

static void expect_ack(struct dhcp_bench *b, unsigned saves)
{
	bench_only_reply(b, DHCP_ACK);
	g_assert_cmpuint(b->saves, ==, saves);
}

static void renewals_are_saved_when_a_quarter_of_the_time_is_missing(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, "web");
	for (unsigned i = 0; i < 800; i++) {
		bench_request(&b, A, 0, 0, ip);
		expect_ack(&b, 0);
		g_assert_cmpuint(bench_number(bench_only_reply(&b, DHCP_ACK), DHCP_OPTION_LEASE_TIME), ==, 3600);
		bench_sleep(&b, USEC_PER_SEC);
	}
	g_assert_true(dhcp_is_unsaved(&b.dhcp));
	bench_sleep(&b, 101 * USEC_PER_SEC);
	bench_request(&b, A, 0, 0, ip);
	expect_ack(&b, 1);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_ACK)->saves_before, ==, 1);
	g_assert_false(dhcp_is_unsaved(&b.dhcp));
	bench_done(&b);
}

static void renewal_at_t1_is_saved_before_the_ack(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_sleep(&b, 1800 * USEC_PER_SEC);
	bench_request(&b, A, 0, 0, ip);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_ACK)->saves_before, ==, 1);
	bench_done(&b);
}

static void renewal_with_another_name_or_id_is_saved_before_the_ack(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, "web");
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .ciaddr = ip, .name = "db" });
	g_assert_cmpuint(bench_only_reply(&b, DHCP_ACK)->saves_before, ==, 1);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .ciaddr = ip, .name = "db", .client_id = "id" });
	g_assert_cmpuint(bench_only_reply(&b, DHCP_ACK)->saves_before, ==, 1);
	bench_done(&b);
}

/* A guest that starts again with another name has it from the OFFER on. */
static void name_of_a_new_offer_is_saved_before_the_ack(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, "before");
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .name = "after" });
	bench_only_reply(&b, DHCP_OFFER);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .name = "after", .requested = ip, .server_id = BENCH_GATEWAY });
	expect_ack(&b, 1);
	bench_done(&b);
}

static void infinite_lease_is_saved_once(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.lease_time = DHCP_LEASE_INFINITE;
	bench_start(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_request(&b, A, 0, 0, ip);
	expect_ack(&b, 0);
	bench_done(&b);
}

/* As fast as it can, with a new name each time. */
static void guest_that_changes_all_the_time_is_saved_ten_times_a_second(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	unsigned acks = 0;
	bench_forget(&b);
	for (unsigned i = 0; i < 1600; i++) {
		bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .ciaddr = ip, .name = i % 2 ? "a" : "b" });
		bench_sleep(&b, USEC_PER_SEC / 800);
	}
	acks = b.replies->len;
	g_assert_cmpuint(b.saves, <=, 30);
	g_assert_cmpuint(acks, ==, b.saves);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .ciaddr = ip, .name = "c" });
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = B, .requested = BENCH_IP(9) });
	g_assert_cmpuint(b.replies->len, ==, 0);
	bench_sleep(&b, 100 * USEC_PER_MSEC);
	for (unsigned i = 0; i < b.replies->len; i++)
		g_assert_cmpuint(bench_reply_at(&b, i)->saves_before, ==, 1);
	g_assert_cmpuint(b.saves, ==, 1);
	g_assert_cmpuint(b.replies->len, ==, 2);
	bench_done(&b);
}

/* The guest releases its address before the ACK was sent, or asks again. */
static void ack_that_waits_is_replaced_or_dropped(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	for (unsigned i = 10; i < 20; i++)
		bench_request(&b, BENCH_MAC(i), BENCH_IP(i), 0, 0);
	bench_request(&b, A, BENCH_IP(50), 0, 0);
	bench_request(&b, A, BENCH_IP(50), 0, 0);
	bench_request(&b, B, BENCH_IP(51), 0, 0);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = B, .ciaddr = BENCH_IP(51) });
	g_assert_cmpuint(b.replies->len, ==, 0);
	bench_sleep(&b, 100 * USEC_PER_MSEC);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_ACK)->message.header.yiaddr, ==, BENCH_IP(50));
	bench_done(&b);
}

static void ack_that_waits_is_not_sent_at_the_end(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	for (unsigned i = 10; i < 21; i++)
		bench_request(&b, BENCH_MAC(i), BENCH_IP(i), 0, 0);
	g_assert_true(dhcp_is_unsaved(&b.dhcp));
	bench_done(&b);
}

static void without_a_file_nothing_waits(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.saves = false;
	bench_start(&b);
	for (unsigned i = 10; i < 40; i++) {
		bench_request(&b, BENCH_MAC(i), BENCH_IP(i), 0, 0);
		expect_ack(&b, 0);
	}
	g_assert_false(dhcp_is_unsaved(&b.dhcp));
	bench_done(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(restored_lease_keeps_name_and_address);
	TEST(restored_expired_lease_keeps_its_address);
	TEST(saved_leases_outside_the_configuration_are_refused);
	TEST(end_of_a_lease_is_told_when_it_comes);
	TEST(leases_are_listed_from_the_least_recently_used);
	TEST(renewals_are_saved_when_a_quarter_of_the_time_is_missing);
	TEST(renewal_at_t1_is_saved_before_the_ack);
	TEST(renewal_with_another_name_or_id_is_saved_before_the_ack);
	TEST(name_of_a_new_offer_is_saved_before_the_ack);
	TEST(infinite_lease_is_saved_once);
	TEST(guest_that_changes_all_the_time_is_saved_ten_times_a_second);
	TEST(ack_that_waits_is_replaced_or_dropped);
	TEST(ack_that_waits_is_not_sent_at_the_end);
	TEST(without_a_file_nothing_waits);
	return g_test_run();
}
