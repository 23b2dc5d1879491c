/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/offload.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "lan/gso.h"
#include "lan/packet.h"
#include "wire/checksum.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>

/* Protocols that carry packets, and the least that is in front of a packet in them. */
static const struct {
	uint8_t protocol, header_len;
} tunnels[] = {
	{ IP_PROTOCOL_UDP, UDP_HEADER_LEN }, /* VXLAN, Geneve, FOU, … */
	{ IP_PROTOCOL_IPV4, IPV4_HEADER_LEN },
	{ IP_PROTOCOL_IPV6, IPV6_HEADER_LEN },
	{ IP_PROTOCOL_GRE, 4 },
};

static bool is_transport_checksum(uint16_t offset)
{
	return offset == TCP_CHECKSUM_AT || offset == UDP_CHECKSUM_AT;
}

/* Whether the field is behind the outermost header of a tunnel, and so part of nothing that the switch or the gateway checks. */
static bool is_in_tunnel(const struct packet *p)
{
	const struct frame *f = p->frame;
	size_t end = (size_t)f->csum_start + f->csum_offset + CHECKSUM_LEN;
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		if (p->protocol == tunnels[i].protocol)
			return f->csum_start >= p->l4_offset + tunnels[i].header_len && is_transport_checksum(f->csum_offset) &&
			       end <= packet_end(p);
	return false;
}

/* Whether the field is that of the TCP or UDP header. */
static bool is_own_checksum(const struct packet *p)
{
	const struct frame *f = p->frame;
	if (f->csum_start != p->l4_offset)
		return false;
	if (p->protocol == IP_PROTOCOL_TCP)
		return f->csum_offset == TCP_CHECKSUM_AT && p->l4_len >= TCP_HEADER_LEN;
	return p->protocol == IP_PROTOCOL_UDP && f->csum_offset == UDP_CHECKSUM_AT && p->l4_len >= UDP_HEADER_LEN;
}

enum offload_verdict offload_check(struct packet *p)
{
	const struct frame *f = p->frame;
	int error = packet_ip(p);
	if (error < 0)
		return error == -ENOMEM ? OFFLOAD_NO_MEMORY : OFFLOAD_FALSE;
	if (packet_is_fragment(p) || f->checksum != FRAME_CHECKSUM_PARTIAL)
		return OFFLOAD_FALSE;
	if (f->gso == FRAME_GSO_NONE && is_in_tunnel(p))
		return OFFLOAD_IN_TUNNEL;
	if (!is_own_checksum(p))
		return OFFLOAD_FALSE;
	error = f->gso != FRAME_GSO_NONE ? gso_check(p) : 0;
	if (error < 0)
		return error == -ENOMEM ? OFFLOAD_NO_MEMORY : OFFLOAD_FALSE;
	return OFFLOAD_TRUE;
}

int offload_complete(const struct frame *f, struct arena *arena, struct iovec iov[static FRAME_IOV_MAX], struct frame *ret)
{
	size_t field = (size_t)f->csum_start + f->csum_offset, head_len = field + CHECKSUM_LEN;
	if (head_len > f->len)
		return -EBADMSG;
	uint8_t *room = arena_alloc(arena, FRAME_HEADROOM + head_len);
	if (!room)
		return -ENOMEM;
	uint8_t *head = room + FRAME_HEADROOM;
	frame_copy(f, 0, head, head_len);
	struct checksum c = { 0 };
	frame_checksum(f, f->csum_start, f->len - f->csum_start, &c);
	struct bytes_writer w = bytes_writer(head + field, CHECKSUM_LEN);
	bytes_put_be16(&w, checksum_transport_value(&c, f->csum_offset));
	int error = frame_splice(f, head, head_len, head_len, f->len - head_len, arena, iov, ret);
	if (error < 0)
		return error;
	ret->checksum = FRAME_CHECKSUM_VERIFIED;
	ret->headroom = FRAME_HEADROOM;
	return 0;
}
