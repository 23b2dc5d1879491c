/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's answer to each message in each state of a client. */
#include "base/macros.h"
#include "support/dhcp_bench.h"

#include <errno.h>

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)
#define C BENCH_MAC(3)

/* RFC 2131 §3.1 */
static void discover_and_request_give_a_lease(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_discover(&b, A);
	g_assert_cmpuint(ip, >=, BENCH_IP(2));
	g_assert_cmpuint(ip, <=, BENCH_IP(254));
	const struct bench_reply *offer = bench_only_reply(&b, DHCP_OFFER);
	g_assert_cmpuint(bench_number(offer, DHCP_OPTION_SERVER_ID), ==, BENCH_GATEWAY);
	g_assert_cmpuint(bench_number(offer, DHCP_OPTION_LEASE_TIME), ==, 3600);
	g_assert_cmpuint(b.saves, ==, 0);

	bench_request(&b, A, ip, BENCH_GATEWAY, 0);
	const struct bench_reply *ack = bench_only_reply(&b, DHCP_ACK);
	g_assert_cmpuint(ack->message.header.yiaddr, ==, ip);
	g_assert_cmpuint(bench_number(ack, DHCP_OPTION_LEASE_TIME), ==, 3600);
	bench_done(&b);
}

static void leases_change_before_the_ack_is_sent(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_discover(&b, A);
	bench_request(&b, A, ip, BENCH_GATEWAY, 0);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_ACK)->saves_before, ==, 1);
	bench_done(&b);
}

static void client_id_is_recorded(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9), .client_id = "id one" });
	const struct lease *l = lease_find_mac(&b.dhcp.leases, A);
	g_assert_cmpmem(l->client_id, l->client_id_len, "id one", 6);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .ciaddr = BENCH_IP(9) }); /* a renewal need not repeat it */
	g_assert_cmpmem(l->client_id, l->client_id_len, "id one", 6);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9) }); /* another system boots */
	g_assert_cmpuint(l->client_id_len, ==, 0);
	bench_done(&b);
}

static void offered_address_is_not_offered_to_others(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	g_assert_cmpuint(bench_discover(&b, A), ==, BENCH_IP(10));
	bench_sleep(&b, 20 * USEC_PER_SEC);
	g_assert_cmpuint(bench_discover(&b, B), ==, 0);
	bench_request(&b, B, BENCH_IP(10), 0, 0);
	bench_only_reply(&b, DHCP_NAK);
	bench_request(&b, A, BENCH_IP(10), BENCH_GATEWAY, 0);
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

/* RFC 2131 §4.3.2.  The only address of the pool was released; ARP still knows the guest that had it. */
static void offered_address_is_acknowledged_while_arp_remembers_its_last_holder(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_arp(&b, ip, A);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip, .server_id = BENCH_GATEWAY });
	for (unsigned i = 0; i < 2; i++) {
		bench_forget(&b);
		g_assert_cmpuint(bench_discover(&b, B), ==, ip);
	}
	bench_request(&b, B, ip, BENCH_GATEWAY, 0);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_ACK)->message.header.yiaddr, ==, ip);
	bench_done(&b);
}

static void offer_without_request_expires(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	g_assert_cmpuint(bench_discover(&b, A), ==, BENCH_IP(10));
	bench_sleep(&b, 60 * USEC_PER_SEC);
	g_assert_cmpuint(bench_discover(&b, B), ==, BENCH_IP(10));
	bench_done(&b);
}

/* RFC 2131 §3.1, 4: the client took another server's offer. */
static void request_for_another_server_frees_the_offer(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	g_assert_cmpuint(bench_discover(&b, A), ==, BENCH_IP(10));
	bench_request(&b, A, BENCH_IP(99), IP4(192, 168, 122, 9), 0);
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_IGNORED], ==, 1);
	g_assert_cmpuint(bench_discover(&b, B), ==, BENCH_IP(10));
	bench_done(&b);
}

