/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine object: its guests, limits and turns. In a turn, input() gives packets to stacks and marks them dirty, or the event
 * loop reports sockets and deferred work runs their stacks. Then engine_settle() asks libslirp which events it waits for, and frees
 * idle stacks.
 */
#include "engine/slirp/slirp.h"

#include "base/allowance.h"
#include "base/log.h"
#include "base/macros.h"
#include "engine/slirp/echo.h"
#include "engine/slirp/forward.h"
#include "engine/slirp/idle.h"
#include "engine/slirp/inbound.h"
#include "engine/slirp/local.h"
#include "engine/slirp/socket_dir.h"
#include "engine/slirp/state.h"
#include "gateway/payer.h"
#include "host/host_ports.h"
#include "host/socket_address.h"
#include "wire/ipv4.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define GUESTS_MAX 4096u
/* The share of the process's descriptors for libslirp. */
#define FD_SHARE(limit) ((limit) / 4 * 3)
/* A guest gets at most one part in GUEST_PART of the engine's descriptors. */
#define GUEST_PART 4
/* The share of a port of the segment (base/allowance.h). */
#define SOCKETS_WEIGHT 8u
#define PORTS_WEIGHT 3u
/* Bounds the time of one admission. */
#define EVICT_MAX 8u
/* A guest that reconnects, or moves to another port, is back by then. */
#define AWAY_PATIENCE (10 * USEC_PER_SEC)

/* Per stack; libslirp walks a list for every segment, and a connection costs it half a megabyte of buffers. */
static const unsigned sockets_max[SOCKET_KINDS] = {
	[SOCKET_TCP] = 1024, [SOCKET_UDP] = 1024, [SOCKET_ECHO] = ECHO_SOCKETS_MAX, [SOCKET_LOCAL] = 64, [SOCKET_FORWARD] = 1024,
};

static struct list *bucket_of(struct engine *e, ip4_t ip)
{
	return &e->guests[hash_bytes(&e->config.hash_key, &ip, sizeof(ip)) % GUEST_BUCKETS];
}

struct slirp_guest *slirp_guest_find(struct engine *e, ip4_t ip)
{
	list_for_each(n, bucket_of(e, ip)) {
		struct slirp_guest *g = container_of(n, struct slirp_guest, node);
		if (g->ip == ip)
			return g;
	}
	return NULL;
}

struct slirp_guest *slirp_guest_get(struct engine *e, struct guest *guest, ip4_t ip)
{
	struct slirp_guest *g = slirp_guest_find(e, ip);
	if (g || e->n_guests >= GUESTS_MAX)
		return g;
	g = malloc(sizeof(*g));
	if (!g)
		return NULL;
	*g = (struct slirp_guest){ .engine = e, .ip = ip, .guest = guest };
	list_init(&g->conns);
	list_init(&g->half_open);
	list_init(&g->away);
	list_append(bucket_of(e, ip), &g->node);
	e->n_guests++;
	return g;
}

void slirp_guest_release(struct slirp_guest *g)
{
	for (unsigned role = 0; role < STACK_ROLES; role++)
		if (g->stacks[role])
			return;
	if (g->held || !list_empty(&g->conns))
		return;
	/* Removes handshakes that will not be finished. */
	local_guest_gone(g, 0, false);
	list_remove(&g->node);
	list_remove(&g->away);
	g->engine->n_guests--;
	free(g);
}

struct stack *slirp_guest_stack(struct slirp_guest *g, enum stack_role role)
{
	if (g->stacks[role])
		return g->stacks[role];
	struct stack *s;
	if (stack_new(g, role, &s) < 0)
		return NULL;
	if (role == STACK_GATEWAY && local_attach(g->engine, s) < 0) {
		stack_free(s, false);
		return NULL;
	}
	g->stacks[role] = s;
	stack_wake(s);
	return s;
}

static void drop_stack(struct slirp_guest *g, enum stack_role role, bool reset)
{
	stack_free(g->stacks[role], reset);
	g->stacks[role] = NULL;
}

/* Frees @g. */
static void drop_guest(struct slirp_guest *g, usec_t now, bool tell)
{
	g->held = true;
	for (unsigned role = 0; role < STACK_ROLES; role++)
		drop_stack(g, role, true);
	local_guest_gone(g, now, tell);
	g->held = false;
	slirp_guest_release(g);
}

