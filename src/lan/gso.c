/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every segment gets a copy of all headers, with what differs filled in: IP length and id (which counts up, as
 * senders without DF need it to), TCP sequence number; CWR only on the first segment (RFC 3168 §6.1.2: it answers one
 * ECE), FIN and PSH only on the last.
 */
#include "lan/gso.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/layers.h"
#include "wire/checksum.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>

#define TCP_CHECKSUM_AT 16
#define UDP_CHECKSUM_AT 6

struct super {
	const struct frame *frame;
	const struct layers *l;
	struct arena *arena;
	bool partial;
	const uint8_t *head; /* all headers, contiguous */
	size_t head_len;
	struct tcp_header tcp; /* for TCP */
	struct udp_header udp; /* for UDP */
};

static bool is_udp(const struct super *s)
{
	return s->frame->gso == FRAME_GSO_UDP;
}

static bool gso_matches(const struct frame *f, const struct layers *l)
{
	switch (f->gso) {
	case FRAME_GSO_TCP4:
		return layers_is_v4(l) && l->protocol == IP_PROTOCOL_TCP && !ipv4_is_fragment(&l->ip4);
	case FRAME_GSO_TCP6:
		return !layers_is_v4(l) && l->protocol == IP_PROTOCOL_TCP;
	case FRAME_GSO_UDP:
		return l->protocol == IP_PROTOCOL_UDP && !(layers_is_v4(l) && ipv4_is_fragment(&l->ip4));
	case FRAME_GSO_NONE:
		break;
	}
	return false;
}

static int parse_super(const struct frame *f, const struct layers *l, struct arena *arena, struct super *ret)
{
	if (!gso_matches(f, l) || f->gso_size == 0)
		return -EBADMSG;
	struct super s = { .frame = f, .l = l, .arena = arena };
	size_t head_len = MIN(l->end, l->l4_offset + TCP_HEADER_MAX);
	s.head = frame_linear(f, 0, head_len, arena);
	if (!s.head)
		return -ENOMEM;
	struct bytes_reader r = bytes_reader(s.head + l->l4_offset, head_len - l->l4_offset);
	int error = is_udp(&s) ? udp_parse(&r, &s.udp) : tcp_parse(&r, &s.tcp);
	if (error < 0)
		return -EBADMSG;
	s.head_len = head_len - r.left;
	size_t payload_len = l->end - s.head_len;
	if (payload_len == 0 || (payload_len - 1) / f->gso_size >= GSO_SEGMENTS_MAX)
		return -EBADMSG;
	*ret = s;
	return 0;
}

int gso_header_len(const struct frame *f, const struct layers *l, struct arena *arena)
{
	struct super s;
	int error = parse_super(f, l, arena, &s);
	return error < 0 ? error : (int)s.head_len;
}

static void put_ip(struct bytes_writer *w, const struct super *s, unsigned index, size_t len)
{
	const struct layers *l = s->l;
	size_t behind_l3 = s->head_len - l->l3_offset + len;
	if (layers_is_v4(l)) {
		struct ipv4_header ip = l->ip4;
		ip.total_len = (uint16_t)behind_l3;
		ip.id = (uint16_t)(ip.id + index);
		ipv4_emit(w, &ip);
		return;
	}
	struct ipv6_header ip = l->ip6;
	ip.payload_len = (uint16_t)(behind_l3 - IPV6_HEADER_LEN);
	ipv6_emit(w, &ip);
	size_t extensions = l->l3_offset + IPV6_HEADER_LEN;
	bytes_put(w, s->head + extensions, l->l4_offset - extensions);
}

static void set_layer4(const struct super *s, uint8_t *header, size_t offset, size_t len, uint16_t checksum)
{
	if (is_udp(s)) {
		struct udp_header udp = s->udp;
		udp.len = (uint16_t)(UDP_HEADER_LEN + len);
		udp.checksum = checksum;
		struct bytes_writer w = bytes_writer(header, UDP_HEADER_LEN);
		udp_emit(&w, &udp);
		return;
	}
	uint8_t flags = s->tcp.flags;
	if (offset > 0)
		flags &= (uint8_t)~TCP_CWR;
	if (s->head_len + offset + len < s->l->end)
		flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	tcp_set_segment(header, s->tcp.seq + (uint32_t)offset, flags, checksum);
}

/* The checksum field of a segment whose header has 0 there. */
static uint16_t layer4_checksum(const struct super *s, const uint8_t *header, size_t offset, size_t len)
{
	size_t header_len = s->head_len - s->l->l4_offset;
	struct checksum c = { 0 };
	layers_add_pseudo(s->l, header_len + len, &c);
	if (s->partial)
		return checksum_fold(&c);
	checksum_add(&c, header, header_len);
	frame_checksum(s->frame, s->head_len + offset, len, &c);
	uint16_t value = checksum_value(&c);
	return value ? value : 0xffff; /* 0 means "none" to UDP (RFC 768); to TCP both are the same number */
}

static int emit_segment(const struct super *s, unsigned index, size_t offset, size_t len, frame_emit_t emit, void *opaque)
{
	uint8_t *room = arena_alloc(s->arena, FRAME_HEADROOM + s->head_len);
	if (!room)
		return -ENOMEM;
	struct bytes_writer w = bytes_writer(room + FRAME_HEADROOM, s->head_len);
	bytes_put(&w, s->head, s->l->l3_offset);
	put_ip(&w, s, index, len);
	uint8_t *header = w.data + w.len;
	bytes_put(&w, s->head + s->l->l4_offset, s->head_len - s->l->l4_offset);
	set_layer4(s, header, offset, len, 0);
	set_layer4(s, header, offset, len, layer4_checksum(s, header, offset, len));

	struct iovec iov[FRAME_IOV_MAX];
	struct frame segment;
	int error = frame_splice(s->frame, w.data, w.len, s->head_len + offset, len, s->arena, iov, &segment);
	if (error < 0)
		return error;
	segment.headroom = FRAME_HEADROOM;
	if (s->partial) {
		segment.checksum = FRAME_CHECKSUM_PARTIAL;
		segment.csum_start = (uint16_t)s->l->l4_offset;
		segment.csum_offset = is_udp(s) ? UDP_CHECKSUM_AT : TCP_CHECKSUM_AT;
	} else {
		segment.checksum = FRAME_CHECKSUM_VERIFIED;
	}
	emit(opaque, &segment);
	return 0;
}

int gso_segment(const struct frame *f, const struct layers *l, bool partial, struct arena *arena, frame_emit_t emit, void *opaque)
{
	struct super s;
	int error = parse_super(f, l, arena, &s);
	if (error < 0)
		return error;
	s.partial = partial;
	size_t payload_len = l->end - s.head_len;
	unsigned index = 0;
	for (size_t at = 0; at < payload_len; at += f->gso_size) {
		error = emit_segment(&s, index++, at, MIN((size_t)f->gso_size, payload_len - at), emit, opaque);
		if (error < 0)
			return error;
	}
	return 0;
}
