/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bursts of datagrams, with and without UDP_SEGMENT, UDP_GRO and super-frames. */
#include "native.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PORT 5000

static void setup_without_offload(struct fixture *f, gconstpointer row)
{
	native_setup(f, row, &(struct bench_options){ .no_udp_offload = true });
}

/* For a port that takes UDP super-frames. */
static void setup_large_port(struct fixture *f, gconstpointer row)
{
	native_setup_plain(f, row);
	f->b.r.offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_USO;
}

/* Fills datagram @i of @len bytes so that it can be identified. */
static void fill(uint8_t *bytes, unsigned i, size_t len)
{
	for (size_t at = 0; at < len; at++)
		bytes[at] = (uint8_t)(at % 4 == 0 ? i : at % 4 == 1 ? i >> 8 : at);
}

static void assert_datagram_is(const uint8_t *bytes, size_t got, unsigned i, size_t len)
{
	uint8_t *wanted = g_malloc(len + 1);
	fill(wanted, i, len);
	g_assert_cmpmem(bytes, got, wanted, len);
	g_free(wanted);
}

/* --- ports --- */

static uint16_t mapped_port(struct fixture *f, ip4_t guest, uint16_t port)
{
	struct sockaddr_in from;
	guest_udp_send(&f->b, guest, port, SERVER, f->s.port, "x", 1, 63);
	server_expect_datagram(&f->s, &f->b, "x", 1, &from);
	return ntohs(from.sin_port);
}

/* RFC 4787 REQ-3 and REQ-4. */
static void a_port_is_kept_where_it_is_free_and_never_shared(struct fixture *f, gconstpointer row)
{
	server_bind_udp(&f->s, SERVER);
	g_assert_cmpuint(mapped_port(f, GUEST, PORT), ==, PORT);
	g_assert_cmpuint(mapped_port(f, GUEST, PORT + 1), ==, PORT + 1);
	uint16_t second = mapped_port(f, GUEST + 1, PORT), low = mapped_port(f, GUEST, 500);
	g_assert_cmpuint(second, !=, PORT);
	g_assert_cmpuint(second, >=, 1024);
	g_assert_cmpuint(low, >=, 1024);
	g_assert_cmpuint(mapped_port(f, GUEST + 1, PORT), ==, second);
}

/* --- guest to host --- */

static void guest_sends(struct fixture *f, const struct server *to, unsigned i, size_t len)
{
	uint8_t *bytes = g_malloc(len + 1);
	fill(bytes, i, len);
	guest_udp_send(&f->b, GUEST, PORT, SERVER, to->port, bytes, len, 63);
	g_free(bytes);
}

static void assert_server_has(struct fixture *f, struct server *s, unsigned i, size_t len)
{
	struct sockaddr_in from;
	uint8_t *bytes = g_malloc(len + 1);
	fill(bytes, i, len);
	server_expect_datagram(s, &f->b, bytes, len, &from);
	g_free(bytes);
}

static void bursts_from_a_guest_arrive_as_they_were_sent(struct fixture *f, gconstpointer row)
{
	static const size_t sizes[] = { 1000, 1000, 1000, 1000, 300,  300,  300,  1472,  1,     0,  0,  5,
					5,    5,    5,    4,    9000, 9000, 9000, 60000, 60000, 64, 64, 64 };
	struct server other = { .listener = -1, .fd = -1 };
	server_bind_udp(&f->s, SERVER);
	server_bind_udp(&other, SERVER);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		guest_sends(f, &f->s, i, sizes[i]);
		if (i % 5 == 0)
			guest_sends(f, &other, i, sizes[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_server_has(f, &f->s, i, sizes[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i += 5)
		assert_server_has(f, &other, i, sizes[i]);
	for (unsigned i = 0; i < 70; i++)
		guest_sends(f, &f->s, i, i < 69 ? 1200 : 7);
	for (unsigned i = 0; i < 70; i++)
		assert_server_has(f, &f->s, i, i < 69 ? 1200 : 7);
	g_assert_false(server_has_datagram(&f->s));
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_ERROR], ==, 0);
	server_close(&other);
}

/* As from a vhost-user guest, whose buffers are not contiguous. */
static void a_datagram_in_many_pieces_arrives_whole(struct fixture *f, gconstpointer row)
{
	enum { LEN = 4000, PIECE = 100 };
	uint8_t payload[LEN], l4[UDP_HEADER_LEN + LEN];
	struct bytes_writer w = bytes_writer(l4, sizeof(l4));
	struct iovec iov[LEN / PIECE + 1];
	struct packet_bytes p;
	struct sockaddr_in from;
	unsigned n = 0;
	server_bind_udp(&f->s, SERVER);
	fill(payload, 1, LEN);
	udp_emit_ipv4(&w, GUEST, SERVER, PORT, f->s.port, payload, LEN);
	packet_bytes_make(&f->b.r, &p, GUEST, SERVER, IP_PROTOCOL_UDP, 63, l4, sizeof(l4));
	for (size_t at = 0; at < p.frame.len; at += PIECE, n++)
		iov[n] = (struct iovec){ (uint8_t *)p.iov.iov_base + at, MIN((size_t)PIECE, p.frame.len - at) };
	p.frame.iov = iov;
	p.frame.n_iov = n;
	f->b.ops->input(f->b.engine, bench_now(&f->b), &p.packet);
	server_expect_datagram(&f->s, &f->b, payload, LEN, &from);
}

/* The kernel does not segment a message whose datagrams exceed the path MTU; each datagram is then fragmented by itself. */
static void bursts_larger_than_the_path_mtu_are_fragmented(struct fixture *f, gconstpointer row)
{
	server_bind_udp(&f->s, SERVER);
	g_assert_cmpint(system("ip link set lo mtu 2000"), ==, 0);
	for (unsigned i = 0; i < 20; i++)
		guest_sends(f, &f->s, i, 3000);
	for (unsigned i = 0; i < 20; i++)
		guest_sends(f, &f->s, i, 1000);
	for (unsigned i = 0; i < 20; i++)
		assert_server_has(f, &f->s, i, 3000);
	for (unsigned i = 0; i < 20; i++)
		assert_server_has(f, &f->s, i, 1000);
	g_assert_cmpint(system("ip link set lo mtu 65536"), ==, 0);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_ERROR], ==, 0);
	g_assert_cmpuint(f->b.r.drops.count[DROP_FRAG_NEEDED], ==, 0);
}