/* Flows that the host opens are charged to no payer. */
static bool has_share(const struct engine *e, const struct account *a, enum socket_kind kind)
{
	if (kind == SOCKET_FORWARD)
		return e->sockets.count < e->sockets_max;
	return share_allows(a->n_sockets, 1, e->sockets.count, e->sockets_max, SOCKETS_WEIGHT) &&
	       ((kind != SOCKET_UDP && kind != SOCKET_ECHO) ||
		share_allows(a->n_ports, 1, e->n_sockets[SOCKET_UDP] + e->n_sockets[SOCKET_ECHO], e->ports_max, PORTS_WEIGHT));
}

/* Ends the flows of a guest that is AWAY and not @opener, for @payer.  Not at once when fewer are charged to its port. */
static bool evict_away(struct engine *e, const struct slirp_guest *opener, const struct payer *payer)
{
	if (list_empty(&e->away))
		return false;
	struct slirp_guest *g = container_of(e->away.next, struct slirp_guest, away);
	if (g == opener)
		return false;
	if (e->now - g->guest->since < AWAY_PATIENCE && g->guest->payer->account.n_sockets < payer->account.n_sockets)
		return false;
	for (unsigned role = 0; role < STACK_ROLES; role++)
		for (unsigned k = 0; g->stacks[role] && k < SOCKET_KINDS; k++)
			e->flows_evicted += g->stacks[role]->n_sockets[k];
	drop_guest(g, e->now, true);
	return true;
}

/* Whether a limit of the guest's address is reached. */
static bool is_full(const struct engine *e, const struct stack *s, enum socket_kind kind)
{
	unsigned of_guest = 0;
	for (unsigned k = 0; k < SOCKET_KINDS; k++)
		of_guest += s->n_sockets[k];
	return s->n_sockets[kind] >= sockets_max[kind] || of_guest >= e->sockets_max / GUEST_PART;
}

static bool evict(struct engine *e, struct stack *s, enum socket_kind kind, const struct payer *payer)
{
	if (is_full(e, s, kind))
		return (kind == SOCKET_UDP || s->n_sockets[kind] < sockets_max[kind]) && idle_flows_end_of_stack(e, s);
	return evict_away(e, s->guest, payer) || idle_flows_end_of_larger(e, payer) || idle_flows_end_of_payer(e, payer);
}

bool engine_may_open(struct engine *e, struct stack *s, enum socket_kind kind)
{
	const struct payer *payer = s->guest->guest->payer;
	unsigned before = e->sockets.count;
	for (unsigned n = 0; is_full(e, s, kind) || !has_share(e, &payer->account, kind); n++) {
		if (n < EVICT_MAX && evict(e, s, kind, payer))
			continue;
		/* A payer over its share, because others have come, may exchange an idle flow for a new one. */
		if (e->sockets.count < before && !is_full(e, s, kind))
			return true;
		e->flows_refused++;
		return false;
	}
	return true;
}

static void find_deadline(struct engine *e)
{
	e->deadline = USEC_INFINITY;
	list_for_each(n, &e->stacks)
		e->deadline = usec_min(e->deadline, container_of(n, struct stack, timed)->deadline);
}

void engine_settle(struct engine *e)
{
	if (list_empty(&e->dirty))
		return;
	list_for_each(n, &e->dirty) {
		struct stack *s = container_of(n, struct stack, dirty);
		struct slirp_guest *g = s->guest;
		list_remove(n);
		if (!stack_settle(s, e->now))
			continue;
		drop_stack(g, s->role, false);
		slirp_guest_release(g);
	}
	find_deadline(e);
}

static void run_ready(struct deferred *d, usec_t now)
{
	struct engine *e = container_of(d, struct engine, deferred);
	e->now = now;
	list_for_each(n, &e->ready) {
		struct stack *s = container_of(n, struct stack, ready);
		list_remove(n);
		list_for_each(x, &s->sockets[SOCKET_ECHO])
			echo_error(s, container_of(x, struct slirp_socket, node));
		stack_run(s);
	}
	engine_settle(e);
}

static unsigned descriptor_limit(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur == RLIM_INFINITY || l.rlim_cur > UINT32_MAX)
		return UINT32_MAX;
	return (unsigned)l.rlim_cur;
}

