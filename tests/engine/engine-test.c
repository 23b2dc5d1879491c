/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of lan/engine.h, run against every engine on real sockets.  The table below says what
 * each engine is known not to do; docs/engines.md explains it.  A gap is asserted as well: an engine that learns to
 * do better fails here until the table says so.
 */
#include "bench.h"
#include "guest.h"
#include "netns.h"
#include "server.h"

#include "base/macros.h"
#include "host/native.h"
#include "lan/stream_service.h"
#include "nat/null/null.h"
#include "wire/checksum.h"
#ifdef HAVE_SLIRP
#include "nat/slirp/slirp.h"
#endif

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum gap {
	GAP_OUTSIDE = 1 << 0,         /* nothing leaves, and no TCP is terminated */
	GAP_TCP_UNREACHABLE = 1 << 1, /* a connection attempt that finds no host later on ends with RST, not with ICMP */
	GAP_OPEN_SOURCE = 1 << 2,     /* open() knows no source but the gateway's address */
};

static const struct engine_row {
	const struct engine_ops *ops;
	unsigned gaps;
	uint8_t unreachable_code; /* for a route of type unreachable: Linux itself says host (RFC 1812 §5.2.7.1 allows both) */
} engines[] = {
	{ &null_engine_ops, GAP_OUTSIDE, ICMP4_UNREACHABLE_NET },
	{ &native_engine_ops, 0, ICMP4_UNREACHABLE_HOST },
#ifdef HAVE_SLIRP
	{ &slirp_engine_ops, GAP_TCP_UNREACHABLE | GAP_OPEN_SOURCE, ICMP4_UNREACHABLE_NET },
#endif
};

/* Sends back what it gets, eight times, and can be told to refuse. */
struct echo_service {
	struct stream_service service;
	GPtrArray *conns; /* struct echo_conn */
	bool refuse, close_at_once;
	unsigned accepted, eofs, closed;
	struct ip_endpoint last_guest;
};

struct echo_conn {
	GByteArray *pending;
	bool eof;
};

static void echo_conn_free(gpointer opaque)
{
	struct echo_conn *c = opaque;
	g_byte_array_unref(c->pending);
	g_free(c);
}

struct fixture {
	struct bench b;
	struct echo_service echo;
	struct server s;
	const struct engine_row *row;
	unsigned fds; /* before anything was opened */
};

static void setup_with(struct fixture *f, gconstpointer data, const struct bench_options *options)
{
	f->row = data;
	f->fds = count_fds();
	f->s = (struct server){ .listener = -1, .fd = -1 };
	bench_init(&f->b, f->row->ops, options);
}

static void setup(struct fixture *f, gconstpointer data)
{
	setup_with(f, data, &(struct bench_options){ 0 });
}

static void setup_host_loopback(struct fixture *f, gconstpointer data)
{
	setup_with(f, data, &(struct bench_options){ .host_loopback = true });
}

static void setup_large_mtu(struct fixture *f, gconstpointer data)
{
	setup_with(f, data, &(struct bench_options){ .guest_mtu = 65520 });
}

/* Whatever a test did, nothing of it is left open. */
static void teardown(struct fixture *f, gconstpointer data)
{
	bench_done(&f->b);
	server_close(&f->s);
	if (f->echo.conns)
		g_ptr_array_unref(f->echo.conns);
	g_assert_cmpuint(count_fds(), ==, f->fds);
}

static uint8_t *pattern(size_t len)
{
	uint8_t *p = g_malloc(len);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + i / 251);
	return p;
}

static bool has_reset(void *t)
{
	return ((struct guest_tcp *)t)->reset_seen;
}

static bool has_fin(void *t)
{
	return ((struct guest_tcp *)t)->fin_seen;
}

struct wanted {
	const struct guest_tcp *t;
	size_t len;
};

static bool has_received(void *opaque)
{
	const struct wanted *w = opaque;
	return w->t->received->len >= w->len || w->t->reset_seen;
}

static bool wait_for(struct guest_tcp *t, size_t len)
{
	struct wanted w = { t, len };
	return bench_until(t->b, has_received, &w) && t->received->len >= len;
}

/* A connection from the guest to @at of the host, accepted there. */
static void connect_to(struct fixture *f, struct guest_tcp *t, ip4_t dial, ip4_t at)
{
	server_listen(&f->s, at, 0);
	guest_tcp_init(t, &f->b, GUEST, 40000, dial, f->s.port);
	g_assert_true(guest_tcp_connect(t));
	g_assert_true(server_accept(&f->s, &f->b));
}

/* ---- TCP ---- */

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
	/* Nobody reads yet: at some point the window is shut. */
	uint32_t first = t.acked;
	f->b.patience_ms = 300;
	g_assert_false(guest_tcp_send(&t, bytes, len));
	g_assert_false(t.reset_seen);
	f->b.patience_ms = 3000;
	size_t taken = t.acked - first;
	g_assert_cmpuint(taken, <, len);
	server_expect(&f->s, taken);
	g_assert_true(server_received_all(&f->s, &f->b));
	server_expect(&f->s, len - taken);
	t.next = t.acked;
	g_assert_true(guest_tcp_send(&t, bytes + taken, len - taken));
	g_assert_true(server_received_all(&f->s, &f->b));
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

