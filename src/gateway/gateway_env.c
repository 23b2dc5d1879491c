/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The environment of engines: what the gateway does for a NAT engine (engine_env_ops). */
#include "base/macros.h"
#include "gateway/gateway_internal.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "wire/eth.h"
#include "wire/ipv4.h"

#include <errno.h>

static struct gateway *of_env(struct engine_env *env)
{
	return container_of(env, struct gateway, env);
}

static void env_output(struct engine_env *env, usec_t now, struct guest *guest, const struct engine_packet *p)
{
	egress_packet(&of_env(env)->egress, now, guest, p);
}

static unsigned env_reserve(struct engine_env *env, usec_t now, struct guest *guest, uint32_t flow, unsigned n, size_t size,
			    struct port_room *ret)
{
	struct gateway *g = of_env(env);
	unsigned lent = egress_reserve(&g->egress, now, guest, flow, n, size, ret);
	if (lent > 0)
		return lent;
	const struct port *p = guest->port;
	if (p && port_is_busy(p))
		return 0;
	if (p && p->shaper)
		n = MIN(n, MAX((unsigned)(shaping_room(p) / size), 1u));
	for (unsigned i = 0; i < n; i++) {
		struct arena_room {
			struct iovec iov;
			uint8_t bytes[];
		} *room = arena_alloc(&g->segment->arena, sizeof(*room) + FRAME_HEADROOM + size);
		if (!room)
			return i;
		room->iov = (struct iovec){ .iov_base = room->bytes + FRAME_HEADROOM, .iov_len = size };
		ret[i] = (struct port_room){ .iov = &room->iov, .n_iov = 1, .size = size, .headroom = FRAME_HEADROOM };
	}
	return n;
}

static void env_commit(struct engine_env *env, usec_t now, const struct engine_packet *packets, unsigned k)
{
	struct gateway *g = of_env(env);
	if (!egress_commit(&g->egress, now, packets, k))
		egress_packets(&g->egress, now, packets, k);
}

static void env_icmp_error(struct engine_env *env, usec_t now, const struct packet *cause, uint8_t type, uint8_t code, uint32_t info,
			   ip4_t from)
{
	struct icmp6_error error6;
	if (!packet_is_v4(cause)) {
		if (icmp6_error_of_icmp4(type, code, info, &error6))
			gateway_send_icmp6_error(of_env(env), now, cause, &error6);
		return;
	}
	gateway_send_icmp_error(of_env(env), now, cause, &(struct icmp_error){ .type = type, .code = code, .info = info, .from = from });
}

static bool env_icmp_allowed(struct engine_env *env, usec_t now, const struct guest *guest)
{
	struct gateway *g = of_env(env);
	if (icmp_limit_take(&g->icmp_limit, now, guest->payer))
		return true;
	gateway_drop(g, DROP_ICMP_RATE, NULL);
	return false;
}

static int env_host_address(struct engine_env *env, usec_t now, bool v6, struct ip_addr *ret)
{
	struct gateway *g = of_env(env);
	if (!g->config.hooks.host_address)
		return -ENETUNREACH;
	return g->config.hooks.host_address(g->config.hooks.opaque, now, v6, ret);
}

/* The segment does this for ports that cannot (oversize.h): segmenting one large packet costs less than making many. */
#define SEGMENT_OFFLOADS (PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4)

/* A port lends memory if it has those itself (egress_reserve()).  What is in lent memory does not pass the segment. */
static unsigned offloads_towards(const struct port *p)
{
	return p->offloads | SEGMENT_OFFLOADS | (p->ops->reserve ? 0 : PORT_OFFLOAD_TSO6);
}

static void env_guest_path(struct engine_env *env, usec_t now, const struct guest *guest, struct engine_path *ret)
{
	const struct port *p = guest->port;
	*ret = (struct engine_path){ .max_packet = ETH_MTU };
	if (p)
		*ret = (struct engine_path){
			.max_packet = p->max_frame - ETH_HEADER_LEN,
			.offloads = offloads_towards(p),
			.congested = port_is_busy(p),
			.crowded = p->congested && p->crowded,
			.port_sums = p->offloads & PORT_OFFLOAD_CHECKSUM,
		};
}

static size_t env_guest_mtu(struct engine_env *env, usec_t now, const struct guest *guest)
{
	return egress_mtu(&of_env(env)->egress, now, guest);
}

static void env_drop(struct engine_env *env, enum drop_reason why, const struct packet *p)
{
	gateway_drop(of_env(env), why, p);
}

const struct engine_env_ops gateway_env_ops = {
	.output = env_output,
	.reserve = env_reserve,
	.commit = env_commit,
	.icmp_error = env_icmp_error,
	.icmp_allowed = env_icmp_allowed,
	.host_address = env_host_address,
	.guest_path = env_guest_path,
	.guest_mtu = env_guest_mtu,
	.drop = env_drop,
};
