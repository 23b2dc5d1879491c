/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/audience.h"

#include "gateway/gateway.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "lan/segment.h"
#include "wire/arp.h"
#include "wire/dhcp.h"
#include "wire/nd.h"

/* A guest asks again after a second or so (RFC 1122 §2.3.2.1, RFC 4861 §10). */
#define ANSWER_TIME (500 * USEC_PER_MSEC)

/* The address that @p asks for by ARP or neighbour discovery, about itself or for another's; false: it is another message. */
static bool asks_for(struct packet *p, struct ip_addr *ret)
{
	if (p->eth.ethertype == ETH_TYPE_ARP && p->arp_error == 0 && p->arp.operation == ARP_REQUEST) {
		*ret = ip_from_ip4(p->arp.target_ip);
		return p->arp.target_ip != p->arp.sender_ip; /* else it announces itself (RFC 5227 §2.3) */
	}
	if (p->eth.ethertype == ETH_TYPE_IPV6 && packet_nd(p) == 0 && p->nd.type == ND_NEIGHBOUR_SOLICITATION) {
		*ret = p->nd.target;
		return true;
	}
	return false;
}

static bool is_from_dhcp_client(struct packet *p)
{
	return packet_ip(p) == 0 && packet_is_v4(p) && p->protocol == IP_PROTOCOL_UDP && p->src_port == DHCP_CLIENT_PORT &&
	       p->dst_port == DHCP_SERVER_PORT;
}

/* The port that has @addr; NULL when it is not known, has lost it, or did not answer the last time that it was asked for. */
static struct port *who_has(struct gateway *g, usec_t now, const struct packet *p, const struct ip_addr *addr)
{
	if ((ip_is_v4(addr) && ip_to_ip4(addr) == g->config.ip) || gateway_ip6_has(&g->config.ip6, addr))
		return &g->port;
	struct guest_address *a = guest_find_address(&g->guests, addr);
	if (!a || a->guest->state != GUEST_PRESENT || a->is_lost)
		return NULL;
	if (a->guest->port == p->port)
		return NULL; /* a guest that asks for its own address looks for others that use it (RFC 5227 §2.1) */
	if (a->wanted == 0)
		a->wanted = now;
	return now - a->wanted < ANSWER_TIME ? a->guest->port : NULL;
}

enum segment_audience audience_of(void *opaque, usec_t now, struct packet *p, struct port **ret)
{
	struct gateway *g = opaque;
	struct ip_addr addr;
	if (g->config.absent || packet_is_tagged(p) || !p->port->guarded)
		return SEGMENT_ALL;
	if (asks_for(p, &addr)) {
		*ret = who_has(g, now, p, &addr);
		return *ret ? SEGMENT_ONE : SEGMENT_ALL;
	}
	if (!is_from_dhcp_client(p))
		return SEGMENT_ALL;
	segment_heard(g->segment, p->port);
	return g->config.guests_serve_dhcp ? SEGMENT_ALL : SEGMENT_DHCP_SERVERS;
}
