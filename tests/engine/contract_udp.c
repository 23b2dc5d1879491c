/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP between guests and hosts outside. */
#include "contract.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void udp_is_carried_both_ways(struct fixture *f, gconstpointer data)
{
	server_bind_udp(&f->s, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "ping", 4, 63);
	struct sockaddr_in from;
	server_expect_datagram(&f->s, &f->b, "ping", 4, &from);
	server_answer(&f->s, &from, "pong", 4);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 5000, "pong", 4);
}

static void udp_mapping_is_endpoint_independent(struct fixture *f, gconstpointer data)
{
	struct server other = { .listener = -1, .fd = -1 };
	struct sockaddr_in one, two, three;
	server_bind_udp(&f->s, SERVER);
	server_bind_udp(&other, HOST);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "a", 1, 63);
	server_expect_datagram(&f->s, &f->b, "a", 1, &one);
	guest_udp_send(&f->b, GUEST, 5000, HOST, other.port, "b", 1, 63);
	server_expect_datagram(&other, &f->b, "b", 1, &two);
	guest_udp_send(&f->b, GUEST, 5001, SERVER, f->s.port, "c", 1, 63);
	server_expect_datagram(&f->s, &f->b, "c", 1, &three);
	g_assert_cmpuint(one.sin_port, ==, two.sin_port);
	g_assert_cmpuint(one.sin_port, !=, three.sin_port);
	server_answer(&other, &two, "B", 1);
	assert_datagram(&f->b, HOST, other.port, GUEST, 5000, "B", 1);
	server_close(&other);
}

/* Hairpinning (RFC 4787 REQ-9): two guests that learned each other's external address from a server outside. */
static void udp_between_guests_shows_the_external_endpoint(struct fixture *f, gconstpointer data)
{
	struct sockaddr_in one, two;
	server_bind_udp(&f->s, HOST);
	guest_udp_send(&f->b, GUEST, 5000, HOST, f->s.port, "a", 1, 63);
	server_expect_datagram(&f->s, &f->b, "a", 1, &one);
	guest_udp_send(&f->b, GUEST + 1, 5000, HOST, f->s.port, "b", 1, 63);
	server_expect_datagram(&f->s, &f->b, "b", 1, &two);
	ip4_t external = ntohl(one.sin_addr.s_addr);
	g_assert_cmphex(external, ==, HOST);
	g_assert_cmpuint(one.sin_port, !=, two.sin_port);
	guest_udp_send(&f->b, GUEST, 5000, external, ntohs(two.sin_port), "to the second", 13, 63);
	assert_datagram(&f->b, external, ntohs(one.sin_port), GUEST + 1, 5000, "to the second", 13);
	guest_udp_send(&f->b, GUEST + 1, 5000, external, ntohs(one.sin_port), "to the first", 12, 63);
	assert_datagram(&f->b, external, ntohs(two.sin_port), GUEST, 5000, "to the first", 12);
}

static void udp_from_an_unknown_peer_does_not_reach_the_guest(struct fixture *f, gconstpointer data)
{
	struct server stranger = { .listener = -1, .fd = -1 }, neighbour = { .listener = -1, .fd = -1 };
	struct sockaddr_in from;
	server_bind_udp(&f->s, SERVER);
	server_bind_udp(&stranger, IP4(127, 0, 0, 1));
	server_bind_udp(&neighbour, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "a", 1, 63);
	server_expect_datagram(&f->s, &f->b, "a", 1, &from);
	server_answer(&stranger,
		      &(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = from.sin_port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		      "evil", 4);
	/* Datagrams from another port of an address that the guest has sent to pass (RFC 4787 REQ-8). */
	server_answer(&neighbour, &from, "good", 4);
	assert_datagram(&f->b, SERVER, neighbour.port, GUEST, 5000, "good", 4);
	g_assert_true(g_queue_is_empty(&f->b.datagrams));
	g_assert_cmpuint(f->b.r.drops.count[DROP_FILTERED], ==, 1);
	server_close(&stranger);
	server_close(&neighbour);
}

static void udp_large_datagrams_are_carried(struct fixture *f, gconstpointer data)
{
	static const size_t len = 60000;
	uint8_t *bytes = pattern(len);
	struct sockaddr_in from;
	server_bind_udp(&f->s, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, bytes, len, 63);
	server_expect_datagram(&f->s, &f->b, bytes, len, &from);
	server_answer(&f->s, &from, bytes, len);
	bench_run_for(&f->b, 50);
	uint8_t *whole = recorder_reassemble(&f->b.r, len + UDP_HEADER_LEN);
	if (whole)
		g_assert_cmpmem(whole + UDP_HEADER_LEN, len, bytes, len);
	else
		assert_datagram(&f->b, SERVER, f->s.port, GUEST, 5000, bytes, len);
	g_free(whole);
	g_free(bytes);
}

static void udp_empty_datagrams_are_carried(struct fixture *f, gconstpointer data)
{
	struct sockaddr_in from;
	server_bind_udp(&f->s, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "", 0, 63);
	server_expect_datagram(&f->s, &f->b, "", 0, &from);
	server_answer(&f->s, &from, "", 0);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 5000, "", 0);
}

