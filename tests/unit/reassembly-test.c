/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"
#include "gateway/reassembly.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h"

#define START (1000 * USEC_PER_SEC)

struct fixture {
	struct reassembly r;
	struct arena arena;
	struct port port, other;
	uint8_t payload[IPV4_PACKET_MAX + 2048];
	struct packet whole, first;
};

static void setup(struct fixture *f, gconstpointer unused)
{
	reassembly_init(&f->r);
	arena_init(&f->arena, (size_t)64 << 20);
	f->port.id = 1;
	f->other.id = 2;
	for (size_t i = 0; i < sizeof(f->payload); i++)
		f->payload[i] = (uint8_t)g_test_rand_int();
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	reassembly_done(&f->r);
	g_assert_cmpuint(f->r.bytes, ==, 0);
	g_assert_cmpuint(f->r.datagrams, ==, 0);
	g_assert_true(list_empty(&f->r.owners));
	arena_done(&f->arena);
}

static const struct ipv4_header template = {
	.id = 7,
	.ttl = 64,
	.protocol = IP_PROTOCOL_UDP,
	.src = IP4(192, 168, 122, 2),
	.dst = IP4(192, 168, 122, 1),
};

/* Sends bytes [offset, offset + len) of @payload as a fragment with header @h: emitted as bytes, then parsed. */
static int send_from(struct fixture *f, usec_t now, struct port *port, struct ipv4_header h, const uint8_t *payload, size_t offset,
		     size_t len, bool more)
{
	h.fragment_offset = (uint16_t)offset;
	h.more_fragments = more;
	h.total_len = (uint16_t)(ipv4_header_len(&h) + len);
	size_t size = ETH_HEADER_LEN + h.total_len;
	uint8_t *bytes = g_malloc(size);
	struct bytes_writer w = bytes_writer(bytes, size);
	eth_emit(&w, &(struct eth_header){ { { 2, 0, 0, 0, 0, 1 } }, { { 2, 0, 0, 0, 0, 2 } }, ETH_TYPE_IPV4 });
	ipv4_emit(&w, &h);
	bytes_put(&w, payload + offset, len);
	g_assert_false(w.failed);
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, size);
	struct packet p;
	enum drop_reason why;
	g_assert_cmpint(packet_parse(&frame, port, &f->arena, &p, &why), ==, 0);
	int result = reassembly_input(&f->r, now, &p, &f->whole);
	g_free(bytes); /* the table must keep a copy */
	return result;
}

static int send(struct fixture *f, size_t offset, size_t len, bool more)
{
	return send_from(f, START, &f->port, template, f->payload, offset, len, more);
}

static void assert_whole(struct fixture *f, const struct ipv4_header *h, size_t len)
{
	const struct packet *p = &f->whole;
	g_assert_cmpuint(p->frame->len, ==, ETH_HEADER_LEN + ipv4_header_len(h) + len);
	g_assert_cmpuint(p->ip.total_len, ==, ipv4_header_len(h) + len);
	g_assert_false(ipv4_is_fragment(&p->ip));
	g_assert_cmpuint(p->ip.id, ==, h->id);
	g_assert_cmpuint(p->ip.src, ==, h->src);
	g_assert_cmpmem(p->ip.options, p->ip.options_len, h->options, h->options_len);
	g_assert_cmpmem(packet_l4(p), p->l4_len, f->payload, len);
	g_assert_cmpuint(p->eth.src.b[5], ==, 2);
	g_assert_cmpuint(f->r.datagrams, ==, 0);
	g_assert_cmpuint(f->r.bytes, ==, 0);
}

struct slice {
	size_t offset, len;
	bool more;
};

/* Cuts [0, len) into at most @max random parts. */
static unsigned cut(size_t len, unsigned max, struct slice *ret)
{
	unsigned n = 0;
	for (size_t at = 0; at < len; n++) {
		size_t left = len - at, piece = 8 * (size_t)g_test_rand_int_range(1, 200);
		if (piece >= left || n + 1 == max)
			piece = left;
		ret[n] = (struct slice){ at, piece, piece < left };
		at += piece;
	}
	return n;
}

