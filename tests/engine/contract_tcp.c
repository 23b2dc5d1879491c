/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP between guests and hosts outside. */
#include "contract.h"

#include "wire/checksum.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void tcp_carries_bytes_both_ways(struct fixture *f, gconstpointer data)
{
	static const size_t len = 300000;
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	uint8_t *bytes = pattern(len);
	server_expect(&f->s, len);
	g_assert_true(guest_tcp_send(&t, bytes, len));
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_cmpmem(f->s.received->data, f->s.received->len, bytes, len);

	server_send(&f->s, bytes, len);
	g_assert_true(wait_for(&t, len));
	g_assert_cmpmem(t.received->data, t.received->len, bytes, len);
	g_free(bytes);
	guest_tcp_done(&t);
}

static void tcp_host_that_does_not_read_slows_the_guest_down(struct fixture *f, gconstpointer data)
{
	static const size_t len = 8 << 20;
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	uint8_t *bytes = pattern(len);
	/* While the host does not read, the window closes; it reopens when the host reads. */
	uint32_t first = t.next;
	int patience_ms = f->b.patience_ms;
	unsigned stalls = 0;
	for (size_t sent = 0; sent < len; sent = t.next - first) {
		f->b.patience_ms = 300;
		stalls += !guest_tcp_send(&t, bytes + sent, len - sent);
		g_assert_false(t.reset_seen);
		f->b.patience_ms = patience_ms;
		server_expect(&f->s, t.next - first - sent);
		g_assert_true(server_received_all(&f->s, &f->b));
	}
	g_assert_cmpuint(stalls, >, 0);
	g_assert_cmpmem(f->s.received->data, f->s.received->len, bytes, len);
	g_free(bytes);
	guest_tcp_done(&t);
}

static void tcp_guest_half_closes(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	g_assert_true(guest_tcp_send(&t, "question", 8));
	guest_tcp_fin(&t);
	server_expect(&f->s, 8);
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_true(server_sees_end(&f->s, &f->b));
	server_send(&f->s, "a late answer", 13);
	g_assert_true(wait_for(&t, 13));
	server_hang_up(&f->s);
	g_assert_true(bench_until(&f->b, has_fin, &t));
	g_assert_false(t.reset_seen);
	guest_tcp_done(&t);
}

static void tcp_host_half_closes(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	server_send(&f->s, "bye", 3);
	shutdown(f->s.fd, SHUT_WR);
	g_assert_true(bench_until(&f->b, has_fin, &t));
	g_assert_cmpuint(t.received->len, ==, 3);
	server_expect(&f->s, 10);
	g_assert_true(guest_tcp_send(&t, "still here", 10));
	g_assert_true(server_received_all(&f->s, &f->b));
	guest_tcp_fin(&t);
	g_assert_true(server_sees_end(&f->s, &f->b));
	g_assert_false(t.reset_seen);
	guest_tcp_done(&t);
}

static void tcp_reset_by_the_guest_is_a_reset_outside(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	guest_tcp_reset(&t);
	g_assert_true(server_sees_reset(&f->s, &f->b));
	guest_tcp_done(&t);
}

static void tcp_reset_outside_is_a_reset_for_the_guest(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	server_reset(&f->s);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	guest_tcp_done(&t);
}

/* All buffers of the engine are full, in both directions, when the connection fails: the engine must notice without reading or writing. */
static bool has_one_flow(void *bench)
{
	struct bench *b = bench;
	struct engine_counters c;
	b->ops->counters(b->engine, &c);
	return c.flows_tcp == 1;
}