static void request_for_another_server_does_not_end_a_lease(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	bench_lease(&b, A, NULL);
	bench_request(&b, A, BENCH_IP(99), IP4(192, 168, 122, 9), 0);
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(bench_discover(&b, B), ==, 0);
	bench_done(&b);
}

static void selecting_an_address_that_was_not_offered_is_refused(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_discover(&b, A);
	bench_request(&b, A, ip == BENCH_IP(50) ? BENCH_IP(51) : BENCH_IP(50), BENCH_GATEWAY, 0);
	bench_only_reply(&b, DHCP_NAK);
	bench_done(&b);
}

/* The server was restarted between the offer and the request. */
static void selecting_after_a_restart_of_the_server_succeeds(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, A, BENCH_IP(50), BENCH_GATEWAY, 0);
	g_assert_cmpuint(bench_only_reply(&b, DHCP_ACK)->message.header.yiaddr, ==, BENCH_IP(50));
	bench_done(&b);
}

/* RFC 2131 §4.3.2, INIT-REBOOT */
static void init_reboot_confirms_the_lease(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_request(&b, A, ip, 0, 0);
	const struct bench_reply *ack = bench_only_reply(&b, DHCP_ACK);
	g_assert_cmpuint(ack->message.header.yiaddr, ==, ip);
	g_assert_cmpuint(bench_number(ack, DHCP_OPTION_LEASE_TIME), ==, 3600);
	bench_done(&b);
}

static void init_reboot_with_another_address_is_refused(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_request(&b, A, ip == BENCH_IP(50) ? BENCH_IP(51) : BENCH_IP(50), 0, 0);
	bench_only_reply(&b, DHCP_NAK);
	bench_request(&b, A, ip, 0, 0);
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

static void init_reboot_from_another_network_is_refused(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, A, IP4(10, 1, 2, 3), 0, 0);
	bench_only_reply(&b, DHCP_NAK);
	bench_done(&b);
}

/* The server is authoritative: guests keep their addresses when the lease file is lost. */
static void unknown_client_keeps_the_free_address_it_claims(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, A, BENCH_IP(50), 0, 0);
	bench_only_reply(&b, DHCP_ACK);
	bench_request(&b, B, 0, 0, BENCH_IP(51));
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

static void unavailable_addresses_are_refused(void)
{
	struct dhcp_bench b;
	bench_start_reserved(&b);
	bench_request(&b, B, BENCH_IP(50), 0, 0);
	bench_arp(&b, BENCH_IP(60), B);
	const ip4_t claims[] = {
		BENCH_IP(50),                                                /* leased */
		BENCH_IP(60),                                                /* used without a lease */
		bench_web.ip,                                                /* reserved */
		BENCH_GATEWAY, BENCH_IP(0), BENCH_IP(255), IP4(10, 0, 0, 1), /* another network */
	};
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		bench_request(&b, C, claims[i], 0, 0);
		bench_only_reply(&b, DHCP_NAK);
		bench_request(&b, C, 0, 0, claims[i]);
		bench_only_reply(&b, DHCP_NAK);
		bench_request(&b, C, claims[i], BENCH_GATEWAY, 0);
		bench_only_reply(&b, DHCP_NAK);
		g_assert_cmpuint(b.saves, ==, 0);
	}
	g_assert_null(lease_find_mac(&b.dhcp.leases, C));
	bench_done(&b);
}

static void addresses_outside_the_pool_are_refused(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 5);
	bench_request(&b, A, BENCH_IP(9), 0, 0);
	bench_only_reply(&b, DHCP_NAK);
	bench_request(&b, A, BENCH_IP(15), 0, 0);
	bench_only_reply(&b, DHCP_NAK);
	bench_request(&b, A, BENCH_IP(14), 0, 0);
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

