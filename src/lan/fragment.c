/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/fragment.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/layers.h"

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

static int emit_fragment(const struct frame *f, const struct layers *l, const struct ipv4_header *ip, size_t offset, struct arena *arena,
			 frame_emit_t emit, void *opaque)
{
	size_t size = l->l3_offset + ipv4_header_len(ip), len = ip->total_len - ipv4_header_len(ip);
	struct bytes_writer w = bytes_writer(arena_alloc(arena, size), size);
	if (!w.data)
		return -ENOMEM;
	frame_copy(f, 0, bytes_room(&w, l->l3_offset), l->l3_offset);
	ipv4_emit(&w, ip);
	struct iovec iov[FRAME_IOV_MAX];
	struct frame fragment;
	int error = frame_splice(f, w.data, w.len, l->l4_offset + offset, len, arena, iov, &fragment);
	if (error < 0)
		return error;
	emit(opaque, &fragment);
	return 0;
}

int fragment_ipv4(const struct frame *f, const struct layers *l, size_t max_frame, struct arena *arena, frame_emit_t emit, void *opaque)
{
	size_t max_packet = max_frame - MIN(max_frame, l->l3_offset), payload_len = l->end - l->l4_offset;
	struct ipv4_header first = l->ip4, later = l->ip4;
	keep_copied_options(&first, &later);
	if (l->ip4.fragment_offset + payload_len > IPV4_PACKET_MAX)
		return -EBADMSG;
	if (max_packet < ipv4_header_len(&first) + 8)
		return -EMSGSIZE;
	for (size_t at = 0; at < payload_len;) {
		struct ipv4_header ip = at == 0 ? first : later;
		size_t room = (max_packet - ipv4_header_len(&ip)) & ~(size_t)7, left = payload_len - at;
		/* Only the last piece of the datagram may have a length that is no multiple of 8. */
		size_t len = left <= max_packet - ipv4_header_len(&ip) ? left : room;
		ip.fragment_offset = (uint16_t)(l->ip4.fragment_offset + at);
		ip.more_fragments = len < left || l->ip4.more_fragments;
		ip.total_len = (uint16_t)(ipv4_header_len(&ip) + len);
		int error = emit_fragment(f, l, &ip, at, arena, emit, opaque);
		if (error < 0)
			return error;
		at += len;
	}
	return 0;
}
