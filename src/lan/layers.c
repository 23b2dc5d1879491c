/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/layers.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "wire/checksum.h"

#include <errno.h>

/* Room for all headers up to TCP or UDP.  Longer chains of IPv6 extension headers count as malformed. */
#define HEAD_MAX ((size_t)512)

static int parse_v4(struct bytes_reader *r, struct layers *l)
{
	if (ipv4_parse(r, &l->ip4) < 0)
		return -EBADMSG;
	l->protocol = l->ip4.protocol;
	l->end = l->l3_offset + l->ip4.total_len;
	return 0;
}

static int parse_v6(struct bytes_reader *r, struct layers *l)
{
	if (ipv6_parse(r, &l->ip6) < 0)
		return -EBADMSG;
	l->protocol = ipv6_skip_extensions(r, l->ip6.next_header);
	l->end = l->l3_offset + IPV6_HEADER_LEN + l->ip6.payload_len;
	return 0;
}

int layers_parse(const struct frame *f, struct arena *arena, struct layers *ret)
{
	size_t head_len = MIN(f->len, HEAD_MAX);
	const uint8_t *head = frame_linear(f, 0, head_len, arena);
	if (!head)
		return -ENOMEM;
	struct bytes_reader r = bytes_reader(head, head_len);
	struct layers l = { 0 };
	if (eth_parse_tagged(&r, &l.eth) < 0)
		return -EBADMSG;
	if (l.eth.ethertype != ETH_TYPE_IPV4 && l.eth.ethertype != ETH_TYPE_IPV6)
		return -EPROTOTYPE;
	l.l3_offset = head_len - r.left;
	int error = layers_is_v4(&l) ? parse_v4(&r, &l) : parse_v6(&r, &l);
	if (error < 0 || r.failed)
		return -EBADMSG;
	l.l4_offset = head_len - r.left;
	if (l.end > f->len || l.l4_offset > l.end)
		return -EBADMSG;
	*ret = l;
	return 0;
}

void layers_add_pseudo(const struct layers *l, size_t len, struct checksum *c)
{
	if (layers_is_v4(l))
		checksum_add_pseudo4(c, l->ip4.src, l->ip4.dst, l->protocol, (uint16_t)len);
	else
		checksum_add_pseudo6(c, &l->ip6.src, &l->ip6.dst, l->protocol, (uint32_t)len);
}