/* RFC 2131 §4.3.2, RENEWING and REBINDING */
static void renewing_extends_the_lease(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	ip4_t ip = bench_lease(&b, A, NULL);
	for (int i = 0; i < 5; i++) {
		bench_sleep(&b, 3000 * USEC_PER_SEC);
		bench_request(&b, A, 0, 0, ip);
		const struct bench_reply *ack = bench_only_reply(&b, DHCP_ACK);
		g_assert_cmpuint(ack->message.header.ciaddr, ==, ip);
		g_assert_cmpuint(ack->message.header.yiaddr, ==, ip);
		g_assert_cmpuint(b.saves, ==, 1);
	}
	bench_sleep(&b, 3599 * USEC_PER_SEC);
	g_assert_cmpuint(bench_discover(&b, B), ==, 0);
	bench_done(&b);
}

static void renewing_an_expired_lease_succeeds_when_the_address_is_free(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_sleep(&b, 4000 * USEC_PER_SEC);
	bench_request(&b, A, 0, 0, ip);
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

static void renewing_is_refused_when_the_address_was_leased_again(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_sleep(&b, 3601 * USEC_PER_SEC);
	g_assert_cmpuint(bench_lease(&b, B, NULL), ==, ip);
	bench_request(&b, A, 0, 0, ip);
	bench_only_reply(&b, DHCP_NAK);
	bench_done(&b);
}

/* RFC 2131 §4.3.2 forbids the server identifier there; some clients send it. */
static void renewing_with_a_server_identifier_is_accepted(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_request(&b, A, 0, BENCH_GATEWAY, ip);
	bench_only_reply(&b, DHCP_ACK);
	bench_request(&b, A, 0, IP4(192, 168, 122, 9), ip);
	g_assert_cmpuint(b.replies->len, ==, 0);
	bench_done(&b);
}

static void request_without_any_address_is_ignored(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_request(&b, A, 0, 0, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_IGNORED], ==, 1);
	bench_request(&b, A, 0, BENCH_GATEWAY, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_IGNORED], ==, 1);
	g_assert_cmpuint(b.replies->len, ==, 0);
	bench_done(&b);
}

/* RFC 2131 §4.3.3 */
static void declined_address_is_set_aside(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 2);
	ip4_t first = bench_lease(&b, A, NULL);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = A, .requested = first, .server_id = BENCH_GATEWAY });
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.saves, ==, 1);
	ip4_t second = bench_lease(&b, A, NULL);
	g_assert_cmpuint(second, !=, 0);
	g_assert_cmpuint(second, !=, first);
	g_assert_cmpuint(bench_discover(&b, B), ==, 0);
	bench_request(&b, B, first, 0, 0);
	bench_only_reply(&b, DHCP_NAK);
	bench_sleep(&b, 9 * 60 * USEC_PER_SEC);
	g_assert_cmpuint(bench_discover(&b, B), ==, 0);
	bench_sleep(&b, 2 * 60 * USEC_PER_SEC);
	g_assert_cmpuint(bench_discover(&b, B), ==, first);
	bench_done(&b);
}

static void decline_of_another_address_is_ignored(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = B, .requested = ip, .server_id = BENCH_GATEWAY });
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = A, .requested = ip + 1, .server_id = BENCH_GATEWAY });
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = A, .requested = ip, .server_id = IP4(1, 2, 3, 4) });
	g_assert_cmpuint(b.drops.count[DROP_DHCP_IGNORED], ==, 3);
	g_assert_cmpuint(b.saves, ==, 0);
	bench_request(&b, A, 0, 0, ip);
	bench_only_reply(&b, DHCP_ACK);
	bench_done(&b);
}

/* RFC 2131 §4.3.4 */
static void released_address_is_free_for_others(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 1);
	ip4_t ip = bench_lease(&b, A, "web");
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip, .server_id = BENCH_GATEWAY });
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.saves, ==, 1);
	g_assert_cmpint(bench_find_name(&b, "web", &(ip4_t){ 0 }), ==, -ENOENT);
	g_assert_cmpuint(bench_lease(&b, B, NULL), ==, ip);
	bench_done(&b);
}