static void each_datagram_of_a_burst_that_is_too_large_is_answered_with_the_mtu(struct fixture *f, gconstpointer row)
{
	f->b.dont_fragment = true;
	for (unsigned i = 0; i < 5; i++) {
		uint8_t bytes[3000];
		fill(bytes, i, sizeof(bytes));
		guest_udp_send(&f->b, GUEST, PORT, BEYOND, 9, bytes, sizeof(bytes), 63);
	}
	for (unsigned i = 0; i < 5; i++) {
		struct recorded_packet *m = bench_message(&f->b);
		struct icmp4_header h;
		g_assert_nonnull(m);
		g_assert_cmpint(icmp4_parse(m->l4, m->l4_len, &h), ==, 0);
		g_assert_cmpuint(h.code, ==, ICMP4_UNREACHABLE_FRAG_NEEDED);
		g_assert_cmpuint(h.rest, ==, 1500);
		recorded_packet_free(m);
	}
	g_assert_cmpuint(f->b.r.drops.count[DROP_FRAG_NEEDED], ==, 5);
}

/* --- host to guest --- */

/* Datagrams that the guest received, with super-frames split. */
struct inbox {
	struct recorded_packet *packet;
	size_t at;
};

static void assert_guest_has(struct fixture *f, struct inbox *in, unsigned i, size_t len)
{
	if (!in->packet) {
		*in = (struct inbox){ .packet = bench_datagram(&f->b), .at = UDP_HEADER_LEN };
		g_assert_nonnull(in->packet);
	}
	size_t left = in->packet->l4_len - in->at;
	size_t n = in->packet->gso_size > 0 ? MIN(in->packet->gso_size, left) : left;
	assert_datagram_is(in->packet->l4 + in->at, n, i, len);
	in->at += n;
	if (in->at == in->packet->l4_len)
		g_clear_pointer(&in->packet, recorded_packet_free);
}

static struct sockaddr_in let_server_know_guest(struct fixture *f)
{
	struct sockaddr_in from;
	server_bind_udp(&f->s, SERVER);
	guest_udp_send(&f->b, GUEST, PORT, SERVER, f->s.port, "x", 1, 63);
	server_expect_datagram(&f->s, &f->b, "x", 1, &from);
	return from;
}

static void server_sends(struct fixture *f, const struct sockaddr_in *to, unsigned i, size_t len)
{
	uint8_t *bytes = g_malloc(len + 1);
	fill(bytes, i, len);
	server_answer(&f->s, to, bytes, len);
	g_free(bytes);
}

/* Sends @n datagrams of @each bytes, the last one of @last, in one message. */
static void server_sends_joined(struct fixture *f, const struct sockaddr_in *to, unsigned n, size_t each, size_t last)
{
	size_t len = (n - 1) * each + last;
	g_autofree uint8_t *bytes = g_malloc(len + 1);
	for (unsigned i = 0; i < n; i++)
		fill(bytes + i * each, i, i + 1 < n ? each : last);
	g_assert_cmpint(setsockopt(f->s.fd, IPPROTO_UDP, UDP_SEGMENT, &(int){ (int)each }, sizeof(int)), ==, 0);
	server_answer(&f->s, to, bytes, len);
	g_assert_cmpint(setsockopt(f->s.fd, IPPROTO_UDP, UDP_SEGMENT, &(int){ 0 }, sizeof(int)), ==, 0);
}

static size_t size_of(unsigned round, unsigned i)
{
	static const size_t sizes[] = { 1200, 1200, 900, 1200, 1472, 8000, 20, 1200 };
	bool odd = round % 3 == 2 && i % 11 == 5;
	return odd ? (i % 2 ? 0 : 333) : sizes[round % ARRAY_SIZE(sizes)];
}

