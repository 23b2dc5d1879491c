/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path of a packet from a guest:
 *
 *     receive ── ARP ──> learn, services
 *        ├────── IPv6 ─> gateway_input6.c
 *        └────── IPv4 ─> learn, reassemble, services, route
 *                                                      ├─ martian, closed, multicast, TTL expired: drop, perhaps answer
 *                                                      ├─ address of another guest: back to the segment
 *                                                      └─ gateway or outside: the engine
 */
#include "base/macros.h"
#include "gateway/closed.h"
#include "gateway/gateway_internal.h"
#include "gateway/martian.h"
#include "gateway/service.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

#include <errno.h>

/* Services charge the payer of p->port, which has none yet when no guest behind it has used an address. */
bool gateway_ask_services(struct gateway *g, usec_t now, const struct packet *p)
{
	if (p->port && !p->port->payer)
		guest_payer(&g->guests, p->port);
	for (unsigned i = 0; i < g->n_services; i++)
		if (g->services[i]->ops->input(g->services[i], now, p, &g->sink) == SERVICE_TAKEN)
			return true;
	return false;
}

static void receive_arp(struct gateway *g, usec_t now, const struct packet *p)
{
	if (p->arp_error < 0) {
		gateway_drop(g, DROP_ARP_MALFORMED, p);
		return;
	}
	const struct arp_message *m = &p->arp;
	if (g->config.hooks.address_seen && gateway_is_guest(g, m->sender_ip) && mac_equal(m->sender_mac, p->eth.src))
		g->config.hooks.address_seen(g->config.hooks.opaque, now, p->port, m->sender_ip, m->sender_mac);
	gateway_ask_services(g, now, p);
}

/* The largest packet like @p that @to takes.  The MSS of @to limits TCP. */
static size_t mtu_to(const struct gateway *g, usec_t now, const struct guest *to, const struct packet *p)
{
	if (to->state != GUEST_PRESENT)
		return IPV4_PACKET_MAX;
	if (p->protocol == IP_PROTOCOL_TCP && !packet_is_fragment(p))
		return to->port->max_frame - ETH_HEADER_LEN;
	return segment_mtu(g->segment, now, to->mac);
}

static void tell_mtu(struct gateway *g, usec_t now, const struct packet *p, size_t mtu)
{
	gateway_drop(g, DROP_FRAG_NEEDED, p);
	if (packet_is_v4(p))
		gateway_send_icmp_error(
			g, now, p,
			&(struct icmp_error){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACHABLE_FRAG_NEEDED, .info = (uint32_t)mtu });
	else
		gateway_send_icmp6_error(g, now, p, &(struct icmp6_error){ .type = ICMP6_PACKET_TOO_BIG, .info = (uint32_t)mtu });
}

/* A guest with a /32 address or without a mask sends packets for other guests to the gateway. */
void gateway_route_to_neighbour(struct gateway *g, usec_t now, const struct packet *p)
{
	struct payer *payer = guest_payer(&g->guests, p->port);
	/* An unknown address makes the gateway broadcast for the guest. */
	if (p->port && !guest_find_address(&g->guests, &p->dst) && !segment_may_flood(g->segment, now, p->port)) {
		gateway_drop(g, DROP_STORM, p);
		return;
	}
	struct guest_address *a = payer ? guest_expect(&g->guests, now, &p->dst, payer) : NULL;
	if (!a) {
		gateway_drop(g, DROP_NEIGHBOUR_FULL, p);
		return;
	}
	const struct port *to = a->guest->port;
	if (p->port && p->port->isolated && (!to || to->isolated)) {
		if (!to)
			egress_ask(&g->egress, now, &p->dst); /* may be behind an uplink, which is not isolated */
		gateway_drop(g, DROP_ISOLATED, p);
		return;
	}
	size_t mtu = mtu_to(g, now, a->guest, p);
	bool stays_whole = !packet_is_v4(p) || p->ip.dont_fragment;
	if (stays_whole && p->frame->gso == FRAME_GSO_NONE && packet_end(p) - p->l3_offset > mtu) {
		tell_mtu(g, now, p, mtu);
		return;
	}
	egress_forward(&g->egress, now, a->guest, p);
}

/* Decrements the TTL; false when it has expired, which is answered. */
static bool take_hop(struct gateway *g, usec_t now, struct packet *p)
{
	if (p->ip.ttl > 1) {
		p->ip.ttl--;
		return true;
	}
	gateway_drop(g, DROP_TTL_EXCEEDED, p);
	gateway_send_icmp_error(g, now, p, &(struct icmp_error){ .type = ICMP4_TIME_EXCEEDED });
	return false;
}

