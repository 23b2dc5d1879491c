/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ports and the stations behind them take, and what is done about a packet that is larger (segment.h). */
#include "base/macros.h"
#include "lan/oversize.h"
#include "lan/packet.h"
#include "lan/segment_internal.h"
#include "wire/eth.h"

/* A function of its own keeps output() short. */
void segment_make_fit(struct passage *passage, const struct oversize_limits *limits, struct packet *p, bool flooded)
{
	struct segment *s = passage->segment;
	struct oversize_result r = oversize_pass(p, limits, segment_send_fitting, passage);
	if (r.verdict != OVERSIZE_EMITTED)
		segment_drop(s, passage->to, r.why, p->frame);
	if (r.verdict == OVERSIZE_TOO_BIG && !flooded && p->port && s->gateway.too_big)
		s->gateway.too_big(s->gateway.opaque, passage->now, p, r.mtu);
}

/* Whether @p is limited by its receiver's MTU, and not by its MSS as all TCP is (RFC 9293 §3.7.1). */
static bool follows_mtu(struct packet *p)
{
	return packet_ip(p) == 0 && (p->protocol != IP_PROTOCOL_TCP || packet_is_fragment(p));
}

static bool is_tcp_super(const struct frame *f)
{
	return f->gso == FRAME_GSO_TCP4 || f->gso == FRAME_GSO_TCP6;
}

/* The largest IP packet that the station which @p is for has shown to take; @flooded: any station behind @to. */
static size_t shown_mtu(struct segment *s, const struct port *to, const struct packet *p, bool flooded)
{
	return MAX(to->agreed_mtu, flooded ? to->shown_mtu : fdb_mtu(&s->fdb, p->eth.dst));
}

/*
 * @p has more than ETH_MTU bytes behind its Ethernet header.  What a port takes, the network card behind it may not: QEMU's take
 * everything from the socket and drop what is too long for them.  So an IP packet goes only to a station that has shown to take it.
 */
void segment_output_long(struct segment *s, usec_t now, struct port *to, struct packet *p, bool flooded)
{
	struct passage passage = { s, now, to };
	struct oversize_limits limits = oversize_limits_of(to);
	if (!is_tcp_super(p->frame)) {
		size_t limit = p->l3_offset + shown_mtu(s, to, p, flooded);
		if ((p->frame->len > limit || p->frame->gso != FRAME_GSO_NONE) && follows_mtu(p))
			limits.max_frame = MIN(limits.max_frame, limit);
	}
	if (oversize_fits(p->frame, &limits))
		segment_send_fitting(&passage, p->frame);
	else
		segment_make_fit(&passage, &limits, p, flooded);
}

size_t segment_mtu(struct segment *s, usec_t now, struct mac mac)
{
	const struct port *p = segment_find(s, now, mac);
	return p ? MIN(MAX(p->agreed_mtu, fdb_mtu(&s->fdb, mac)), p->max_frame - ETH_HEADER_LEN) : ETH_MTU;
}

void segment_forget_mtu(struct segment *s, struct mac mac)
{
	struct port *p = fdb_find(&s->fdb, s->now, mac);
	fdb_forget_mtu(&s->fdb, mac);
	if (p && p->n_macs == 1)
		p->shown_mtu = ETH_MTU;
}