/* Rounds of one size, which the engine learns, with sizes that change between rounds and other sizes within them. */
static void bursts_to_a_guest_arrive_as_they_were_sent(struct fixture *f, gconstpointer row)
{
	struct sockaddr_in from = let_server_know_guest(f);
	struct inbox in = { 0 };
	for (unsigned round = 0; round < 24; round++) {
		for (unsigned i = 0; i < 40; i++)
			server_sends(f, &from, i, size_of(round, i));
		for (unsigned i = 0; i < 40; i++)
			assert_guest_has(f, &in, i, size_of(round, i));
	}
	g_assert_true(g_queue_is_empty(&f->b.datagrams));
}

static void coalesced_datagrams_to_a_guest_are_split(struct fixture *f, gconstpointer row)
{
	struct sockaddr_in from = let_server_know_guest(f);
	struct inbox in = { 0 };
	for (unsigned round = 0; round < 24; round++) {
		size_t each = round < 12 ? 1000 : 600 + round, last = round % 2 ? each : 13;
		unsigned n = round % 4 == 3 ? 60 : 9;
		server_sends_joined(f, &from, n, each, last);
		server_sends_joined(f, &from, n, each, last);
		server_sends(f, &from, 7, round % 5 == 0 ? 0 : 1000);
		for (unsigned twice = 0; twice < 2; twice++)
			for (unsigned i = 0; i < n; i++)
				assert_guest_has(f, &in, i, i + 1 < n ? each : last);
		assert_guest_has(f, &in, 7, round % 5 == 0 ? 0 : 1000);
	}
	g_assert_true(g_queue_is_empty(&f->b.datagrams));
}

static void datagrams_of_unknown_peers_within_a_burst_are_dropped(struct fixture *f, gconstpointer row)
{
	struct sockaddr_in from = let_server_know_guest(f), loopback = from;
	struct server stranger = { .listener = -1, .fd = -1 };
	struct inbox in = { 0 };
	server_bind_udp(&stranger, INADDR_LOOPBACK);
	loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < 30; i++) {
			server_sends(f, &from, i, 1000);
			if (round > 1 && i % 7 == round)
				server_answer(&stranger, &loopback, "evil", 4);
		}
		for (unsigned i = 0; i < 30; i++)
			assert_guest_has(f, &in, i, 1000);
	}
	g_assert_true(g_queue_is_empty(&f->b.datagrams));
	g_assert_cmpuint(f->b.r.drops.count[DROP_FILTERED], >=, 12);
	server_close(&stranger);
}

/* A guest that has not shown to take larger packets gets fragments, which a lent room cannot hold. */
static void bursts_larger_than_the_guests_mtu_come_as_packets(struct fixture *f, gconstpointer row)
{
	struct sockaddr_in from = let_server_know_guest(f);
	struct inbox in = { 0 };
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < 20; i++)
			server_sends(f, &from, i, 4000);
		for (unsigned i = 0; i < 20; i++)
			assert_guest_has(f, &in, i, 4000);
	}
}

/* The kernel's queue is the guest's then, and what does not fit there costs nothing to drop. */
static void datagrams_stay_in_the_socket_while_the_guests_port_is_crowded(struct fixture *f, gconstpointer row)
{
	struct sockaddr_in from = let_server_know_guest(f);
	struct inbox in = { 0 };
	f->b.r.crowded = true;
	for (unsigned i = 0; i < 20; i++)
		server_sends(f, &from, i, 1000);
	bench_run_for(&f->b, 20);
	g_assert_true(g_queue_is_empty(&f->b.datagrams));
	f->b.r.crowded = false;
	f->b.ops->writable(f->b.engine, bench_now(&f->b), recorder_guest(&f->b.r, GUEST));
	for (unsigned i = 0; i < 20; i++)
		assert_guest_has(f, &in, i, 1000);
}

#define TEST(name, variant, setup_function) \
	{ \
#name variant, name, setup_function \
	}
#define TESTS(variant, setup_function) \
	TEST(bursts_from_a_guest_arrive_as_they_were_sent, variant, setup_function), \
		TEST(bursts_larger_than_the_path_mtu_are_fragmented, variant, setup_function), \
		TEST(each_datagram_of_a_burst_that_is_too_large_is_answered_with_the_mtu, variant, setup_function), \
		TEST(bursts_to_a_guest_arrive_as_they_were_sent, variant, setup_function), \
		TEST(coalesced_datagrams_to_a_guest_are_split, variant, setup_function), \
		TEST(datagrams_of_unknown_peers_within_a_burst_are_dropped, variant, setup_function), \
		TEST(bursts_larger_than_the_guests_mtu_come_as_packets, variant, setup_function)

const struct contract_test native_udp[] = {
	TEST(a_port_is_kept_where_it_is_free_and_never_shared, "", native_setup_plain),
	TEST(a_datagram_in_many_pieces_arrives_whole, "", native_setup_plain),
	TEST(datagrams_stay_in_the_socket_while_the_guests_port_is_crowded, "", native_setup_plain),
	TESTS("", native_setup_plain),
	TESTS("_without_offload", setup_without_offload),
	TESTS("_by_super_frames", setup_large_port),
	{ 0 },
};
