/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a packet from a guest:
 *
 *     receive ── ARP ──> learn, services
 *        └────── IPv4 ─> learn, reassemble, services, route
 *                                                      ├─ martian, multicast, TTL: drop, answer
 *                                                      ├─ a neighbour's address: back to the segment
 *                                                      └─ anything else: the engine
 */
#include "lan/gateway.h"

#include "base/log.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/martian.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "lan/service.h"
#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/udp.h"

#include <errno.h>

/* The gateway takes super-frames whole and looks at checksums only where it must. */
#define GATEWAY_FRAME_MAX ((size_t)256 * 1024)
#define GATEWAY_OFFLOADS (PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6 | PORT_OFFLOAD_USO)
#define ETHERNET_MTU 1500
/* RFC 5227 §2.4(c): not more often, or two claimants would shout for ever. */
#define DEFEND_INTERVAL (10 * USEC_PER_SEC)

/* On account of the guest that sent @p where that is known. */
static void drop(struct gateway *g, enum drop_reason why, const struct packet *p)
{
	drop_count(p && p->port ? &p->port->counters.drops : &g->port.counters.drops, why);
	drop_count(&g->segment->drops, why);
}

static struct port *guest_port(const struct gateway *g, usec_t now, ip4_t guest)
{
	struct mac mac;
	return neighbour_find(&g->egress.neighbours, guest, &mac) ? segment_find(g->segment, now, mac) : NULL;
}

/* --- ICMP errors of our own --- */

/* @e->src_mac is filled in, and @e->from when it is 0. */
static void send_icmp_error(struct gateway *g, usec_t now, const struct packet *cause, const struct icmp_error *e)
{
	struct icmp_error error = *e;
	error.src_mac = g->config.mac;
	if (error.from == 0)
		error.from = g->config.ip;
	struct icmp_answer answer;
	int r = icmp_error_build(&g->segment->icmp_limit, now, &error, cause, &answer);
	if (r == 0)
		egress_frame(&g->egress, now, answer.bytes, answer.len);
	else if (r != -EPERM)
		drop(g, r == -EBUSY ? DROP_ICMP_RATE : DROP_NO_MEMORY, cause);
}

/* --- from the segment --- */

static bool ask_services(struct gateway *g, usec_t now, const struct packet *p)
{
	for (unsigned i = 0; i < g->n_services; i++)
		if (g->services[i]->ops->input(g->services[i], now, p, &g->sink) == SERVICE_TAKEN)
			return true;
	return false;
}

static bool is_guest_address(const struct gateway *g, ip4_t ip)
{
	struct prefix4 subnet = g->config.subnet;
	return prefix4_contains(subnet, ip) && ip != g->config.ip && ip != subnet.network && ip != prefix4_broadcast(subnet);
}

static void learn(struct gateway *g, usec_t now, ip4_t ip, const struct packet *p, enum neighbour_source how)
{
	size_t ip_len = how == NEIGHBOUR_BY_IP ? p->ip.total_len : 0;
	unsigned port_id = p->port ? p->port->id : 0;
	if (is_guest_address(g, ip) && !neighbour_learn(&g->egress.neighbours, now, ip, p->eth.src, port_id, how, ip_len))
		drop(g, DROP_NEIGHBOUR_FULL, p);
}

static void receive_arp(struct gateway *g, usec_t now, const struct packet *p)
{
	uint8_t bytes[ARP_LEN];
	struct bytes_reader r = bytes_reader(bytes, frame_copy(p->frame, ETH_HEADER_LEN, bytes, sizeof(bytes)));
	struct arp_message m;
	if (arp_parse(&r, &m) < 0) {
		drop(g, DROP_ARP_MALFORMED, p);
		return;
	}
	if (is_guest_address(g, m.sender_ip) && mac_equal(m.sender_mac, p->eth.src)) {
		learn(g, now, m.sender_ip, p, NEIGHBOUR_BY_ARP);
		if (g->config.hooks.address_seen)
			g->config.hooks.address_seen(g->config.hooks.opaque, now, m.sender_ip, m.sender_mac);
	}
	ask_services(g, now, p);
}

/* A guest may reach a neighbour through us: it has a /32, or has not understood its mask. */
static void route_to_neighbour(struct gateway *g, usec_t now, const struct packet *p)
{
	const struct port *to = guest_port(g, now, p->ip.dst);
	size_t mtu = to ? to->max_frame - ETH_HEADER_LEN : IPV4_PACKET_MAX;
	if (p->ip.dont_fragment && p->frame->gso == FRAME_GSO_NONE && p->ip.total_len > mtu) {
		drop(g, DROP_FRAG_NEEDED, p);
		send_icmp_error(g, now, p,
				&(struct icmp_error){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACHABLE_FRAG_NEEDED, .info = (uint32_t)mtu });
		return;
	}
	egress_forward(&g->egress, now, p->ip.dst, p);
}