static void fragments_in_any_order_with_duplicates_give_the_datagram(struct fixture *f, gconstpointer unused)
{
	struct slice slices[REASSEMBLY_FRAGMENTS];
	for (int round = 0; round < 500; round++) {
		size_t len = (size_t)g_test_rand_int_range(9, 60000);
		unsigned n = cut(len, ARRAY_SIZE(slices), slices);
		for (unsigned i = n - 1; i > 0; i--) {
			unsigned j = (unsigned)g_test_rand_int_range(0, (gint32)i + 1);
			struct slice swap = slices[i];
			slices[i] = slices[j];
			slices[j] = swap;
		}
		struct ipv4_header h = template;
		h.id = (uint16_t)round;
		for (unsigned i = 0; i + 1 < n; i++) {
			unsigned again = (unsigned)g_test_rand_int_range(0, (gint32)i + 1);
			g_assert_cmpint(send_from(f, START, &f->port, h, f->payload, slices[i].offset, slices[i].len, slices[i].more), ==,
					0);
			g_assert_cmpint(
				send_from(f, START, &f->port, h, f->payload, slices[again].offset, slices[again].len, slices[again].more),
				==, 0);
		}
		struct slice last = slices[n - 1];
		if (n == 1)
			continue;
		g_assert_cmpint(send_from(f, START, &f->port, h, f->payload, last.offset, last.len, last.more), ==, 1);
		assert_whole(f, &h, len);
		arena_reset(&f->arena);
	}
}

static void header_is_that_of_the_first_fragment(struct fixture *f, gconstpointer unused)
{
	struct ipv4_header with_options = template;
	with_options.options_len = 4;
	memcpy(with_options.options, (uint8_t[]){ 0x94, 4, 0, 0 }, 4); /* router alert */
	with_options.ttl = 9;
	g_assert_cmpint(send(f, 80, 20, false), ==, 0);
	g_assert_cmpint(send_from(f, START, &f->port, with_options, f->payload, 0, 80, true), ==, 1);
	assert_whole(f, &with_options, 100);
	g_assert_cmpuint(f->whole.ip.ttl, ==, 9);
	g_assert_true(f->whole.port == &f->port);
	g_assert_true(f->whole.arena == &f->arena);
}

/* RFC 3168 §5.3 */
static void congestion_mark_of_any_fragment_is_kept(struct fixture *f, gconstpointer unused)
{
	struct ipv4_header h = template, marked = template;
	h.tos = 0x02;
	marked.tos = 0x03;
	g_assert_cmpint(send_from(f, START, &f->port, h, f->payload, 0, 80, true), ==, 0);
	g_assert_cmpint(send_from(f, START, &f->port, marked, f->payload, 80, 80, false), ==, 1);
	g_assert_cmphex(f->whole.ip.tos, ==, 0x03);
}

static void largest_datagram_is_reassembled(struct fixture *f, gconstpointer unused)
{
	const size_t len = IPV4_PACKET_MAX - IPV4_HEADER_LEN;
	size_t at = 0;
	for (; at + 1480 < len; at += 1480)
		g_assert_cmpint(send(f, at, 1480, true), ==, 0);
	g_assert_cmpint(send(f, at, len - at, false), ==, 1);
	assert_whole(f, &template, len);
}

/* "Ping of death": the last fragment ends behind 65535. */
static void fragment_behind_byte_65535_is_refused(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(send_from(f, START, &f->port, template, f->payload, 65512, 8, false), ==, -EBADMSG);
	g_assert_cmpint(send_from(f, START, &f->port, template, f->payload, 65528, 1400, false), ==, -EBADMSG);
	g_assert_cmpuint(f->r.datagrams, ==, 0);
}

/* Options in the first fragment lower the limit for the payload. */
static void options_that_make_the_datagram_too_long_are_refused(struct fixture *f, gconstpointer unused)
{
	struct ipv4_header h = template;
	h.options_len = 40;
	memset(h.options, 1, 40);
	const size_t len = IPV4_PACKET_MAX - IPV4_HEADER_LEN - 3;
	g_assert_cmpint(send(f, 1480, 60000, true), ==, 0);
	g_assert_cmpint(send(f, 61480, len - 61480, false), ==, 0);
	g_assert_cmpint(send_from(f, START, &f->port, h, f->payload, 0, 1480, true), ==, -EBADMSG);
	g_assert_cmpuint(f->r.datagrams, ==, 0);
}

static void impossible_fragment_is_refused(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(send(f, 0, 0, true), ==, -EBADMSG);
	g_assert_cmpint(send(f, 8, 0, false), ==, -EBADMSG);
	g_assert_cmpint(send(f, 0, 9, true), ==, -EBADMSG); /* RFC 791 §3.2: multiples of 8 */
	g_assert_cmpuint(f->r.datagrams, ==, 0);
}

static void assert_dead(struct fixture *f)
{
	g_assert_cmpint(send(f, 0, 80, true), ==, -EBADMSG);
	g_assert_cmpint(send(f, 80, 80, true), ==, -EBADMSG);
	g_assert_cmpint(send(f, 160, 80, false), ==, -EBADMSG);
	enum reassembly_expired e = reassembly_expire(&f->r, START + REASSEMBLY_TIMEOUT, &f->arena, &f->first);
	g_assert_cmpint(e, ==, REASSEMBLY_NOTHING_DUE); /* it was counted when it was killed */
	g_assert_cmpuint(f->r.datagrams, ==, 0);
}

