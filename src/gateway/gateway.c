/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macros.h"
#include "gateway/gateway_internal.h"
#include "gateway/service.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

#include <errno.h>

void gateway_drop(struct gateway *g, enum drop_reason why, const struct packet *p)
{
	segment_drop(g->segment, p && p->port ? p->port : &g->port, why, p ? p->frame : NULL);
}

struct guest *gateway_find_guest(struct gateway *g, const struct ip_addr *addr)
{
	const struct guest_address *a = guest_find_address(&g->guests, addr);
	return a && a->guest->state != GUEST_HEARD ? a->guest : NULL;
}

void gateway_send_icmp_error(struct gateway *g, usec_t now, const struct packet *cause, const struct icmp_error *e)
{
	struct icmp_error error = *e;
	error.src_mac = g->config.mac;
	if (error.from == 0)
		error.from = g->config.ip;
	struct icmp_answer answer;
	int r = icmp_error_build(&g->icmp_limit, now, &error, cause, &answer);
	if (r == 0)
		egress_frame(&g->egress, now, answer.bytes, answer.len);
	else if (r != -EPERM)
		gateway_drop(g, r == -EBUSY ? DROP_ICMP_RATE : DROP_NO_MEMORY, cause);
}

void gateway_send_icmp6_error(struct gateway *g, usec_t now, const struct packet *cause, const struct icmp6_error *e)
{
	struct icmp6_error error = *e;
	error.src_mac = g->config.mac;
	error.from = *gateway_ip6_towards(&g->config.ip6, &cause->src);
	struct icmp_answer answer;
	int r = icmp6_error_build(&g->icmp_limit, now, &error, cause, &answer);
	if (r == 0)
		egress_frame(&g->egress, now, answer.bytes, answer.len);
	else if (r != -EPERM)
		gateway_drop(g, r == -EBUSY ? DROP_ICMP_RATE : DROP_NO_MEMORY, cause);
}

bool gateway_is_guest(const struct gateway *g, ip4_t ip)
{
	struct prefix4 subnet = g->config.subnet;
	return prefix4_contains(subnet, ip) && ip != g->config.ip && ip != subnet.network && ip != prefix4_broadcast(subnet);
}

/* --- what the table of guests asks for and reports --- */

static void ask_for_guest(void *opaque, usec_t now, const struct guest_address *a)
{
	struct gateway *g = opaque;
	egress_ask(&g->egress, now, &a->addr);
}

static void release_waiting(void *opaque, usec_t now, const struct guest_address *a, const void *frame, size_t len)
{
	struct gateway *g = opaque;
	egress_release(&g->egress, now, a, frame, len);
}

static void guest_unanswered(void *opaque, usec_t now, const void *frame, size_t len)
{
	struct gateway *g = opaque;
	egress_unanswered(&g->egress, frame, len);
}

static void guest_appeared(void *opaque, usec_t now, struct guest_address *a)
{
	struct gateway *g = opaque;
	if (g->config.hooks.guest_seen)
		g->config.hooks.guest_seen(g->config.hooks.opaque, now, a);
}

static void guest_moved(void *opaque, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
	struct gateway *g = opaque;
	if (g->engine)
		g->engine_ops->guest_moved(g->engine, now, addr, from, to);
}

static void guest_placed(void *opaque, usec_t now, struct guest *guest, struct payer *before)
{
	struct gateway *g = opaque;
	if (g->engine)
		g->engine_ops->guest_placed(g->engine, now, guest, before);
	if (guest->state == GUEST_PRESENT && g->config.hooks.guest_placed)
		g->config.hooks.guest_placed(g->config.hooks.opaque, now, guest);
}

static void guest_gone(void *opaque, usec_t now, struct guest *guest, const struct ip_addr *addr)
{
	struct gateway *g = opaque;
	if (g->engine)
		g->engine_ops->guest_gone(g->engine, now, guest, addr);
	if (g->config.hooks.guest_gone)
		g->config.hooks.guest_gone(g->config.hooks.opaque, now, addr);
}

static const struct guest_ops guest_ops = {
	.ask = ask_for_guest,
	.release = release_waiting,
	.unanswered = guest_unanswered,
	.appeared = guest_appeared,
	.moved = guest_moved,
	.placed = guest_placed,
	.gone = guest_gone,
};

/* --- life --- */

int gateway_init(struct gateway *g, struct segment *segment, const struct gateway_config *config)
{
	*g = (struct gateway){
		.config = *config,
		.segment = segment,
		.egress = { .segment = segment,
			    .port = &g->port,
			    .mac = config->mac,
			    .ip = config->ip,
			    .subnet = config->subnet,
			    .ip6 = &g->config.ip6,
			    .guests = &g->guests },
		.sink = { &gateway_sink_ops },
		.env = { .ops = &gateway_env_ops, .arena = &segment->arena, .opened = config->opened },
	};
	guard_init(g);
	int r = guest_table_init(&g->guests, &config->hash_key, &guest_ops, g);
	if (r < 0) {
		g->segment = NULL;
		return r;
	}
	reassembly_init(&g->reassembly);
	gateway_join_segment(g);
	return 0;
}

