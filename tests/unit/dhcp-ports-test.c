/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guest, behind which port, an address belongs to. */
#include "base/macros.h"
#include "support/dhcp_bench.h"

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)

static void assert_rank(const struct dhcp_bench *b, ip4_t ip, enum guest_rank rank, struct mac mac)
{
	struct guest_holder holder = { { { 0 } }, NULL };
	g_assert_cmpint(dhcp_rank(&b->dhcp, b->now, ip, &holder), ==, rank);
	g_assert_true(mac_equal(holder.mac, rank == GUEST_RANK_SEEN ? (struct mac){ { 0 } } : mac));
}

static void active_lease_is_ranked_above_use(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_discover(&b, A);
	assert_rank(&b, ip, GUEST_RANK_SEEN, A);
	bench_request(&b, A, ip, BENCH_GATEWAY, 0);
	assert_rank(&b, ip, GUEST_RANK_LEASED, A);
	bench_sleep(&b, 3600 * USEC_PER_SEC);
	assert_rank(&b, ip, GUEST_RANK_SEEN, A);
	bench_done(&b);
}

static void released_address_has_no_rank(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip });
	assert_rank(&b, ip, GUEST_RANK_SEEN, A);
	bench_done(&b);
}

static void reservation_is_ranked_above_a_lease(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	assert_rank(&b, bench_web.ip, GUEST_RANK_DECLARED, bench_web.mac);
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, NULL, 0), ==, 0);
	ip4_t ip = bench_lease(&b, B, NULL);
	struct reservation r = { .mac = A, .ip = ip };
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, &r, 1), ==, 0);
	assert_rank(&b, ip, GUEST_RANK_DECLARED, A);
	bench_done(&b);
}

static void lease_from_before_a_restart_has_its_rank(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct dhcp_saved_lease saved = { .mac = A, .ip = BENCH_IP(50), .expires = b.now + USEC_PER_SEC };
	g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &saved), ==, 0);
	assert_rank(&b, BENCH_IP(50), GUEST_RANK_LEASED, A);
	bench_done(&b);
}

static void holder_is_behind_the_port_where_its_mac_is(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_arp(&b, ip, A);
	struct guest_holder holder;
	g_assert_cmpint(dhcp_rank(&b.dhcp, b.now, ip, &holder), ==, GUEST_RANK_LEASED);
	g_assert_true(holder.port == &b.port);
	bench_done(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp-ports/" #name, name)
	TEST(active_lease_is_ranked_above_use);
	TEST(released_address_has_no_rank);
	TEST(reservation_is_ranked_above_a_lease);
	TEST(lease_from_before_a_restart_has_its_rank);
	TEST(holder_is_behind_the_port_where_its_mac_is);
	return g_test_run();
}