/* Counts the TTL down for a hop; false when it ran out, which the sender is told. */
static bool take_hop(struct gateway *g, usec_t now, struct packet *p)
{
	if (p->ip.ttl > 1) {
		p->ip.ttl--;
		return true;
	}
	drop(g, DROP_TTL_EXCEEDED, p);
	send_icmp_error(g, now, p, &(struct icmp_error){ .type = ICMP4_TIME_EXCEEDED });
	return false;
}

static void route(struct gateway *g, usec_t now, struct packet *p)
{
	const struct gateway_config *c = &g->config;
	enum drop_reason why;
	if (martian_check_source(&c->subnet, c->ip, p->ip.src, &why) < 0) {
		drop(g, why, p);
		return;
	}
	if (is_guest_address(g, p->ip.dst)) {
		if (take_hop(g, now, p))
			route_to_neighbour(g, now, p);
		return;
	}
	if (martian_check_destination(&c->subnet, c->ip, p->ip.dst, &why) < 0) {
		drop(g, why, p);
		return;
	}
	if (p->ip.dst != c->ip && !take_hop(g, now, p))
		return;
	if (g->engine)
		g->engine_ops->input(g->engine, now, p);
	else
		send_icmp_error(g, now, p, &(struct icmp_error){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACHABLE_NET });
}

/* A client without an address, or with one of another network, is heard when it asks everybody: DHCP. */
static bool may_ask_services(const struct gateway *g, const struct packet *p, enum drop_reason *ret_why)
{
	const struct gateway_config *c = &g->config;
	bool to_all = p->ip.dst == 0xffffffff || p->ip.dst == prefix4_broadcast(c->subnet);
	return to_all || p->ip.src == 0 || martian_check_source(&c->subnet, c->ip, p->ip.src, ret_why) == 0;
}

static void receive_whole(struct gateway *g, usec_t now, struct packet *p)
{
	enum drop_reason why;
	if (!may_ask_services(g, p, &why)) {
		drop(g, why, p);
		return;
	}
	if (ask_services(g, now, p))
		return;
	/* Broadcast that no service wants is the guests' own affair. */
	if (!mac_is_group(p->eth.dst))
		route(g, now, p);
}

static void receive_ipv4(struct gateway *g, usec_t now, struct packet *p)
{
	learn(g, now, p->ip.src, p, NEIGHBOUR_BY_IP);
	if (!ipv4_is_fragment(&p->ip)) {
		receive_whole(g, now, p);
		return;
	}
	struct packet whole;
	int r = reassembly_input(&g->reassembly, now, p, &whole);
	for (unsigned n = reassembly_take_evicted(&g->reassembly); n > 0; n--)
		drop(g, DROP_REASSEMBLY, NULL);
	if (r < 0)
		drop(g, DROP_REASSEMBLY, p);
	else if (r > 0)
		receive_whole(g, now, &whole);
}

static void gateway_receive(struct port *port, usec_t now, const struct frame *frame)
{
	struct gateway *g = container_of(port, struct gateway, port);
	struct mac dst;
	frame_copy(frame, 0, dst.b, sizeof(dst.b));
	bool ours = mac_equal(dst, g->config.mac);
	if (!ours && !mac_is_group(dst))
		return; /* flooded, not for us */
	struct packet p = { .port = frame->ingress };
	enum drop_reason why;
	if (packet_parse(frame, frame->ingress, &g->segment->arena, &p, &why) < 0) {
		drop(g, why, &p);
		return;
	}
	if (p.eth.ethertype == ETH_TYPE_ARP)
		receive_arp(g, now, &p);
	else if (p.eth.ethertype == ETH_TYPE_IPV4)
		receive_ipv4(g, now, &p);
	else if (ours)
		drop(g, DROP_ETHERTYPE, &p);
}

/* Frames are worked on as they come; nothing waits for the flush. */
static void gateway_port_flush(struct port *port, usec_t now)
{
}

static const struct port_ops gateway_port_ops = {
	.send = gateway_receive,
	.flush = gateway_port_flush,
};

static void turn_ends(void *opaque, usec_t now)
{
	struct gateway *g = opaque;
	if (g->engine)
		g->engine_ops->flush(g->engine, now);
	if (g->config.hooks.turn_ends)
		g->config.hooks.turn_ends(g->config.hooks.opaque, now);
}

static void engine_writable(void *opaque, usec_t now, ip4_t guest)
{
	struct gateway *g = opaque;
	g->engine_ops->writable(g->engine, now, guest);
}

static void port_writable(void *opaque, usec_t now, struct port *p)
{
	struct gateway *g = opaque;
	if (g->engine)
		neighbour_for_each_on_port(&g->egress.neighbours, now, p->id, engine_writable, g);
}

