/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shares of ports in the pool and the probes, and which leases give way when the pool is full. */
#include "base/macros.h"
#include "gateway/payer.h"
#include "service/dhcp/share.h"
#include "support/dhcp_bench.h"

/* Leases for @n invented MACs from number @first on, behind @port; how many succeed. */
static unsigned lease_many(struct dhcp_bench *b, struct port *port, unsigned first, unsigned n)
{
	unsigned got = 0;
	b->from = port;
	for (unsigned i = 0; i < n; i++)
		got += bench_lease(b, BENCH_MAC(first + i), NULL) != 0;
	return got;
}

/* The same, and ARP shows that each address is used. */
static unsigned lease_and_use_many(struct dhcp_bench *b, struct port *port, unsigned first, unsigned n)
{
	unsigned got = 0;
	b->from = port;
	for (unsigned i = 0; i < n; i++) {
		ip4_t ip = bench_lease(b, BENCH_MAC(first + i), NULL);
		if (!ip)
			continue;
		bench_arp(b, ip, BENCH_MAC(first + i));
		got++;
	}
	return got;
}

static void guarded_port_gets_seven_eighths_of_the_pool(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 64);
	bench_guard(&b);
	g_assert_cmpuint(lease_and_use_many(&b, &b.port, 1000, 70), ==, 56);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_SHARE], ==, 14);
	g_assert_cmpuint(lease_and_use_many(&b, &b.other, 2000, 20), ==, 6);
	g_assert_cmpuint(lease_and_use_many(&b, &b.third, 3000, 1), ==, 1);
	bench_done(&b);
}

static void unguarded_port_gets_the_whole_pool(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 64);
	g_assert_cmpuint(lease_many(&b, &b.port, 1000, 70), ==, 64);
	bench_done(&b);
}

static void reserved_address_is_not_charged(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.first = BENCH_IP(10);
	b.config.last = BENCH_IP(25);
	b.config.reservations = &(struct reservation){ .mac = BENCH_MAC(1), .ip = BENCH_IP(12) };
	b.config.n_reservations = 1;
	bench_start(&b);
	bench_guard(&b);
	g_assert_cmpuint(lease_many(&b, &b.port, 1000, 20), ==, 13); /* of 15 */
	g_assert_cmpuint(lease_many(&b, &b.port, 1, 1), ==, 1);
	g_assert_cmpuint(lease_many(&b, &b.other, 2000, 1), ==, 1);
	bench_done(&b);
}

static void ended_leases_are_not_charged(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 64);
	bench_guard(&b);
	g_assert_cmpuint(lease_many(&b, &b.port, 1000, 64), ==, 56);
	bench_sleep(&b, 3600 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.port, 2000, 64), ==, 56);
	bench_done(&b);
}

static void renewals_are_not_refused_for_a_share(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 16);
	bench_guard(&b);
	b.from = &b.port;
	ip4_t ip = bench_lease(&b, BENCH_MAC(1), NULL);
	lease_many(&b, &b.port, 1000, 16);
	bench_request(&b, BENCH_MAC(1), 0, 0, ip);
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

static void released_addresses_are_not_charged(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 8);
	bench_guard(&b);
	for (unsigned i = 0; i < 20; i++) {
		ip4_t ip = bench_lease(&b, BENCH_MAC(i), NULL);
		g_assert_cmpuint(ip, !=, 0);
		bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = BENCH_MAC(i), .ciaddr = ip });
	}
	g_assert_cmpuint(b.dhcp.leases.n_charged, ==, 0);
	bench_done(&b);
}

/* The MACs were invented: their leases are good for nothing. */
static void unused_leases_give_way_to_guests_behind_other_ports(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 16);
	g_assert_cmpuint(lease_many(&b, &b.port, 1000, 16), ==, 16);
	bench_guard(&b);
	bench_sleep(&b, 10 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.port, 2000, 1), ==, 0);
	g_assert_cmpuint(lease_and_use_many(&b, &b.other, 3000, 3), ==, 3);
	bench_done(&b);
}

static void offers_give_way_to_guests_behind_other_ports(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 16);
	for (unsigned i = 0; i < 16; i++)
		g_assert_cmpuint(bench_discover(&b, BENCH_MAC(1000 + i)), !=, 0);
	bench_sleep(&b, 10 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.other, 3000, 1), ==, 1);
	bench_done(&b);
}

static void client_has_time_to_use_its_address(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	g_assert_cmpuint(lease_many(&b, &b.port, 1000, 1), ==, 1);
	bench_sleep(&b, 8 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.other, 2000, 1), ==, 0);
	bench_done(&b);
}