/* Whether guests may reach the destination.  They are told at once: those with cloud-init look for metadata when they boot. */
static bool is_open(struct gateway *g, usec_t now, const struct packet *p)
{
	enum drop_reason why;
	if (closed_check4(p->ip.dst, g->env.opened, &why) == 0)
		return true;
	gateway_drop(g, why, p);
	gateway_send_icmp_error(g, now, p, &(struct icmp_error){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACHABLE_ADMIN });
	return false;
}

static void route(struct gateway *g, usec_t now, struct packet *p)
{
	const struct gateway_config *c = &g->config;
	enum drop_reason why;
	if (martian_check_source(&c->subnet, c->ip, p->ip.src, &why) < 0) {
		gateway_drop(g, why, p);
		return;
	}
	if (gateway_is_guest(g, p->ip.dst)) {
		if (take_hop(g, now, p))
			gateway_route_to_neighbour(g, now, p);
		return;
	}
	if (martian_check_destination(&c->subnet, c->ip, p->ip.dst, &why) < 0) {
		gateway_drop(g, why, p);
		return;
	}
	if (p->ip.dst != c->ip && !is_open(g, now, p))
		return;
	if (p->ip.dst != c->ip && !take_hop(g, now, p))
		return;
	if (g->engine && !p->guest)
		gateway_drop(g, DROP_NO_MEMORY, p);
	else if (g->engine)
		g->engine_ops->input(g->engine, now, p);
	else
		gateway_send_icmp_error(g, now, p, &(struct icmp_error){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACHABLE_NET });
}

/* A client without an address, or with one of another network, may use broadcast only: for DHCP. */
static bool may_ask_services(const struct gateway *g, const struct packet *p, enum drop_reason *ret_why)
{
	const struct gateway_config *c = &g->config;
	bool to_all = p->ip.dst == IP4_BROADCAST || p->ip.dst == prefix4_broadcast(c->subnet);
	return to_all || p->ip.src == 0 || martian_check_source(&c->subnet, c->ip, p->ip.src, ret_why) == 0;
}

static void receive_whole(struct gateway *g, usec_t now, struct packet *p)
{
	enum drop_reason why;
	if (!may_ask_services(g, p, &why)) {
		gateway_drop(g, why, p);
		return;
	}
	if (gateway_ask_services(g, now, p))
		return;
	/* Broadcast that no service takes is between guests. */
	if (!mac_is_group(p->eth.dst))
		route(g, now, p);
}

bool gateway_reassemble(struct gateway *g, usec_t now, const struct packet *p, struct packet *ret_whole)
{
	int r = reassembly_input(&g->reassembly, now, p, ret_whole);
	for (unsigned n = reassembly_take_evicted(&g->reassembly); n > 0; n--)
		gateway_drop(g, DROP_REASSEMBLY, NULL);
	if (r < 0)
		gateway_drop(g, DROP_REASSEMBLY, p);
	return r > 0;
}

static void receive_ipv4(struct gateway *g, usec_t now, struct packet *p)
{
	int error = packet_ip(p);
	if (error < 0) {
		gateway_drop(g, error == -ENOMEM ? DROP_NO_MEMORY : DROP_IP_MALFORMED, p);
		return;
	}
	if (!ipv4_is_fragment(&p->ip)) {
		receive_whole(g, now, p);
		return;
	}
	struct packet whole;
	if (gateway_reassemble(g, now, p, &whole))
		receive_whole(g, now, &whole);
}

/* The gateway is on the untagged network only. */
void gateway_input(void *opaque, usec_t now, struct packet *p)
{
	struct gateway *g = opaque;
	bool ours = mac_equal(p->eth.dst, g->config.mac);
	if (!ours && !mac_is_group(p->eth.dst))
		return; /* flooded, for another host */
	uint16_t ethertype = packet_is_tagged(p) ? ETH_TYPE_VLAN : p->eth.ethertype;
	if (ethertype == ETH_TYPE_IPV4)
		receive_ipv4(g, now, p);
	else if (ethertype == ETH_TYPE_ARP)
		receive_arp(g, now, p);
	else if (ethertype == ETH_TYPE_IPV6 && g->config.ip6.on)
		gateway_receive_ipv6(g, now, p);
	else if (ours)
		gateway_drop(g, DROP_ETHERTYPE, p);
}

/* Packets come through gateway_input(), which the segment prefers to the port's send(); nothing waits for the flush. */
static void gateway_port_flush(struct port *port, usec_t now)
{
}

const struct port_ops gateway_port_ops = {
	.kind = "gateway",
	.flush = gateway_port_flush,
};