static void tcp_reset_outside_while_the_guest_reads_nothing_harms_nobody(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	/* The guest's end vanishes: nothing is acknowledged while the host fills every buffer. */
	g_ptr_array_remove_fast(f->b.tcp, &t);
	uint8_t *bytes = pattern(1 << 20);
	server_send(&f->s, bytes, 1 << 20);
	bench_run_for(&f->b, 50);
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
	server_reset(&f->s);
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
	bench_run_for(&f->b, 50);
	g_ptr_array_add(f->b.tcp, &t);
	g_free(bytes);
	guest_tcp_done(&t);
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

static void tcp_error_on_the_way_ends_the_attempt(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, BEYOND, 80);
	t.ttl = 1; /* the router says time exceeded */
	guest_tcp_syn(&t);
	bool answered = bench_until(&f->b, has_answer, &t);
	if (f->row->gaps & GAP_TCP_UNREACHABLE) {
		/* Linux does not end an attempt because of a time exceeded, so nothing may come in time at all. */
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

static void tcp_resent_syn_changes_nothing(struct fixture *f, gconstpointer data)
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
	/* And one that comes much too late must not touch the data under way. */
	uint32_t next = t.next;
	t.next = t.acked - 6;
	server_send(&f->s, "more", 4);
	guest_tcp_syn(&t);
	t.next = next;
	g_assert_true(wait_for(&t, 10));
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

static void tcp_segments_respect_the_way_to_the_guest(struct fixture *f, gconstpointer data)
{
	size_t largest;
	f->b.r.guest_mtu = 1280;
	download(f, 1460, 100000, &largest);
	g_assert_cmpuint(largest, <=, 1240);
	g_assert_cmpuint(g_queue_get_length(&f->b.r.fragments), ==, 0);
}

static void tcp_segments_respect_a_small_interface_on_a_wide_way(struct fixture *f, gconstpointer data)
{
	size_t largest;
	download(f, 1460, 300000, &largest);
	g_assert_cmpuint(largest, <=, 1460);
}

static void tcp_wide_way_is_used(struct fixture *f, gconstpointer data)
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

static void tcp_super_frame_with_checksum_left_to_us_is_carried(struct fixture *f, gconstpointer data)
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

static void tcp_damaged_segment_is_not_believed(struct fixture *f, gconstpointer data)
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

/* ---- UDP ---- */

static void assert_datagram(struct bench *b, ip4_t src, uint16_t src_port, ip4_t dst, uint16_t dst_port, const void *payload, size_t len)
{
	struct recorded_packet *p = bench_datagram(b);
	g_assert_nonnull(p);
	struct bytes_reader r = bytes_reader(p->l4, p->l4_len);
	struct udp_header h;
	g_assert_cmpint(udp_parse(&r, &h), ==, 0);
	g_assert_cmphex(p->ip.src, ==, src);
	g_assert_cmphex(p->ip.dst, ==, dst);
	g_assert_cmpuint(h.src_port, ==, src_port);
	g_assert_cmpuint(h.dst_port, ==, dst_port);
	g_assert_cmpmem(r.at, r.left, payload, len);
	recorded_packet_free(p);
}

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

static void udp_of_a_stranger_does_not_reach_the_guest(struct fixture *f, gconstpointer data)
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
	/* Another port of an address that the guest has sent to is welcome (RFC 4787 REQ-8). */
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

/* The ICMP error that came for a packet of the guest's to @dst: its source. */
static ip4_t assert_icmp_error(struct bench *b, uint8_t type, uint8_t code, ip4_t dst, uint8_t protocol)
{
	struct recorded_packet *m = bench_message(b);
	g_assert_nonnull(m);
	g_assert_cmphex(m->ip.dst, ==, GUEST);
	g_assert_cmpuint(m->l4[0], ==, type);
	g_assert_cmpuint(m->l4[1], ==, code);
	struct bytes_reader r = bytes_reader(m->l4 + ICMP4_HEADER_LEN, m->l4_len - ICMP4_HEADER_LEN);
	struct ipv4_header quoted;
	g_assert_cmpint(ipv4_parse(&r, &quoted), ==, 0);
	g_assert_cmphex(quoted.src, ==, GUEST);
	g_assert_cmphex(quoted.dst, ==, dst);
	g_assert_cmpuint(quoted.protocol, ==, protocol);
	g_assert_cmpuint(r.left, >=, 8);
	if (protocol == IP_PROTOCOL_UDP && r.left + ipv4_header_len(&quoted) == quoted.total_len) {
		struct checksum c = { 0 };
		checksum_add_pseudo4(&c, quoted.src, quoted.dst, protocol, (uint16_t)r.left);
		checksum_add(&c, r.at, r.left);
		g_assert_true(checksum_is_right(&c));
	}
	ip4_t src = m->ip.src;
	recorded_packet_free(m);
	return src;
}

static void udp_closed_port_is_unreachable(struct fixture *f, gconstpointer data)
{
	guest_udp_send(&f->b, GUEST, 5000, SERVER, free_port(), "anyone?", 7, 63);
	assert_icmp_error(&f->b, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT, SERVER, IP_PROTOCOL_UDP);
}

static void udp_without_a_route_is_unreachable(struct fixture *f, gconstpointer data)
{
	guest_udp_send(&f->b, GUEST, 5000, UNREACHABLE, 53, "anyone?", 7, 63);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_UNREACHABLE, f->row->unreachable_code, UNREACHABLE, IP_PROTOCOL_UDP), ==, GATEWAY);
}