static void release_of_another_address_is_ignored(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_lease(&b, A, NULL);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = B, .ciaddr = ip, .server_id = BENCH_GATEWAY });
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip + 1, .server_id = BENCH_GATEWAY });
	bench_send(&b, &(struct bench_ask){ .type = DHCP_RELEASE, .mac = A, .ciaddr = ip, .server_id = IP4(1, 2, 3, 4) });
	g_assert_cmpuint(b.drops.count[DROP_DHCP_IGNORED], ==, 3);
	g_assert_cmpuint(b.saves, ==, 0);
	bench_done(&b);
}

/* The result of dhcp_init() with the default configuration after @spoil changed it. */
static int try_config(void (*spoil)(struct dhcp_config *c))
{
	struct dhcp_bench b;
	struct dhcp d;
	bench_start_default(&b);
	spoil(&b.config);
	int err = dhcp_init(&d, &b.config);
	if (err == 0)
		dhcp_done(&d);
	bench_done(&b);
	return err;
}

static void keep(struct dhcp_config *c)
{
}

static void begin_outside(struct dhcp_config *c)
{
	c->first = IP4(10, 0, 0, 2);
}

static void end_outside(struct dhcp_config *c)
{
	c->last = IP4(192, 168, 123, 2);
}

static void turn_range_around(struct dhcp_config *c)
{
	c->first = BENCH_IP(9);
	c->last = BENCH_IP(8);
}

static void move_gateway_outside(struct dhcp_config *c)
{
	c->gateway = IP4(192, 168, 123, 1);
}

static void make_subnet_too_small(struct dhcp_config *c)
{
	*c = (struct dhcp_config){ .env = c->env,
				   .gateway = BENCH_IP(0),
				   .subnet = { BENCH_IP(0), 31 },
				   .first = BENCH_IP(1),
				   .last = BENCH_IP(1),
				   .lease_time = 3600 };
}

static void end_leases_at_once(struct dhcp_config *c)
{
	c->lease_time = 0;
}

static void spoil_domain(struct dhcp_config *c)
{
	c->domain = "not..good";
}

static void reserve_gateway(struct dhcp_config *c)
{
	static const struct reservation r = { A, BENCH_GATEWAY, "" };
	c->reservations = &r;
	c->n_reservations = 1;
}

static void impossible_configurations_are_refused(void)
{
	g_assert_cmpint(try_config(keep), ==, 0);
	g_assert_cmpint(try_config(begin_outside), ==, -EINVAL);
	g_assert_cmpint(try_config(end_outside), ==, -EINVAL);
	g_assert_cmpint(try_config(turn_range_around), ==, -EINVAL);
	g_assert_cmpint(try_config(move_gateway_outside), ==, -EINVAL);
	g_assert_cmpint(try_config(make_subnet_too_small), ==, -EINVAL);
	g_assert_cmpint(try_config(end_leases_at_once), ==, -EINVAL);
	g_assert_cmpint(try_config(spoil_domain), ==, -EINVAL);
	g_assert_cmpint(try_config(reserve_gateway), ==, -ERANGE);
}

/* RFC 2131 §4.3.5 */
static void inform_is_answered_without_a_lease(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_INFORM, .mac = A, .ciaddr = BENCH_IP(200), .src = BENCH_IP(200) });
	const struct bench_reply *ack = bench_only_reply(&b, DHCP_ACK);
	g_assert_cmpuint(ack->message.header.yiaddr, ==, 0);
	g_assert_cmpuint(ack->message.header.ciaddr, ==, BENCH_IP(200));
	g_assert_false(bench_has(ack, DHCP_OPTION_LEASE_TIME));
	g_assert_false(bench_has(ack, DHCP_OPTION_T1));
	g_assert_cmpuint(bench_number(ack, DHCP_OPTION_ROUTER), ==, BENCH_GATEWAY);
	g_assert_cmpuint(b.dhcp.leases.count, ==, 0);
	g_assert_cmpuint(b.saves, ==, 0);
	bench_done(&b);
}