static void overlap_kills_the_datagram_and_its_later_fragments(struct fixture *f, gconstpointer unused)
{
	static const struct slice overlaps[] = { { 72, 16, true },  { 0, 88, true },   { 8, 8, true },   { 0, 8, true },
						 { 152, 16, true }, { 160, 8, false }, { 0, 240, false } };
	for (size_t i = 0; i < ARRAY_SIZE(overlaps); i++) {
		g_assert_cmpint(send(f, 0, 80, true), ==, 0);
		g_assert_cmpint(send(f, 160, 80, false), ==, 0);
		g_assert_cmpint(send(f, overlaps[i].offset, overlaps[i].len, overlaps[i].more), ==, -EBADMSG);
		assert_dead(f);
	}
}

static void same_range_with_other_bytes_is_an_overlap(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(send(f, 0, 80, true), ==, 0);
	f->payload[40] ^= 1;
	g_assert_cmpint(send(f, 0, 80, true), ==, -EBADMSG);
	assert_dead(f);
}

static void contradicting_ends_kill_the_datagram(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(send(f, 80, 80, false), ==, 0);
	g_assert_cmpint(send(f, 240, 80, false), ==, -EBADMSG);
	assert_dead(f);
	g_assert_cmpint(send(f, 80, 80, false), ==, 0);
	g_assert_cmpint(send(f, 240, 80, true), ==, -EBADMSG);
	assert_dead(f);
	g_assert_cmpint(send(f, 240, 80, true), ==, 0);
	g_assert_cmpint(send(f, 80, 80, false), ==, -EBADMSG);
	assert_dead(f);
}

/* Each of the four values of RFC 791 §3.2, and the port. */
static void fragments_of_different_datagrams_do_not_mix(struct fixture *f, gconstpointer unused)
{
	struct ipv4_header h[4] = { template, template, template, template };
	h[0].id++;
	h[1].src++;
	h[2].dst++;
	h[3].protocol++;
	g_assert_cmpint(send(f, 0, 80, true), ==, 0);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		g_assert_cmpint(send_from(f, START, &f->port, h[i], f->payload, 80, 80, false), ==, 0);
	g_assert_cmpint(send_from(f, START, &f->other, template, f->payload, 80, 80, false), ==, 0);
	g_assert_cmpuint(f->r.datagrams, ==, 6);
	g_assert_cmpint(send(f, 80, 80, false), ==, 1);
}

static void incomplete_datagram_times_out_and_is_answered(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpuint(reassembly_deadline(&f->r), ==, USEC_INFINITY);
	g_assert_cmpint(send(f, 0, 80, true), ==, 0);
	g_assert_cmpint(send_from(f, START + USEC_PER_SEC, &f->port, template, f->payload, 160, 80, true), ==, 0);
	g_assert_cmpuint(reassembly_deadline(&f->r), ==, START + REASSEMBLY_TIMEOUT);
	usec_t due = START + REASSEMBLY_TIMEOUT;
	g_assert_cmpint(reassembly_expire(&f->r, due - 1, &f->arena, &f->first), ==, REASSEMBLY_NOTHING_DUE);
	g_assert_cmpint(reassembly_expire(&f->r, due, &f->arena, &f->first), ==, REASSEMBLY_EXPIRED_ANSWERABLE);
	g_assert_cmpuint(f->first.ip.total_len, ==, IPV4_HEADER_LEN + 80);
	g_assert_true(f->first.ip.more_fragments);
	g_assert_cmpmem(packet_l4(&f->first), f->first.l4_len, f->payload, 80);
	g_assert_cmpint(reassembly_expire(&f->r, due, &f->arena, &f->first), ==, REASSEMBLY_NOTHING_DUE);
	g_assert_cmpuint(reassembly_deadline(&f->r), ==, USEC_INFINITY);
}

/* RFC 792: "If fragment zero is not available then no time exceeded need be sent at all." */
static void timeout_without_the_first_fragment_is_not_answered(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(send(f, 80, 80, true), ==, 0);
	g_assert_cmpint(reassembly_expire(&f->r, START + REASSEMBLY_TIMEOUT, &f->arena, &f->first), ==, REASSEMBLY_EXPIRED);
}