static int slirp_new_engine(const struct engine_config *config, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->config = *config;
	e->log_limit.kind = "libslirp";
	e->deadline = USEC_INFINITY;
	e->sockets_max = config->max_sockets > 0 ? config->max_sockets : FD_SHARE(descriptor_limit());
	e->ports_max = config->max_ports > 0 ? config->max_ports : host_ports_for_guests();
	list_init(&e->away);
	e->echo_allowed = echo_is_allowed();
	e->deferred.run = run_ready;
	socket_table_init(&e->sockets, config->poller);
	for (unsigned i = 0; i < GUEST_BUCKETS; i++)
		list_init(&e->guests[i]);
	list_init(&e->dirty);
	list_init(&e->ready);
	list_init(&e->deferred.node);
	list_init(&e->stacks);
	*ret = e;
	return 0;
}

static void slirp_free_engine(struct engine *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < GUEST_BUCKETS; i++)
		list_for_each(n, &e->guests[i])
			drop_guest(container_of(n, struct slirp_guest, node), e->now, false);
	for (unsigned i = 0; i < e->n_locals; i++)
		local_free(e->locals[i]);
	stack_clock_free(e);
	list_remove(&e->deferred.node);
	socket_dir_done(e);
	socket_table_done(&e->sockets);
	free(e);
}

static void slirp_input_packet(struct engine *e, usec_t now, const struct packet *p)
{
	e->now = now;
	inbound_packet(e, now, p);
}

static void slirp_flush(struct engine *e, usec_t now)
{
	e->now = now;
	engine_settle(e);
}

static usec_t slirp_deadline(const struct engine *e)
{
	return e->deadline;
}

static void slirp_expire(struct engine *e, usec_t now)
{
	e->now = now;
	list_for_each(n, &e->stacks) {
		struct stack *s = container_of(n, struct stack, timed);
		if (s->deadline <= now)
			stack_run_timers(s);
	}
	engine_settle(e);
}

/* libslirp drops packets that a full port does not take; TCP retransmits them. */
static void slirp_writable(struct engine *e, usec_t now, struct guest *guest)
{
}

static int slirp_local(struct engine *e, uint16_t port, struct stream_service *service)
{
	if (e->n_locals == LOCALS_MAX)
		return -ENOSPC;
	if (local_find(e, port))
		return -EADDRINUSE;
	int r = local_new(e, port, service, &e->locals[e->n_locals]);
	if (r == 0)
		e->n_locals++;
	return r;
}

static int slirp_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	e->now = now;
	int r = slirp_forward_open(e, now, how);
	engine_settle(e);
	return r;
}

static void slirp_engine_guest_gone(struct engine *e, usec_t now, struct guest *guest, const struct ip_addr *addr)
{
	e->now = now;
	struct slirp_guest *g = ip_is_v4(addr) ? slirp_guest_find(e, ip_to_ip4(addr)) : NULL;
	if (g)
		drop_guest(g, now, true);
	find_deadline(e);
}

static void charge_stack(struct stack *s, struct payer *before, struct payer *payer)
{
	for (unsigned k = 0; s && k < SOCKET_KINDS; k++) {
		list_for_each(node, &s->sockets[k]) {
			struct slirp_socket *x = container_of(node, struct slirp_socket, node);
			if (x->payer == before)
				slirp_socket_charge(x, payer);
		}
	}
}

/* @g's guest has changed, or is elsewhere. */
static void guest_changed(struct engine *e, struct slirp_guest *g, struct payer *before)
{
	list_remove(&g->away);
	if (g->guest->state == GUEST_AWAY)
		list_append(&e->away, &g->away);
	for (unsigned role = 0; before != g->guest->payer && role < STACK_ROLES; role++)
		charge_stack(g->stacks[role], before, g->guest->payer);
}

static void slirp_engine_guest_placed(struct engine *e, usec_t now, struct guest *guest, struct payer *before)
{
	list_for_each(node, &guest->addresses) {
		const struct guest_address *a = container_of(node, struct guest_address, of_guest);
		struct slirp_guest *g = ip_is_v4(&a->addr) ? slirp_guest_find(e, ip_to_ip4(&a->addr)) : NULL;
		if (g)
			guest_changed(e, g, before);
	}
}

static void slirp_engine_guest_moved(struct engine *e, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
	struct slirp_guest *g = ip_is_v4(addr) ? slirp_guest_find(e, ip_to_ip4(addr)) : NULL;
	if (!g)
		return;
	g->guest = to;
	guest_changed(e, g, from->payer);
}

