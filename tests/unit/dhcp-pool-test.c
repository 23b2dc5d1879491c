/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which address a client gets: probes, first choice, reservations, limits. */
#include "base/macros.h"
#include "lan/fdb.h"
#include "service/dhcp/share.h"
#include "support/dhcp_bench.h"

#include <errno.h>

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)
#define C BENCH_MAC(3)

static void unknown_address_is_probed_once_before_the_offer(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	g_assert_cmpuint(b.probes->len, ==, 1);
	g_assert_cmpuint(b.replies->len, ==, 0);
	usec_t due = b.dhcp.service.ops->deadline(&b.dhcp.service);
	g_assert_cmpuint(due, >, b.now);
	g_assert_cmpuint(due, <=, b.now + 500 * USEC_PER_MSEC);
	bench_sleep(&b, due - b.now - 1);
	g_assert_cmpuint(b.replies->len, ==, 0);
	bench_sleep(&b, 1);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr, ==, g_array_index(b.probes, ip4_t, 0));
	g_assert_cmpuint(b.probes->len, ==, 1);
	g_assert_cmpuint(b.dhcp.service.ops->deadline(&b.dhcp.service), ==, lease_find_mac(&b.dhcp.leases, A)->expires); /* of the offer */
	bench_done(&b);
}

static void address_that_nobody_can_have_is_offered_at_once(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	b.all_known = true;
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	ip4_t ip = bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr;
	g_assert_cmpuint(b.probes->len, ==, 0);
	bench_request(&b, A, ip, BENCH_GATEWAY, 0);
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

/* B used the address that A asks for, and has been silent for so long that it may not be there any more. */
static void address_that_another_guest_has_used_is_probed(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	b.all_known = true;
	bench_arp(&b, BENCH_IP(50), B);
	g_array_set_size(b.neighbours, 0);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .requested = BENCH_IP(50) });
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.probes->len, ==, 1);
	bench_arp(&b, BENCH_IP(51), A);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = C, .requested = BENCH_IP(52) });
	bench_only_reply(&b, DHCP_OFFER);
	bench_done(&b);
}

/* .10 to .11, .20, and .30 to .31 with leases of ten minutes. */
static void addresses_come_from_all_ranges_and_from_no_gap(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.first = BENCH_IP(10);
	b.config.last = BENCH_IP(31);
	b.config.ranges[0] = (struct dhcp_range){ BENCH_IP(10), BENCH_IP(11), 0 };
	b.config.ranges[1] = (struct dhcp_range){ BENCH_IP(20), BENCH_IP(20), 0 };
	b.config.ranges[2] = (struct dhcp_range){ BENCH_IP(30), BENCH_IP(31), 600 };
	b.config.n_ranges = 3;
	bench_start(&b);
	unsigned got[5] = { 0 };
	static const uint8_t all[] = { 10, 11, 20, 30, 31 };
	for (unsigned i = 0; i < 5; i++) {
		bench_forget(&b);
		ip4_t ip = bench_lease(&b, BENCH_MAC(100 + i), NULL);
		for (unsigned k = 0; k < ARRAY_SIZE(all); k++)
			got[k] += ip == BENCH_IP(all[k]);
		g_assert_cmpuint(bench_number(bench_reply_at(&b, 1), DHCP_OPTION_LEASE_TIME), ==, ip >= BENCH_IP(30) ? 600 : 3600);
	}
	for (unsigned k = 0; k < ARRAY_SIZE(all); k++)
		g_assert_cmpuint(got[k], ==, 1);
	g_assert_cmpuint(bench_lease(&b, BENCH_MAC(200), NULL), ==, 0);
	bench_request(&b, BENCH_MAC(201), BENCH_IP(15), 0, 0);
	bench_only_reply(&b, DHCP_NAK);
	bench_done(&b);
}

static void leased_address_is_offered_again_without_a_probe(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	g_assert_cmpuint(b.probes->len, ==, 0);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr, ==, ip);
	bench_done(&b);
}

static void expired_lease_is_probed_before_it_is_offered_again(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_sleep(&b, 3601 * USEC_PER_SEC);
	bench_forget(&b);
	g_assert_cmpuint(bench_discover(&b, A), ==, ip);
	g_assert_cmpuint(b.probes->len, ==, 1);
	bench_done(&b);
}