static void tcp_reset_outside_with_all_buffers_full_ends_only_that_connection(struct fixture *f, gconstpointer data)
{
	static const size_t len = 8 << 20;
	struct guest_tcp t, other;
	struct server neighbour = { .listener = -1, .fd = -1 };
	server_listen(&neighbour, SERVER, 0);
	guest_tcp_init(&other, &f->b, GUEST, 40001, SERVER, neighbour.port);
	g_assert_true(guest_tcp_connect(&other));
	g_assert_true(server_accept(&neighbour, &f->b));
	server_listen(&f->s, SERVER, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	t.mss = 1024; /* buffer sizes are multiples of it, so that buffers can be completely full */
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(server_accept(&f->s, &f->b));
	uint8_t *bytes = pattern(len);
	unsigned patience_ms = f->b.patience_ms;
	f->b.patience_ms = 200;
	g_assert_false(guest_tcp_send(&t, bytes, len));
	f->b.patience_ms = patience_ms;
	/* The guest stops acknowledging. */
	g_ptr_array_remove_fast(f->b.tcp, &t);
	server_send(&f->s, bytes, 1 << 20);
	bench_run_for(&f->b, 50);
	server_reset(&f->s);
	bench_run_for(&f->b, 50);
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
	bool ends = !(f->row->gaps & GAP_RESET_WHEN_FULL);
	f->b.patience_ms = ends ? patience_ms : 200;
	g_assert_cmpint(bench_until(&f->b, has_one_flow, &f->b), ==, ends);
	f->b.patience_ms = patience_ms;
	/* The RST went to a guest that did not listen; a segment for the ended connection brings another. */
	g_ptr_array_add(f->b.tcp, &t);
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
	g_assert_true(!ends || bench_until(&f->b, has_reset, &t));
	server_expect(&neighbour, 4);
	g_assert_true(guest_tcp_send(&other, "ping", 4));
	g_assert_true(server_received_all(&neighbour, &f->b));
	server_send(&neighbour, "pong", 4);
	g_assert_true(wait_for(&other, 4));
	g_assert_false(other.reset_seen);
	g_free(bytes);
	guest_tcp_done(&t);
	guest_tcp_done(&other);
	server_close(&neighbour);
}

static void tcp_refused_connection_is_a_reset(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	uint16_t closed = free_port();
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, closed);
	guest_tcp_syn(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	g_assert_false(t.syn_seen);
	guest_tcp_done(&t);
}

static void tcp_without_a_route_is_unreachable(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, UNREACHABLE, 80);
	g_assert_false(guest_tcp_connect(&t));
	struct recorded_packet *m = bench_message(&f->b);
	g_assert_nonnull(m);
	g_assert_cmphex(m->ip.src, ==, GATEWAY);
	g_assert_cmpuint(m->l4[0], ==, ICMP4_UNREACHABLE);
	recorded_packet_free(m);
	guest_tcp_done(&t);
}

static bool has_answer(void *opaque)
{
	struct guest_tcp *t = opaque;
	return t->reset_seen || !g_queue_is_empty(&t->b->messages);
}

static void tcp_icmp_error_from_a_router_ends_the_attempt(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, BEYOND, 80);
	t.ttl = 1; /* the router answers with time exceeded */
	guest_tcp_syn(&t);
	if (f->row->gaps & GAP_TCP_UNREACHABLE)
		f->b.patience_ms = 1000;
	bool answered = bench_until(&f->b, has_answer, &t);
	if (f->row->gaps & GAP_TCP_UNREACHABLE) {
		/* Linux does not end an attempt on time exceeded, so there may be no answer in time. */
		g_assert_true(!answered || t.reset_seen);
	} else {
		struct recorded_packet *m = bench_message(&f->b);
		g_assert_nonnull(m);
		g_assert_cmphex(m->ip.src, ==, ROUTER);
		recorded_packet_free(m);
	}
	g_assert_false(t.syn_seen);
	guest_tcp_done(&t);
}

static void tcp_segment_without_a_connection_is_reset(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, 80);
	guest_tcp_segment(&t, TCP_ACK, NULL, 0);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	guest_tcp_done(&t);
}

static void tcp_retransmitted_syn_changes_nothing(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	guest_tcp_syn(&t);
	t.next--;
	guest_tcp_syn(&t);
	g_assert_true(guest_tcp_send(&t, "hello", 5));
	g_assert_true(server_accept(&f->s, &f->b));
	server_send(&f->s, "answer", 6);
	g_assert_true(wait_for(&t, 6));
	/* A much delayed one must not affect data in flight, here an answer that was lost. */
	uint32_t next = t.next;
	g_ptr_array_remove_fast(f->b.tcp, &t);
	server_send(&f->s, "more", 4);
	bench_run_for(&f->b, 20);
	t.next = t.acked - 6;
	guest_tcp_syn(&t);
	t.next = next;
	g_ptr_array_add(f->b.tcp, &t);
	for (unsigned i = 0; i < 10 && t.received->len < 10; i++)
		bench_turn(&f->b, USEC_PER_SEC);
	g_assert_cmpmem(t.received->data, t.received->len, "answermore", 10);
	guest_tcp_done(&t);
}