static void leases_in_use_do_not_give_way(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 4);
	g_assert_cmpuint(lease_and_use_many(&b, &b.port, 1000, 4), ==, 4);
	bench_sleep(&b, 3000 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.other, 2000, 1), ==, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_POOL_FULL], >, 0);
	bench_done(&b);
}

/* More leases than are looked at for one DISCOVER: the next search goes on behind them. */
static void lease_that_gives_way_among_many_is_found_when_the_client_asks_again(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.subnet = (struct prefix4){ IP4(192, 168, 0, 0), 16 };
	b.config.first = IP4(192, 168, 0, 2);
	b.config.last = IP4(192, 168, 0, 2) + 599;
	bench_start(&b);
	g_assert_cmpuint(lease_and_use_many(&b, &b.port, 1000, 599), ==, 599);
	g_assert_cmpuint(lease_many(&b, &b.port, 1, 1), ==, 1);
	bench_sleep(&b, 10 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.other, 2000, 1), ==, 0);
	g_assert_cmpuint(lease_many(&b, &b.other, 2000, 1), ==, 1);
	g_assert_null(lease_find_mac(&b.dhcp.leases, BENCH_MAC(1)));
	bench_done(&b);
}

static void leases_used_behind_a_bridge_do_not_give_way(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	bench_send(&b,
		   &(struct bench_ask){ .type = DHCP_REQUEST, .mac = BENCH_MAC(1), .requested = BENCH_IP(10), .through = BENCH_MAC(2) });
	bench_arp(&b, BENCH_IP(10), BENCH_MAC(2));
	bench_sleep(&b, 100 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.other, 2000, 1), ==, 0);
	bench_done(&b);
}

static void leases_of_an_unplugged_port_give_way(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 16);
	g_assert_cmpuint(lease_and_use_many(&b, &b.third, 1, 1), ==, 1);
	g_assert_cmpuint(lease_and_use_many(&b, &b.port, 1000, 15), ==, 15);
	bench_sleep(&b, 10 * USEC_PER_SEC);
	bench_unplug(&b, &b.port);
	bench_unplug(&b, &b.third);
	g_assert_cmpuint(lease_and_use_many(&b, &b.other, 2000, 14), ==, 14);
	/* The one that held most has lost most. */
	g_assert_true(lease_is_active(lease_find_mac(&b.dhcp.leases, BENCH_MAC(1)), b.now));
	bench_done(&b);
}

/* Its guest may have nothing to say until it renews the lease. */
static void leases_from_before_a_restart_give_way_after_t1(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	struct dhcp_saved_lease saved = { .mac = BENCH_MAC(1), .ip = BENCH_IP(10), .expires = b.now + 3600 * USEC_PER_SEC };
	g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &saved), ==, 0);
	bench_sleep(&b, 1700 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.other, 2000, 1), ==, 0);
	bench_sleep(&b, 100 * USEC_PER_SEC);
	g_assert_cmpuint(lease_many(&b, &b.other, 2000, 1), ==, 1);
	bench_done(&b);
}

static void taken_lease_is_saved_and_has_no_name(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	bench_lease(&b, BENCH_MAC(1), "db");
	bench_sleep(&b, 10 * USEC_PER_SEC);
	bench_forget(&b);
	b.from = &b.other;
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(2) });
	bench_sleep(&b, USEC_PER_SEC);
	bench_only_reply(&b, DHCP_OFFER);
	g_assert_cmpuint(b.saves, ==, 1);
	g_assert_cmpint(bench_find_name(&b, "db", &(ip4_t){ 0 }), <, 0);
	bench_done(&b);
}

static void one_port_does_not_get_all_probes(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.subnet = (struct prefix4){ IP4(192, 168, 0, 0), 16 };
	b.config.first = IP4(192, 168, 0, 2);
	b.config.last = IP4(192, 168, 100, 254);
	bench_start(&b);
	for (unsigned i = 0; i < DHCP_PROBES_MAX; i++)
		bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(1000 + i) });
	g_assert_cmpuint(b.dhcp.n_probes, ==, DHCP_PROBES_MAX / 8 * 7);
	g_assert_cmpuint(b.dhcp.leases.count, ==, DHCP_PROBES_MAX / 8 * 7);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_SHARE], ==, DHCP_PROBES_MAX / 8);
	b.from = &b.other;
	bench_forget(&b);
	g_assert_cmpuint(bench_discover(&b, BENCH_MAC(1)), !=, 0);
	g_assert_cmpuint(b.port.payer->n_probes, ==, 0);
	bench_done(&b);
}

/* Each of @n_macs declines @times addresses; how many are set aside. */
static unsigned decline_many(struct dhcp_bench *b, unsigned n_macs, unsigned times)
{
	unsigned aside = 0;
	for (unsigned i = 0; i < times * n_macs; i++) {
		struct mac mac = BENCH_MAC(1 + i % n_macs);
		ip4_t ip = bench_lease(b, mac, NULL);
		g_assert_cmpuint(ip, !=, 0);
		bench_send(b, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = mac, .requested = ip });
		const struct lease *l = lease_find_ip(&b->dhcp.leases, ip);
		aside += l && l->state == LEASE_SET_ASIDE;
	}
	return aside;
}