static void defend(void *opaque, usec_t now)
{
	struct gateway *g = opaque;
	if (now >= g->defend_after) {
		g->defend_after = now + DEFEND_INTERVAL;
		egress_announce(&g->egress, now);
	}
}

static void detached(void *opaque, usec_t now, const struct port *p)
{
	struct gateway *g = opaque;
	neighbour_port_gone(&g->egress.neighbours, now, p->id);
}

/* --- the sink of services --- */

static struct gateway *of_sink(struct sink *s)
{
	return container_of(s, struct gateway, sink);
}

static void sink_frame_impl(struct sink *s, usec_t now, const void *bytes, size_t len)
{
	egress_frame(&of_sink(s)->egress, now, bytes, len);
}

static void sink_udp_impl(struct sink *s, usec_t now, const struct sink_udp *d)
{
	struct gateway *g = of_sink(s);
	size_t size = UDP_HEADER_LEN + d->len;
	uint8_t *bytes = d->len <= IPV4_PACKET_MAX ? arena_alloc(&g->segment->arena, size) : NULL;
	if (!bytes) {
		drop(g, DROP_NO_MEMORY, NULL);
		return;
	}
	struct bytes_writer w = bytes_writer(bytes, size);
	udp_emit_ipv4(&w, d->src, d->dst, d->src_port, d->dst_port, d->payload, d->len);
	egress_ipv4(&g->egress, now, d->src, d->dst, d->dst_mac, IP_PROTOCOL_UDP, bytes, size);
}

static void sink_ipv4_impl(struct sink *s, usec_t now, ip4_t src, ip4_t dst, uint8_t protocol, const void *payload, size_t len)
{
	egress_ipv4(&of_sink(s)->egress, now, src, dst, NULL, protocol, payload, len);
}

static void sink_drop_impl(struct sink *s, enum drop_reason why, const struct packet *p)
{
	drop(of_sink(s), why, p);
}

static const struct sink_ops sink_ops = {
	.frame = sink_frame_impl,
	.udp = sink_udp_impl,
	.ipv4 = sink_ipv4_impl,
	.drop = sink_drop_impl,
};

/* --- the environment of engines --- */

static struct gateway *of_env(struct engine_env *env)
{
	return container_of(env, struct gateway, env);
}

/* The guest that @p is for: the destination in its IP header, which the engine made. */
static bool destination_of(const struct engine_packet *p, ip4_t *ret)
{
	uint8_t header[IPV4_HEADER_LEN];
	struct frame view = { .iov = p->iov, .n_iov = p->n_iov, .len = p->len };
	struct bytes_reader r = bytes_reader(header, frame_copy(&view, 0, header, sizeof(header)));
	bytes_skip(&r, IPV4_HEADER_LEN - sizeof(ip4_t));
	*ret = bytes_get_be32(&r);
	return !r.failed;
}

static void env_output(struct engine_env *env, usec_t now, const struct engine_packet *p)
{
	struct gateway *g = of_env(env);
	ip4_t guest;
	if (!destination_of(p, &guest) || !is_guest_address(g, guest))
		drop(g, DROP_IP_MALFORMED, NULL);
	else
		egress_packet(&g->egress, now, guest, p);
}

static unsigned env_reserve(struct engine_env *env, usec_t now, ip4_t guest, unsigned n, size_t size, struct port_room *ret)
{
	struct gateway *g = of_env(env);
	const struct port *p = guest_port(g, now, guest);
	if (p && p->congested)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		struct iovec *iov = arena_alloc(&g->segment->arena, sizeof(*iov));
		void *bytes = iov ? arena_alloc(&g->segment->arena, size) : NULL;
		if (!bytes)
			return i;
		*iov = (struct iovec){ .iov_base = bytes, .iov_len = size };
		ret[i] = (struct port_room){ .iov = iov, .n_iov = 1, .size = size };
	}
	return n;
}

static void env_commit(struct engine_env *env, usec_t now, const struct engine_packet *packets, unsigned k)
{
	for (unsigned i = 0; i < k; i++)
		env_output(env, now, &packets[i]);
}

static void env_icmp_error(struct engine_env *env, usec_t now, const struct packet *cause, uint8_t type, uint8_t code, uint32_t info, ip4_t from)
{
	send_icmp_error(of_env(env), now, cause, &(struct icmp_error){ .type = type, .code = code, .info = info, .from = from });
}

static int env_host_address(struct engine_env *env, usec_t now, bool v6, struct ip_addr *ret)
{
	struct gateway *g = of_env(env);
	if (!g->config.hooks.host_address)
		return -ENETUNREACH;
	return g->config.hooks.host_address(g->config.hooks.opaque, now, v6, ret);
}

static size_t env_guest_mtu(struct engine_env *env, ip4_t guest)
{
	return neighbour_mtu(&of_env(env)->egress.neighbours, guest);
}