void gateway_done(struct gateway *g, usec_t now)
{
	if (!g->segment)
		return;
	gateway_leave_segment(g, now);
	reassembly_done(&g->reassembly);
	guard_done(g);
	guest_table_done(&g->guests, now);
	g->segment = NULL;
}

void gateway_add_service(struct gateway *g, struct service *service)
{
	assert(g->n_services < GATEWAY_SERVICES_MAX);
	g->services[g->n_services++] = service;
}

void gateway_set_engine(struct gateway *g, const struct engine_ops *ops, struct engine *engine)
{
	g->engine_ops = ops;
	g->engine = engine;
}

void gateway_set_opened(struct gateway *g, unsigned opened)
{
	g->env.opened = opened;
}

void gateway_guest_starts(struct gateway *g, struct mac mac)
{
	segment_forget_mtu(g->segment, mac);
}

/*
 * The ports that have been silent for longest.  Among more of them a crowd of guests is starting, which will ask for addresses, and to
 * probe each of them for each other would cost more than all else.
 */
#define PROBED_PORTS 64u

void gateway_probe(struct gateway *g, usec_t now, ip4_t ip)
{
	/* Not to the guests whose address is known: thousands of them would answer nothing. */
	struct ip_addr addr = ip_from_ip4(ip);
	const struct guest *guest = gateway_find_guest(g, &addr);
	if (guest && guest->port)
		egress_probe(&g->egress, now, ip, guest->port);
	unsigned n = 0;
	list_for_each(node, &g->segment->hiding) {
		struct port *p = container_of(node, struct port, hiding);
		if (!guest || p != guest->port)
			egress_probe(&g->egress, now, ip, p);
		if (++n == PROBED_PORTS)
			break;
	}
}

bool gateway_knows_all_addresses(const struct gateway *g, const struct port *asking)
{
	list_for_each(node, &g->segment->hiding) {
		const struct port *p = container_of(node, struct port, hiding);
		if (p != asking || p->uplink || p->n_macs > 1)
			return false;
	}
	return true;
}

bool gateway_knows(struct gateway *g, const struct ip_addr *ip)
{
	const struct guest *guest = gateway_find_guest(g, ip);
	return guest && guest->state == GUEST_PRESENT;
}

bool gateway_mac_of(struct gateway *g, const struct ip_addr *ip, struct mac *ret)
{
	const struct guest *guest = gateway_find_guest(g, ip);
	if (guest)
		*ret = guest->mac;
	return guest != NULL;
}

bool gateway_is_lost(struct gateway *g, const struct ip_addr *ip)
{
	const struct guest_address *a = guest_find_address(&g->guests, ip);
	return a && a->is_lost;
}

struct guest *gateway_expect(struct gateway *g, usec_t now, const struct ip_addr *ip)
{
	bool possible = ip_is_v4(ip) ? gateway_is_guest(g, ip_to_ip4(ip)) : gateway_ip6_is_guest(&g->config.ip6, ip);
	if (!possible)
		return NULL;
	const struct guest_address *a = guest_expect(&g->guests, now, ip, g->guests.host);
	return a ? a->guest : NULL;
}

usec_t gateway_deadline(const struct gateway *g)
{
	usec_t first = usec_min(usec_min(guest_deadline(&g->guests), guard_deadline(g)), reassembly_deadline(&g->reassembly));
	for (unsigned i = 0; i < g->n_services; i++)
		if (g->services[i]->ops->deadline)
			first = usec_min(first, g->services[i]->ops->deadline(g->services[i]));
	return g->engine ? usec_min(first, g->engine_ops->deadline(g->engine)) : first;
}

static void answer_expired(struct gateway *g, usec_t now, const struct packet *first)
{
	if (packet_is_v4(first))
		gateway_send_icmp_error(g, now, first, &(struct icmp_error){ .type = ICMP4_TIME_EXCEEDED, .code = 1 });
	else
		gateway_send_icmp6_error(g, now, first, &(struct icmp6_error){ .type = ICMP6_TIME_EXCEEDED, .code = 1 });
}

static void expire_reassembly(struct gateway *g, usec_t now)
{
	struct packet first;
	enum reassembly_expired r;
	while ((r = reassembly_expire(&g->reassembly, now, &g->segment->arena, &first)) != REASSEMBLY_NOTHING_DUE) {
		gateway_drop(g, DROP_REASSEMBLY, NULL);
		if (r == REASSEMBLY_EXPIRED_ANSWERABLE)
			answer_expired(g, now, &first);
	}
}

void gateway_expire(struct gateway *g, usec_t now)
{
	guest_expire(&g->guests, now);
	guard_expire(g, now);
	expire_reassembly(g, now);
	for (unsigned i = 0; i < g->n_services; i++) {
		struct service *s = g->services[i];
		if (s->ops->deadline && s->ops->deadline(s) <= now)
			s->ops->expire(s, now, &g->sink);
	}
	if (g->engine && g->engine_ops->deadline(g->engine) <= now)
		g->engine_ops->expire(g->engine, now);
}
