/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path of an IPv6 packet from a guest:
 *
 *     receive ─> learn, reassemble, services, route
 *                                   ├─ martian, multicast, hop limit expired: drop, perhaps answer
 *                                   ├─ address of another guest: back to the segment
 *                                   ├─ closed: refused
 *                                   └─ gateway or outside: engine, when it translates IPv6
 */
#include "gateway/closed.h"
#include "gateway/gateway_internal.h"
#include "gateway/martian.h"
#include "gateway/nat64.h"
#include "lan/packet.h"
#include "wire/icmp6.h"

#include <errno.h>

static void answer(struct gateway *g, usec_t now, const struct packet *p, enum icmp6_type type, enum icmp6_code code, uint32_t info)
{
	gateway_send_icmp6_error(g, now, p, &(struct icmp6_error){ .type = (uint8_t)type, .code = (uint8_t)code, .info = info });
}

/* Decrements the hop limit; false when it has expired, which is answered (RFC 4443 §3.3). */
static bool take_hop(struct gateway *g, usec_t now, struct packet *p)
{
	if (p->ip6.hop_limit > 1) {
		p->ip6.hop_limit--;
		return true;
	}
	gateway_drop(g, DROP_TTL_EXCEEDED, p);
	answer(g, now, p, ICMP6_TIME_EXCEEDED, 0, 0);
	return false;
}

/* A packet to the gateway that no service takes.  Hosts take this answer for a refused connection, too. */
static void refuse(struct gateway *g, usec_t now, const struct packet *p)
{
	switch (p->protocol) {
	case IP_PROTOCOL_TCP:
	case IP_PROTOCOL_UDP: answer(g, now, p, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_PORT, 0); break;
	case IPV6_NEXT_ICMP: gateway_drop(g, DROP_ICMP_TYPE, p); break;
	case IPV6_NEXT_FRAGMENT: gateway_drop(g, DROP_REASSEMBLY, p); break;
	default:
		gateway_drop(g, DROP_PROTOCOL, p);
		answer(g, now, p, ICMP6_PARAMETER_PROBLEM, ICMP6_PARAMETER_NEXT_HEADER, IPV6_NEXT_HEADER_AT);
	}
}

/* Whether @p, to the gateway or to the outside, is for the engine. */
static bool translates(const struct gateway *g, const struct packet *p)
{
	bool known = p->protocol == IP_PROTOCOL_TCP || p->protocol == IP_PROTOCOL_UDP || p->protocol == IPV6_NEXT_ICMP;
	return known && g->engine && g->engine_ops->ipv6;
}

static void pass_to_engine(struct gateway *g, usec_t now, struct packet *p)
{
	if (p->guest)
		g->engine_ops->input(g->engine, now, p);
	else
		gateway_drop(g, DROP_NO_MEMORY, p);
}

/* Whether guests may reach @p's destination (closed.h). */
static bool is_open(struct gateway *g, usec_t now, const struct packet *p)
{
	enum drop_reason why;
	if (closed_check(&p->dst, g->env.opened, &why) == 0)
		return true;
	gateway_drop(g, why, p);
	answer(g, now, p, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN, 0);
	return false;
}

/* Whether @p's destination, which has an IPv4 address in it, passes the checks of an IPv4 destination; if not, @p is dropped. */
static bool may_reach_ip4(struct gateway *g, usec_t now, const struct packet *p)
{
	const struct gateway_config *c = &g->config;
	enum drop_reason why = DROP_MARTIAN_DESTINATION;
	ip4_t ip;
	if (!nat64_extract(&p->dst, &ip) || martian_check_destination(&c->subnet, c->ip, ip, &why) < 0) {
		gateway_drop(g, why, p);
		return false;
	}
	if (closed_check4(ip, g->env.opened, &why) == 0)
		return true;
	gateway_drop(g, why, p);
	answer(g, now, p, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN, 0);
	return false;
}

/* Whether @p may go outside; if not, it is dropped and perhaps answered. */
static bool may_leave(struct gateway *g, usec_t now, const struct packet *p)
{
	enum drop_reason why;
	if (g->config.ip6.nat64 && nat64_has(&p->dst))
		return may_reach_ip4(g, now, p);
	if (martian_check_destination6(&g->config.ip6, &p->dst, &why) == 0)
		return is_open(g, now, p);
	gateway_drop(g, why, p);
	return false;
}