static void download(struct fixture *f, uint16_t mss, size_t len, size_t *ret_largest)
{
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	t.mss = mss;
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(server_accept(&f->s, &f->b));
	uint8_t *bytes = pattern(len);
	server_send(&f->s, bytes, len);
	g_assert_true(wait_for(&t, len));
	g_assert_cmpmem(t.received->data, t.received->len, bytes, len);
	*ret_largest = t.largest;
	g_free(bytes);
	guest_tcp_done(&t);
}

static void tcp_segments_respect_the_guests_mss(struct fixture *f, gconstpointer data)
{
	size_t largest;
	download(f, 536, 100000, &largest);
	g_assert_cmpuint(largest, <=, 536);
}

static void tcp_segments_respect_the_default_mss(struct fixture *f, gconstpointer data)
{
	size_t largest;
	download(f, 0, 100000, &largest);
	g_assert_cmpuint(largest, <=, 536);
}

static void tcp_segments_respect_the_mtu_of_the_guests_port(struct fixture *f, gconstpointer data)
{
	size_t largest;
	f->b.r.guest_mtu = 1280;
	download(f, 1460, 100000, &largest);
	g_assert_cmpuint(largest, <=, 1240);
	g_assert_cmpuint(g_queue_get_length(&f->b.r.fragments), ==, 0);
}

static void tcp_segments_respect_a_small_mss_on_a_port_with_a_large_mtu(struct fixture *f, gconstpointer data)
{
	size_t largest;
	download(f, 1460, 300000, &largest);
	g_assert_cmpuint(largest, <=, 1460);
}

static void tcp_large_mtu_is_used(struct fixture *f, gconstpointer data)
{
	size_t largest;
	download(f, 65480, 1000000, &largest);
	g_assert_cmpuint(largest, >, 8000);
}

static void tcp_ttl_is_carried_out(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	int raw = raw_socket(IPPROTO_TCP);
	server_listen(&f->s, SERVER, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	t.ttl = 17;
	g_assert_true(guest_tcp_connect(&t));
	g_assert_cmpuint(raw_ttl_of_packet_to(raw, f->s.port), ==, 17);
	close(raw);
	guest_tcp_done(&t);
}

static void tcp_urgent_data_is_ordinary_data(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH | TCP_URG, "urgent", 6);
	server_expect(&f->s, 6);
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_cmpmem(f->s.received->data, f->s.received->len, "urgent", 6);
	guest_tcp_done(&t);
}

/* A guest's stack, like the host's, would take a byte marked as urgent out of the stream. */
static void tcp_urgent_data_from_outside_is_ordinary_data(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	for (unsigned i = 1; i <= 2; i++) {
		server_send(&f->s, "first", 5);
		g_assert_cmpint(send(f->s.fd, "urgent!", 7, MSG_OOB), ==, 7);
		server_send(&f->s, "last", 4);
		g_assert_true(wait_for(&t, i * 16));
	}
	g_assert_cmpmem(t.received->data, t.received->len, "firsturgent!lastfirsturgent!last", 32);
	g_assert_false(t.urgent_seen);
	guest_tcp_done(&t);
}

