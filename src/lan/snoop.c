/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/snoop.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "wire/igmp.h"
#include "wire/mld.h"

#include <stdlib.h>

#define STARTUP_QUERIES 2u
#define STARTUP_INTERVAL (SNOOP_QUERY_INTERVAL / 4) /* RFC 3376 §8.6 */
#define RESPONSE_TENTHS 100u
#define LAST_MEMBER_TENTHS 10u /* RFC 3376 §8.8 */
/* Margin for answers that come late. */
#define SETTLE_TIME (SNOOP_RESPONSE_TIME + 2 * USEC_PER_SEC)
#define TRAFFIC_CLASS_CONTROL 0xc0 /* RFC 3376 §4 */

static const ip4_t all_systems = IP4(224, 0, 0, 1);

void snoop_init(struct snoop *s, bool enabled, const struct list *ports, const struct snoop_ops *ops, void *opaque)
{
	*s = (struct snoop){ .enabled = enabled, .ports = ports, .ops = ops, .opaque = opaque, .next_query = USEC_INFINITY };
	s->v4.known_from = s->v6.known_from = USEC_INFINITY;
}

void snoop_set_querier(struct snoop *s, struct mac mac, ip4_t ip)
{
	s->mac = mac;
	s->ip = ip;
	s->ip6 = ipv6_link_local(mac);
}

/* --- asking --- */

static void note_query(struct snoop_querier *q, usec_t now)
{
	if (q->known_from == USEC_INFINITY || now > q->known_until)
		q->known_from = now + SETTLE_TIME;
	q->known_until = now + SNOOP_MEMBER_TIME;
}

