/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refusals of engines, and the null engine, which refuses everything. */
#include "recorder.h"

#include "engine/null/null.h"
#include "engine/refuse.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/tcp.h"

#define GUEST IP4(192, 168, 122, 7)
#define GATEWAY IP4(192, 168, 122, 1)
#define OUTSIDE IP4(203, 0, 113, 5)

struct fixture {
	struct recorder r;
};

static void setup(struct fixture *f, gconstpointer data)
{
	recorder_init(&f->r);
}

static void teardown(struct fixture *f, gconstpointer data)
{
	recorder_done(&f->r);
}

/* A TCP segment with @payload bytes behind @h and a right checksum. */
static size_t segment(uint8_t *out, size_t size, struct tcp_header h, size_t payload)
{
	struct bytes_writer w = bytes_writer(out, size);
	tcp_emit(&w, &h);
	bytes_put_zeros(&w, payload);
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, GUEST, GATEWAY, IP_PROTOCOL_TCP, (uint16_t)w.len);
	checksum_add(&c, out, w.len);
	uint16_t value = checksum_value(&c);
	out[16] = (uint8_t)(value >> 8);
	out[17] = (uint8_t)value;
	return w.len;
}

static struct tcp_header refuse_segment(struct fixture *f, struct tcp_header h, size_t payload)
{
	uint8_t bytes[200];
	size_t len = segment(bytes, sizeof(bytes), h, payload);
	struct packet_bytes p;
	packet_bytes_make(&f->r, &p, GUEST, GATEWAY, IP_PROTOCOL_TCP, 63, bytes, len);
	refuse_port(&f->r.env, 0, &p.packet);

	struct recorded_packet *answer = recorder_packet(&f->r);
	struct tcp_header reset = { 0 };
	if (answer) {
		g_assert_cmphex(answer->ip.src, ==, GATEWAY);
		g_assert_cmphex(answer->ip.dst, ==, GUEST);
		struct checksum c = { 0 };
		checksum_add_pseudo4(&c, GATEWAY, GUEST, IP_PROTOCOL_TCP, (uint16_t)answer->l4_len);
		checksum_add(&c, answer->l4, answer->l4_len);
		g_assert_true(checksum_is_right(&c));
		struct bytes_reader r = bytes_reader(answer->l4, answer->l4_len);
		g_assert_cmpint(tcp_parse(&r, &reset), ==, 0);
		g_assert_cmpuint(reset.src_port, ==, h.dst_port);
		g_assert_cmpuint(reset.dst_port, ==, h.src_port);
		recorded_packet_free(answer);
	}
	return reset;
}

static void a_syn_is_answered_with_a_reset_that_acknowledges_it(struct fixture *f, gconstpointer data)
{
	struct tcp_header reset =
		refuse_segment(f, (struct tcp_header){ .src_port = 1000, .dst_port = 80, .seq = 0xffffffff, .flags = TCP_SYN }, 0);
	g_assert_cmphex(reset.flags, ==, TCP_RST | TCP_ACK);
	g_assert_cmphex(reset.seq, ==, 0);
	g_assert_cmphex(reset.ack, ==, 0);
}

static void a_reset_covers_payload_and_fin(struct fixture *f, gconstpointer data)
{
	struct tcp_header reset =
		refuse_segment(f, (struct tcp_header){ .src_port = 1000, .dst_port = 80, .seq = 5, .flags = TCP_FIN }, 100);
	g_assert_cmphex(reset.flags, ==, TCP_RST | TCP_ACK);
	g_assert_cmphex(reset.ack, ==, 106);
}

static void a_segment_with_ack_is_reset_where_its_peer_expects_it(struct fixture *f, gconstpointer data)
{
	struct tcp_header reset =
		refuse_segment(f, (struct tcp_header){ .src_port = 1000, .dst_port = 80, .seq = 5, .ack = 77, .flags = TCP_ACK }, 10);
	g_assert_cmphex(reset.flags, ==, TCP_RST);
	g_assert_cmphex(reset.seq, ==, 77);
}

