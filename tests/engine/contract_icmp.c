/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP echo, and protocols that the NAT does not support. */
#include "contract.h"

static void icmp_echo_is_answered_as_asked(struct fixture *f, gconstpointer data)
{
	for (uint16_t seq = 1; seq <= 3; seq++) {
		guest_ping(&f->b, GUEST, SERVER, 842, seq, "abcdefgh", 8, 63);
		struct recorded_packet *m = bench_message(&f->b);
		g_assert_nonnull(m);
		struct icmp4_header h;
		g_assert_cmpint(icmp4_parse(m->l4, m->l4_len, &h), ==, 0);
		g_assert_cmphex(m->ip.src, ==, SERVER);
		g_assert_cmpuint(h.type, ==, ICMP4_ECHO_REPLY);
		g_assert_cmphex(h.rest, ==, 842u << 16 | seq);
		g_assert_cmpmem(m->l4 + ICMP4_HEADER_LEN, m->l4_len - ICMP4_HEADER_LEN, "abcdefgh", 8);
		recorded_packet_free(m);
	}
}

/* Two guests that boot from one image use the same identifier. */
static void icmp_same_identifier_of_two_guests_is_kept_apart(struct fixture *f, gconstpointer data)
{
	const ip4_t guests[] = { GUEST, GUEST + 1, GUEST };
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		guest_ping(&f->b, guests[i], SERVER, 842, (uint16_t)i, "abcdefgh", 8, 63);
		struct recorded_packet *m = bench_message(&f->b);
		g_assert_nonnull(m);
		struct icmp4_header h;
		g_assert_cmpint(icmp4_parse(m->l4, m->l4_len, &h), ==, 0);
		g_assert_cmphex(m->ip.dst, ==, guests[i]);
		g_assert_cmphex(h.rest, ==, 842u << 16 | i);
		recorded_packet_free(m);
	}
}

static void icmp_traceroute_shows_each_hop(struct fixture *f, gconstpointer data)
{
	guest_ping(&f->b, GUEST, BEYOND, 842, 1, "abcdefgh", 8, 1);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_TIME_EXCEEDED, 0, BEYOND, IP_PROTOCOL_ICMP), ==, ROUTER);
	/* An engine may keep the mapping for a while (RFC 5508 REQ-2), but not for ever. */
	struct engine_counters c;
	bench_turn(&f->b, 120 * USEC_PER_SEC);
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_icmp, ==, 0);
	g_assert_true(g_queue_is_empty(&f->b.messages));
}

static void icmp_error_about_one_request_leaves_others_alone(struct fixture *f, gconstpointer data)
{
	guest_ping(&f->b, GUEST, BEYOND, 841, 1, "abcdefgh", 8, 63);
	bench_run(&f->b, 0);
	guest_ping(&f->b, GUEST, BEYOND, 842, 1, "abcdefgh", 8, 1);
	assert_icmp_error(&f->b, ICMP4_TIME_EXCEEDED, 0, BEYOND, IP_PROTOCOL_ICMP);
	struct engine_counters c;
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_icmp, >=, 1);
	icmp_echo_is_answered_as_asked(f, data);
}

static void icmp_unanswered_requests_do_not_stop_later_ones(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 500; i++) {
		guest_ping(&f->b, GUEST, SILENT, 1, (uint16_t)i, "", 0, 63);
		bench_run(&f->b, 0);
	}
	bench_forget(&f->b);
	icmp_echo_is_answered_as_asked(f, data);
}