static void address_that_answers_the_probe_is_not_offered(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	ip4_t first = g_array_index(b.probes, ip4_t, 0);
	bench_sleep(&b, 5 * USEC_PER_MSEC);
	bench_arp(&b, first, C);
	g_assert_cmpuint(b.dhcp.service.ops->deadline(&b.dhcp.service), <=, b.now);
	bench_sleep(&b, 0);
	g_assert_cmpuint(b.probes->len, ==, 2);
	ip4_t second = g_array_index(b.probes, ip4_t, 1);
	g_assert_cmpuint(second, !=, first);
	g_assert_cmpuint(b.replies->len, ==, 0);
	bench_sleep(&b, 500 * USEC_PER_MSEC);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr, ==, second);
	bench_done(&b);
}

/* A guest that restarts may still answer ARP for its old address. */
static void arp_answer_of_the_client_itself_is_not_a_conflict(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	ip4_t ip = g_array_index(b.probes, ip4_t, 0);
	bench_arp(&b, ip, A);
	bench_sleep(&b, USEC_PER_SEC);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr, ==, ip);
	bench_done(&b);
}

static void no_offer_when_every_address_is_in_use(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 3);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	for (unsigned i = 0; i < 3; i++) {
		g_assert_cmpuint(b.probes->len, ==, i + 1);
		bench_arp(&b, g_array_index(b.probes, ip4_t, i), C);
		bench_sleep(&b, 0);
	}
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_POOL_FULL], ==, 1);
	g_assert_cmpuint(b.dhcp.service.ops->deadline(&b.dhcp.service), ==, b.now + 60 * USEC_PER_SEC); /* they are tried again */
	bench_done(&b);
}

static void address_known_to_be_in_use_is_skipped_without_a_probe(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t first = bench_discover(&b, A);
	bench_done(&b);

	bench_start_default(&b);
	bench_arp(&b, first, C);
	ip4_t other = bench_discover(&b, A);
	g_assert_cmpuint(other, !=, 0);
	g_assert_cmpuint(other, !=, first);
	g_assert_cmpuint(b.probes->len, ==, 1);
	bench_done(&b);
}

/* The neighbour table keeps a guest for a while after it has released its address; the probe decides. */
static void last_guest_in_the_neighbour_table_does_not_block_an_address(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_arp(&b, ip, A);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip, .server_id = BENCH_GATEWAY });
	g_assert_cmpuint(bench_discover(&b, B), ==, ip);
	bench_done(&b);
}

/* Behind a bridge that translates MACs, ARP shows the bridge's. */
static void active_lease_stays_valid_when_arp_shows_another_mac(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_arp(&b, ip, C);
	bench_request(&b, A, 0, 0, ip);
	bench_only_reply(&b, DHCP_ACK);
	g_assert_cmpuint(bench_discover(&b, A), ==, ip);
	bench_done(&b);
}

static void many_clients_are_probed_at_the_same_time(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bool seen[256] = { false };
	for (unsigned i = 0; i < 250; i++) {
		bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(i + 1) });
		bench_sleep(&b, USEC_PER_MSEC);
	}
	g_assert_cmpuint(b.probes->len, ==, 250);
	bench_sleep(&b, 301 * USEC_PER_MSEC);
	g_assert_cmpuint(b.replies->len, ==, 250);
	for (unsigned i = 0; i < 250; i++) {
		uint8_t last = (uint8_t)bench_reply_at(&b, i)->message.header.yiaddr;
		g_assert_false(seen[last]);
		seen[last] = true;
	}
	bench_done(&b);
}

/* A DISCOVER that is repeated during the probe: one probe, and one answer, to the latest message. */
static void repeated_discover_does_not_restart_the_probe(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	bench_sleep(&b, 200 * USEC_PER_MSEC);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .broadcast = true });
	bench_sleep(&b, 101 * USEC_PER_MSEC);
	g_assert_cmpuint(b.probes->len, ==, 1);
	g_assert_true(bench_only_reply(&b, DHCP_OFFER)->message.header.broadcast);
	bench_done(&b);
}

static void request_ends_a_probe(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	bench_request(&b, A, BENCH_IP(99), 0, 0);
	bench_only_reply(&b, DHCP_ACK);
	bench_sleep(&b, USEC_PER_SEC);
	g_assert_cmpuint(b.replies->len, ==, 1);
	bench_done(&b);
}

