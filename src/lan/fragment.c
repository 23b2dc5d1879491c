/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/fragment.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/packet.h"

#include <errno.h>

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_COPIED = 0x80, /* flag of an option's type: copied into every fragment */
};

/* The options of @from that are copied into later fragments, padded to 32 bits. */
static void keep_copied_options(const struct ipv4_header *from, struct ipv4_header *to)
{
	struct bytes_reader r = bytes_reader(from->options, from->options_len);
	struct bytes_writer w = bytes_writer(to->options, sizeof(to->options));
	while (r.left > 0) {
		const uint8_t *option = r.at;
		uint8_t type = bytes_get_u8(&r);
		if (type == OPTION_END)
			break;
		if (type == OPTION_NOP)
			continue;
		uint8_t len = bytes_get_u8(&r);
		if (r.failed || len < 2 || !bytes_take(&r, (size_t)len - 2))
			break; /* the rest cannot be parsed */
		if (type & OPTION_COPIED)
			bytes_put(&w, option, len);
	}
	bytes_put_zeros(&w, (4 - w.len % 4) % 4);
	to->options_len = (uint8_t)w.len;
}

static int emit_fragment(const struct packet *p, const struct ipv4_header *ip, size_t offset, frame_emit_t emit, void *opaque)
{
	size_t size = p->l3_offset + ipv4_header_len(ip), len = ip->total_len - ipv4_header_len(ip);
	struct bytes_writer w = bytes_writer(arena_alloc(p->arena, size), size);
	if (!w.data)
		return -ENOMEM;
	frame_copy(p->frame, 0, bytes_room(&w, p->l3_offset), p->l3_offset);
	ipv4_emit(&w, ip);
	struct iovec iov[FRAME_IOV_MAX];
	struct frame fragment;
	int error = frame_splice(p->frame, w.data, w.len, p->l4_offset + offset, len, p->arena, iov, &fragment);
	if (error < 0)
		return error;
	emit(opaque, &fragment);
	return 0;
}

int fragment_ipv4(const struct packet *p, size_t max_frame, frame_emit_t emit, void *opaque)
{
	size_t max_packet = max_frame - MIN(max_frame, p->l3_offset), payload_len = p->l4_len;
	struct ipv4_header first = p->ip, later = p->ip;
	keep_copied_options(&first, &later);
	if (p->ip.fragment_offset + payload_len > IPV4_PACKET_MAX)
		return -EBADMSG;
	if (max_packet < ipv4_header_len(&first) + 8)
		return -EMSGSIZE;
	for (size_t at = 0; at < payload_len;) {
		struct ipv4_header ip = at == 0 ? first : later;
		size_t room = (max_packet - ipv4_header_len(&ip)) & ~(size_t)7, left = payload_len - at;
		/* Only the last piece of the datagram may have a length that is no multiple of 8. */
		size_t len = left <= max_packet - ipv4_header_len(&ip) ? left : room;
		ip.fragment_offset = (uint16_t)(p->ip.fragment_offset + at);
		ip.more_fragments = len < left || p->ip.more_fragments;
		ip.total_len = (uint16_t)(ipv4_header_len(&ip) + len);
		int error = emit_fragment(p, &ip, at, emit, opaque);
		if (error < 0)
			return error;
		at += len;
	}
	return 0;
}
