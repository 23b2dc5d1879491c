/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/nd.h"

#include "base/macros.h"
#include "gateway/ip6.h"
#include "gateway/sink.h"
#include "lan/packet.h"
#include "wire/icmp6.h"

#include <errno.h>

/* The rules for options and addresses of one type. */
static bool keeps_rules(const struct packet *p)
{
	const struct nd_message *m = &p->nd;
	bool from_none = ip_is_unspecified(&p->src);
	switch (m->type) {
	case ND_ROUTER_SOLICITATION: return !from_none || !m->has_source_mac;
	case ND_NEIGHBOUR_SOLICITATION: {
		struct ip_addr group = ipv6_solicited_node(&m->target);
		return !ipv6_is_multicast(&m->target) && (!from_none || (!m->has_source_mac && ip_equal(&p->dst, &group)));
	}
	case ND_NEIGHBOUR_ADVERTISEMENT: return !ipv6_is_multicast(&m->target) && !(ipv6_is_multicast(&p->dst) && m->solicited);
	default: return true;
	}
}

bool nd_is_valid(const struct packet *p)
{
	const uint8_t *message = packet_l4(p);
	struct icmp6_header h;
	return message && p->ip6.hop_limit == ND_HOP_LIMIT && icmp6_parse(message, p->l4_len, &p->src, &p->dst, &h) == 0 && h.code == 0 &&
	       keeps_rules(p);
}

/* The guest that asks is told by the frame that it sent; one without an address is told together with all others. */
static void advertise(const struct nd_service *s, usec_t now, const struct packet *p, struct sink *out)
{
	uint8_t bytes[ETH_HEADER_LEN + IPV6_HEADER_LEN + ND_NEIGHBOUR_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	bool to_all = ip_is_unspecified(&p->src);
	struct ip_addr dst = to_all ? IPV6_ALL_NODES : p->src;
	eth_emit(&w, &(struct eth_header){ to_all ? ipv6_group_mac(&dst) : p->eth.src, s->mac, ETH_TYPE_IPV6 });
	nd_emit_router_advertises_itself(&w, s->mac, &p->nd.target, &dst);
	sink_frame(out, now, bytes, w.len);
}

static enum service_verdict nd_input(struct service *service, usec_t now, const struct packet *p, struct sink *out)
{
	const struct nd_service *s = container_of(service, struct nd_service, service);
	if (p->nd_error == -EPROTOTYPE)
		return SERVICE_NOT_MINE;
	if (p->nd_error == -ENOMEM)
		sink_drop(out, DROP_NO_MEMORY, p);
	else if (p->nd_error < 0 || !nd_is_valid(p))
		sink_drop(out, DROP_ND_MALFORMED, p);
	else if (p->nd.type == ND_NEIGHBOUR_SOLICITATION && gateway_ip6_has(s->ip6, &p->nd.target))
		advertise(s, now, p, out);
	return SERVICE_TAKEN;
}

static const struct service_ops nd_ops = {
	.name = "nd",
	.input = nd_input,
};

void nd_service_init(struct nd_service *s, struct mac mac, const struct gateway_ip6 *ip6)
{
	*s = (struct nd_service){ .service = { &nd_ops }, .mac = mac, .ip6 = ip6 };
}