static void inform_from_another_network_is_ignored(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_INFORM, .mac = A, .ciaddr = IP4(10, 0, 0, 9) });
	bench_send(&b, &(struct bench_ask){ .type = DHCP_INFORM, .mac = A });
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_IGNORED], ==, 2);
	bench_done(&b);
}

static void messages_of_servers_and_impossible_clients_are_ignored(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	const struct bench_ask asks[] = {
		{ .type = DHCP_OFFER, .mac = A, .ciaddr = BENCH_IP(9) },
		{ .type = DHCP_ACK, .mac = A, .ciaddr = BENCH_IP(9) },
		{ .type = DHCP_NAK, .mac = A, .ciaddr = BENCH_IP(9) },
		{ .type = (enum dhcp_type)13, .mac = A },
		{ .type = DHCP_DISCOVER, .mac = { { 0 } } },
		{ .type = DHCP_DISCOVER, .mac = MAC_BROADCAST },
		{ .type = DHCP_DISCOVER, .mac = { { 1, 0, 0x5e, 0, 0, 1 } } },
		{ .type = DHCP_DISCOVER, .mac = { { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } } }, /* the gateway's */
		{ .type = DHCP_DISCOVER, .mac = A, .giaddr = IP4(10, 0, 0, 1) },
		{ .type = DHCP_DISCOVER, .mac = A, .giaddr = BENCH_GATEWAY },
		{ .type = DHCP_DISCOVER, .mac = A, .giaddr = BENCH_IP(255) },
	};
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++)
		bench_send(&b, &asks[i]);
	bench_sleep(&b, USEC_PER_SEC);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_IGNORED], ==, ARRAY_SIZE(asks));
	g_assert_cmpuint(b.replies->len, ==, 0);
	g_assert_cmpuint(b.dhcp.leases.count, ==, 0);
	bench_done(&b);
}

static void bootp_requests_are_ignored_and_garbage_is_counted(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	uint8_t bootp[300] = { 1, 1, 6, 0 };
	bootp[28] = 2;
	bench_send_bytes(&b, bootp, sizeof(bootp));
	g_assert_cmpuint(b.drops.count[DROP_DHCP_IGNORED], ==, 1);
	bench_send_bytes(&b, bootp, 100);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_MALFORMED], ==, 1);
	bench_send_bytes(&b, bootp, 0);
	g_assert_cmpuint(b.drops.count[DROP_DHCP_MALFORMED], ==, 2);
	bench_done(&b);
}

/* RFC 2132 §9.2: at most the configured time, at least LEASE_TIME_MIN. */
static void requested_lease_time_is_granted_within_limits(void)
{
	static const struct {
		uint32_t asked, granted;
	} cases[] = { { 600, 600 }, { 7200, 3600 }, { 10, 120 }, { UINT32_MAX, 3600 }, { 3600, 3600 } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dhcp_bench b;
		bench_start_default(&b);
		struct bench_ask ask = { .type = DHCP_REQUEST, .mac = A, .requested = BENCH_IP(9), .lease_time = cases[i].asked };
		bench_send(&b, &ask);
		g_assert_cmpuint(bench_number(bench_only_reply(&b, DHCP_ACK), DHCP_OPTION_LEASE_TIME), ==, cases[i].granted);
		g_assert_cmpuint(lease_find_mac(&b.dhcp.leases, A)->expires, ==, b.now + cases[i].granted * USEC_PER_SEC);
		bench_done(&b);
	}
}

static void infinite_leases_never_end(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.lease_time = DHCP_LEASE_INFINITE;
	b.config.first = b.config.last = BENCH_IP(10);
	bench_start(&b);
	bench_lease(&b, A, NULL);
	const struct bench_reply *ack = bench_reply_at(&b, 1);
	g_assert_cmpuint(bench_number(ack, DHCP_OPTION_LEASE_TIME), ==, UINT32_MAX);
	g_assert_false(bench_has(ack, DHCP_OPTION_T1));
	bench_sleep(&b, 400ull * 365 * 86400 * USEC_PER_SEC);
	g_assert_cmpuint(bench_discover(&b, B), ==, 0);
	bench_done(&b);
}

