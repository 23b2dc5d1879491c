/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Path MTU discovery behind a guest (RFC 1191): "fragmentation needed" that a guest sends about a segment of a TCP flow
 * makes the next ones smaller.  It is believed only of the guest that the segment was for, about a flow that exists and bytes of it
 * that are under way (RFC 5927 §4.1, §7).
 */
#include "host/native/tcp.h"

#include "base/macros.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

#define QUOTED_TCP_LEN 8 /* ports and sequence number, RFC 792 */
#define MTU_LEAST 68     /* RFC 791 §3.2 */

/* RFC 1191 §7.1: what to try when a router does not say. */
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

void native_tcp_too_big(struct engine *e, const struct packet *p, const struct icmp4_header *h, const uint8_t *quote, size_t len)
{
	struct bytes_reader r = bytes_reader(quote, len);
	struct ipv4_header quoted;
	if (ipv4_parse(&r, &quoted) < 0 || quoted.protocol != IP_PROTOCOL_TCP || r.left < QUOTED_TCP_LEN || quoted.fragment_offset > 0 ||
	    quoted.src != p->ip.dst || quoted.dst != p->ip.src)
		return;
	struct flow_key key = { .guest.addr = p->src, .remote.addr = p->dst };
	key.remote.port = bytes_get_be16(&r);
	key.guest.port = bytes_get_be16(&r);
	uint32_t seq = bytes_get_be32(&r);
	struct flow *f = flow_table_find(&e->tables[NATIVE_TCP], &key);
	if (!f)
		return;
	struct native_tcp *t = native_tcp_of(container_of(f, struct native_flow, flow));
	uint32_t mtu = next_hop_mtu(h, &quoted);
	tcp_flow_too_big(&t->tcp, seq, mtu - MIN(mtu, (uint32_t)(IPV4_HEADER_LEN + TCP_HEADER_LEN)));
	native_flow_wake(&t->base);
}
