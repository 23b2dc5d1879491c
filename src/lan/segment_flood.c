/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets for several ports of the segment: floods, multicast, broadcasts that only some have a use for (segment.h). */
#include "lan/packet.h"
#include "lan/segment_internal.h"

/* Whether what @from sends to many may go to @to. */
static bool reaches(const struct port *from, const struct port *to)
{
	return to != from && loop_passes(&to->loop) && !segment_keeps_apart(from, to);
}

static bool may_flood_many(const struct segment *s, usec_t now, struct port *from, unsigned n)
{
	return from == s->gateway.port || storm_take(&from->storm, now, s->config.storm_limit, n);
}

/* A super-frame counts as its segments. */
static bool may_flood(const struct segment *s, usec_t now, struct port *from, const struct frame *frame)
{
	unsigned n = frame->gso == FRAME_GSO_NONE || frame->gso_size == 0 ? 1 : 1 + (unsigned)(frame->len / frame->gso_size);
	return may_flood_many(s, now, from, n);
}

bool segment_may_flood(const struct segment *s, usec_t now, struct port *from)
{
	return may_flood_many(s, now, from, 1);
}

static void spare(struct segment *s, struct port *to, const struct frame *frame)
{
	to->n_spared += frame->joined > 0 ? frame->joined : 1;
	segment_drop(s, to, DROP_PORT_FULL, frame);
}

/* @group is NULL with SNOOP_ROUTERS. */
static void distribute(struct segment *s, usec_t now, struct port *from, struct packet *p, enum snoop_verdict verdict,
		       const struct ip_addr *group)
{
	list_for_each(node, &s->ports) {
		struct port *to = container_of(node, struct port, node);
		if (!reaches(from, to) || (verdict != SNOOP_FLOOD && !snoop_wants(now, to, group)))
			continue;
		/* A storm must not displace frames that the guest asked for. */
		if (to->crowded)
			spare(s, to, p->frame);
		else
			segment_output_packet(s, now, to, p, true);
	}
}

void segment_flood(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	if (!may_flood(s, now, from, p->frame)) {
		segment_drop(s, from, DROP_STORM, p->frame);
		return;
	}
	distribute(s, now, from, p, SNOOP_FLOOD, NULL);
}

/* @to is one of the ports that have a use for @p, which was sent to all. */
static void pass_to(struct segment *s, usec_t now, struct port *from, struct port *to, struct packet *p)
{
	if (reaches(from, to))
		segment_output_packet(s, now, to, p, true);
}

/* False when @p is for all. */
static bool pass_to_audience(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	struct port *to;
	if (!s->guard.audience || from == s->gateway.port)
		return false;
	switch (s->guard.audience(s->guard.opaque, now, p, &to)) {
	case SEGMENT_ALL: return false;
	case SEGMENT_ONE: pass_to(s, now, from, to, p); return true;
	case SEGMENT_DHCP_SERVERS:
		list_for_each(node, &s->servers)
			pass_to(s, now, from, container_of(node, struct port, server), p);
		return true;
	}
	return false;
}

void segment_forward_group(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	struct ip_addr group;
	if (pass_to_audience(s, now, from, p))
		return;
	enum snoop_verdict verdict = snoop_input(&s->snoop, now, from, p, &group);
	if (verdict == SNOOP_FLOOD)
		segment_flood(s, now, from, p);
	else
		distribute(s, now, from, p, verdict, verdict == SNOOP_MEMBERS ? &group : NULL);
}