static void udp_traceroute_tells_the_truth(struct fixture *f, gconstpointer data)
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
	guest_udp_send(&f->b, GUEST, 5001, BEYOND, 33434, "probe", 5, 1);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_TIME_EXCEEDED, 0, BEYOND, IP_PROTOCOL_UDP), ==, ROUTER);
}

static void udp_socket_lasts_two_minutes_and_not_for_ever(struct fixture *f, gconstpointer data)
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

/* An engine that slept for an hour must not give new flows the age of its last look at the clock. */
static void udp_after_a_long_quiet_time_is_answered(struct fixture *f, gconstpointer data)
{
	struct sockaddr_in from;
	udp_is_carried_both_ways(f, data);
	bench_turn(&f->b, 3600 * USEC_PER_SEC);
	guest_udp_send(&f->b, GUEST, 5002, SERVER, f->s.port, "again", 5, 63);
	server_expect_datagram(&f->s, &f->b, "again", 5, &from);
	bench_run_for(&f->b, 30);
	server_answer(&f->s, &from, "yes", 3);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 5002, "yes", 3);
}

/* ---- ICMP ---- */

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

static void icmp_traceroute_tells_the_truth(struct fixture *f, gconstpointer data)
{
	guest_ping(&f->b, GUEST, BEYOND, 842, 1, "abcdefgh", 8, 1);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_TIME_EXCEEDED, 0, BEYOND, IP_PROTOCOL_ICMP), ==, ROUTER);
	struct engine_counters c;
	/* An engine may keep the identifier for a while (RFC 5508 REQ-2), but not for ever. */
	bench_turn(&f->b, 120 * USEC_PER_SEC);
	bench_run(&f->b, 0);
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_icmp, ==, 0);
	g_assert_true(g_queue_is_empty(&f->b.messages));
}

static void icmp_unanswered_requests_do_not_stop_later_ones(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 500; i++) {
		guest_ping(&f->b, GUEST, BEYOND, 1, (uint16_t)i, "", 0, 63);
		bench_run(&f->b, 0);
	}
	bench_forget(&f->b);
	icmp_echo_is_answered_as_asked(f, data);
}

static void icmp_without_permission_is_answered(struct fixture *f, gconstpointer data)
{
	bench_free_engine(&f->b);
	const struct engine_config config = {
		.env = &f->b.r.env, .poller = &f->b.loop.poller, .gateway = GATEWAY, .subnet = { IP4(192, 168, 122, 0), 24 }
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

static void icmp_other_protocols_are_unreachable(struct fixture *f, gconstpointer data)
{
	bench_input(&f->b, GUEST, SERVER, 47, 63, "GRE packet", 10);
	struct recorded_error *e = bench_error(&f->b);
	g_assert_nonnull(e);
	g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_PROTOCOL);
	g_assert_cmpuint(f->b.r.drops.count[DROP_PROTOCOL], ==, 1);
	g_free(e);
}

/* ---- the gateway's address ---- */

static void gateway_is_the_host_for_services_on_all_addresses(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, GATEWAY, INADDR_ANY);
	server_send(&f->s, "welcome", 7);
	g_assert_true(wait_for(&t, 7));
	g_assert_cmphex(server_peer(&f->s), ==, HOST);
	guest_tcp_done(&t);

	struct server udp = { .listener = -1, .fd = -1 };
	struct sockaddr_in from;
	server_bind_udp(&udp, INADDR_ANY);
	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, udp.port, "ping", 4, 63);
	server_expect_datagram(&udp, &f->b, "ping", 4, &from);
	server_answer(&udp, &from, "pong", 4);
	assert_datagram(&f->b, GATEWAY, udp.port, GUEST, 5000, "pong", 4);
	server_close(&udp);
}

static void gateway_hides_services_on_loopback(struct fixture *f, gconstpointer data)
{
	struct server udp = { .listener = -1, .fd = -1 };
	struct guest_tcp t;
	server_listen(&f->s, INADDR_LOOPBACK, 0);
	server_bind_udp(&udp, INADDR_LOOPBACK);
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, f->s.port);
	guest_tcp_syn(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	g_assert_false(t.syn_seen);
	g_assert_false(server_has_visitor(&f->s));
	guest_tcp_done(&t);

	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, udp.port, "anyone?", 7, 63);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT, GATEWAY, IP_PROTOCOL_UDP), ==, GATEWAY);
	g_assert_false(server_has_datagram(&udp));
	server_close(&udp);
}

static void gateway_is_loopback_when_the_operator_says_so(struct fixture *f, gconstpointer data)
{
	struct server udp = { .listener = -1, .fd = -1 };
	struct sockaddr_in from;
	struct guest_tcp t;
	connect_to(f, &t, GATEWAY, INADDR_LOOPBACK);
	server_send(&f->s, "welcome", 7);
	g_assert_true(wait_for(&t, 7));
	guest_tcp_done(&t);
	server_bind_udp(&udp, INADDR_LOOPBACK);
	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, udp.port, "ping", 4, 63);
	server_expect_datagram(&udp, &f->b, "ping", 4, &from);
	server_answer(&udp, &from, "pong", 4);
	assert_datagram(&f->b, GATEWAY, udp.port, GUEST, 5000, "pong", 4);
	server_close(&udp);
}