static void request_for_the_probed_address_ends_the_probe(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	ip4_t ip = g_array_index(b.probes, ip4_t, 0);
	bench_request(&b, A, ip, 0, 0);
	bench_only_reply(&b, DHCP_ACK);
	bench_arp(&b, ip, C);
	bench_sleep(&b, USEC_PER_SEC);
	g_assert_cmpuint(b.replies->len, ==, 1);
	g_assert_true(lease_is_active(lease_find_mac(&b.dhcp.leases, A), b.now));
	bench_done(&b);
}

/* A guest that answers every ARP request must not make the server probe the whole pool for one DISCOVER. */
static void at_most_eight_addresses_are_probed_for_a_discover(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A });
	for (unsigned i = 0; i < 20 && i < b.probes->len; i++) {
		bench_arp(&b, g_array_index(b.probes, ip4_t, i), C);
		bench_sleep(&b, USEC_PER_MSEC);
	}
	g_assert_cmpuint(b.probes->len, ==, 8);
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_POOL_FULL], ==, 1);
	bench_done(&b);
}

/* Neither the key of the run nor the order of arrival matters. */
static void same_mac_gets_the_same_address_without_a_lease_file(void)
{
	ip4_t before[20];
	struct dhcp_bench b;
	bench_start_default(&b);
	for (unsigned i = 0; i < 20; i++) {
		before[i] = bench_lease(&b, BENCH_MAC(i * 7 + 1), NULL);
		bench_done(&b);
		bench_init(&b);
		b.config.hash_key = (struct hash_key){ { 100 + i, i } };
		bench_start(&b);
	}
	for (unsigned i = 0; i < 20; i++) {
		g_assert_cmpuint(bench_lease(&b, BENCH_MAC(i * 7 + 1), NULL), ==, before[i]);
		bench_done(&b);
		bench_start_default(&b);
	}
	bench_done(&b);
}

/* Known values: a change of the hash would move every guest of every user. */
static void first_choice_of_an_address_never_changes(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t one = bench_discover(&b, (struct mac){ { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } });
	ip4_t two = bench_discover(&b, (struct mac){ { 0x52, 0x54, 0, 0x12, 0x34, 0x57 } });
	char text[IP4_TEXT_SIZE];
	g_assert_cmpstr(ip4_format(one, text), ==, "192.168.122.74");
	g_assert_cmpstr(ip4_format(two, text), ==, "192.168.122.212");
	bench_done(&b);
}

static void two_client_ids_of_one_mac_share_the_address(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .client_id = "\377DUID of the system" });
	g_assert_cmpuint(bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr, ==, ip);
	bench_done(&b);
}

static void one_client_id_of_two_macs_gets_two_addresses(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct bench_ask ask = { .type = DHCP_DISCOVER, .mac = A, .client_id = "cloned" };
	bench_send(&b, &ask);
	ask.mac = B;
	bench_send(&b, &ask);
	bench_sleep(&b, USEC_PER_SEC);
	g_assert_cmpuint(bench_reply_at(&b, 0)->message.header.yiaddr, !=, bench_reply_at(&b, 1)->message.header.yiaddr);
	bench_done(&b);
}

/* RFC 2131 §4.3.1: an address that the client asks for and that is free. */
static void requested_address_in_discover_is_offered_when_free(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .requested = BENCH_IP(200) });
	bench_sleep(&b, USEC_PER_SEC);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr, ==, BENCH_IP(200));
	bench_done(&b);
}

static void requested_address_in_discover_is_ignored_when_not_free(void)
{
	static const ip4_t wishes[] = { BENCH_IP(0), BENCH_IP(1), BENCH_IP(255), IP4(10, 0, 0, 5), BENCH_IP(50), IP4(0, 0, 0, 1) };
	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
		struct dhcp_bench b;
		bench_start_default(&b);
		bench_request(&b, B, BENCH_IP(50), 0, 0);
		bench_forget(&b);
		bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .requested = wishes[i] });
		bench_sleep(&b, USEC_PER_SEC);
		ip4_t ip = bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr;
		g_assert_cmpuint(ip, !=, wishes[i]);
		g_assert_cmpuint(ip, >=, BENCH_IP(2));
		g_assert_cmpuint(ip, <=, BENCH_IP(254));
		bench_done(&b);
	}
}

/* RFC 2131 §4.3.1: the client's address precedes the one that it asks for. */
static void existing_lease_precedes_the_requested_address(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, A, BENCH_IP(50), 0, 0);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .requested = BENCH_IP(60) });
	g_assert_cmpuint(bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr, ==, BENCH_IP(50));
	bench_done(&b);
}

