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
	g_assert_cmpuint(b.changes, ==, 0);
	ip4_t ip;
	g_assert_cmpint(dhcp_find_name(&b.dhcp, b.now, "web", &ip), ==, 0);
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
	g_assert_cmpint(dhcp_find_name(&b.dhcp, b.now, "web", &(ip4_t){ 0 }), ==, -ENOENT);
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
		{ -EEXIST, saved(B, BENCH_IP(11), b.now + 1, NULL) },
		{ -EEXIST, saved(C, BENCH_IP(10), b.now + 1, NULL) },
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

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(restored_lease_keeps_name_and_address);
	TEST(restored_expired_lease_keeps_its_address);
	TEST(saved_leases_outside_the_configuration_are_refused);
	TEST(leases_are_listed_from_the_least_recently_used);
	return g_test_run();
}