static void gateway_refuses_when_the_host_has_no_address(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	f->b.r.host_address_result = -ENETUNREACH;
	server_listen(&f->s, INADDR_ANY, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, f->s.port);
	guest_tcp_syn(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	guest_tcp_done(&t);
	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, f->s.port, "anyone?", 7, 63);
	struct recorded_error *e = bench_error(&f->b);
	g_assert_nonnull(e);
	g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_PORT);
	g_free(e);
	g_assert_false(server_has_visitor(&f->s));
}

static void gateway_and_the_hosts_own_address_do_not_get_mixed_up(struct fixture *f, gconstpointer data)
{
	struct guest_tcp by_gateway, by_address;
	server_listen(&f->s, INADDR_ANY, 0);
	guest_tcp_init(&by_gateway, &f->b, GUEST, 40000, GATEWAY, f->s.port);
	guest_tcp_init(&by_address, &f->b, GUEST, 40000, HOST, f->s.port);
	g_assert_true(guest_tcp_connect(&by_gateway));
	g_assert_true(server_accept(&f->s, &f->b));
	server_send(&f->s, "one", 3);
	server_hang_up(&f->s);
	g_assert_true(guest_tcp_connect(&by_address));
	g_assert_true(server_accept(&f->s, &f->b));
	server_send(&f->s, "two", 3);
	g_assert_true(wait_for(&by_gateway, 3));
	g_assert_true(wait_for(&by_address, 3));
	g_assert_cmpmem(by_gateway.received->data, by_gateway.received->len, "one", 3);
	g_assert_cmpmem(by_address.received->data, by_address.received->len, "two", 3);
	guest_tcp_done(&by_gateway);
	guest_tcp_done(&by_address);
}

/* What the gateway drops before an engine sees it, and what libslirp takes for the host: no way to loopback. */
static void loopback_cannot_be_reached_by_any_address(struct fixture *f, gconstpointer data)
{
	static const ip4_t tries[] = {
		IP4(127, 0, 0, 1), IP4(127, 0, 0, 53), IP4(127, 255, 255, 255), IP4(0, 0, 0, 0),       IP4(0, 0, 0, 1),
		IP4(240, 0, 0, 0), IP4(240, 0, 0, 1),  IP4(240, 0, 0, 2),       IP4(240, 0, 0, 3),     IP4(240, 0, 0, 4),
		IP4(240, 0, 0, 7), IP4(240, 0, 0, 8),  IP4(255, 255, 255, 255), IP4(224, 0, 0, 1),     IP4(192, 168, 122, 0),
		IP4(10, 0, 2, 2),  IP4(10, 0, 2, 3),   IP4(192, 168, 122, 2),   IP4(192, 168, 122, 3), IP4(192, 168, 122, 255),
	};
	struct server tcp[2] = { { .listener = -1, .fd = -1 }, { .listener = -1, .fd = -1 } };
	server_listen(&tcp[0], INADDR_LOOPBACK, 0);
	server_listen(&tcp[1], IP4(127, 0, 0, 53), tcp[0].port);
	server_bind_udp(&f->s, INADDR_LOOPBACK);
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		struct guest_tcp t;
		guest_tcp_init(&t, &f->b, GUEST, (uint16_t)(40000 + i), tries[i], tcp[0].port);
		guest_tcp_syn(&t);
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), tries[i], f->s.port, "anyone?", 7, 63);
		guest_ping(&f->b, GUEST, tries[i], 1, 1, "", 0, 63);
		guest_tcp_done(&t);
	}
	bench_run_for(&f->b, 200);
	g_assert_false(server_has_visitor(&tcp[0]));
	g_assert_false(server_has_visitor(&tcp[1]));
	g_assert_false(server_has_datagram(&f->s));
	for (GList *l = f->b.strays.head; l; l = l->next) {
		const struct recorded_packet *p = l->data;
		g_assert_cmphex(p->l4[13] & TCP_SYN, ==, 0);
	}
	server_close(&tcp[0]);
	server_close(&tcp[1]);
}

/* ---- life and limits ---- */

static void guest_that_is_gone_leaves_nothing(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t, stays;
	struct server other = { .listener = -1, .fd = -1 };
	server_listen(&other, SERVER, 0);
	guest_tcp_init(&stays, &f->b, IP4(192, 168, 122, 8), 40000, SERVER, other.port);
	g_assert_true(guest_tcp_connect(&stays));
	g_assert_true(server_accept(&other, &f->b));
	connect_to(f, &t, SERVER, SERVER);
	unsigned before = count_fds();
	struct engine_counters c;
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 2);
	for (uint16_t i = 0; i < 20; i++)
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);

	f->b.ops->guest_gone(f->b.engine, bench_now(&f->b), GUEST);
	g_assert_true(server_sees_reset(&f->s, &f->b));
	g_assert_cmpuint(count_fds(), ==, before - 1);
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 1);
	g_assert_cmpuint(c.flows_udp, ==, 0);
	server_send(&other, "unharmed", 8);
	g_assert_true(wait_for(&stays, 8));
	/* It may come back. */
	f->b.ops->guest_gone(f->b.engine, bench_now(&f->b), GUEST);
	guest_tcp_done(&t);
	guest_tcp_init(&t, &f->b, GUEST, 40001, SERVER, other.port);
	g_assert_true(guest_tcp_connect(&t));
	guest_tcp_done(&t);
	guest_tcp_done(&stays);
	server_close(&other);
}

