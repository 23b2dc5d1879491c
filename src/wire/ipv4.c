/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/ipv4.h"

#include "wire/checksum.h"

#include <errno.h>

#define FLAG_DONT_FRAGMENT 0x4000
#define FLAG_MORE_FRAGMENTS 0x2000
#define OFFSET_MASK 0x1fff

/* The sum over a header without options, in words of any byte order: right when all bits are set (RFC 1071 §2(B)). */
static bool fixed_header_sum_is_right(const uint8_t *header)
{
	uint32_t words[IPV4_HEADER_LEN / sizeof(uint32_t)];
	memcpy(words, header, sizeof(words));
	uint64_t sum = (uint64_t)words[0] + words[1] + words[2] + words[3] + words[4];
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16)) == 0xffff;
}

static bool header_sum_is_right(const uint8_t *header, size_t len)
{
	if (len == IPV4_HEADER_LEN)
		return fixed_header_sum_is_right(header);
	struct checksum c = { 0 };
	checksum_add(&c, header, len);
	return checksum_is_right(&c);
}

/* Bytes that were checked to be there: every packet comes through here. */
static inline uint16_t be16_at(const uint8_t *header, size_t at)
{
	return (uint16_t)(header[at] << 8 | header[at + 1]);
}

static inline uint32_t be32_at(const uint8_t *header, size_t at)
{
	return (uint32_t)be16_at(header, at) << 16 | be16_at(header, at + 2);
}

int ipv4_parse(struct bytes_reader *r, struct ipv4_header *ret)
{
	const uint8_t *h = bytes_take(r, IPV4_HEADER_LEN);
	if (!h)
		return -EBADMSG;
	size_t header_len = ipv4_header_len_at(h);
	uint16_t total_len = be16_at(h, IPV4_TOTAL_LEN_AT), flags = be16_at(h, IPV4_FRAGMENT_AT);
	if (h[0] >> 4 != 4 || header_len < IPV4_HEADER_LEN || total_len < header_len)
		return -EBADMSG;
	const uint8_t *options = NULL;
	if (header_len > IPV4_HEADER_LEN && !(options = bytes_take(r, header_len - IPV4_HEADER_LEN)))
		return -EBADMSG;
	if (!header_sum_is_right(h, header_len))
		return -EBADMSG;
	ret->tos = h[1];
	ret->total_len = total_len;
	ret->id = be16_at(h, IPV4_TOTAL_LEN_AT + 2);
	ret->dont_fragment = flags & FLAG_DONT_FRAGMENT;
	ret->more_fragments = flags & FLAG_MORE_FRAGMENTS;
	ret->fragment_offset = (uint16_t)((flags & OFFSET_MASK) * 8);
	ret->ttl = h[IPV4_PROTOCOL_AT - 1];
	ret->protocol = h[IPV4_PROTOCOL_AT];
	ret->src = be32_at(h, IPV4_SRC_AT);
	ret->dst = be32_at(h, IPV4_DST_AT);
	ret->options_len = (uint8_t)(header_len - IPV4_HEADER_LEN);
	if (options)
		memcpy(ret->options, options, ret->options_len);
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
