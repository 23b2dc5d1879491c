/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/ipv6.h"

#include <errno.h>

enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_DESTINATION_OPTIONS = 60,
};

int ipv6_parse(struct bytes_reader *r, struct ipv6_header *ret)
{
	uint32_t first = bytes_get_be32(r);
	struct ipv6_header h = { .traffic_class = (uint8_t)(first >> 20), .flow_label = first & 0xfffff };
	h.payload_len = bytes_get_be16(r);
	h.next_header = bytes_get_u8(r);
	h.hop_limit = bytes_get_u8(r);
	bytes_get(r, h.src.b, sizeof(h.src.b));
	bytes_get(r, h.dst.b, sizeof(h.dst.b));
	if (r->failed || first >> 28 != 6)
		return -EBADMSG;
	*ret = h;
	return 0;
}

void ipv6_emit(struct bytes_writer *w, const struct ipv6_header *h)
{
	bytes_put_be32(w, (uint32_t)6 << 28 | (uint32_t)h->traffic_class << 20 | (h->flow_label & 0xfffff));
	bytes_put_be16(w, h->payload_len);
	bytes_put_u8(w, h->next_header);
	bytes_put_u8(w, h->hop_limit);
	bytes_put(w, h->src.b, sizeof(h->src.b));
	bytes_put(w, h->dst.b, sizeof(h->dst.b));
}

void ipv6_set_payload_len(uint8_t *header, uint16_t payload_len)
{
	struct bytes_writer w = bytes_writer(header + IPV6_PAYLOAD_LEN_AT, 2);
	bytes_put_be16(&w, payload_len);
}

static bool is_skipped(uint8_t next_header)
{
	return next_header == NEXT_HOP_BY_HOP || next_header == NEXT_ROUTING || next_header == NEXT_DESTINATION_OPTIONS;
}

bool ipv6_has_extensions(const uint8_t *header)
{
	return is_skipped(header[IPV6_NEXT_HEADER_AT]);
}

uint8_t ipv6_skip_extensions(struct bytes_reader *r, uint8_t next_header)
{
	while (!r->failed && is_skipped(next_header)) {
		next_header = bytes_get_u8(r);
		size_t len = ((size_t)bytes_get_u8(r) + 1) * 8; /* RFC 8200 §4.3: units of 8 bytes, the first not counted */
		bytes_skip(r, len - 2);
	}
	return next_header;
}

bool ipv6_take_first_fragment(struct bytes_reader *r, uint8_t *ret_protocol)
{
	uint8_t next = bytes_get_u8(r);
	bytes_skip(r, 1);
	uint16_t offset = bytes_get_be16(r) >> 3;
	bytes_skip(r, 4); /* identification */
	if (offset > 0)
		return false;
	*ret_protocol = ipv6_skip_extensions(r, next);
	return true;
}

void ipv6_emit_fragment_header(struct bytes_writer *w, uint8_t next_header, uint16_t offset, bool more, uint32_t id)
{
	bytes_put_u8(w, next_header);
	bytes_put_u8(w, 0);
	bytes_put_be16(w, (uint16_t)(offset | more));
	bytes_put_be32(w, id);
}