/* RFC 9868 §5: the length in the UDP header counts, not that of the packet. */
static void udp_datagram_may_be_shorter_than_its_packet(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[UDP_HEADER_LEN + 8];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct sockaddr_in from;
	server_bind_udp(&f->s, SERVER);
	udp_emit_ipv4(&w, GUEST, SERVER, 5000, f->s.port, "ping", 4);
	bytes_put(&w, "more", 4);
	bench_input(&f->b, GUEST, SERVER, IP_PROTOCOL_UDP, 63, bytes, w.len);
	server_expect_datagram(&f->s, &f->b, "ping", 4, &from);
}

static void udp_super_frame_is_several_datagrams(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[UDP_HEADER_LEN + 250];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	uint8_t *payload = pattern(250);
	struct sockaddr_in from;
	server_bind_udp(&f->s, SERVER);
	udp_emit(&w, &(struct udp_header){ .src_port = 5000, .dst_port = f->s.port, .len = sizeof(bytes), .checksum = 0x1234 });
	bytes_put(&w, payload, 250);
	bench_input_frame(&f->b, GUEST, SERVER, IP_PROTOCOL_UDP, bytes, w.len, FRAME_CHECKSUM_PARTIAL, FRAME_GSO_UDP, 100);
	server_expect_datagram(&f->s, &f->b, payload, 100, &from);
	server_expect_datagram(&f->s, &f->b, payload + 100, 100, &from);
	server_expect_datagram(&f->s, &f->b, payload + 200, 50, &from);
	g_free(payload);
}

static void udp_super_frame_of_too_many_datagrams_is_refused(struct fixture *f, gconstpointer data)
{
	size_t size = UDP_HEADER_LEN + 60000;
	uint8_t *bytes = g_malloc0(size);
	struct bytes_writer w = bytes_writer(bytes, size);
	server_bind_udp(&f->s, SERVER);
	udp_emit(&w, &(struct udp_header){ .src_port = 5000, .dst_port = f->s.port, .len = (uint16_t)size, .checksum = 0x1234 });
	bench_input_frame(&f->b, GUEST, SERVER, IP_PROTOCOL_UDP, bytes, size, FRAME_CHECKSUM_PARTIAL, FRAME_GSO_UDP, 1);
	g_assert_cmpuint(f->b.r.drops.count[DROP_UDP_MALFORMED], ==, 1);
	bench_run_for(&f->b, 100);
	g_assert_false(server_has_datagram(&f->s));
	g_free(bytes);
}

static void udp_closed_port_is_unreachable(struct fixture *f, gconstpointer data)
{
	guest_udp_send(&f->b, GUEST, 5000, SERVER, free_port(), "anyone?", 7, 63);
	assert_icmp_error(&f->b, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT, SERVER, IP_PROTOCOL_UDP);
}

static void udp_without_a_route_is_unreachable(struct fixture *f, gconstpointer data)
{
	uint8_t code = f->row->gaps & GAP_CODES ? ICMP4_UNREACHABLE_NET : ICMP4_UNREACHABLE_HOST;
	guest_udp_send(&f->b, GUEST, 5000, UNREACHABLE, 53, "anyone?", 7, 63);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_UNREACHABLE, code, UNREACHABLE, IP_PROTOCOL_UDP), ==, GATEWAY);
}

/* A guest's stack finds the socket by the quoted ports; some stacks derive an MTU from the quoted length. */
static void assert_quotes_datagram(const struct recorded_packet *m, uint16_t src_port, uint16_t dst_port, size_t len)
{
	struct bytes_reader r = bytes_reader(m->l4 + ICMP4_HEADER_LEN, m->l4_len - ICMP4_HEADER_LEN);
	struct ipv4_header ip;
	g_assert_cmpint(ipv4_parse(&r, &ip), ==, 0);
	g_assert_cmpuint(ip.total_len, ==, ipv4_header_len(&ip) + UDP_HEADER_LEN + len);
	g_assert_cmpuint(bytes_get_be16(&r), ==, src_port);
	g_assert_cmpuint(bytes_get_be16(&r), ==, dst_port);
	g_assert_cmpuint(bytes_get_be16(&r), ==, UDP_HEADER_LEN + len);
}