static void tcp_super_frame_with_partial_checksum_is_carried(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	size_t len = 40000;
	uint8_t *bytes = pattern(len), *segment = g_malloc(TCP_HEADER_LEN + len);
	struct bytes_writer w = bytes_writer(segment, TCP_HEADER_LEN + len);
	tcp_emit(&w, &(struct tcp_header){ .src_port = t.port,
					   .dst_port = t.peer_port,
					   .seq = t.next,
					   .ack = t.expected,
					   .flags = TCP_ACK | TCP_PSH,
					   .window = 65535,
					   .checksum = 0x1234 });
	bytes_put(&w, bytes, len);
	bench_input_frame(&f->b, GUEST, SERVER, IP_PROTOCOL_TCP, segment, w.len, FRAME_CHECKSUM_PARTIAL, FRAME_GSO_TCP4, 1460);
	server_expect(&f->s, len);
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_cmpmem(f->s.received->data, f->s.received->len, bytes, len);
	g_free(bytes);
	g_free(segment);
	guest_tcp_done(&t);
}

static void tcp_segment_with_a_wrong_checksum_is_dropped(struct fixture *f, gconstpointer data)
{
	uint8_t syn[TCP_HEADER_LEN];
	struct bytes_writer w = bytes_writer(syn, sizeof(syn));
	server_listen(&f->s, SERVER, 0);
	tcp_emit(&w, &(struct tcp_header){ .src_port = 40000, .dst_port = f->s.port, .flags = TCP_SYN, .checksum = 0xbad });
	bench_input(&f->b, GUEST, SERVER, IP_PROTOCOL_TCP, 63, syn, w.len);
	bench_run_for(&f->b, 100);
	g_assert_false(server_has_visitor(&f->s));
	g_assert_true(g_queue_is_empty(&f->b.strays));
}

/* A guest's own stack would not take the answer (RFC 6335 §6: the port is reserved). */
static void tcp_from_port_0_is_dropped(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	server_listen(&f->s, INADDR_ANY, 0);
	guest_tcp_init(&t, &f->b, GUEST, 0, GATEWAY, f->s.port);
	guest_tcp_syn(&t);
	bench_run_for(&f->b, 50);
	g_assert_false(t.syn_seen);
	g_assert_false(server_has_visitor(&f->s));
	g_assert_cmpuint(f->b.r.drops.count[DROP_TCP_MALFORMED], ==, 1);
	guest_tcp_done(&t);
}

const struct contract_test contract_tcp[] = {
	CONTRACT_TEST(tcp_from_port_0_is_dropped),
	CONTRACT_TEST(tcp_carries_bytes_both_ways),
	CONTRACT_TEST(tcp_host_that_does_not_read_slows_the_guest_down),
	CONTRACT_TEST(tcp_guest_half_closes),
	CONTRACT_TEST(tcp_host_half_closes),
	CONTRACT_TEST(tcp_reset_by_the_guest_is_a_reset_outside),
	CONTRACT_TEST(tcp_reset_outside_is_a_reset_for_the_guest),
	CONTRACT_TEST(tcp_reset_outside_with_all_buffers_full_ends_only_that_connection),
	CONTRACT_TEST(tcp_refused_connection_is_a_reset),
	CONTRACT_TEST(tcp_without_a_route_is_unreachable),
	CONTRACT_TEST(tcp_icmp_error_from_a_router_ends_the_attempt),
	CONTRACT_TEST(tcp_segment_without_a_connection_is_reset),
	CONTRACT_TEST(tcp_retransmitted_syn_changes_nothing),
	CONTRACT_TEST(tcp_segments_respect_the_guests_mss),
	CONTRACT_TEST(tcp_segments_respect_the_default_mss),
	CONTRACT_TEST(tcp_segments_respect_the_mtu_of_the_guests_port),
	{ "tcp_segments_respect_a_small_mss_on_a_port_with_a_large_mtu", tcp_segments_respect_a_small_mss_on_a_port_with_a_large_mtu,
	  setup_large_mtu },
	{ "tcp_large_mtu_is_used", tcp_large_mtu_is_used, setup_large_mtu },
	CONTRACT_TEST(tcp_ttl_is_carried_out),
	CONTRACT_TEST(tcp_urgent_data_is_ordinary_data),
	CONTRACT_TEST(tcp_urgent_data_from_outside_is_ordinary_data),
	CONTRACT_TEST(tcp_super_frame_with_partial_checksum_is_carried),
	CONTRACT_TEST(tcp_segment_with_a_wrong_checksum_is_dropped),
	{ 0 },
};