static void port_sets_few_addresses_aside_by_decline(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	g_assert_cmpuint(decline_many(&b, 20, 2), ==, 8);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_SHARE], ==, 32);
	bench_done(&b);
}

/* Behind an uplink, too, where no port is charged: one machine that declines all that it gets does not empty the pool. */
static void mac_sets_few_addresses_aside_by_decline(void)
{
	for (unsigned guarded = 0; guarded < 2; guarded++) {
		struct dhcp_bench b;
		bench_start_default(&b);
		if (guarded)
			bench_guard(&b);
		g_assert_cmpuint(decline_many(&b, 1, 40), ==, 3);
		g_assert_cmpuint(b.drops.count[DROP_DHCP_SHARE], ==, 37);
		bench_sleep(&b, 600 * USEC_PER_SEC);
		g_assert_cmpuint(decline_many(&b, 1, 40), ==, 3);
		bench_done(&b);
	}
}

/* A MAC that has not declined for a long time is forgotten first. */
static void many_macs_may_decline_behind_an_uplink(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	g_assert_cmpuint(decline_many(&b, DHCP_DECLINERS_MAX, 4), ==, 3 * DHCP_DECLINERS_MAX);
	bench_done(&b);
}

/* Answers from @port to the ARP probe of each address that is tried for a newcomer, @times DISCOVERs; the first offer, 0: none. */
static ip4_t discover_against_answers(struct dhcp_bench *b, struct port *port, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		bench_forget(b);
		b->from = &b->other;
		bench_send(b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(1) });
		b->from = port;
		for (unsigned n = 0; n < b->probes->len; n++) {
			bench_arp(b, g_array_index(b->probes, ip4_t, n), BENCH_MAC(999));
			bench_sleep(b, 0);
		}
		bench_sleep(b, USEC_PER_SEC);
		if (b->replies->len > 0)
			return bench_reply_at(b, 0)->message.header.yiaddr;
	}
	return 0;
}

static void port_that_answers_every_probe_does_not_keep_others_out(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	g_assert_cmpuint(discover_against_answers(&b, &b.port, 2), !=, 0);
	bench_done(&b);
}

/* Machines with addresses of their own, as behind a bridge in a guest. */
static void port_that_has_used_an_address_before_keeps_it(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 32);
	bench_guard(&b);
	for (unsigned i = 10; i < 42; i++)
		bench_arp(&b, BENCH_IP(i), BENCH_MAC(999));
	g_array_set_size(b.neighbours, 0); /* silent for a minute */
	g_assert_cmpuint(discover_against_answers(&b, &b.port, 4), ==, 0);
	bench_done(&b);
}

static void port_does_not_reserve_addresses_by_claiming_all(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_guard(&b);
	for (unsigned i = 2; i < 255; i++)
		bench_arp(&b, BENCH_IP(i), BENCH_MAC(999));
	g_array_set_size(b.neighbours, 0);
	g_assert_cmpuint(discover_against_answers(&b, &b.port, 16), !=, 0);
	bench_done(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp-share/" #name, name)
	TEST(guarded_port_gets_seven_eighths_of_the_pool);
	TEST(unguarded_port_gets_the_whole_pool);
	TEST(reserved_address_is_not_charged);
	TEST(ended_leases_are_not_charged);
	TEST(renewals_are_not_refused_for_a_share);
	TEST(released_addresses_are_not_charged);
	TEST(unused_leases_give_way_to_guests_behind_other_ports);
	TEST(offers_give_way_to_guests_behind_other_ports);
	TEST(client_has_time_to_use_its_address);
	TEST(leases_in_use_do_not_give_way);
	TEST(lease_that_gives_way_among_many_is_found_when_the_client_asks_again);
	TEST(leases_used_behind_a_bridge_do_not_give_way);
	TEST(leases_of_an_unplugged_port_give_way);
	TEST(leases_from_before_a_restart_give_way_after_t1);
	TEST(taken_lease_is_saved_and_has_no_name);
	TEST(one_port_does_not_get_all_probes);
	TEST(port_sets_few_addresses_aside_by_decline);
	TEST(mac_sets_few_addresses_aside_by_decline);
	TEST(many_macs_may_decline_behind_an_uplink);
	TEST(port_that_answers_every_probe_does_not_keep_others_out);
	TEST(port_that_has_used_an_address_before_keeps_it);
	TEST(port_does_not_reserve_addresses_by_claiming_all);
	return g_test_run();
}