static void udp_larger_than_the_path_mtu_is_answered_with_the_mtu(struct fixture *f, gconstpointer data)
{
	uint8_t *payload = pattern(3000);
	f->b.dont_fragment = true;
	guest_udp_send(&f->b, GUEST, 5000, BEYOND, 9, payload, 3000, 63);
	/* This one passes: the error is about the first one only. */
	guest_udp_send(&f->b, GUEST, 5000, BEYOND, 10, "small", 5, 63);
	g_free(payload);
	if (f->row->gaps & GAP_DONT_FRAGMENT) {
		bench_run_for(&f->b, 50);
		g_assert_true(g_queue_is_empty(&f->b.messages));
		return;
	}
	struct recorded_packet *m = bench_message(&f->b);
	g_assert_nonnull(m);
	struct icmp4_header h;
	g_assert_cmpint(icmp4_parse(m->l4, m->l4_len, &h), ==, 0);
	g_assert_cmpuint(h.type, ==, ICMP4_UNREACHABLE);
	g_assert_cmpuint(h.code, ==, ICMP4_UNREACHABLE_FRAG_NEEDED);
	g_assert_cmpuint(h.rest, ==, path_mtu(f));
	assert_quotes_datagram(m, 5000, 9, 3000);
	recorded_packet_free(m);
	bench_run_for(&f->b, 50);
	g_assert_true(g_queue_is_empty(&f->b.messages));
	g_assert_cmpuint(f->b.r.drops.count[DROP_FRAG_NEEDED], ==, 1);
}

static void udp_traceroute_shows_each_hop(struct fixture *f, gconstpointer data)
{
	int raw = raw_socket(IPPROTO_UDP);
	server_bind_udp(&f->s, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "a", 1, 9);
	bench_run(&f->b, 0);
	g_assert_cmpuint(raw_ttl_of_packet_to(raw, f->s.port), ==, 9);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "a", 1, 254);
	bench_run(&f->b, 0);
	g_assert_cmpuint(raw_ttl_of_packet_to(raw, f->s.port), ==, 254);
	close(raw);
	for (int probes = 0; probes == 0 || (probes < 3 && !await_icmp_error(&f->b)); probes++)
		guest_udp_send(&f->b, GUEST, 5001, BEYOND, 33434, "probe", 5, 1);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_TIME_EXCEEDED, 0, BEYOND, IP_PROTOCOL_UDP), ==, ROUTER);
}

static void udp_mapping_lasts_two_minutes_and_then_expires(struct fixture *f, gconstpointer data)
{
	struct sockaddr_in from;
	server_bind_udp(&f->s, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "a", 1, 63);
	server_expect_datagram(&f->s, &f->b, "a", 1, &from);
	bench_turn(&f->b, 120 * USEC_PER_SEC);
	server_answer(&f->s, &from, "late", 4);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 5000, "late", 4);
	bench_turn(&f->b, 600 * USEC_PER_SEC);
	struct engine_counters c;
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_udp, ==, 0);
	g_assert_cmpuint(c.flows_opened, ==, 1);
	g_assert_cmpuint(f->b.ops->deadline(f->b.engine), ==, USEC_INFINITY);
}

/* After an idle hour the engine must not start new flows with the time of its last turn. */
static void udp_after_a_long_idle_time_is_answered(struct fixture *f, gconstpointer data)
{
	struct sockaddr_in from;
	udp_is_carried_both_ways(f, data);
	bench_turn(&f->b, 3600 * USEC_PER_SEC);
	bench_turn(&f->b, 3600 * USEC_PER_SEC);
	guest_udp_send(&f->b, GUEST, 5002, SERVER, f->s.port, "again", 5, 63);
	server_expect_datagram(&f->s, &f->b, "again", 5, &from);
	bench_run_for(&f->b, 100);
	server_answer(&f->s, &from, "yes", 3);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 5002, "yes", 3);
}

const struct contract_test contract_udp[] = {
	CONTRACT_TEST(udp_is_carried_both_ways),
	CONTRACT_TEST(udp_mapping_is_endpoint_independent),
	CONTRACT_TEST(udp_between_guests_shows_the_external_endpoint),
	CONTRACT_TEST(udp_from_an_unknown_peer_does_not_reach_the_guest),
	CONTRACT_TEST(udp_large_datagrams_are_carried),
	CONTRACT_TEST(udp_empty_datagrams_are_carried),
	CONTRACT_TEST(udp_datagram_may_be_shorter_than_its_packet),
	CONTRACT_TEST(udp_super_frame_is_several_datagrams),
	CONTRACT_TEST(udp_super_frame_of_too_many_datagrams_is_refused),
	CONTRACT_TEST(udp_closed_port_is_unreachable),
	CONTRACT_TEST(udp_without_a_route_is_unreachable),
	CONTRACT_TEST(udp_larger_than_the_path_mtu_is_answered_with_the_mtu),
	CONTRACT_TEST(udp_traceroute_shows_each_hop),
	CONTRACT_TEST(udp_mapping_lasts_two_minutes_and_then_expires),
	CONTRACT_TEST(udp_after_a_long_idle_time_is_answered),
	{ 0 },
};
