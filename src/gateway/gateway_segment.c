/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gateway's place in the segment: its port, and the hooks that the segment calls (struct segment_gateway). */
#include "base/macros.h"
#include "gateway/audience.h"
#include "gateway/gateway_internal.h"
#include "gateway/payer.h"
#include "gateway/too_big.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "wire/ipv4.h"

#include <errno.h>

/* The gateway takes super-frames whole, and verifies checksums only where it needs them. */
#define GATEWAY_FRAME_MAX ((size_t)256 * 1024)
#define GATEWAY_OFFLOADS (PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6 | PORT_OFFLOAD_USO)

static void turn_ends(void *opaque, usec_t now)
{
	struct gateway *g = opaque;
	if (g->engine)
		g->engine_ops->flush(g->engine, now);
	if (g->config.hooks.turn_ends)
		g->config.hooks.turn_ends(g->config.hooks.opaque, now);
}

static void port_writable(void *opaque, usec_t now, struct port *p)
{
	struct gateway *g = opaque;
	if (!g->engine || !p->payer)
		return;
	list_for_each(node, &p->payer->guests)
		g->engine_ops->writable(g->engine, now, container_of(node, struct guest, of_payer));
}

static void too_big(void *opaque, usec_t now, struct packet *p, size_t mtu)
{
	struct gateway *g = opaque;
	struct icmp_answer answer;
	int r = too_big_build(p, mtu, g->config.mac, g->config.ip, &g->config.ip6, &g->icmp_limit, now, &answer);
	if (r == -EBUSY)
		segment_drop(g->segment, p->port, DROP_ICMP_RATE, p->frame);
	if (r < 0)
		return;
	struct iovec iov;
	struct frame f = frame_of(&iov, answer.bytes, answer.len);
	f.checksum = FRAME_CHECKSUM_VERIFIED;
	segment_input(g->segment, now, &g->port, &f);
}

static void detached(void *opaque, usec_t now, struct port *p)
{
	struct gateway *g = opaque;
	guard_port_gone(g, now, p);
	guest_port_gone(&g->guests, now, p);
}

void gateway_join_segment(struct gateway *g)
{
	port_init(&g->port, &gateway_port_ops, "gateway", GATEWAY_FRAME_MAX, IPV4_PACKET_MAX);
	g->port.offloads = GATEWAY_OFFLOADS;
	g->port.uplink = true;
	segment_set_guard(g->segment,
			  &(struct segment_guard){ .admits = guard_admits, .audience = audience_of, .detached = detached, .opaque = g });
	if (g->config.absent)
		return;
	segment_set_gateway(g->segment, &(struct segment_gateway){
						.port = &g->port,
						.mac = g->config.mac,
						.ip = g->config.ip,
						.flush = turn_ends,
						.writable = port_writable,
						.input = gateway_input,
						.too_big = too_big,
						.opaque = g,
					});
}

void gateway_leave_segment(struct gateway *g, usec_t now)
{
	segment_set_guard(g->segment, NULL);
	if (g->config.absent)
		return;
	segment_detach(g->segment, now, &g->port);
	g->segment->gateway = (struct segment_gateway){ 0 };
}