static void route(struct gateway *g, usec_t now, struct packet *p)
{
	const struct gateway_ip6 *ip6 = &g->config.ip6;
	if (gateway_ip6_has(ip6, &p->dst)) {
		if (translates(g, p))
			pass_to_engine(g, now, p);
		else
			refuse(g, now, p);
		return;
	}
	/* Addresses of the link are not forwarded, from or to (RFC 4291 §2.5.6). */
	if (ipv6_is_link_local(&p->src) || ipv6_is_link_local(&p->dst)) {
		gateway_drop(g, ipv6_is_link_local(&p->dst) ? DROP_MARTIAN_DESTINATION : DROP_MARTIAN_SOURCE, p);
		return;
	}
	if (gateway_ip6_is_guest(ip6, &p->dst)) {
		if (take_hop(g, now, p))
			gateway_route_to_neighbour(g, now, p);
		return;
	}
	if (!may_leave(g, now, p) || !take_hop(g, now, p))
		return;
	if (translates(g, p))
		pass_to_engine(g, now, p);
	else
		answer(g, now, p, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE, 0);
}

/* A guest that has no address yet may only look whether others have the one that it wants, and join groups (RFC 4862 §5.4.2, RFC 3810 §5).
 */
static bool may_ask_services(const struct gateway *g, const struct packet *p, enum drop_reason *ret_why)
{
	if (ip_is_unspecified(&p->src) && p->protocol == IPV6_NEXT_ICMP)
		return true;
	return martian_check_source6(&g->config.ip6, &p->src, ret_why) == 0;
}

static void receive_whole(struct gateway *g, usec_t now, struct packet *p)
{
	if (gateway_ask_services(g, now, p))
		return;
	/* Multicast that no service takes is between guests. */
	if (!mac_is_group(p->eth.dst) && !ip_is_unspecified(&p->src))
		route(g, now, p);
}

/* Fragments of what the gateway only passes on to another guest stay as they are: routers do not put them together. */
static bool is_reassembled(const struct gateway *g, const struct packet *p)
{
	return packet_is_fragment(p) && !ipv6_is_multicast(&p->dst) && !gateway_ip6_is_guest(&g->config.ip6, &p->dst);
}

static void receive_fragment(struct gateway *g, usec_t now, struct packet *p)
{
	struct packet whole;
	if (!gateway_reassemble(g, now, p, &whole))
		return;
	if (packet_nd(&whole) == -EPROTOTYPE)
		receive_whole(g, now, &whole);
	else
		gateway_drop(g, DROP_ND_MALFORMED, p); /* RFC 6980 §5 */
}

/*
 * A guest that looks whether others have an address (RFC 4862 §5.4) will have it in a second.  It may not send from there for long, but
 * names and forwards lead to it: ask for it then.
 */
static void expect_address(struct gateway *g, usec_t now, const struct packet *p)
{
	const struct ip_addr *target = &p->nd.target;
	if (p->nd_error == 0 && p->nd.type == ND_NEIGHBOUR_SOLICITATION && ip_is_unspecified(&p->src) && !ipv6_is_link_local(target) &&
	    gateway_ip6_is_guest(&g->config.ip6, target) && p->port && p->port->payer)
		guest_expect(&g->guests, now, target, p->port->payer);
}

void gateway_receive_ipv6(struct gateway *g, usec_t now, struct packet *p)
{
	int error = packet_ip(p);
	enum drop_reason why;
	if (error < 0) {
		gateway_drop(g, error == -ENOMEM ? DROP_NO_MEMORY : DROP_IP_MALFORMED, p);
		return;
	}
	if (!may_ask_services(g, p, &why)) {
		gateway_drop(g, why, p);
		return;
	}
	if (is_reassembled(g, p)) {
		receive_fragment(g, now, p);
		return;
	}
	packet_nd(p); /* for the services, which must not change @p */
	expect_address(g, now, p);
	receive_whole(g, now, p);
}
