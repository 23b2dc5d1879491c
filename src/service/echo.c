/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/echo.h"

#include "base/arena.h"
#include "base/macros.h"
#include "gateway/ip6.h"
#include "gateway/sink.h"
#include "lan/packet.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

static enum service_verdict drop(struct sink *out, enum drop_reason why, const struct packet *p)
{
	sink_drop(out, why, p);
	return SERVICE_TAKEN;
}

static enum service_verdict input_v4(usec_t now, const struct packet *p, struct sink *out)
{
	const uint8_t *message = packet_l4(p);
	struct icmp4_header h;
	if (!message || icmp4_parse(message, p->l4_len, &h) < 0)
		return drop(out, message ? DROP_ICMP_MALFORMED : DROP_NO_MEMORY, p);
	/* ICMP errors are about flows, which the engine knows. */
	if (h.type != ICMP4_ECHO_REQUEST)
		return icmp4_is_error(h.type) ? SERVICE_NOT_MINE : SERVICE_TAKEN;
	uint8_t *reply = arena_alloc(p->arena, p->l4_len);
	if (!reply)
		return drop(out, DROP_NO_MEMORY, p);
	struct bytes_writer w = bytes_writer(reply, p->l4_len);
	h.type = ICMP4_ECHO_REPLY;
	h.code = 0;
	icmp4_emit(&w, &h, message + ICMP4_HEADER_LEN, p->l4_len - ICMP4_HEADER_LEN);
	sink_ip(out, now, &p->dst, &p->src, IP_PROTOCOL_ICMP, reply, w.len);
	return SERVICE_TAKEN;
}

static enum service_verdict input_v6(const struct echo_service *e, usec_t now, const struct packet *p, struct sink *out)
{
	const uint8_t *message = packet_l4(p);
	struct icmp6_header h;
	if (!message || icmp6_parse(message, p->l4_len, &p->src, &p->dst, &h) < 0)
		return drop(out, message ? DROP_ICMP_MALFORMED : DROP_NO_MEMORY, p);
	if (h.type != ICMP6_ECHO_REQUEST)
		return icmp6_is_error(h.type) ? SERVICE_NOT_MINE : SERVICE_TAKEN;
	uint8_t *reply = arena_alloc(p->arena, p->l4_len);
	if (!reply)
		return drop(out, DROP_NO_MEMORY, p);
	struct bytes_writer w = bytes_writer(reply, p->l4_len);
	const struct ip_addr *from = ipv6_is_multicast(&p->dst) ? gateway_ip6_towards(e->ip6, &p->src) : &p->dst;
	h.type = ICMP6_ECHO_REPLY;
	h.code = 0;
	icmp6_emit(&w, from, &p->src, &h, message + ICMP6_HEADER_LEN, p->l4_len - ICMP6_HEADER_LEN);
	sink_ip(out, now, from, &p->src, IPV6_NEXT_ICMP, reply, w.len);
	return SERVICE_TAKEN;
}

/* Groups that the gateway is in, too, may be asked (RFC 4443 §4.2). */
static bool is_ours6(const struct echo_service *e, const struct packet *p)
{
	static const struct ip_addr all_nodes = IPV6_ALL_NODES, all_routers = IPV6_ALL_ROUTERS;
	if (ip_is_unspecified(&p->src))
		return false;
	return gateway_ip6_has(e->ip6, &p->dst) || ip_equal(&p->dst, &all_nodes) || ip_equal(&p->dst, &all_routers);
}

static enum service_verdict echo_input(struct service *s, usec_t now, const struct packet *p, struct sink *out)
{
	const struct echo_service *e = container_of(s, struct echo_service, service);
	if (p->eth.ethertype == ETH_TYPE_IPV4 && p->ip.protocol == IP_PROTOCOL_ICMP && p->ip.dst == e->ip)
		return input_v4(now, p, out);
	if (p->eth.ethertype == ETH_TYPE_IPV6 && p->protocol == IPV6_NEXT_ICMP && is_ours6(e, p))
		return input_v6(e, now, p, out);
	return SERVICE_NOT_MINE;
}

static const struct service_ops echo_ops = {
	.name = "echo",
	.input = echo_input,
};

void echo_service_init(struct echo_service *s, ip4_t ip, const struct gateway_ip6 *ip6)
{
	*s = (struct echo_service){ .service = { &echo_ops }, .ip = ip, .ip6 = ip6 };
}