static void send_query4(const struct snoop *s, usec_t now, struct port *p, ip4_t group, uint8_t tenths)
{
	uint8_t bytes[ETH_HEADER_LEN + IPV4_HEADER_MAX + IGMP_QUERY_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	ip4_t dst = group ? group : all_systems;
	struct mac mac = { { 1, 0, 0x5e, (uint8_t)(dst >> 16 & 0x7f), (uint8_t)(dst >> 8), (uint8_t)dst } };
	struct ipv4_header ip = { .tos = TRAFFIC_CLASS_CONTROL, .ttl = 1, .protocol = IP_PROTOCOL_IGMP, .src = s->ip, .dst = dst };
	ip.options_len = 4;
	memcpy(ip.options, (uint8_t[]){ 0x94, 4, 0, 0 }, 4); /* router alert (RFC 2113) */
	ip.total_len = (uint16_t)(ipv4_header_len(&ip) + IGMP_QUERY_LEN);
	eth_emit(&w, &(struct eth_header){ .dst = mac, .src = s->mac, .ethertype = ETH_TYPE_IPV4 });
	ipv4_emit(&w, &ip);
	igmp_emit_query(&w, group, tenths, SNOOP_QUERY_INTERVAL / USEC_PER_SEC);
	s->ops->send(s->opaque, now, p, bytes, w.len);
}

static void send_query6(const struct snoop *s, usec_t now, struct port *p, const struct ip_addr *group, uint8_t tenths)
{
	/* RFC 2711: router alert, value 0 for MLD; the padding behind it fills 8 bytes. */
	static const uint8_t hop_by_hop[] = { IPV6_NEXT_ICMP, 0, 5, 2, 0, 0, 1, 0 };
	static const struct ip_addr any;
	uint8_t bytes[ETH_HEADER_LEN + IPV6_HEADER_LEN + sizeof(hop_by_hop) + MLD_QUERY_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct ipv6_header ip = {
		.hop_limit = 1, .payload_len = sizeof(hop_by_hop) + MLD_QUERY_LEN, .src = s->ip6, .dst = group ? *group : IPV6_ALL_NODES
	};
	struct mac mac = ipv6_group_mac(&ip.dst);
	eth_emit(&w, &(struct eth_header){ .dst = mac, .src = s->mac, .ethertype = ETH_TYPE_IPV6 });
	ipv6_emit(&w, &ip); /* next header 0: hop-by-hop options */
	bytes_put(&w, hop_by_hop, sizeof(hop_by_hop));
	mld_emit_query(&w, &ip.src, &ip.dst, group ? group : &any, (uint16_t)(tenths * 100), SNOOP_QUERY_INTERVAL / USEC_PER_SEC);
	s->ops->send(s->opaque, now, p, bytes, w.len);
}

static bool we_ask(const struct snoop *s, const struct snoop_querier *q, usec_t now)
{
	return s->enabled && s->ip != 0 && now >= q->other_until;
}

static void ask_port(const struct snoop *s, usec_t now, struct port *p)
{
	if (we_ask(s, &s->v4, now))
		send_query4(s, now, p, 0, RESPONSE_TENTHS);
	if (we_ask(s, &s->v6, now))
		send_query6(s, now, p, NULL, RESPONSE_TENTHS);
}

/* --- ports --- */

void snoop_attached(struct snoop *s, struct port *p)
{
	p->snoop = (struct snoop_port){ .everything_until = USEC_INFINITY };
}

void snoop_detached(struct snoop *s, struct port *p)
{
	free(p->snoop.groups);
	p->snoop = (struct snoop_port){ 0 };
}

void snoop_spoken(struct snoop *s, usec_t now, struct port *p)
{
	if (!s->enabled)
		return;
	/* When another querier asks next is not known, so ask now. */
	bool asked = we_ask(s, &s->v4, now) && we_ask(s, &s->v6, now);
	p->snoop.everything_until = now + (asked ? SETTLE_TIME : SNOOP_MEMBER_TIME);
	ask_port(s, now, p);
	if (s->ip != 0 && s->next_query == USEC_INFINITY) {
		s->startup_left = STARTUP_QUERIES;
		s->next_query = now;
	}
}

static struct snoop_group *find_group(const struct snoop_port *p, const struct ip_addr *group)
{
	for (unsigned i = 0; i < p->n; i++)
		if (ip_equal(&p->groups[i].group, group))
			return &p->groups[i];
	return NULL;
}

static void drop_expired(struct snoop_port *p, usec_t now)
{
	for (unsigned i = 0; i < p->n;) {
		if (p->groups[i].until <= now)
			p->groups[i] = p->groups[--p->n];
		else
			i++;
	}
}

/* Groups that are always flooded. */
static bool is_for_everybody(const struct ip_addr *group)
{
	enum { SCOPE_LINK = 2 }; /* RFC 4291 §2.7 */
	if (ip_is_v4(group))
		return ip_to_ip4(group) >> 28 != 14 || ip_to_ip4(group) >> 8 == IP4(224, 0, 0, 0) >> 8;
	return group->b[0] != 0xff || (group->b[1] & 0x0f) <= SCOPE_LINK;
}

static void joined(usec_t now, struct port *port, const struct ip_addr *group)
{
	struct snoop_port *p = &port->snoop;
	if (is_for_everybody(group))
		return;
	struct snoop_group *g = find_group(p, group);
	if (!g) {
		drop_expired(p, now);
		if (!p->groups)
			p->groups = calloc(SNOOP_GROUPS_MAX, sizeof(*p->groups));
		if (!p->groups || p->n == SNOOP_GROUPS_MAX) {
			p->everything_until = MAX(p->everything_until, now + SNOOP_MEMBER_TIME);
			return;
		}
		g = &p->groups[p->n++];
		g->group = *group;
	}
	g->until = now + SNOOP_MEMBER_TIME;
}

/* Another host behind the same port may still want the group; asked now, it answers within a second. */
static void left(const struct snoop *s, usec_t now, struct port *port, const struct ip_addr *group)
{
	struct snoop_group *g = find_group(&port->snoop, group);
	if (!g)
		return;
	g->until = MIN(g->until, now + SNOOP_LEAVE_TIME);
	if (ip_is_v4(group) && we_ask(s, &s->v4, now))
		send_query4(s, now, port, ip_to_ip4(group), LAST_MEMBER_TENTHS);
	else if (!ip_is_v4(group) && we_ask(s, &s->v6, now))
		send_query6(s, now, port, group, LAST_MEMBER_TENTHS);
}

/* --- reports and queries --- */

/* @before_us: its address is lower than the gateway's. */
static void asked(struct snoop *s, struct snoop_querier *q, usec_t now, struct port *from, bool before_us)
{
	from->snoop.router_until = now + SNOOP_MEMBER_TIME;
	if (!from->uplink)
		return;
	note_query(q, now);
	if (before_us)
		q->other_until = now + SNOOP_MEMBER_TIME;
}

static void record_seen(struct snoop *s, usec_t now, struct port *from, const struct group_record *r)
{
	if (group_record_joins(r))
		joined(now, from, &r->group);
	else if (group_record_leaves(r))
		left(s, now, from, &r->group);
}

static enum snoop_verdict input_igmp(struct snoop *s, usec_t now, struct port *from, const struct packet *p, const uint8_t *bytes)
{
	struct igmp_message m;
	struct group_record r;
	if (igmp_parse(bytes, p->l4_len, &m) < 0)
		return SNOOP_FLOOD;
	struct ip_addr group = ip_from_ip4(m.group);
	switch (m.type) {
	case IGMP_QUERY: asked(s, &s->v4, now, from, p->ip.src != 0 && p->ip.src < s->ip); return SNOOP_FLOOD;
	case IGMP_V2_LEAVE: left(s, now, from, &group); return SNOOP_ROUTERS;
	case IGMP_V3_REPORT:
		while (group_records_next(&m.records, &r))
			record_seen(s, now, from, &r);
		return SNOOP_ROUTERS;
	default: joined(now, from, &group); return SNOOP_ROUTERS;
	}
}

static enum snoop_verdict input_mld(struct snoop *s, usec_t now, struct port *from, const struct packet *p, const uint8_t *bytes)
{
	struct mld_message m;
	struct group_record r;
	if (mld_parse(&p->src, &p->dst, bytes, p->l4_len, &m) < 0)
		return SNOOP_FLOOD;
	switch (m.type) {
	case MLD_QUERY: asked(s, &s->v6, now, from, memcmp(p->src.b, s->ip6.b, sizeof(s->ip6.b)) < 0); return SNOOP_FLOOD;
	case MLD_V1_DONE: left(s, now, from, &m.group); return SNOOP_ROUTERS;
	case MLD_V2_REPORT:
		while (group_records_next(&m.records, &r))
			record_seen(s, now, from, &r);
		return SNOOP_ROUTERS;
	default: joined(now, from, &m.group); return SNOOP_ROUTERS;
	}
}

static bool is_known(const struct snoop_querier *q, usec_t now)
{
	return now >= q->known_from && now <= q->known_until;
}

static bool is_mld(const struct packet *p, const uint8_t *l4)
{
	return !packet_is_v4(p) && p->l4_len > 0 && mld_is_type(l4[0]);
}

static bool is_igmp(const struct packet *p)
{
	return packet_is_v4(p) && p->protocol == IP_PROTOCOL_IGMP && !ipv4_is_fragment(&p->ip);
}

enum snoop_verdict snoop_input(struct snoop *s, usec_t now, struct port *from, struct packet *p, struct ip_addr *ret_group)
{
	if (!s->enabled || packet_is_tagged(p) || packet_ip(p) < 0)
		return SNOOP_FLOOD;
	bool small = is_igmp(p) || (!packet_is_v4(p) && p->protocol == IPV6_NEXT_ICMP);
	const uint8_t *l4 = small ? packet_l4(p) : NULL;
	if (l4 && is_igmp(p))
		return input_igmp(s, now, from, p, l4);
	if (l4 && is_mld(p, l4))
		return input_mld(s, now, from, p, l4);
	if (is_for_everybody(&p->dst) || !is_known(packet_is_v4(p) ? &s->v4 : &s->v6, now))
		return SNOOP_FLOOD;
	*ret_group = p->dst;
	return SNOOP_MEMBERS;
}

bool snoop_wants(usec_t now, const struct port *p, const struct ip_addr *group)
{
	if (p->uplink || p->snoop.router_until > now)
		return true;
	if (!group)
		return false;
	if (p->snoop.everything_until > now)
		return true;
	const struct snoop_group *g = find_group(&p->snoop, group);
	return g && g->until > now;
}

/* --- time --- */

usec_t snoop_deadline(const struct snoop *s)
{
	return s->next_query;
}

void snoop_expire(struct snoop *s, usec_t now)
{
	if (s->next_query > now)
		return;
	bool anybody = false;
	list_for_each(node, s->ports) {
		struct port *p = container_of(node, struct port, node);
		if (!p->loop.spoken)
			continue;
		anybody = true;
		ask_port(s, now, p);
	}
	if (we_ask(s, &s->v4, now))
		note_query(&s->v4, now);
	if (we_ask(s, &s->v6, now))
		note_query(&s->v6, now);
	s->startup_left -= s->startup_left > 0;
	s->next_query = anybody ? now + (s->startup_left > 0 ? STARTUP_INTERVAL : SNOOP_QUERY_INTERVAL) : USEC_INFINITY;
}