static void released_guest_gets_its_address_again(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, A, BENCH_IP(123), 0, 0);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = BENCH_IP(123), .server_id = BENCH_GATEWAY });
	g_assert_cmpuint(bench_lease(&b, A, NULL), ==, BENCH_IP(123));
	bench_done(&b);
}

/* An address that a guest had is offered to another only when no other is free, the longest unused one first. */
static void addresses_of_absent_guests_are_offered_last(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 3);
	ip4_t a = bench_lease(&b, A, NULL);
	bench_sleep(&b, USEC_PER_SEC);
	ip4_t c = bench_lease(&b, C, NULL);
	bench_sleep(&b, 4000 * USEC_PER_SEC);
	ip4_t fresh = bench_lease(&b, BENCH_MAC(4), NULL);
	g_assert_cmpuint(fresh, !=, a);
	g_assert_cmpuint(fresh, !=, c);
	g_assert_cmpuint(bench_lease(&b, BENCH_MAC(5), NULL), ==, a);
	g_assert_cmpuint(bench_lease(&b, C, NULL), ==, c);
	bench_done(&b);
}

static void full_pool_sends_nothing_and_counts_a_drop(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 2);
	bench_lease(&b, A, NULL);
	bench_lease(&b, B, NULL);
	bench_forget(&b);
	g_assert_cmpuint(bench_discover(&b, C), ==, 0);
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_POOL_FULL], ==, 1);
	bench_done(&b);
}

static void gateway_address_in_the_pool_is_never_leased(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.first = BENCH_IP(0);
	b.config.last = BENCH_IP(255);
	bench_start(&b);
	bool seen[256] = { false };
	for (unsigned i = 1; i <= 253; i++) {
		ip4_t ip = bench_lease(&b, BENCH_MAC(i), NULL);
		g_assert_cmpuint(ip & 0xffffff00, ==, BENCH_IP(0));
		g_assert_false(seen[ip & 0xff]);
		seen[ip & 0xff] = true;
	}
	g_assert_false(seen[0] || seen[1] || seen[255]);
	g_assert_cmpuint(bench_discover(&b, BENCH_MAC(254)), ==, 0);
	bench_done(&b);
}

/* MACs beyond those of BENCH_MAC(). */
#define MAC_OF_MANY(n) ((struct mac){ { 2, 0, 0, (uint8_t)((n) >> 16), (uint8_t)((n) >> 8), (uint8_t)(n) } })

static void start_large(struct dhcp_bench *b, unsigned prefix_length)
{
	bench_init(b);
	b->config.subnet = (struct prefix4){ IP4(10, 0, 0, 0), prefix_length };
	b->config.gateway = IP4(10, 0, 0, 1);
	b->config.first = IP4(10, 0, 0, 2);
	b->config.last = prefix4_broadcast(b->config.subnet) - 1;
	b->config.saves = false;
	bench_start(b);
}

/* Through a bridge that translates MACs. */
static void lease_address_if_there_is_room(struct dhcp_bench *b, unsigned n)
{
	struct bench_ask ask = { .type = DHCP_REQUEST, .mac = MAC_OF_MANY(n), .requested = IP4(10, 0, 0, 2) + n, .through = A };
	bench_forget(b);
	bench_send(b, &ask);
}

static void lease_address(struct dhcp_bench *b, unsigned n)
{
	lease_address_if_there_is_room(b, n);
	bench_only_reply(b, DHCP_ACK);
}

static void every_address_of_a_16_is_leased(void)
{
	enum { GUESTS = 65533 };
	struct dhcp_bench b;
	start_large(&b, 16);
	for (unsigned i = 0; i < GUESTS - 1; i++)
		lease_address(&b, i);
	g_assert_cmpuint(bench_discover(&b, MAC_OF_MANY(GUESTS)), ==, IP4(10, 0, 255, 254)); /* the last one */
	bench_sleep(&b, 60 * USEC_PER_SEC);                                                  /* the offer is not taken */
	lease_address(&b, GUESTS - 1);
	g_assert_cmpuint(bench_discover(&b, MAC_OF_MANY(GUESTS)), ==, 0);
	bench_done(&b);
}