static void engine_that_is_freed_closes_everything(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);
	bench_free_engine(&f->b);
	g_assert_true(server_sees_reset_now(&f->s));
	guest_tcp_done(&t);
}

static void engine_without_flows_waits_for_nothing(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	unsigned before = count_fds();
	connect_to(f, &t, SERVER, SERVER);
	server_hang_up(&f->s);
	g_assert_true(bench_until(&f->b, has_fin, &t));
	guest_tcp_fin(&t);
	for (unsigned i = 0; i < 200; i++)
		bench_turn(&f->b, USEC_PER_SEC);
	g_assert_cmpuint(f->b.ops->deadline(f->b.engine), ==, USEC_INFINITY);
	server_close(&f->s);
	g_assert_cmpuint(count_fds(), ==, before);
	guest_tcp_done(&t);
}

static void guests_do_not_see_one_another(struct fixture *f, gconstpointer data)
{
	enum { N = 40 };
	struct guest_tcp t[N];
	struct server s[N];
	char text[N][16];
	for (unsigned i = 0; i < N; i++) {
		s[i] = (struct server){ .listener = -1, .fd = -1 };
		server_listen(&s[i], SERVER, 0);
		guest_tcp_init(&t[i], &f->b, IP4(192, 168, 122, 10) + i, 40000, SERVER, s[i].port);
		guest_tcp_syn(&t[i]);
	}
	for (unsigned i = 0; i < N; i++) {
		g_assert_true(server_accept(&s[i], &f->b));
		int n = snprintf(text[i], sizeof(text[i]), "guest %u", i);
		server_send(&s[i], text[i], (size_t)n);
	}
	for (unsigned i = 0; i < N; i++) {
		g_assert_true(wait_for(&t[i], strlen(text[i])));
		g_assert_cmpmem(t[i].received->data, t[i].received->len, text[i], strlen(text[i]));
		guest_tcp_done(&t[i]);
		server_close(&s[i]);
	}
}

static void flood_of_one_guest_is_bounded_and_spares_the_others(struct fixture *f, gconstpointer data)
{
	struct engine_counters c;
	server_listen(&f->s, SERVER, 0);
	for (unsigned i = 0; i < 3000; i++) {
		struct guest_tcp t;
		guest_tcp_init(&t, &f->b, GUEST, (uint16_t)(10000 + i), BEYOND, 80);
		guest_tcp_syn(&t);
		guest_tcp_done(&t);
		guest_udp_send(&f->b, GUEST, (uint16_t)(10000 + i), BEYOND, 9, "x", 1, 63);
		if (i % 100 == 0)
			bench_run(&f->b, 0);
	}
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_refused, >, 0);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], >, 0);
	struct guest_tcp other;
	guest_tcp_init(&other, &f->b, IP4(192, 168, 122, 9), 40000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&other));
	guest_tcp_done(&other);
}

/* Segments of every kind, to a connection and beside it: nothing breaks, and the engine still works. */
static void hostile_segments_do_no_harm(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 0);
	GRand *rand = g_rand_new_with_seed(42);
	for (unsigned round = 0; round < 40; round++) {
		guest_tcp_init(&t, &f->b, GUEST, (uint16_t)(41000 + round), SERVER, f->s.port);
		g_assert_true(guest_tcp_connect(&t));
		g_assert_true(server_accept(&f->s, &f->b));
		uint8_t *bytes = pattern(100000);
		server_send(&f->s, bytes, 100000);
		uint32_t next = t.next, expected = t.expected;
		for (unsigned i = 0; i < 200; i++) {
			t.next = next + (uint32_t)g_rand_int_range(rand, -70000, 70000);
			t.expected = expected + (uint32_t)g_rand_int_range(rand, -70000, 140000);
			t.mss = (uint16_t)g_rand_int_range(rand, 0, 100);
			guest_tcp_segment(&t, (uint8_t)(g_rand_int(rand) & 0x3b), bytes, (size_t)g_rand_int_range(rand, 0, 2000));
			if (i % 8 == 0)
				bench_run(&f->b, 0);
		}
		if (round % 2)
			server_reset(&f->s);
		else
			server_hang_up(&f->s);
		bench_run(&f->b, 0);
		server_turn_away(&f->s);
		guest_tcp_done(&t);
		g_free(bytes);
	}
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t junk[100];
		for (size_t n = 0; n < sizeof(junk); n++)
			junk[n] = (uint8_t)g_rand_int(rand);
		static const uint8_t protocols[] = { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP, IP_PROTOCOL_ICMP, 132 };
		bench_input(&f->b, GUEST, i % 3 ? SERVER : GATEWAY, protocols[i % 4], 63, junk, (size_t)g_rand_int_range(rand, 0, 100));
	}
	bench_run(&f->b, 0);
	g_rand_free(rand);
	bench_turn(&f->b, 200 * USEC_PER_SEC);
	bench_forget(&f->b);
	guest_tcp_init(&t, &f->b, GUEST, 50000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t));
	guest_tcp_done(&t);
}