static void env_guest_path(struct engine_env *env, usec_t now, ip4_t guest, struct engine_path *ret)
{
	const struct port *p = guest_port(of_env(env), now, guest);
	*ret = (struct engine_path){ .max_packet = ETHERNET_MTU };
	if (p)
		*ret = (struct engine_path){ .max_packet = p->max_frame - ETH_HEADER_LEN, .offloads = p->offloads };
}

static void env_drop(struct engine_env *env, enum drop_reason why, const struct packet *p)
{
	drop(of_env(env), why, p);
}

static const struct engine_env_ops env_ops = {
	.output = env_output,
	.reserve = env_reserve,
	.commit = env_commit,
	.icmp_error = env_icmp_error,
	.host_address = env_host_address,
	.guest_mtu = env_guest_mtu,
	.guest_path = env_guest_path,
	.drop = env_drop,
};

static void guest_gone(struct egress *e, usec_t now, ip4_t ip)
{
	struct gateway *g = container_of(e, struct gateway, egress);
	if (g->engine)
		g->engine_ops->guest_gone(g->engine, now, ip);
}

/* --- life --- */

int gateway_init(struct gateway *g, struct segment *segment, const struct gateway_config *config)
{
	*g = (struct gateway){
		.config = *config,
		.segment = segment,
		.egress = { .segment = segment, .port = &g->port, .mac = config->mac, .ip = config->ip, .subnet = config->subnet, .gone = guest_gone },
		.sink = { &sink_ops },
		.env = { .ops = &env_ops, .arena = &segment->arena },
	};
	int r = egress_init(&g->egress, &config->hash_key);
	if (r < 0)
		return r;
	reassembly_init(&g->reassembly);
	port_init(&g->port, &gateway_port_ops, "gateway", GATEWAY_FRAME_MAX, IPV4_PACKET_MAX);
	g->port.offloads = GATEWAY_OFFLOADS;
	segment_set_gateway(segment, &(struct segment_gateway){
					     .port = &g->port,
					     .mac = config->mac,
					     .ip = config->ip,
					     .flush = turn_ends,
					     .writable = port_writable,
					     .defend = defend,
					     .detached = detached,
					     .opaque = g,
				     });
	return 0;
}

void gateway_done(struct gateway *g, usec_t now)
{
	if (!g->segment)
		return;
	segment_detach(g->segment, now, &g->port);
	g->segment->gateway = (struct segment_gateway){ 0 };
	reassembly_done(&g->reassembly);
	egress_done(&g->egress);
	g->segment = NULL;
}

void gateway_add_service(struct gateway *g, struct service *service)
{
	assert(g->n_services < GATEWAY_SERVICES_MAX);
	g->services[g->n_services++] = service;
}

void gateway_set_engine(struct gateway *g, const struct engine_ops *ops, struct engine *engine)
{
	g->engine_ops = ops;
	g->engine = engine;
}

void gateway_probe(struct gateway *g, usec_t now, ip4_t ip)
{
	egress_ask(&g->egress, now, ip, true);
}

bool gateway_in_use(const struct gateway *g, usec_t now, ip4_t ip, struct mac *ret)
{
	return neighbour_is_present(&g->egress.neighbours, now, ip, ret);
}

usec_t gateway_deadline(const struct gateway *g)
{
	usec_t first = usec_min(neighbour_deadline(&g->egress.neighbours), reassembly_deadline(&g->reassembly));
	for (unsigned i = 0; i < g->n_services; i++)
		if (g->services[i]->ops->deadline)
			first = usec_min(first, g->services[i]->ops->deadline(g->services[i]));
	return g->engine ? usec_min(first, g->engine_ops->deadline(g->engine)) : first;
}

static void expire_reassembly(struct gateway *g, usec_t now)
{
	struct packet first;
	enum reassembly_expired r;
	while ((r = reassembly_expire(&g->reassembly, now, &g->segment->arena, &first)) != REASSEMBLY_NOTHING_DUE) {
		drop(g, DROP_REASSEMBLY, NULL);
		if (r == REASSEMBLY_EXPIRED_ANSWERABLE)
			send_icmp_error(g, now, &first, &(struct icmp_error){ .type = ICMP4_TIME_EXCEEDED, .code = 1 });
	}
}

void gateway_expire(struct gateway *g, usec_t now)
{
	neighbour_expire(&g->egress.neighbours, now);
	expire_reassembly(g, now);
	for (unsigned i = 0; i < g->n_services; i++) {
		struct service *s = g->services[i];
		if (s->ops->deadline && s->ops->deadline(s) <= now)
			s->ops->expire(s, now, &g->sink);
	}
	if (g->engine && g->engine_ops->deadline(g->engine) <= now)
		g->engine_ops->expire(g->engine, now);
}
