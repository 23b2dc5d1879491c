/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/inbound.h"

#include "base/log.h"
#include "base/macros.h"
#include "engine/refuse.h"
#include "engine/slirp/local.h"
#include "engine/slirp/state.h"
#include "gateway/closed.h"
#include "gateway/engine.h"
#include "gateway/martian.h"
#include "lan/frame.h"
#include "lan/gso.h"
#include "lan/packet.h"

#include <errno.h>

#define LOOPBACK IP4(127, 0, 0, 1)
/* the MSS of a SYN without the option (RFC 9293 §3.7.1) */
#define MSS_DEFAULT 536
#define HEADERS_LEN ((size_t)IPV4_HEADER_LEN + TCP_HEADER_LEN)

static void drop(struct engine *e, enum drop_reason why, const struct packet *p)
{
	e->config.env->ops->drop(e->config.env, why, p);
}

/* The address to connect to for the gateway's address: the host's own, or loopback with --host-loopback. False when the host has none. */
static bool host_target(struct engine *e, ip4_t *ret)
{
	struct ip_addr host;
	if (e->config.host_loopback) {
		*ret = LOOPBACK;
		return true;
	}
	if (e->config.env->ops->host_address(e->config.env, e->now, false, &host) < 0 || !ip_is_v4(&host))
		return false;
	ip4_t ip = ip_to_ip4(&host);
	/* Never loopback, nor 0.0.0.0/8, which the kernel takes for it. */
	if (ip >> 24 == 127 || ip >> 24 == 0)
		return false;
	*ret = ip;
	return true;
}

static struct stack *existing_stack(struct engine *e, const struct packet *p, enum stack_role role)
{
	struct slirp_guest *g = slirp_guest_find(e, p->ip.src);
	return g ? g->stacks[role] : NULL;
}

static struct stack *stack_for(struct engine *e, const struct packet *p, enum stack_role role)
{
	struct slirp_guest *g = slirp_guest_get(e, p->guest, p->ip.src);
	struct stack *s = g ? slirp_guest_stack(g, role) : NULL;
	if (g && !s)
		slirp_guest_release(g);
	if (!s)
		drop(e, g ? DROP_NO_MEMORY : DROP_ENGINE_LIMIT, p);
	return s;
}

/* The stack and the address for a TCP segment. */
struct tcp_route {
	struct stack *stack;
	enum socket_kind kind;
	ip4_t dst;
	struct local *local;
	struct slirp_socket *socket; /* the socket of its flow, if libslirp has one */
};