/* ---- services of lanlet over TCP ---- */

static void echo_flush(struct local_stream *stream)
{
	struct echo_conn *c = stream->conn;
	ssize_t n = stream->ops->send(stream, c->pending->data, c->pending->len);
	g_assert_cmpint(n, >=, -EPIPE);
	if (n > 0)
		g_byte_array_remove_range(c->pending, 0, (guint)n);
	if (c->eof && c->pending->len == 0)
		stream->ops->shutdown(stream);
}

static struct echo_service *echo_of(struct stream_service *s)
{
	return container_of(s, struct echo_service, service);
}

static bool echo_accept(struct stream_service *s, usec_t now, struct local_stream *stream)
{
	struct echo_service *e = echo_of(s);
	if (e->refuse)
		return false;
	e->accepted++;
	e->last_guest = stream->guest;
	struct echo_conn *c = g_new0(struct echo_conn, 1);
	c->pending = g_byte_array_new();
	stream->conn = c;
	g_ptr_array_add(e->conns, c);
	return true;
}

static size_t echo_input(struct stream_service *s, usec_t now, struct local_stream *stream, const void *data, size_t len)
{
	struct echo_conn *c = stream->conn;
	if (echo_of(s)->close_at_once) {
		g_ptr_array_remove_fast(echo_of(s)->conns, c);
		stream->ops->close(stream);
		return len;
	}
	/* Uses even amounts only, so that the rest has to be offered again. */
	size_t used = len & ~(size_t)1;
	for (unsigned i = 0; i < 8; i++)
		g_byte_array_append(c->pending, data, (guint)used);
	echo_flush(stream);
	return used;
}

static void echo_eof(struct stream_service *s, usec_t now, struct local_stream *stream)
{
	struct echo_conn *c = stream->conn;
	echo_of(s)->eofs++;
	c->eof = true;
	echo_flush(stream);
}

static void echo_writable(struct stream_service *s, usec_t now, struct local_stream *stream)
{
	echo_flush(stream);
}

static void echo_closed(struct stream_service *s, usec_t now, struct local_stream *stream)
{
	echo_of(s)->closed++;
	g_ptr_array_remove_fast(echo_of(s)->conns, stream->conn);
}

static const struct stream_service_ops echo_ops = {
	.accept = echo_accept,
	.input = echo_input,
	.eof = echo_eof,
	.writable = echo_writable,
	.closed = echo_closed,
};

#define LOCAL_PORT 53

static struct echo_service *serve_echo(struct fixture *f)
{
	f->echo = (struct echo_service){ .service = { &echo_ops }, .conns = g_ptr_array_new_with_free_func(echo_conn_free) };
	g_assert_cmpint(f->b.ops->local(f->b.engine, LOCAL_PORT, &f->echo.service), ==, 0);
	return &f->echo;
}

static bool all_closed(void *opaque)
{
	const struct echo_service *e = opaque;
	return e->closed == e->accepted;
}

static void local_service_serves_several_connections(struct fixture *f, gconstpointer data)
{
	enum { N = 8, LEN = 20000 };
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t[N];
	uint8_t *bytes = pattern(LEN);
	for (unsigned i = 0; i < N; i++) {
		guest_tcp_init(&t[i], &f->b, IP4(192, 168, 122, 7) + i / 4, (uint16_t)(40000 + i), GATEWAY, LOCAL_PORT);
		g_assert_true(guest_tcp_connect(&t[i]));
		bench_run(&f->b, 0);
		g_assert_cmpuint(e->accepted, ==, i + 1);
		g_assert_cmpuint(e->last_guest.port, ==, 40000 + i);
		g_assert_cmphex(ip_to_ip4(&e->last_guest.addr), ==, t[i].ip);
	}
	for (unsigned i = 0; i < N; i++) {
		bytes[0] = (uint8_t)i;
		g_assert_true(guest_tcp_send(&t[i], bytes, LEN));
		guest_tcp_fin(&t[i]);
	}
	for (unsigned i = 0; i < N; i++) {
		g_assert_true(wait_for(&t[i], (size_t)LEN * 8));
		g_assert_cmpuint(t[i].received->data[0], ==, i);
		g_assert_true(bench_until(&f->b, has_fin, &t[i]));
	}
	g_assert_true(bench_until(&f->b, all_closed, e));
	g_assert_cmpuint(e->eofs, ==, N);
	for (unsigned i = 0; i < N; i++)
		guest_tcp_done(&t[i]);
	g_free(bytes);
}

static void local_service_may_refuse(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t;
	e->refuse = true;
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	guest_tcp_connect(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	g_assert_cmpuint(e->closed, ==, 0);
	guest_tcp_done(&t);
}

static bool has_ended(void *opaque)
{
	const struct guest_tcp *t = opaque;
	return t->fin_seen || t->reset_seen;
}

static void local_service_may_close_from_its_callback(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t;
	e->close_at_once = true;
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&t));
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "data", 4);
	g_assert_true(bench_until(&f->b, has_ended, &t));
	g_assert_cmpuint(e->closed, ==, 0);
	guest_tcp_done(&t);
}