static void a_reset_is_never_answered(struct fixture *f, gconstpointer data)
{
	refuse_segment(f, (struct tcp_header){ .src_port = 1000, .dst_port = 80, .flags = TCP_RST }, 0);
	g_assert_null(recorder_packet(&f->r));
}

static void a_damaged_segment_is_dropped_and_counted(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[100];
	size_t len = segment(bytes, sizeof(bytes), (struct tcp_header){ .flags = TCP_SYN }, 1);
	bytes[len - 1] ^= 1;
	struct packet_bytes p;
	packet_bytes_make(&f->r, &p, GUEST, GATEWAY, IP_PROTOCOL_TCP, 63, bytes, len);
	refuse_port(&f->r.env, 0, &p.packet);
	packet_bytes_make(&f->r, &p, GUEST, GATEWAY, IP_PROTOCOL_TCP, 63, bytes, 19);
	refuse_port(&f->r.env, 0, &p.packet);
	g_assert_null(recorder_packet(&f->r));
	g_assert_cmpuint(f->r.drops.count[DROP_TCP_MALFORMED], ==, 2);
}

static void assert_error(struct fixture *f, ip4_t dst, uint8_t protocol, uint8_t code)
{
	struct recorded_error *e = recorder_error(&f->r);
	g_assert_nonnull(e);
	g_assert_cmphex(e->guest, ==, GUEST);
	g_assert_cmphex(e->dst, ==, dst);
	g_assert_cmpuint(e->protocol, ==, protocol);
	g_assert_cmpuint(e->type, ==, ICMP4_UNREACHABLE);
	g_assert_cmpuint(e->code, ==, code);
	g_free(e);
}

static void a_datagram_is_answered_with_port_unreachable(struct fixture *f, gconstpointer data)
{
	struct packet_bytes p;
	packet_bytes_make(&f->r, &p, GUEST, GATEWAY, IP_PROTOCOL_UDP, 63, "\0\1\0\2\0\10\0\0", 8);
	refuse_port(&f->r.env, 0, &p.packet);
	assert_error(f, GATEWAY, IP_PROTOCOL_UDP, ICMP4_UNREACHABLE_PORT);
}

static void null_engine_refuses_ports_of_the_gateway_and_has_no_other_network(struct fixture *f, gconstpointer data)
{
	struct engine *e;
	g_assert_cmpint(null_engine_ops.new(&(struct engine_config){ .env = &f->r.env, .gateway = GATEWAY }, &e), ==, 0);
	struct packet_bytes p;
	packet_bytes_make(&f->r, &p, GUEST, GATEWAY, IP_PROTOCOL_UDP, 63, "\0\1\0\2\0\10\0\0", 8);
	null_engine_ops.input(e, 0, &p.packet);
	assert_error(f, GATEWAY, IP_PROTOCOL_UDP, ICMP4_UNREACHABLE_PORT);
	packet_bytes_make(&f->r, &p, GUEST, OUTSIDE, IP_PROTOCOL_UDP, 63, "\0\1\0\2\0\10\0\0", 8);
	null_engine_ops.input(e, 0, &p.packet);
	assert_error(f, OUTSIDE, IP_PROTOCOL_UDP, ICMP4_UNREACHABLE_NET);
	g_assert_cmpint(null_engine_ops.deadline(e), ==, USEC_INFINITY);
	null_engine_ops.free(e);
}

#define TEST(name) g_test_add("/refuse/" #name, struct fixture, NULL, setup, name, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(a_syn_is_answered_with_a_reset_that_acknowledges_it);
	TEST(a_reset_covers_payload_and_fin);
	TEST(a_segment_with_ack_is_reset_where_its_peer_expects_it);
	TEST(a_reset_is_never_answered);
	TEST(a_damaged_segment_is_dropped_and_counted);
	TEST(a_datagram_is_answered_with_port_unreachable);
	TEST(null_engine_refuses_ports_of_the_gateway_and_has_no_other_network);
	return g_test_run();
}