static void slirp_counters(const struct engine *e, struct engine_counters *ret)
{
	*ret = (struct engine_counters){
		.flows_tcp = e->n_sockets[SOCKET_TCP] + e->n_sockets[SOCKET_LOCAL] + e->n_sockets[SOCKET_FORWARD],
		.flows_udp = e->n_sockets[SOCKET_UDP],
		.flows_icmp = e->n_sockets[SOCKET_ECHO],
		.flows_opened = e->flows_opened,
		.flows_refused = e->flows_refused,
		.flows_evicted = e->flows_evicted,
		.host_ports = e->n_sockets[SOCKET_UDP] + e->n_sockets[SOCKET_ECHO],
		.host_ports_max = e->ports_max,
	};
}

/* libslirp exposes neither a flow's state nor its byte counts. */
static struct engine_flow describe(const struct slirp_socket *x)
{
	static const uint8_t protocols[SOCKET_KINDS] = {
		[SOCKET_TCP] = IP_PROTOCOL_TCP,   [SOCKET_UDP] = IP_PROTOCOL_UDP,     [SOCKET_ECHO] = IP_PROTOCOL_ICMP,
		[SOCKET_LOCAL] = IP_PROTOCOL_TCP, [SOCKET_FORWARD] = IP_PROTOCOL_TCP,
	};
	const struct stack *s = x->stack;
	const struct engine_config *c = &s->guest->engine->config;
	bool at_gateway = s->role == STACK_GATEWAY;
	return (struct engine_flow){
		.id = x->id,
		.protocol = protocols[x->flow.kind],
		.state = "open",
		.inbound = x->flow.kind == SOCKET_FORWARD,
		.guest = { ip_from_ip4(s->guest->ip), x->flow.guest_port },
		.guest_name = s->guest->guest->name,
		.remote = { ip_from_ip4(at_gateway ? c->gateway : x->flow.peer), x->flow.kind == SOCKET_ECHO ? 0 : x->flow.port },
		.n_peers = 1,
		.since = x->since,
	};
}

/* The cursor walks descriptors. */
static void slirp_flows(const struct engine *e, uint64_t *cursor, unsigned max, engine_flow_seen_t seen, void *opaque)
{
	const struct socket_table *t = &e->sockets;
	for (; max > 0 && *cursor < t->size; max--) {
		const struct slirp_socket *x = t->by_fd[(*cursor)++];
		if (!x || !x->stack)
			continue;
		struct engine_flow flow = describe(x);
		seen(opaque, &flow);
	}
	if (*cursor >= t->size)
		*cursor = ENGINE_FLOWS_END;
}

/* A socket that is disconnected reports an error, as if its peer had sent RST. */
static unsigned slirp_end_lost(struct engine *e, usec_t now, uint64_t *cursor, unsigned max, engine_lost_t lost, void *opaque)
{
	const struct socket_table *t = &e->sockets;
	struct ip_addr local;
	unsigned ended = 0;
	for (; max > 0 && *cursor < t->size; max--) {
		const struct slirp_socket *x = t->by_fd[(*cursor)++];
		if (!x || (x->flow.kind != SOCKET_TCP && x->flow.kind != SOCKET_FORWARD))
			continue;
		if (socket_address_of(x->fd, &local) < 0 || !lost(opaque, &local))
			continue;
		ended += connect(x->fd, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)) == 0;
	}
	if (*cursor >= t->size)
		*cursor = ENGINE_FLOWS_END;
	return ended;
}

const struct engine_ops slirp_engine_ops = {
	.name = "libslirp",
	.summary = "NAT by libslirp, the library behind QEMU's user network",
	.new = slirp_new_engine,
	.free = slirp_free_engine,
	.input = slirp_input_packet,
	.flush = slirp_flush,
	.deadline = slirp_deadline,
	.expire = slirp_expire,
	.writable = slirp_writable,
	.local = slirp_local,
	.open = slirp_open,
	.guest_gone = slirp_engine_guest_gone,
	.guest_moved = slirp_engine_guest_moved,
	.guest_placed = slirp_engine_guest_placed,
	.counters = slirp_counters,
	.flows = slirp_flows,
	.end_lost = slirp_end_lost,
};
