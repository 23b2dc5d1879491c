/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sink of services: sends what a service answers (sink.h). */
#include "base/macros.h"
#include "gateway/gateway_internal.h"
#include "lan/segment.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

static struct gateway *of_sink(struct sink *s)
{
	return container_of(s, struct gateway, sink);
}

static void put_frame(struct sink *s, usec_t now, const void *bytes, size_t len)
{
	egress_frame(&of_sink(s)->egress, now, bytes, len);
}

static void put_udp(struct sink *s, usec_t now, const struct sink_udp *d)
{
	struct gateway *g = of_sink(s);
	size_t size = UDP_HEADER_LEN + d->len;
	uint8_t *bytes = d->len <= IPV4_PACKET_MAX ? arena_alloc(&g->segment->arena, size) : NULL;
	if (!bytes) {
		gateway_drop(g, DROP_NO_MEMORY, NULL);
		return;
	}
	struct bytes_writer w = bytes_writer(bytes, size);
	udp_emit_datagram(&w, &d->src, &d->dst, d->src_port, d->dst_port, d->payload, d->len);
	if (ip_is_v4(&d->dst))
		egress_ipv4(&g->egress, now, ip_to_ip4(&d->src), ip_to_ip4(&d->dst), d->dst_mac, IP_PROTOCOL_UDP, bytes, size);
	else
		egress_ipv6(&g->egress, now, &d->src, &d->dst, d->dst_mac, IP_PROTOCOL_UDP, bytes, size);
}

static void put_ip(struct sink *s, usec_t now, const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol, const void *payload,
		   size_t len)
{
	struct egress *e = &of_sink(s)->egress;
	if (ip_is_v4(dst))
		egress_ipv4(e, now, ip_to_ip4(src), ip_to_ip4(dst), NULL, protocol, payload, len);
	else
		egress_ipv6(e, now, src, dst, NULL, protocol, payload, len);
}

static void put_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	gateway_drop(of_sink(s), why, p);
}

const struct sink_ops gateway_sink_ops = {
	.frame = put_frame,
	.udp = put_udp,
	.ip = put_ip,
	.drop = put_drop,
};
