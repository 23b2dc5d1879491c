/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/ipv4.h"

#include "wire/checksum.h"

#include <errno.h>

#define FLAG_DONT_FRAGMENT 0x4000
#define FLAG_MORE_FRAGMENTS 0x2000
#define OFFSET_MASK 0x1fff

int ipv4_parse(struct bytes_reader *r, struct ipv4_header *ret)
{
	const uint8_t *start = bytes_take(r, IPV4_HEADER_LEN);
	if (!start)
		return -EBADMSG;
	struct bytes_reader fixed = bytes_reader(start, IPV4_HEADER_LEN);
	uint8_t version_ihl = bytes_get_u8(&fixed);
	struct ipv4_header h = { .tos = bytes_get_u8(&fixed) };
	h.total_len = bytes_get_be16(&fixed);
	h.id = bytes_get_be16(&fixed);
	uint16_t flags = bytes_get_be16(&fixed);
	h.dont_fragment = flags & FLAG_DONT_FRAGMENT;
	h.more_fragments = flags & FLAG_MORE_FRAGMENTS;
	h.fragment_offset = (uint16_t)((flags & OFFSET_MASK) * 8);
	h.ttl = bytes_get_u8(&fixed);
	h.protocol = bytes_get_u8(&fixed);
	bytes_skip(&fixed, 2);
	h.src = bytes_get_be32(&fixed);
	h.dst = bytes_get_be32(&fixed);
	size_t header_len = (size_t)(version_ihl & 0x0f) * 4;
	if (version_ihl >> 4 != 4 || header_len < IPV4_HEADER_LEN || h.total_len < header_len)
		return -EBADMSG;
	h.options_len = (uint8_t)(header_len - IPV4_HEADER_LEN);
	bytes_get(r, h.options, h.options_len);
	if (r->failed)
		return -EBADMSG;
	struct checksum c = { 0 };
	checksum_add(&c, start, header_len);
	if (!checksum_is_right(&c))
		return -EBADMSG;
	*ret = h;
	return 0;
}

void ipv4_emit(struct bytes_writer *w, const struct ipv4_header *h)
{
	size_t header_len = ipv4_header_len(h);
	uint8_t *bytes = bytes_room(w, header_len);
	if (!bytes)
		return;
	struct bytes_writer header = bytes_writer(bytes, IPV4_HEADER_LEN);
	bytes_put_u8(&header, (uint8_t)(0x40 | header_len / 4));
	bytes_put_u8(&header, h->tos);
	bytes_put_be16(&header, h->total_len);
	bytes_put_be16(&header, h->id);
	bytes_put_be16(&header, (uint16_t)((h->dont_fragment ? FLAG_DONT_FRAGMENT : 0) | (h->more_fragments ? FLAG_MORE_FRAGMENTS : 0) |
					   h->fragment_offset / 8));
	bytes_put_u8(&header, h->ttl);
	bytes_put_u8(&header, h->protocol);
	bytes_put_be16(&header, 0);
	bytes_put_be32(&header, h->src);
	bytes_put_be32(&header, h->dst);
	memcpy(bytes + IPV4_HEADER_LEN, h->options, h->options_len);
	struct checksum c = { 0 };
	checksum_add(&c, bytes, header_len);
	header.len = IPV4_CHECKSUM_AT;
	bytes_put_be16(&header, checksum_value(&c));
}

void ipv4_set_segment(uint8_t *header, uint16_t total_len, uint16_t id)
{
	struct bytes_reader r = bytes_reader(header + IPV4_TOTAL_LEN_AT, 4), field = bytes_reader(header + IPV4_CHECKSUM_AT, 2);
	uint32_t now = (uint32_t)total_len << 16 | id;
	struct checksum before = { 0 }, after = { 0 };
	checksum_add_u32(&before, bytes_get_be32(&r));
	checksum_add_u32(&after, now);
	uint16_t checksum = checksum_adjust(bytes_get_be16(&field), &before, &after);
	struct bytes_writer w = bytes_writer(header + IPV4_TOTAL_LEN_AT, 4);
	bytes_put_be32(&w, now);
	w = bytes_writer(header + IPV4_CHECKSUM_AT, 2);
	bytes_put_be16(&w, checksum);
}