static bool is_first(const struct inward *in)
{
	return (in->tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* Routes a segment to the gateway's address: to a service of ours, a flow from the host, or the host. */
static bool route_to_gateway(struct engine *e, const struct inward *in, struct tcp_route *r)
{
	r->stack = existing_stack(e, in->packet, STACK_GATEWAY);
	r->local = local_find(e, in->port);
	if (r->local) {
		r->kind = SOCKET_LOCAL;
		r->dst = STACK_LOCAL;
		return true;
	}
	if (r->stack && stack_find(r->stack, SOCKET_FORWARD, in->guest_port, STACK_HOST, in->port)) {
		r->kind = SOCKET_FORWARD;
		r->dst = STACK_HOST;
		return true;
	}
	if (!is_first(in) && r->stack && r->stack->dialled != 0) {
		r->dst = r->stack->dialled;
		return true;
	}
	return is_first(in) && host_target(e, &r->dst);
}

static bool route_tcp(struct engine *e, const struct inward *in, struct tcp_route *ret)
{
	struct tcp_route r = { .kind = SOCKET_TCP, .dst = in->packet->ip.dst };
	if (in->packet->ip.dst != e->config.gateway)
		r.stack = existing_stack(e, in->packet, STACK_OUTSIDE);
	else if (!route_to_gateway(e, in, &r))
		return false;
	/* Without a stack there is no flow. */
	if (!r.stack && !is_first(in))
		return false;
	if (r.stack)
		r.socket = stack_find(r.stack, r.kind, in->guest_port, r.dst, in->port);
	*ret = r;
	return true;
}

/* Finds a stack for a new connection and decides whether the guest may have it. */
static bool admit_tcp(struct engine *e, const struct inward *in, struct tcp_route *r)
{
	bool to_gateway = in->packet->ip.dst == e->config.gateway;
	r->stack = stack_for(e, in->packet, to_gateway ? STACK_GATEWAY : STACK_OUTSIDE);
	if (!r->stack)
		return false;
	if (!engine_may_open(e, r->stack, r->kind) || (r->local && !local_syn(r->local, r->stack->guest, e->now, in->guest_port))) {
		drop(e, DROP_ENGINE_LIMIT, in->packet);
		return false;
	}
	if (r->kind == SOCKET_TCP && to_gateway)
		r->stack->dialled = r->dst;
	return true;
}

/* The largest segment for the guest: the minimum of its MSS option and its port's MTU. */
static uint16_t segment_limit(struct engine *e, const struct inward *in)
{
	size_t mtu = e->config.env->ops->guest_mtu(e->config.env, e->now, in->packet->guest);
	size_t offered = in->tcp.has_mss && in->tcp.mss > 0 ? in->tcp.mss : MSS_DEFAULT;
	return (uint16_t)MIN(offered, mtu > HEADERS_LEN ? mtu - HEADERS_LEN : MSS_DEFAULT);
}

/*
 * libslirp empties its buffers when it reads an MSS option, so it may get one only before any data: in the SYN or SYN-ACK that opens
 * the connection.
 */
static void prepare_syn(struct engine *e, struct inward *in, const struct tcp_route *r, struct slirp_flow *flow)
{
	uint16_t mss = segment_limit(e, in);
	flow->syn = in->tcp.seq;
	flow->mss = mss + HEADERS_LEN < r->stack->mtu ? mss : 0;
	bool makes = in->tcp.flags & TCP_ACK ? r->socket && !r->socket->established : !r->socket;
	in->tcp.has_mss = makes;
	in->tcp.mss = mss;
}

/* Decides by the segment whether the connection's host side will be closed by RST or FIN. */
static void before_segment(const struct inward *in, struct slirp_socket *x)
{
	if (x->flow.kind == SOCKET_LOCAL)
		return;
	if (in->tcp.flags & TCP_RST) {
		slirp_socket_set_reset(x, true);
	} else if (x->flow.kind == SOCKET_FORWARD && in->tcp.flags & TCP_SYN && !x->established) {
		x->established = true;
		slirp_socket_set_reset(x, false);
	}
}

/* Undoes before_segment() for a RST that libslirp ignored. */
static void after_reset(struct engine *e, const struct inward *in, struct slirp_socket *x, int fd)
{
	if (in->tcp.flags & TCP_RST && socket_table_find(&e->sockets, fd) == x && x->flow.kind != SOCKET_LOCAL)
		slirp_socket_set_reset(x, x->flow.kind == SOCKET_FORWARD && !x->established);
}

static void input_tcp(struct engine *e, struct inward *in)
{
	const struct packet *p = in->packet;
	struct tcp_route r;
	if (!route_tcp(e, in, &r)) {
		refuse_port(e->config.env, e->now, p);
		return;
	}
	if (is_first(in) && !r.socket && !admit_tcp(e, in, &r))
		return;
	struct slirp_flow flow = { .kind = r.kind, .guest_port = in->guest_port, .port = in->port, .peer = r.dst, .ttl = p->ip.ttl };
	if (in->tcp.flags & TCP_SYN)
		prepare_syn(e, in, &r, &flow);
	int fd = r.socket ? r.socket->fd : -1;
	if (r.socket)
		before_segment(in, r.socket);

	stack_wake(r.stack);
	const struct inward_rewrite how = { .dst = r.dst, .ttl = p->ip.ttl, .len = in->payload_len };
	struct slirp_socket *opened = stack_input(r.stack, &flow, e->frame, inward_emit(in, &how, e->frame));
	if (r.socket)
		after_reset(e, in, r.socket, fd);
	if (opened && r.local)
		local_connected(r.local, r.stack->guest, e->now, in->guest_port, opened);
}

static void input_udp(struct engine *e, const struct inward *in)
{
	const struct packet *p = in->packet;
	ip4_t dst = p->ip.dst;
	bool to_gateway = dst == e->config.gateway;
	int each = gso_datagram_len(p->frame, in->payload_len);
	if (each < 0) {
		drop(e, DROP_UDP_MALFORMED, p);
		return;
	}
	if (to_gateway && !host_target(e, &dst)) {
		refuse_port(e->config.env, e->now, p);
		return;
	}
	struct stack *s = stack_for(e, p, to_gateway ? STACK_GATEWAY : STACK_OUTSIDE);
	if (!s)
		return;
	struct slirp_socket *x = stack_find(s, SOCKET_UDP, in->guest_port, dst, in->port);
	if (x)
		x->used = e->now;
	if (!x && !engine_may_open(e, s, SOCKET_UDP)) {
		drop(e, DROP_ENGINE_LIMIT, p);
		return;
	}
	if (peers_sent(&s->peers, e->now, in->guest_port, dst) < 0) {
		drop(e, DROP_NO_MEMORY, p);
		return;
	}
	stack_wake(s);
	const struct slirp_flow flow = { .kind = SOCKET_UDP, .guest_port = in->guest_port, .port = in->port, .peer = dst };
	size_t at = 0;
	do {
		/* libslirp decrements the TTL of datagrams once more. */
		const struct inward_rewrite how = {
			.dst = dst, .ttl = (uint8_t)MIN(p->ip.ttl + 1, 255), .offset = at, .len = MIN((size_t)each, in->payload_len - at)
		};
		stack_input(s, &flow, e->frame, inward_emit(in, &how, e->frame));
		at += (size_t)each;
	} while (at < in->payload_len);
}

static void explain_echo(struct engine *e)
{
	if (!e->echo_told)
		log_warning(e->config.log, "guests cannot ping hosts outside: this user may not open ping sockets; allow it with: "
					   "sysctl -w net.ipv4.ping_group_range='0 2147483647'");
	e->echo_told = true;
}

static void input_icmp(struct engine *e, const struct inward *in)
{
	const struct packet *p = in->packet;
	if (in->icmp.type != ICMP4_ECHO_REQUEST || p->ip.dst == e->config.gateway) {
		drop(e, DROP_PROTOCOL, p);
		return;
	}
	if (!e->echo_allowed) {
		explain_echo(e);
		e->config.env->ops->icmp_error(e->config.env, e->now, p, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_ADMIN, 0, 0);
		return;
	}
	struct stack *s = stack_for(e, p, STACK_OUTSIDE);
	if (!s)
		return;
	stack_wake(s);
	/* libslirp keeps unanswered requests for minutes, so the oldest is replaced. */
	if (s->n_sockets[SOCKET_ECHO] >= ECHO_SOCKETS_MAX)
		stack_retire(s, container_of(s->sockets[SOCKET_ECHO].next, struct slirp_socket, node));
	if (!engine_may_open(e, s, SOCKET_ECHO)) {
		drop(e, DROP_ENGINE_LIMIT, p);
		return;
	}
	const struct slirp_flow flow = {
		.kind = SOCKET_ECHO,
		.guest_port = (uint16_t)(in->icmp.rest >> 16),
		.port = (uint16_t)in->icmp.rest,
		.peer = p->ip.dst,
		.ttl = p->ip.ttl,
		.checksum = (uint16_t)(in->header[2] << 8 | in->header[3]),
		.payload_len = in->payload_len,
	};
	const struct inward_rewrite how = { .dst = p->ip.dst, .ttl = p->ip.ttl, .len = in->payload_len };
	stack_input(s, &flow, e->frame, inward_emit(in, &how, e->frame));
}

/* Checks that the gateway has made already (gateway/engine.h); made again, because a mistake there would be a security hole. */
static bool is_sane(struct engine *e, const struct packet *p)
{
	const struct engine_config *c = &e->config;
	enum drop_reason why;
	if (ipv4_is_fragment(&p->ip))
		why = DROP_REASSEMBLY;
	else if (p->ip.dst == c->gateway || (martian_check_destination(&c->subnet, c->gateway, p->ip.dst, &why) == 0 &&
					     closed_check4(p->ip.dst, c->env->opened, &why) == 0))
		return true;
	drop(e, why, p);
	return false;
}

void inbound_packet(struct engine *e, usec_t now, const struct packet *p)
{
	struct inward in;
	enum drop_reason why;
	if (!is_sane(e, p))
		return;
	int r = inward_parse(p, &in, &why);
	if (r < 0) {
		drop(e, why, p);
		if (r == -EPROTONOSUPPORT)
			e->config.env->ops->icmp_error(e->config.env, now, p, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PROTOCOL, 0, 0);
		return;
	}
	switch (p->ip.protocol) {
	case IP_PROTOCOL_TCP: input_tcp(e, &in); break;
	case IP_PROTOCOL_UDP: input_udp(e, &in); break;
	default: input_icmp(e, &in);
	}
}