/* For random messages: an address has one holder, and every reply has an address that the client may have. */
static void random_clients_never_share_an_address(void)
{
	struct dhcp_bench b;
	bench_start_small(&b, 12);
	ip4_t has[21] = { 0 };
	usec_t until[21] = { 0 };
	for (int step = 0; step < 20000; step++) {
		unsigned who = (unsigned)g_test_rand_int_range(1, 21);
		struct bench_ask ask = { .type = (enum dhcp_type)g_test_rand_int_range(1, 9), .mac = BENCH_MAC(who) };
		ip4_t some = BENCH_IP(8) + (ip4_t)g_test_rand_int_range(0, 16);
		unsigned what = (unsigned)g_test_rand_int_range(0, 4);
		ask.requested = what == 1 || what == 2 ? some : 0;
		ask.server_id = what == 2 ? BENCH_GATEWAY : 0;
		ask.ciaddr = what == 3 ? some : what == 0 ? has[who] : 0;
		if (ask.type == DHCP_RELEASE && ask.ciaddr == has[who])
			has[who] = 0;
		if (ask.type == DHCP_DECLINE && ask.requested == has[who])
			has[who] = 0;
		bench_forget(&b);
		bench_send(&b, &ask);
		bench_sleep(&b, (usec_t)g_test_rand_int_range(0, 200) * USEC_PER_SEC);
		for (unsigned i = 0; i < b.replies->len; i++) {
			const struct bench_reply *r = bench_reply_at(&b, i);
			if (r->message.type != DHCP_ACK || !r->message.header.yiaddr)
				continue;
			unsigned whose = r->message.header.chaddr.b[5];
			has[whose] = r->message.header.yiaddr;
			until[whose] = b.now + 3600 * USEC_PER_SEC;
			for (unsigned other = 1; other < 21; other++)
				if (other != whose && until[other] > b.now + 200 * USEC_PER_SEC)
					g_assert_cmpuint(has[other], !=, has[whose]);
		}
	}
	bench_done(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp/" #name, name)
	TEST(discover_and_request_give_a_lease);
	TEST(leases_change_before_the_ack_is_sent);
	TEST(client_id_is_recorded);
	TEST(offered_address_is_not_offered_to_others);
	TEST(offered_address_is_acknowledged_while_arp_remembers_its_last_holder);
	TEST(offer_without_request_expires);
	TEST(request_for_another_server_frees_the_offer);
	TEST(request_for_another_server_does_not_end_a_lease);
	TEST(selecting_an_address_that_was_not_offered_is_refused);
	TEST(selecting_after_a_restart_of_the_server_succeeds);
	TEST(init_reboot_confirms_the_lease);
	TEST(init_reboot_with_another_address_is_refused);
	TEST(init_reboot_from_another_network_is_refused);
	TEST(unknown_client_keeps_the_free_address_it_claims);
	TEST(unavailable_addresses_are_refused);
	TEST(addresses_outside_the_pool_are_refused);
	TEST(renewing_extends_the_lease);
	TEST(renewing_an_expired_lease_succeeds_when_the_address_is_free);
	TEST(renewing_is_refused_when_the_address_was_leased_again);
	TEST(renewing_with_a_server_identifier_is_accepted);
	TEST(request_without_any_address_is_ignored);
	TEST(declined_address_is_set_aside);
	TEST(decline_of_another_address_is_ignored);
	TEST(released_address_is_free_for_others);
	TEST(release_of_another_address_is_ignored);
	TEST(impossible_configurations_are_refused);
	TEST(inform_is_answered_without_a_lease);
	TEST(inform_from_another_network_is_ignored);
	TEST(messages_of_servers_and_impossible_clients_are_ignored);
	TEST(bootp_requests_are_ignored_and_garbage_is_counted);
	TEST(requested_lease_time_is_granted_within_limits);
	TEST(infinite_leases_never_end);
	TEST(random_clients_never_share_an_address);
	return g_test_run();
}
