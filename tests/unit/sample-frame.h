/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for tests: a TCP or UDP packet over IPv4 or IPv6, tagged or not, in random pieces; and the reading back of
 * what became of it.  Everything lives in an arena of the test.
 */
#pragma once

#include "base/arena.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/checksum.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h"
#include "parsed.h"

struct sample {
	bool v6, udp;
	unsigned tags;
	bool dont_fragment;
	uint8_t ip_options[40];
	uint8_t ip_options_len;
	unsigned extensions; /* 8-byte destination option headers of IPv6 */
	uint8_t tcp_flags;
	size_t payload_len;
	bool partial; /* the checksum field holds the pseudo-header's sum */
	size_t padding;
	/* filled in by sample_frame() */
	size_t l3_offset, l4_offset, payload_offset;
	uint8_t *bytes;
	struct iovec iov[FRAME_IOV_MAX];
};

#define SAMPLE_SEQ 0xfffffff0u /* wraps soon */
#define SAMPLE_ID 0xfffe

static const struct mac sample_src = { { 0x52, 0x54, 0, 0, 0, 2 } }, sample_dst = { { 0x52, 0x54, 0, 0, 0, 3 } };

static inline void sample_put_l3(struct bytes_writer *w, struct sample *s, size_t l4_len)
{
	uint8_t protocol = s->udp ? IP_PROTOCOL_UDP : IP_PROTOCOL_TCP;
	if (!s->v6) {
		struct ipv4_header ip = {
			.id = SAMPLE_ID, .ttl = 64, .protocol = protocol, .src = IP4(192, 168, 122, 2), .dst = IP4(192, 168, 122, 3)
		};
		ip.dont_fragment = s->dont_fragment;
		ip.options_len = s->ip_options_len;
		memcpy(ip.options, s->ip_options, s->ip_options_len);
		ip.total_len = (uint16_t)(ipv4_header_len(&ip) + l4_len);
		ipv4_emit(w, &ip);
		return;
	}
	struct ipv6_header ip = { .hop_limit = 64, .next_header = s->extensions ? 60 : protocol };
	ip.src = (struct ip_addr){ { 0xfd, [15] = 2 } };
	ip.dst = (struct ip_addr){ { 0xfd, [15] = 3 } };
	ip.payload_len = (uint16_t)(8 * s->extensions + l4_len);
	ipv6_emit(w, &ip);
	for (unsigned i = 0; i < s->extensions; i++)
		bytes_put(w, (uint8_t[]){ i + 1 < s->extensions ? 60 : protocol, 0, 1, 4, 0, 0, 0, 0 }, 8);
}

/* The checksum field's place, counted from the start of layer 4. */
static inline uint16_t sample_checksum_at(bool udp)
{
	return udp ? 6 : 16;
}

static inline uint16_t sample_layer4_sum(const struct packet *p, const uint8_t *bytes, bool pseudo_only)
{
	struct checksum c = { 0 };
	packet_add_pseudo(p, p->l4_len, &c);
	if (!pseudo_only)
		checksum_add(&c, bytes + p->l4_offset, p->l4_len);
	return checksum_fold(&c);
}

/* Pieces of random lengths, some of them empty. */
static inline unsigned sample_cut(uint8_t *bytes, size_t len, struct iovec iov[static FRAME_IOV_MAX])
{
	unsigned n = 0, max = (unsigned)g_test_rand_int_range(1, FRAME_IOV_MAX + 1);
	for (size_t at = 0; at < len || n == 0; n++) {
		size_t piece = (size_t)g_test_rand_int_range(0, g_test_rand_bit() ? 40 : 9000);
		if (n + 1 == max || piece > len - at)
			piece = len - at;
		iov[n] = (struct iovec){ bytes + at, piece };
		at += piece;
	}
	return n;
}