static void local_service_hears_of_resets_and_of_guests_gone(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t, u;
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	guest_tcp_init(&u, &f->b, GUEST, 40001, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(guest_tcp_connect(&u));
	bench_run(&f->b, 0);
	g_assert_cmpuint(e->accepted, ==, 2);
	guest_tcp_reset(&t);
	bench_run_for(&f->b, 30);
	g_assert_cmpuint(e->closed, ==, 1);
	f->b.ops->guest_gone(f->b.engine, bench_now(&f->b), GUEST);
	bench_run(&f->b, 0);
	g_assert_cmpuint(e->closed, ==, 2);
	guest_tcp_done(&t);
	guest_tcp_done(&u);
}

static void local_service_with_open_streams_may_outlive_the_engine(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t;
	e->close_at_once = true;
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&t));
	bench_run(&f->b, 0);
	bench_free_engine(&f->b);
	g_assert_cmpuint(e->closed, ==, 0);
	guest_tcp_done(&t);
}

static void local_handshakes_are_bounded(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	for (unsigned i = 0; i < 2000; i++) {
		struct guest_tcp t;
		guest_tcp_init(&t, &f->b, GUEST, (uint16_t)(10000 + i), GATEWAY, LOCAL_PORT);
		guest_tcp_syn(&t);
		guest_tcp_done(&t);
	}
	bench_run(&f->b, 0);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], >, 0);
	g_assert_cmpuint(e->accepted, ==, 0);
	struct guest_tcp other;
	guest_tcp_init(&other, &f->b, IP4(192, 168, 122, 9), 40000, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&other));
	guest_tcp_done(&other);
	bench_turn(&f->b, 200 * USEC_PER_SEC);
	guest_tcp_init(&other, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&other));
	guest_tcp_done(&other);
}

/* ---- flows from the host ---- */

static struct engine_open open_to(uint16_t port, int fd)
{
	return (struct engine_open){
		.guest = { ip_from_ip4(GUEST), port },
		.source = { ip_from_ip4(GATEWAY), 0 },
		.fd = fd,
	};
}

static bool has_syn(void *t)
{
	return ((struct guest_tcp *)t)->syn_seen;
}

/* The guest listens at port 80, is opened to, and accepts. */
static void accept_flow(struct fixture *f, struct guest_tcp *t)
{
	guest_tcp_init(t, &f->b, GUEST, 80, GATEWAY, 0);
	server_pair(&f->s);
	struct engine_open how = open_to(80, f->s.listener);
	f->s.listener = -1;
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, 0);
	g_assert_true(bench_until(&f->b, has_syn, t));
	g_assert_false(t->established);
	guest_tcp_segment(t, TCP_SYN | TCP_ACK, NULL, 0);
	t->established = true;
}

static void open_carries_bytes_both_ways(struct fixture *f, gconstpointer data)
{
	static const size_t len = 200000;
	struct guest_tcp t;
	uint8_t *bytes = pattern(len);
	accept_flow(f, &t);
	server_send(&f->s, bytes, len);
	g_assert_true(wait_for(&t, len));
	g_assert_cmpmem(t.received->data, t.received->len, bytes, len);
	server_expect(&f->s, len);
	g_assert_true(guest_tcp_send(&t, bytes, len));
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_cmpmem(f->s.received->data, f->s.received->len, bytes, len);
	guest_tcp_fin(&t);
	g_assert_true(server_sees_end(&f->s, &f->b));
	server_send(&f->s, "!", 1);
	g_assert_true(wait_for(&t, len + 1));
	server_hang_up(&f->s);
	g_assert_true(bench_until(&f->b, has_fin, &t));
	g_free(bytes);
	guest_tcp_done(&t);
}

static void open_refused_by_the_guest_ends_the_flow(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 80, GATEWAY, 0);
	server_pair(&f->s);
	struct engine_open how = open_to(80, f->s.listener);
	f->s.listener = -1;
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, 0);
	g_assert_true(bench_until(&f->b, has_syn, &t));
	guest_tcp_reset(&t);
	g_assert_true(server_sees_end_or_reset(&f->s, &f->b));
	guest_tcp_done(&t);
}

static void open_that_fails_leaves_the_descriptor(struct fixture *f, gconstpointer data)
{
	server_pair(&f->s);
	struct engine_open how = open_to(80, f->s.listener);
	how.guest.addr = (struct ip_addr){ { 0x20, 1 } };
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, -EOPNOTSUPP);
	if (f->row->gaps & GAP_OPEN_SOURCE) {
		how = open_to(80, f->s.listener);
		how.source.addr = ip_from_ip4(SERVER);
		g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, -EOPNOTSUPP);
	}
	g_assert_true(fd_is_open(f->s.listener));
}

/* ---- no outside ---- */

