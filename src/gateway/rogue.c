/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/rogue.h"

#include "base/bytes.h"
#include "gateway/gateway.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "wire/dhcp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

/* Whether @p, a fragment of IPv6, is the first of UDP to @port (RFC 8200 §4.5), or of UDP that does not show its port (RFC 7112 §5). */
static bool is_fragment_for_port(const struct packet *p, uint16_t port)
{
	const uint8_t *l4 = packet_l4(p);
	if (!l4)
		return true;
	struct bytes_reader r = bytes_reader(l4, p->l4_len);
	uint8_t protocol;
	if (!ipv6_take_first_fragment(&r, &protocol) || protocol != IP_PROTOCOL_UDP)
		return false;
	bytes_skip(&r, 2); /* source port */
	bool is_for_port = bytes_get_be16(&r) == port;
	return is_for_port || r.failed;
}

/* Whether DHCP clients take @p.  Most do not look at the port that it comes from. */
static bool is_dhcp_answer(const struct packet *p)
{
	if (packet_is_v4(p))
		return p->protocol == IP_PROTOCOL_UDP && p->dst_port == DHCP_CLIENT_PORT;
	if (p->protocol == IPV6_NEXT_FRAGMENT)
		return is_fragment_for_port(p, DHCP6_CLIENT_PORT);
	return p->protocol == IP_PROTOCOL_UDP && p->dst_port == DHCP6_CLIENT_PORT;
}

static bool is_router_message(struct packet *p)
{
	return packet_nd(p) == 0 && (p->nd.type == ND_ROUTER_ADVERTISEMENT || p->nd.type == ND_REDIRECT);
}

bool rogue_passes(struct gateway *g, usec_t now, struct packet *p, enum drop_reason *ret_why)
{
	if (!p->port->guarded || g->config.absent || packet_ip(p) < 0)
		return true;
	if (!p->port->may_serve_dhcp && !g->config.guests_serve_dhcp && is_dhcp_answer(p)) {
		*ret_why = DROP_ROGUE_DHCP;
		if (g->config.hooks.foreign_dhcp)
			g->config.hooks.foreign_dhcp(g->config.hooks.opaque, now, p);
		return false;
	}
	if (p->protocol == IPV6_NEXT_ICMP && !packet_is_v4(p) && !p->port->may_route && is_router_message(p)) {
		*ret_why = DROP_ROGUE_ROUTER;
		return false;
	}
	return true;
}