static inline struct frame sample_frame(struct sample *s, struct arena *arena)
{
	size_t size = 14 + 8 + 60 + 64 + 60 + s->payload_len + s->padding;
	struct bytes_writer w = bytes_writer(arena_alloc(arena, size), size);
	bytes_put(&w, sample_dst.b, 6);
	bytes_put(&w, sample_src.b, 6);
	for (unsigned i = 0; i < s->tags; i++) {
		bytes_put_be16(&w, i + 1 < s->tags ? ETH_TYPE_VLAN_SERVICE : ETH_TYPE_VLAN);
		bytes_put_be16(&w, (uint16_t)(100 + i));
	}
	bytes_put_be16(&w, s->v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	s->l3_offset = w.len;
	size_t l4_header = s->udp ? UDP_HEADER_LEN : TCP_HEADER_LEN + 12;
	sample_put_l3(&w, s, l4_header + s->payload_len);
	s->l4_offset = w.len;
	if (s->udp)
		udp_emit(&w, &(struct udp_header){ .src_port = 1000, .dst_port = 2000, .len = (uint16_t)(l4_header + s->payload_len) });
	else
		tcp_emit(&w, &(struct tcp_header){ .src_port = 1000,
						   .dst_port = 2000,
						   .seq = SAMPLE_SEQ,
						   .ack = 5,
						   .flags = s->tcp_flags,
						   .window = 500,
						   .has_timestamps = true,
						   .ts_value = 77,
						   .ts_echo = 78 });
	s->payload_offset = w.len;
	g_assert_cmpuint(w.len, ==, s->l4_offset + l4_header);
	for (size_t i = 0; i < s->payload_len; i++)
		bytes_put_u8(&w, (uint8_t)g_test_rand_int());
	bytes_put_zeros(&w, s->padding);
	g_assert_false(w.failed);
	s->bytes = w.data;

	struct frame f = { .iov = s->iov, .n_iov = sample_cut(w.data, w.len, s->iov), .len = w.len };
	struct packet p = parsed(&f, arena);
	uint16_t sum = sample_layer4_sum(&p, w.data, s->partial), value = s->partial ? sum : (uint16_t)~sum;
	struct bytes_writer field = bytes_writer(w.data + s->l4_offset + sample_checksum_at(s->udp), 2);
	bytes_put_be16(&field, value);
	if (s->partial) {
		f.checksum = FRAME_CHECKSUM_PARTIAL;
		f.csum_start = (uint16_t)s->l4_offset;
		f.csum_offset = sample_checksum_at(s->udp);
	}
	return f;
}

/* Frames that were emitted, copied. */
struct collected {
	struct arena *arena;
	unsigned n;
	struct frame frames[2048];
	struct iovec iov[2048];
};

static inline void collect(void *opaque, const struct frame *f)
{
	struct collected *c = opaque;
	g_assert_cmpuint(c->n, <, ARRAY_SIZE(c->frames));
	uint8_t *copy = arena_alloc(c->arena, f->len);
	g_assert_nonnull(copy);
	g_assert_cmpuint(frame_copy(f, 0, copy, f->len), ==, f->len);
	size_t in_iov = 0;
	for (unsigned i = 0; i < f->n_iov; i++)
		in_iov += f->iov[i].iov_len;
	g_assert_cmpuint(in_iov, ==, f->len);
	g_assert_cmpuint(f->n_iov, <=, FRAME_IOV_MAX);
	c->frames[c->n] = *f;
	c->iov[c->n] = (struct iovec){ copy, f->len };
	c->frames[c->n].iov = &c->iov[c->n];
	c->frames[c->n].n_iov = 1;
	c->n++;
}

static inline const uint8_t *collected_bytes(const struct collected *c, unsigned i)
{
	return c->iov[i].iov_base;
}

/* The packet of an emitted frame, whose checksum (or pseudo-header sum, when it says so) is right. */
static inline struct packet assert_checksum_right(const struct collected *c, unsigned i)
{
	const struct frame *f = &c->frames[i];
	struct packet p = parsed(f, c->arena);
	const uint8_t *bytes = collected_bytes(c, i);
	if (f->checksum == FRAME_CHECKSUM_PARTIAL) {
		g_assert_cmpuint(f->csum_start, ==, p.l4_offset);
		g_assert_cmpuint(f->csum_offset, ==, sample_checksum_at(p.protocol == IP_PROTOCOL_UDP));
		const uint8_t *field = bytes + p.l4_offset + f->csum_offset;
		g_assert_cmphex(field[0] << 8 | field[1], ==, sample_layer4_sum(&p, bytes, true));
	} else {
		g_assert_cmphex(sample_layer4_sum(&p, bytes, false), ==, 0xffff);
	}
	return p;
}