/* A guest that invents MACs may fill the pool, not the memory. */
static void invented_macs_take_bounded_memory(void)
{
	struct dhcp_bench b;
	start_large(&b, 8);
	for (unsigned i = 0; i < FDB_MAX + 1000; i++) {
		lease_address_if_there_is_room(&b, i);
		bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = MAC_OF_MANY(i + (1u << 20)), .through = A });
		g_assert_cmpuint(b.dhcp.leases.count, <=, FDB_MAX);
		g_assert_cmpuint(b.dhcp.n_probes, <=, DHCP_PROBES_MAX);
	}
	g_assert_cmpuint(b.dhcp.leases.count, ==, FDB_MAX);
	bench_sleep(&b, 4000 * USEC_PER_SEC);
	g_assert_cmpuint(b.dhcp.n_probes, ==, 0);
	g_assert_cmpuint(bench_discover(&b, (struct mac){ { 2, 9, 9, 9, 9, 9 } }), !=, 0);
	bench_done(&b);
}

static void at_most_the_capacity_of_leases_is_restored(void)
{
	struct dhcp_bench b;
	start_large(&b, 8);
	for (unsigned i = 0; i < FDB_MAX + 10; i++) {
		struct dhcp_saved_lease saved = { .mac = MAC_OF_MANY(i), .ip = IP4(10, 0, 0, 2) + i, .expires = USEC_INFINITY };
		g_assert_cmpint(dhcp_restore(&b.dhcp, b.now, &saved), ==, i < FDB_MAX ? 0 : -ENOSPC);
	}
	bench_done(&b);
}

static void reserved_guest_gets_its_address(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	g_assert_cmpuint(bench_lease(&b, bench_web.mac, NULL), ==, bench_web.ip);
	bench_done(&b);
}

static void reserved_address_may_lie_outside_the_pool(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.first = b.config.last = BENCH_IP(10);
	b.config.reservations = &bench_web;
	b.config.n_reservations = 1;
	bench_start(&b);
	g_assert_cmpuint(bench_lease(&b, bench_web.mac, NULL), ==, bench_web.ip);
	g_assert_cmpuint(bench_lease(&b, B, NULL), ==, BENCH_IP(10));
	g_assert_cmpuint(bench_lease(&b, C, NULL), ==, 0);
	bench_done(&b);
}

static void reserved_address_is_never_leased_to_others(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.first = BENCH_IP(76);
	b.config.last = BENCH_IP(78);
	b.config.reservations = &bench_web;
	b.config.n_reservations = 1;
	bench_start(&b);
	for (unsigned i = 2; i <= 3; i++) {
		ip4_t ip = bench_lease(&b, BENCH_MAC(i), NULL);
		g_assert_true(ip == BENCH_IP(76) || ip == BENCH_IP(78));
	}
	g_assert_cmpuint(bench_discover(&b, BENCH_MAC(4)), ==, 0);
	bench_done(&b);
}

static void reserved_address_in_use_is_replaced_until_it_is_free(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	bench_arp(&b, bench_web.ip, C);
	ip4_t other = bench_lease(&b, bench_web.mac, NULL);
	g_assert_cmpuint(other, !=, 0);
	g_assert_cmpuint(other, !=, bench_web.ip);
	bench_request(&b, bench_web.mac, 0, 0, other);
	bench_only_reply(&b, DHCP_ACK);
	g_array_set_size(b.neighbours, 0);
	bench_request(&b, bench_web.mac, 0, 0, other);
	bench_only_reply(&b, DHCP_NAK);
	g_assert_cmpuint(bench_lease(&b, bench_web.mac, NULL), ==, bench_web.ip);
	bench_done(&b);
}

static void new_reservation_moves_its_guest_at_the_next_renewal(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, bench_web.mac, BENCH_IP(50), 0, 0);
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, &bench_web, 1), ==, 0);
	bench_request(&b, bench_web.mac, 0, 0, BENCH_IP(50));
	bench_only_reply(&b, DHCP_NAK);
	g_assert_cmpuint(bench_lease(&b, bench_web.mac, NULL), ==, bench_web.ip);
	bench_done(&b);
}