static void icmp_without_ping_sockets_is_answered_with_an_error(struct fixture *f, gconstpointer data)
{
	bench_free_engine(&f->b);
	const struct engine_config config = {
		.env = &f->b.r.env,
		.poller = &f->b.loop.poller,
		.gateway = GATEWAY,
		.subnet = { IP4(192, 168, 122, 0), 24 },
		.ip6 = family_gateway(f->row->family),
	};
	int home = forbid_ping_sockets();
	g_assert_cmpint(f->b.ops->new (&config, &f->b.engine), ==, 0);
	guest_ping(&f->b, GUEST, SERVER, 842, 1, "abcdefgh", 8, 63);
	struct recorded_error *e = bench_error(&f->b);
	allow_ping_sockets(home);
	g_assert_nonnull(e);
	g_assert_cmpuint(e->type, ==, ICMP4_UNREACHABLE);
	g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_ADMIN);
	g_free(e);
}

static void icmp_larger_than_the_path_mtu_is_answered_with_the_mtu(struct fixture *f, gconstpointer data)
{
	uint8_t *payload = pattern(3000);
	f->b.dont_fragment = true;
	guest_ping(&f->b, GUEST, BEYOND, 842, 1, payload, 3000, 63);
	g_free(payload);
	if (f->row->gaps & GAP_DONT_FRAGMENT) {
		bench_run_for(&f->b, 50);
		g_assert_null(recorder_error(&f->b.r));
		return;
	}
	struct recorded_error *e = bench_error(&f->b);
	g_assert_nonnull(e);
	g_assert_cmpuint(e->type, ==, ICMP4_UNREACHABLE);
	g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_FRAG_NEEDED);
	g_assert_cmpuint(e->info, ==, path_mtu(f));
	g_free(e);
	bench_run_for(&f->b, 50);
	g_assert_null(recorder_error(&f->b.r));
	g_assert_true(g_queue_is_empty(&f->b.messages));
}

static void icmp_other_protocols_are_unreachable(struct fixture *f, gconstpointer data)
{
	static const uint8_t protocols[] = { 47, 58 }; /* GRE; ICMPv6, which IPv4 does not carry */
	for (unsigned i = 0; i < G_N_ELEMENTS(protocols); i++) {
		bench_input(&f->b, GUEST, SERVER, protocols[i], 63, "any packet", 10);
		struct recorded_error *e = bench_error(&f->b);
		g_assert_nonnull(e);
		g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_PROTOCOL);
		g_assert_cmpuint(f->b.r.drops.count[DROP_PROTOCOL], ==, i + 1);
		g_free(e);
	}
}

static void icmp_errors_keep_to_the_gateways_rate(struct fixture *f, gconstpointer data)
{
	uint16_t closed = free_port();
	f->b.r.icmp_held_back = true;
	for (uint16_t i = 0; i < 3; i++) {
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), SERVER, closed, "anyone?", 7, 63);
		bench_run(&f->b, 0);
		bench_run(&f->b, 0);
	}
	g_assert_cmpuint(f->b.r.drops.count[DROP_ICMP_RATE], ==, 3);
	g_assert_true(g_queue_is_empty(&f->b.messages));
	f->b.r.icmp_held_back = false;
	guest_udp_send(&f->b, GUEST, 5009, SERVER, closed, "anyone?", 7, 63);
	assert_icmp_error(&f->b, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT, SERVER, IP_PROTOCOL_UDP);
}

const struct contract_test contract_icmp[] = {
	CONTRACT_TEST(icmp_errors_keep_to_the_gateways_rate),
	CONTRACT_TEST(icmp_echo_is_answered_as_asked),
	CONTRACT_TEST(icmp_same_identifier_of_two_guests_is_kept_apart),
	CONTRACT_TEST(icmp_traceroute_shows_each_hop),
	CONTRACT_TEST(icmp_error_about_one_request_leaves_others_alone),
	CONTRACT_TEST(icmp_unanswered_requests_do_not_stop_later_ones),
	CONTRACT_TEST(icmp_without_ping_sockets_is_answered_with_an_error),
	CONTRACT_TEST(icmp_larger_than_the_path_mtu_is_answered_with_the_mtu),
	CONTRACT_TEST_EXCEPT(EXCEPT_IPV6 | EXCEPT_NAT64, icmp_other_protocols_are_unreachable),
	{ 0 },
};
