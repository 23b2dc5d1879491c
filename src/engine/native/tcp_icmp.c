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
#include "wire/icmp6.h"
#include "wire/ip.h"

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

/* The flow whose TCP header begins at @r, quoted by @p, an error of a guest; NULL without such a flow. */
static struct native_tcp *flow_of_ports(struct engine *e, const struct packet *p, struct bytes_reader *r, uint32_t *ret_seq)
{
	struct flow_key key = { .guest.addr = p->src, .remote.addr = p->dst };
	if (r->left < QUOTED_TCP_LEN)
		return NULL;
	key.remote.port = bytes_get_be16(r);
	key.guest.port = bytes_get_be16(r);
	*ret_seq = bytes_get_be32(r);
	return native_tcp_find(e, &key);
}

/* The flow whose segment is quoted by @p, an ICMP error of a guest; NULL without such a flow. */
static struct native_tcp *quoted_flow(struct engine *e, const struct packet *p, const uint8_t *quote, size_t len,
				      struct ipv4_header *ret_quoted, uint32_t *ret_seq)
{
	struct bytes_reader r = bytes_reader(quote, len);
	if (ipv4_parse(&r, ret_quoted) < 0 || ret_quoted->protocol != IP_PROTOCOL_TCP || ret_quoted->fragment_offset > 0 ||
	    ret_quoted->src != p->ip.dst || ret_quoted->dst != p->ip.src)
		return NULL;
	return flow_of_ports(e, p, &r, ret_seq);
}

static void too_big(struct native_tcp *t, uint32_t seq, uint32_t mtu)
{
	size_t headers = ip_header_len(&t->base.flow.key.guest.addr) + TCP_HEADER_LEN;
	tcp_flow_too_big(&t->tcp, seq, mtu - MIN(mtu, (uint32_t)headers));
	native_flow_wake(&t->base);
}

static void unreachable(struct native_tcp *t, uint32_t seq)
{
	tcp_flow_unreachable(&t->tcp, seq);
	native_flow_wake(&t->base);
}

bool native_tcp_error(struct engine *e, const struct packet *p, const struct icmp4_header *h, const uint8_t *quote, size_t len)
{
	struct ipv4_header quoted;
	uint32_t seq;
	struct native_tcp *t = h->type == ICMP4_UNREACHABLE ? quoted_flow(e, p, quote, len, &quoted, &seq) : NULL;
	if (!t)
		return false;
	if (h->code == ICMP4_UNREACHABLE_FRAG_NEEDED)
		too_big(t, seq, next_hop_mtu(h, &quoted));
	else
		unreachable(t, seq);
	return true;
}

bool native_tcp_error6(struct engine *e, const struct packet *p, const struct icmp6_header *h, const uint8_t *quote, size_t len)
{
	struct bytes_reader r = bytes_reader(quote, len);
	struct ipv6_header quoted;
	uint32_t seq;
	if ((h->type != ICMP6_UNREACHABLE && h->type != ICMP6_PACKET_TOO_BIG) || ipv6_parse(&r, &quoted) < 0 ||
	    ipv6_skip_extensions(&r, quoted.next_header) != IP_PROTOCOL_TCP || !ip_equal(&quoted.src, &p->dst) ||
	    !ip_equal(&quoted.dst, &p->src))
		return false;
	struct native_tcp *t = flow_of_ports(e, p, &r, &seq);
	if (!t)
		return false;
	if (h->type == ICMP6_PACKET_TOO_BIG)
		too_big(t, seq, MAX(h->rest, (uint32_t)IPV6_MTU_MIN)); /* RFC 8201 §4 */
	else
		unreachable(t, seq);
	return true;
}