static void null_refuses_everything(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	server_listen(&f->s, INADDR_ANY, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	guest_tcp_syn(&t);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, 9, "x", 1, 63);
	guest_ping(&f->b, GUEST, SERVER, 1, 1, "", 0, 63);
	for (unsigned i = 0; i < 3; i++) {
		struct recorded_error *e = bench_error(&f->b);
		g_assert_nonnull(e);
		g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_NET);
		g_free(e);
	}
	guest_tcp_done(&t);
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, f->s.port);
	guest_tcp_syn(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	guest_tcp_done(&t);
	g_assert_false(server_has_visitor(&f->s));
	g_assert_cmpint(f->b.ops->local(f->b.engine, 53, NULL), ==, -EOPNOTSUPP);
	g_assert_cmpint(f->b.ops->open(f->b.engine, 0, &(struct engine_open){ .fd = -1 }), ==, -EOPNOTSUPP);
}

struct test {
	const char *name;
	void (*run)(struct fixture *, gconstpointer);
	void (*setup)(struct fixture *, gconstpointer);
	bool without_outside;
};

#define TEST(name)                                                                                                                         \
	{                                                                                                                                  \
#name, name, setup, false                                                                                                  \
	}

static const struct test tests[] = {
	TEST(tcp_carries_bytes_both_ways),
	TEST(tcp_host_that_does_not_read_slows_the_guest_down),
	TEST(tcp_guest_half_closes),
	TEST(tcp_host_half_closes),
	TEST(tcp_reset_by_the_guest_is_a_reset_outside),
	TEST(tcp_reset_outside_is_a_reset_for_the_guest),
	TEST(tcp_reset_outside_while_the_guest_reads_nothing_harms_nobody),
	TEST(tcp_refused_connection_is_a_reset),
	TEST(tcp_without_a_route_is_unreachable),
	TEST(tcp_error_on_the_way_ends_the_attempt),
	TEST(tcp_segment_without_a_connection_is_reset),
	TEST(tcp_resent_syn_changes_nothing),
	TEST(tcp_segments_respect_the_guests_mss),
	TEST(tcp_segments_respect_the_default_mss),
	TEST(tcp_segments_respect_the_way_to_the_guest),
	{ "tcp_segments_respect_a_small_interface_on_a_wide_way", tcp_segments_respect_a_small_interface_on_a_wide_way, setup_large_mtu,
	  false },
	{ "tcp_wide_way_is_used", tcp_wide_way_is_used, setup_large_mtu, false },
	TEST(tcp_ttl_is_carried_out),
	TEST(tcp_urgent_data_is_ordinary_data),
	TEST(tcp_super_frame_with_checksum_left_to_us_is_carried),
	TEST(tcp_damaged_segment_is_not_believed),
	TEST(udp_is_carried_both_ways),
	TEST(udp_mapping_is_endpoint_independent),
	TEST(udp_of_a_stranger_does_not_reach_the_guest),
	TEST(udp_large_datagrams_are_carried),
	TEST(udp_empty_datagrams_are_carried),
	TEST(udp_super_frame_is_several_datagrams),
	TEST(udp_closed_port_is_unreachable),
	TEST(udp_without_a_route_is_unreachable),
	TEST(udp_traceroute_tells_the_truth),
	TEST(udp_socket_lasts_two_minutes_and_not_for_ever),
	TEST(udp_after_a_long_quiet_time_is_answered),
	TEST(icmp_echo_is_answered_as_asked),
	TEST(icmp_traceroute_tells_the_truth),
	TEST(icmp_unanswered_requests_do_not_stop_later_ones),
	TEST(icmp_without_permission_is_answered),
	TEST(icmp_other_protocols_are_unreachable),
	TEST(gateway_is_the_host_for_services_on_all_addresses),
	TEST(gateway_hides_services_on_loopback),
	{ "gateway_is_loopback_when_the_operator_says_so", gateway_is_loopback_when_the_operator_says_so, setup_host_loopback, false },
	TEST(gateway_refuses_when_the_host_has_no_address),
	TEST(gateway_and_the_hosts_own_address_do_not_get_mixed_up),
	TEST(loopback_cannot_be_reached_by_any_address),
	TEST(guest_that_is_gone_leaves_nothing),
	TEST(engine_that_is_freed_closes_everything),
	TEST(engine_without_flows_waits_for_nothing),
	TEST(guests_do_not_see_one_another),
	TEST(flood_of_one_guest_is_bounded_and_spares_the_others),
	TEST(hostile_segments_do_no_harm),
	TEST(local_service_serves_several_connections),
	TEST(local_service_may_refuse),
	TEST(local_service_may_close_from_its_callback),
	TEST(local_service_hears_of_resets_and_of_guests_gone),
	TEST(local_service_with_open_streams_may_outlive_the_engine),
	TEST(local_handshakes_are_bounded),
	TEST(open_carries_bytes_both_ways),
	TEST(open_refused_by_the_guest_ends_the_flow),
	TEST(open_that_fails_leaves_the_descriptor),
	{ "null_refuses_everything", null_refuses_everything, setup, true },
};

static void add_tests(const struct engine_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		const struct test *t = &tests[i];
		if (t->without_outside != !!(row->gaps & GAP_OUTSIDE))
			continue;
		char *path = g_strdup_printf("/engine/%s/%s", row->ops->name, t->name);
		g_test_add(path, struct fixture, row, t->setup, t->run, teardown);
		g_free(path);
	}
}

int main(int argc, char **argv)
{
	const char *why_not = netns_enter();
	if (why_not) {
		printf("1..0 # SKIP %s\n", why_not);
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		add_tests(&engines[i]);
	return g_test_run();
}