static void tiny_fragments_are_bounded(struct fixture *f, gconstpointer unused)
{
	for (size_t i = 0; i < REASSEMBLY_FRAGMENTS; i++)
		g_assert_cmpint(send(f, i * 8, 8, true), ==, 0);
	g_assert_cmpint(send(f, REASSEMBLY_FRAGMENTS * 8, 8, true), ==, -ENOBUFS);
	g_assert_cmpuint(f->r.bytes, <, 400);
}

static int send_id(struct fixture *f, struct port *port, unsigned id, size_t len)
{
	struct ipv4_header h = template;
	h.id = (uint16_t)id;
	return send_from(f, START, port, h, f->payload, 0, len, true);
}

static void guest_at_its_limit_loses_its_oldest_datagram(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(send_id(f, &f->other, 1, 1480), ==, 0);
	for (unsigned id = 0; id < REASSEMBLY_DATAGRAMS_PER_PORT + 10; id++)
		g_assert_cmpint(send_id(f, &f->port, id, 8), ==, 0);
	g_assert_cmpuint(f->r.datagrams, ==, REASSEMBLY_DATAGRAMS_PER_PORT + 1);
	g_assert_cmpuint(reassembly_take_evicted(&f->r), ==, 10);
	g_assert_cmpuint(reassembly_take_evicted(&f->r), ==, 0);
	struct ipv4_header h = template;
	h.id = 1;
	g_assert_cmpint(send_from(f, START, &f->other, h, f->payload, 1480, 8, false), ==, 1);
	h.id = REASSEMBLY_DATAGRAMS_PER_PORT + 9;
	g_assert_cmpint(send_from(f, START, &f->port, h, f->payload, 8, 8, false), ==, 1);
	h.id = 9; /* evicted: later fragments start a new datagram */
	g_assert_cmpint(send_from(f, START, &f->port, h, f->payload, 8, 8, false), ==, 0);
}

static void bytes_of_one_port_are_bounded(struct fixture *f, gconstpointer unused)
{
	for (unsigned id = 0; id < 50; id++)
		g_assert_cmpint(send_id(f, &f->port, id, 60000), ==, 0);
	g_assert_cmpuint(f->r.bytes, <=, REASSEMBLY_BYTES_PER_PORT);
	g_assert_cmpuint(f->r.bytes, >, REASSEMBLY_BYTES_PER_PORT - 70000);
}

static void ports_at_their_limit_leave_room_for_others(struct fixture *f, gconstpointer unused)
{
	struct port greedy[40];
	g_assert_cmpint(send_id(f, &f->other, 1, 1480), ==, 0);
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(greedy); i++) {
			greedy[i].id = 100 + i;
			g_assert_cmpint(send_id(f, &greedy[i], round, round % 2 ? 60000 : 8), ==, 0);
			g_assert_cmpuint(f->r.bytes, <=, REASSEMBLY_BYTES);
			g_assert_cmpuint(f->r.datagrams, <=, REASSEMBLY_DATAGRAMS);
		}
	}
	g_assert_cmpuint(f->r.bytes, >, REASSEMBLY_BYTES / 2);
	struct ipv4_header h = template;
	h.id = 1;
	g_assert_cmpint(send_from(f, START, &f->other, h, f->payload, 1480, 8, false), ==, 1);
}

static void datagram_without_arena_memory_is_dropped_and_freed(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(send(f, 0, 80, true), ==, 0);
	f->arena.limit = f->arena.used + 64;
	g_assert_cmpint(send(f, 80, 80, false), ==, -ENOBUFS);
	g_assert_cmpuint(f->r.datagrams, ==, 0);
}

#define ADD(name) g_test_add("/reassembly/" #name, struct fixture, NULL, setup, name, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(fragments_in_any_order_with_duplicates_give_the_datagram);
	ADD(header_is_that_of_the_first_fragment);
	ADD(congestion_mark_of_any_fragment_is_kept);
	ADD(largest_datagram_is_reassembled);
	ADD(fragment_behind_byte_65535_is_refused);
	ADD(options_that_make_the_datagram_too_long_are_refused);
	ADD(impossible_fragment_is_refused);
	ADD(overlap_kills_the_datagram_and_its_later_fragments);
	ADD(same_range_with_other_bytes_is_an_overlap);
	ADD(contradicting_ends_kill_the_datagram);
	ADD(fragments_of_different_datagrams_do_not_mix);
	ADD(incomplete_datagram_times_out_and_is_answered);
	ADD(timeout_without_the_first_fragment_is_not_answered);
	ADD(tiny_fragments_are_bounded);
	ADD(guest_at_its_limit_loses_its_oldest_datagram);
	ADD(bytes_of_one_port_are_bounded);
	ADD(ports_at_their_limit_leave_room_for_others);
	ADD(datagram_without_arena_memory_is_dropped_and_freed);
	return g_test_run();
}
