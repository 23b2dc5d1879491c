/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors from guests about segments of TCP flows. Fragmentation needed makes the next segments smaller: path MTU discovery
 * behind a guest (RFC 1191). Any other error ends a flow that the host is opening, e.g. when the guest's firewall rejects it. An
 * error is believed only from the guest to which the segment was sent, about an existing flow and bytes in flight (RFC 5927 §4.1,
 * §7).
 */
#include "engine/native/tcp.h"

#include "base/macros.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

#define QUOTED_TCP_LEN 8 /* ports and sequence number, RFC 792 */
#define MTU_LEAST 68     /* RFC 791 §3.2 */

/* RFC 1191 §7.1: sizes to try when the router reports none. */
static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296 };

static uint32_t next_hop_mtu(const struct icmp4_header *h, const struct ipv4_header *quoted)
{
	uint32_t said = h->rest & UINT16_MAX;
	if (said >= MTU_LEAST)
		return said;
	for (size_t i = 0; i < ARRAY_SIZE(plateaus); i++)
		if (plateaus[i] < quoted->total_len)
			return plateaus[i];
	return MTU_LEAST;
}

/* The flow whose segment is quoted by @p, an ICMP error of a guest; NULL without such a flow. */
static struct native_tcp *quoted_flow(struct engine *e, const struct packet *p, const uint8_t *quote, size_t len,
				      struct ipv4_header *ret_quoted, uint32_t *ret_seq)
{
	struct bytes_reader r = bytes_reader(quote, len);
	struct ipv4_header quoted;
	if (ipv4_parse(&r, &quoted) < 0 || quoted.protocol != IP_PROTOCOL_TCP || r.left < QUOTED_TCP_LEN || quoted.fragment_offset > 0 ||
	    quoted.src != p->ip.dst || quoted.dst != p->ip.src)
		return NULL;
	struct flow_key key = { .guest.addr = p->src, .remote.addr = p->dst };
	key.remote.port = bytes_get_be16(&r);
	key.guest.port = bytes_get_be16(&r);
	*ret_seq = bytes_get_be32(&r);
	*ret_quoted = quoted;
	return native_tcp_find(e, &key);
}

bool native_tcp_error(struct engine *e, const struct packet *p, const struct icmp4_header *h, const uint8_t *quote, size_t len)
{
	struct ipv4_header quoted;
	uint32_t seq;
	struct native_tcp *t = h->type == ICMP4_UNREACHABLE ? quoted_flow(e, p, quote, len, &quoted, &seq) : NULL;
	if (!t)
		return false;
	if (h->code == ICMP4_UNREACHABLE_FRAG_NEEDED) {
		uint32_t mtu = next_hop_mtu(h, &quoted);
		tcp_flow_too_big(&t->tcp, seq, mtu - MIN(mtu, (uint32_t)(IPV4_HEADER_LEN + TCP_HEADER_LEN)));
	} else {
		tcp_flow_unreachable(&t->tcp, seq);
	}
	native_flow_wake(&t->base);
	return true;
}
