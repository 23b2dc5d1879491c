/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every segment gets a copy of all headers with its own IP length and id (counting up, for packets without DF), TCP sequence number and
 * checksums.  CWR is set only on the first segment (RFC 3168 §6.1.2: it answers one ECE), FIN and PSH only on the last.
 */
#include "lan/gso.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/packet.h"
#include "wire/checksum.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>

struct super {
	const struct packet *p;
	struct arena *arena;
	const struct frame *frame;
	size_t end; /* of the IP packet */
	bool partial;
	const uint8_t *head; /* all headers, contiguous */
	size_t head_len;
	struct tcp_header tcp;      /* for TCP */
	struct udp_header udp;      /* for UDP */
	struct checksum header_sum; /* of the TCP or UDP header, without the fields of struct l4_values */
};

static bool is_udp(const struct super *s)
{
	return s->frame->gso == FRAME_GSO_UDP;
}

static bool gso_matches(const struct packet *p)
{
	if (packet_is_fragment(p))
		return false;
	switch (p->frame->gso) {
	case FRAME_GSO_TCP4: return packet_is_v4(p) && p->protocol == IP_PROTOCOL_TCP;
	case FRAME_GSO_TCP6: return !packet_is_v4(p) && p->protocol == IP_PROTOCOL_TCP;
	case FRAME_GSO_UDP: return p->protocol == IP_PROTOCOL_UDP;
	case FRAME_GSO_NONE: break;
	}
	return false;
}

static bool is_bounded(const struct frame *f, size_t payload_len)
{
	return payload_len <= (size_t)f->gso_size * GSO_SEGMENTS_MAX;
}

static int parse_super(const struct packet *p, struct super *ret)
{
	const struct frame *f = p->frame;
	if (!gso_matches(p) || f->gso_size == 0)
		return -EBADMSG;
	struct super s = { .p = p, .frame = f, .arena = p->arena, .end = packet_end(p) };
	size_t head_len = MIN(s.end, p->l4_offset + TCP_HEADER_MAX);
	s.head = frame_linear(f, 0, head_len, p->arena);
	if (!s.head)
		return -ENOMEM;
	struct bytes_reader r = bytes_reader(s.head + p->l4_offset, head_len - p->l4_offset);
	int error = is_udp(&s) ? udp_parse(&r, &s.udp) : tcp_parse(&r, &s.tcp);
	if (error < 0)
		return -EBADMSG;
	s.head_len = head_len - r.left;
	size_t payload_len = s.end - s.head_len;
	if (payload_len == 0 || !is_bounded(f, payload_len))
		return -EBADMSG;
	*ret = s;
	return 0;
}

int gso_check(struct packet *p)
{
	struct super s;
	int error = packet_ip(p);
	if (error == 0)
		error = parse_super(p, &s);
	if (error == 0)
		p->headers_len = s.head_len;
	return error;
}

int gso_datagram_len(const struct frame *f, size_t payload_len)
{
	if (f->gso != FRAME_GSO_UDP || f->gso_size == 0)
		return (int)payload_len;
	return is_bounded(f, payload_len) ? f->gso_size : -EBADMSG;
}

static void set_layer3(const struct super *s, uint8_t *header, unsigned index, size_t len)
{
	size_t behind = s->head_len - s->p->l3_offset + len;
	if (packet_is_v4(s->p))
		ipv4_set_segment(header, (uint16_t)behind, (uint16_t)(s->p->ip.id + index));
	else
		ipv6_set_payload_len(header, (uint16_t)(behind - IPV6_HEADER_LEN));
}

/* What differs between the TCP or UDP headers of the segments. */
struct l4_values {
	uint32_t seq;
	uint8_t flags;
	uint16_t udp_len;
};

static struct l4_values values_at(const struct super *s, size_t offset, size_t len)
{
	if (is_udp(s))
		return (struct l4_values){ .udp_len = (uint16_t)(UDP_HEADER_LEN + len) };
	uint8_t flags = s->tcp.flags;
	if (offset > 0)
		flags &= (uint8_t)~TCP_CWR;
	if (s->head_len + offset + len < s->end)
		flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	return (struct l4_values){ .seq = s->tcp.seq + (uint32_t)offset, .flags = flags };
}

static void set_layer4(const struct super *s, uint8_t *header, const struct l4_values *values, uint16_t checksum)
{
	if (!is_udp(s)) {
		tcp_set_segment(header, values->seq, values->flags, checksum);
		return;
	}
	struct udp_header udp = s->udp;
	udp.len = values->udp_len;
	udp.checksum = checksum;
	struct bytes_writer w = bytes_writer(header, UDP_HEADER_LEN);
	udp_emit(&w, &udp);
}

static uint16_t layer4_checksum(const struct super *s, const struct l4_values *values, size_t offset, size_t len)
{
	struct checksum c = { 0 };
	packet_add_pseudo(s->p, s->head_len - s->p->l4_offset + len, &c);
	if (s->partial)
		return checksum_fold(&c);
	c.sum += s->header_sum.sum;
	checksum_add_u32(&c, values->seq);
	checksum_add_u32(&c, values->flags);
	checksum_add_u32(&c, values->udp_len);
	frame_checksum(s->frame, s->head_len + offset, len, &c);
	return checksum_transport_value(&c, is_udp(s) ? UDP_CHECKSUM_AT : TCP_CHECKSUM_AT);
}

static int emit_segment(const struct super *s, unsigned index, size_t offset, size_t len, frame_emit_t emit, void *opaque)
{
	uint8_t *room = arena_alloc(s->arena, FRAME_HEADROOM + s->head_len);
	if (!room)
		return -ENOMEM;
	uint8_t *head = room + FRAME_HEADROOM;
	memcpy(head, s->head, s->head_len);
	set_layer3(s, head + s->p->l3_offset, index, len);
	struct l4_values values = values_at(s, offset, len);
	set_layer4(s, head + s->p->l4_offset, &values, layer4_checksum(s, &values, offset, len));

	struct iovec iov[FRAME_IOV_MAX];
	struct frame segment;
	int error = frame_splice(s->frame, head, s->head_len, s->head_len + offset, len, s->arena, iov, &segment);
	if (error < 0)
		return error;
	segment.headroom = FRAME_HEADROOM;
	if (s->partial) {
		segment.checksum = FRAME_CHECKSUM_PARTIAL;
		segment.csum_start = (uint16_t)s->p->l4_offset;
		segment.csum_offset = is_udp(s) ? UDP_CHECKSUM_AT : TCP_CHECKSUM_AT;
	} else {
		segment.checksum = FRAME_CHECKSUM_VERIFIED;
	}
	emit(opaque, &segment);
	return 0;
}

/* Sums up the TCP or UDP header without the fields of struct l4_values. */
static void sum_header(struct super *s)
{
	uint8_t header[TCP_HEADER_MAX];
	size_t len = s->head_len - s->p->l4_offset;
	memcpy(header, s->head + s->p->l4_offset, len);
	set_layer4(s, header, &(struct l4_values){ 0 }, 0);
	checksum_add(&s->header_sum, header, len);
}

int gso_segment(const struct packet *p, bool partial, frame_emit_t emit, void *opaque)
{
	struct super s;
	int error = parse_super(p, &s);
	if (error < 0)
		return error;
	s.partial = partial;
	sum_header(&s);
	size_t payload_len = s.end - s.head_len, size = p->frame->gso_size;
	unsigned index = 0;
	for (size_t at = 0; at < payload_len; at += size) {
		error = emit_segment(&s, index++, at, MIN(size, payload_len - at), emit, opaque);
		if (error < 0)
			return error;
	}
	return 0;
}