static void new_reservation_takes_its_address_from_another_guest(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, B, bench_web.ip, 0, 0);
	bench_only_reply(&b, DHCP_ACK);
	g_assert_cmpint(dhcp_set_reservations(&b.dhcp, &bench_web, 1), ==, 0);
	ip4_t meanwhile = bench_lease(&b, bench_web.mac, NULL);
	g_assert_cmpuint(meanwhile, !=, 0);
	g_assert_cmpuint(meanwhile, !=, bench_web.ip);
	bench_request(&b, B, 0, 0, bench_web.ip);
	bench_only_reply(&b, DHCP_NAK);
	bench_lease(&b, B, NULL);
	bench_request(&b, bench_web.mac, 0, 0, meanwhile);
	bench_only_reply(&b, DHCP_NAK);
	g_assert_cmpuint(bench_lease(&b, bench_web.mac, NULL), ==, bench_web.ip);
	bench_done(&b);
}

static void bad_reservations_change_nothing(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	static const struct {
		int err;
		struct reservation r[2];
	} bad[] = {
		{ -EEXIST, { { A, BENCH_IP(5), "" }, { A, BENCH_IP(6), "" } } },
		{ -EEXIST, { { A, BENCH_IP(5), "" }, { B, BENCH_IP(5), "" } } },
		{ -EEXIST, { { A, BENCH_IP(5), "x" }, { B, BENCH_IP(6), "x" } } },
		{ -ERANGE, { { A, BENCH_IP(5), "" }, { B, BENCH_GATEWAY, "" } } },
		{ -ERANGE, { { A, BENCH_IP(5), "" }, { B, IP4(10, 0, 0, 1), "" } } },
		{ -ERANGE, { { A, BENCH_IP(5), "" }, { B, BENCH_IP(255), "" } } },
		{ -EINVAL, { { A, BENCH_IP(5), "" }, { B, BENCH_IP(6), "no good" } } },
		{ -EINVAL, { { A, BENCH_IP(5), "" }, { { { 0 } }, BENCH_IP(6), "" } } },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		g_assert_cmpint(dhcp_set_reservations(&b.dhcp, bad[i].r, 2), ==, bad[i].err);
	g_assert_cmpuint(bench_lease(&b, bench_web.mac, NULL), ==, bench_web.ip);
	bench_done(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp-pool/" #name, name)
	TEST(unknown_address_is_probed_once_before_the_offer);
	TEST(address_that_nobody_can_have_is_offered_at_once);
	TEST(address_that_another_guest_has_used_is_probed);
	TEST(addresses_come_from_all_ranges_and_from_no_gap);
	TEST(leased_address_is_offered_again_without_a_probe);
	TEST(expired_lease_is_probed_before_it_is_offered_again);
	TEST(address_that_answers_the_probe_is_not_offered);
	TEST(arp_answer_of_the_client_itself_is_not_a_conflict);
	TEST(no_offer_when_every_address_is_in_use);
	TEST(address_known_to_be_in_use_is_skipped_without_a_probe);
	TEST(last_guest_in_the_neighbour_table_does_not_block_an_address);
	TEST(active_lease_stays_valid_when_arp_shows_another_mac);
	TEST(many_clients_are_probed_at_the_same_time);
	TEST(repeated_discover_does_not_restart_the_probe);
	TEST(request_ends_a_probe);
	TEST(request_for_the_probed_address_ends_the_probe);
	TEST(at_most_eight_addresses_are_probed_for_a_discover);
	TEST(same_mac_gets_the_same_address_without_a_lease_file);
	TEST(first_choice_of_an_address_never_changes);
	TEST(two_client_ids_of_one_mac_share_the_address);
	TEST(one_client_id_of_two_macs_gets_two_addresses);
	TEST(requested_address_in_discover_is_offered_when_free);
	TEST(requested_address_in_discover_is_ignored_when_not_free);
	TEST(existing_lease_precedes_the_requested_address);
	TEST(released_guest_gets_its_address_again);
	TEST(addresses_of_absent_guests_are_offered_last);
	TEST(full_pool_sends_nothing_and_counts_a_drop);
	TEST(gateway_address_in_the_pool_is_never_leased);
	TEST(every_address_of_a_16_is_leased);
	TEST(invented_macs_take_bounded_memory);
	TEST(at_most_the_capacity_of_leases_is_restored);
	TEST(reserved_guest_gets_its_address);
	TEST(reserved_address_may_lie_outside_the_pool);
	TEST(reserved_address_is_never_leased_to_others);
	TEST(reserved_address_in_use_is_replaced_until_it_is_free);
	TEST(new_reservation_moves_its_guest_at_the_next_renewal);
	TEST(new_reservation_takes_its_address_from_another_guest);
	TEST(bad_reservations_change_nothing);
	return g_test_run();
}
