/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/echo.h"

#include "base/arena.h"
#include "base/macros.h"
#include "gateway/sink.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

static enum service_verdict echo_input(struct service *s, usec_t now, const struct packet *p, struct sink *out)
{
	const struct echo_service *e = container_of(s, struct echo_service, service);
	if (p->eth.ethertype != ETH_TYPE_IPV4 || p->ip.protocol != IP_PROTOCOL_ICMP || p->ip.dst != e->ip)
		return SERVICE_NOT_MINE;
	const uint8_t *message = packet_l4(p);
	struct icmp4_header h;
	if (!message || icmp4_parse(message, p->l4_len, &h) < 0) {
		sink_drop(out, message ? DROP_ICMP_MALFORMED : DROP_NO_MEMORY, p);
		return SERVICE_TAKEN;
	}
	/* ICMP errors are about flows, which the engine knows. */
	if (h.type != ICMP4_ECHO_REQUEST)
		return icmp4_is_error(h.type) ? SERVICE_NOT_MINE : SERVICE_TAKEN;
	uint8_t *reply = arena_alloc(p->arena, p->l4_len);
	if (!reply) {
		sink_drop(out, DROP_NO_MEMORY, p);
		return SERVICE_TAKEN;
	}
	struct bytes_writer w = bytes_writer(reply, p->l4_len);
	h.type = ICMP4_ECHO_REPLY;
	h.code = 0;
	icmp4_emit(&w, &h, message + ICMP4_HEADER_LEN, p->l4_len - ICMP4_HEADER_LEN);
	sink_ip(out, now, &p->dst, &p->src, IP_PROTOCOL_ICMP, reply, w.len);
	return SERVICE_TAKEN;
}

static const struct service_ops echo_ops = {
	.name = "echo",
	.input = echo_input,
};

void echo_service_init(struct echo_service *s, ip4_t ip)
{
	*s = (struct echo_service){ .service = { &echo_ops }, .ip = ip };
}
