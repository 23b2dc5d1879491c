/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The native engine: life, limits and turns.
 *
 * Limits.  Each socket takes one of RLIMIT_NOFILE descriptors, some of which are reserved for the rest of the process. One guest
 * address may use seven eighths of the others, all addresses behind one port of the segment fifteen sixteenths, so that a guest that
 * opens as many as it can leaves room for others. A refusal is counted; the guest retries as after a packet loss.
 */
#include "engine/native/native.h"

#include "base/log.h"
#include "base/macros.h"
#include "engine/native/tcp.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Upstream DNS uses two for each of 512 concurrent queries; the rest is for ports, listeners and files. */
#define DESCRIPTORS_FOR_OTHERS 1536u
#define FLOWS_PER_GUEST 65536u
#define FLOWS_PER_PORT (2 * FLOWS_PER_GUEST)

static const struct native_kind_ops *const kind_ops[NATIVE_KINDS] = {
	[NATIVE_TCP] = &native_tcp_ops,
	[NATIVE_UDP] = &native_udp_ops,
	[NATIVE_ICMP] = &native_icmp_ops,
};

/* --- flows --- */

static bool has_share(const struct account *a, unsigned flows, unsigned sockets)
{
	return a->n_flows < flows && a->n_sockets < sockets;
}

static bool may_have_flow(const struct engine *e, const struct guest *g, const struct payer *p)
{
	unsigned all = e->max_sockets;
	return e->n_sockets < all && has_share(&g->account, FLOWS_PER_GUEST, all - all / 8) &&
	       has_share(&p->account, FLOWS_PER_PORT, all - all / 16);
}

static void charge(struct account *a, int flows, int sockets)
{
	a->n_flows += (unsigned)flows;
	a->n_sockets += (unsigned)sockets;
}

struct payer *native_payer_of(const struct packet *p)
{
	return p->port && p->port->payer ? p->port->payer : p->guest->payer;
}

int native_flow_add(struct engine *e, usec_t now, struct native_flow *f, enum native_kind kind, struct guest *g, struct payer *p)
{
	int r = may_have_flow(e, g, p) ? flow_table_add(&e->tables[kind], &f->flow) : -EMFILE;
	if (r < 0) {
		e->refused++;
		return r;
	}
	f->kind = kind;
	f->engine = e;
	f->guest = g;
	f->payer = payer_ref(p);
	f->watch.fd = -1;
	if (!share_is_initialized(&p->share))
		share_init(&p->share);
	f->watch.share = &p->share;
	list_init(&f->ready);
	wheel_timer_init(&f->timer);
	list_append(&g->flows.all, &f->of_guest);
	f->counted = true;
	charge(&g->account, 1, 1);
	charge(&p->account, 1, 1);
	e->n_sockets++;
	f->id = ++e->opened;
	f->since = now;
	return 0;
}

void native_flow_close(struct native_flow *f)
{
	if (f->watch.active)
		poller_close(f->engine->config.poller, &f->watch);
	else if (f->watch.fd >= 0)
		close(f->watch.fd);
	f->watch.fd = -1;
	if (!f->counted)
		return;
	f->counted = false;
	charge(&f->guest->account, 0, -1);
	charge(&f->payer->account, 0, -1);
	f->engine->n_sockets--;
}

void native_flow_remove(struct native_flow *f)
{
	native_flow_close(f);
	wheel_disarm(&f->engine->wheel, &f->timer);
	list_remove(&f->ready);
	list_remove(&f->of_guest);
	flow_table_remove(&f->engine->tables[f->kind], &f->flow);
	charge(&f->guest->account, -1, 0);
	charge(&f->payer->account, -1, 0);
	payer_unref(f->payer);
}

void native_flow_charge_connecting(struct native_flow *f, int by)
{
	f->guest->account.n_connecting += (unsigned)by;
	f->payer->account.n_connecting += (unsigned)by;
}

void native_flow_charge_held(struct native_flow *f, size_t before, size_t now)
{
	f->guest->account.held += now - before;
	f->payer->account.held += now - before;
}

void native_flow_wake(struct native_flow *f)
{
	list_remove(&f->ready);
	list_append(&f->engine->active, &f->ready);
}

void native_flow_block(struct native_flow *f)
{
	list_remove(&f->ready);
	list_append(&f->guest->flows.blocked, &f->ready);
}

/* --- the engine --- */

static unsigned socket_limit(const struct engine_config *config)
{
	struct rlimit limit;
	if (config->max_sockets > 0)
		return config->max_sockets;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return DESCRIPTORS_FOR_OTHERS;
	rlim_t n = MIN(limit.rlim_cur, (rlim_t)1000000);
	return (unsigned)(n > 2 * DESCRIPTORS_FOR_OTHERS ? n - DESCRIPTORS_FOR_OTHERS : n / 2);
}

/* Linux has SO_PEEK_OFF for TCP since 6.9 over IPv4, and later over IPv6. */
static bool has_peek_off(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool works = setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &(int){ 0 }, sizeof(int)) == 0;
	close(fd);
	return works;
}

/* Linux has UDP_SEGMENT since 4.18 and UDP_GRO since 5.0. */
static void probe_udp(struct engine *e)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	e->udp_segment = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &(int){ 0 }, sizeof(int)) == 0;
	e->udp_gro = setsockopt(fd, IPPROTO_UDP, UDP_GRO, &(int){ 1 }, sizeof(int)) == 0;
	close(fd);
}

static const char *used(bool yes)
{
	return yes ? "used" : "not used";
}

static int native_new(const struct engine_config *config, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->config = *config;
	e->max_sockets = socket_limit(config);
	e->secret = hash_bytes(&config->hash_key, "initial sequence numbers", 24);
	e->tcp_peek_off[0] = !config->no_peek_off && has_peek_off(AF_INET);
	e->tcp_peek_off[1] = !config->no_peek_off && has_peek_off(AF_INET6);
	if (!config->no_udp_offload)
		probe_udp(e);
	wheel_init(&e->wheel, 0);
	list_init(&e->active);
	list_init(&e->turn_end);
	list_init(&e->local_conns);
	e->host.refs = 1;
	for (unsigned i = 0; i < NATIVE_KINDS; i++)
		flow_table_init(&e->tables[i], &config->hash_key);
	log_debug(config->log, "native engine: at most %u host sockets; SO_PEEK_OFF for TCP over IPv4 %s, UDP_SEGMENT %s, UDP_GRO %s",
		  e->max_sockets, used(e->tcp_peek_off[0]), used(e->udp_segment), used(e->udp_gro));
	*ret = e;
	return 0;
}

static void native_free(struct engine *e)
{
	if (!e)
		return;
	struct flow *f;
	for (unsigned i = 0; i < NATIVE_KINDS; i++)
		while ((f = flow_table_from(&e->tables[i], 0)))
			kind_ops[i]->abandon(container_of(f, struct native_flow, flow), 0);
	native_local_done(e);
	for (unsigned i = 0; i < NATIVE_KINDS; i++)
		flow_table_done(&e->tables[i]);
	share_done(&e->host.share);
	hold_pool_done(&e->holds);
	free(e->scratch);
	free(e->spill);
	free(e);
}

static void native_input(struct engine *e, usec_t now, const struct packet *p)
{
	switch (p->ip.protocol) {
	case IP_PROTOCOL_TCP: native_tcp_input(e, now, p); return;
	case IP_PROTOCOL_UDP: native_udp_input(e, now, p); return;
	case IP_PROTOCOL_ICMP: native_icmp_input(e, now, p); return;
	default:
		e->config.env->ops->drop(e->config.env, DROP_PROTOCOL, p);
		e->config.env->ops->icmp_error(e->config.env, now, p, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PROTOCOL, 0, 0);
	}
}

/* Flows that wake up meanwhile wait for the next turn, so that no flow can starve the others. */
static void native_flush(struct engine *e, usec_t now)
{
	struct list *end = &e->turn_end;
	if (list_empty(&e->active))
		return;
	list_append(&e->active, end);
	e->turn_bytes = 0;
	while (e->active.next != end) {
		struct native_flow *f = container_of(e->active.next, struct native_flow, ready);
		list_remove(&f->ready);
		kind_ops[f->kind]->run(f, now);
	}
	list_remove(end);
}

static usec_t native_deadline(const struct engine *e)
{
	return list_empty(&e->active) ? wheel_deadline(&e->wheel) : 0;
}

static void native_expire(struct engine *e, usec_t now)
{
	struct wheel_timer *t;
	while ((t = wheel_pop(&e->wheel, now))) {
		struct native_flow *f = container_of(t, struct native_flow, timer);
		kind_ops[f->kind]->timer_fired(f, now);
		native_flow_wake(f);
	}
}

static void native_writable(struct engine *e, usec_t now, struct guest *guest)
{
	list_for_each(node, &guest->flows.blocked)
		native_flow_wake(container_of(node, struct native_flow, ready));
}

static int native_local_service(struct engine *e, uint16_t port, struct stream_service *service)
{
	if (e->n_local == NATIVE_LOCAL_MAX)
		return -ENOSPC;
	e->local[e->n_local++] = (struct native_local){ .port = port, .service = service };
	return 0;
}

static void native_guest_gone(struct engine *e, usec_t now, struct guest *guest, const struct ip_addr *addr)
{
	list_for_each(node, &guest->flows.all) {
		struct native_flow *f = container_of(node, struct native_flow, of_guest);
		if (ip_equal(&f->flow.key.guest.addr, addr))
			kind_ops[f->kind]->abandon(f, now);
	}
}

static void charge_all(struct account *a, const struct account *by, bool add)
{
	a->n_flows += add ? by->n_flows : -by->n_flows;
	a->n_sockets += add ? by->n_sockets : -by->n_sockets;
	a->n_connecting += add ? by->n_connecting : -by->n_connecting;
	a->held += add ? by->held : -by->held;
}

static void move_flow(struct native_flow *f, struct guest *to)
{
	struct account uses = { .n_flows = 1, .n_sockets = f->counted };
	if (kind_ops[f->kind]->uses)
		kind_ops[f->kind]->uses(f, &uses);
	charge_all(&f->guest->account, &uses, false);
	charge_all(&to->account, &uses, true);
	f->guest = to;
	list_remove(&f->of_guest);
	list_append(&to->flows.all, &f->of_guest);
	if (kind_ops[f->kind]->moved)
		kind_ops[f->kind]->moved(f);
	native_flow_wake(f); /* it may have waited for the other guest's port */
}

static void native_guest_moved(struct engine *e, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
	list_for_each(node, &from->flows.all) {
		struct native_flow *f = container_of(node, struct native_flow, of_guest);
		if (ip_equal(&f->flow.key.guest.addr, addr))
			move_flow(f, to);
	}
}

static void native_counters(const struct engine *e, struct engine_counters *ret)
{
	*ret = (struct engine_counters){
		.flows_tcp = e->tables[NATIVE_TCP].n_flows,
		.flows_udp = e->tables[NATIVE_UDP].n_flows,
		.flows_icmp = e->tables[NATIVE_ICMP].n_flows,
		.flows_opened = e->opened,
		.flows_refused = e->refused,
	};
}

static int native_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	if (!ip_is_v4(&how->to.addr) || !ip_is_v4(&how->source.addr))
		return -EOPNOTSUPP;
	return how->peer.port != 0 ? native_udp_open(e, now, how) : native_tcp_open(e, now, how);
}

static void describe(const struct native_flow *f, struct engine_flow *ret)
{
	*ret = (struct engine_flow){
		.id = f->id,
		.inbound = f->inbound,
		.guest = f->flow.key.guest,
		.remote = f->flow.key.remote,
		.counts_bytes = true,
		.from_guest = f->from_guest,
		.to_guest = f->to_guest,
		.since = f->since,
	};
	kind_ops[f->kind]->describe(f, ret);
}

/* The cursor is table << 32 | slot: it walks the slots of one table after the other. */
static void native_flows(const struct engine *e, uint64_t *cursor, unsigned max, engine_flow_seen_t seen, void *opaque)
{
	uint32_t kind = (uint32_t)(*cursor >> 32), slot = (uint32_t)*cursor;
	while (kind < NATIVE_KINDS && max > 0) {
		const struct flow_table *t = &e->tables[kind];
		for (; slot < t->n_slots && max > 0; slot++, max--) {
			struct engine_flow flow;
			if (!t->slots[slot].flow)
				continue;
			describe(container_of(t->slots[slot].flow, struct native_flow, flow), &flow);
			seen(opaque, &flow);
		}
		if (slot < t->n_slots)
			break;
		kind++;
		slot = 0;
	}
	*cursor = kind < NATIVE_KINDS ? (uint64_t)kind << 32 | slot : ENGINE_FLOWS_END;
}

const struct engine_ops native_engine_ops = {
	.name = "native",
	.summary = "lanlet's own TCP, UDP and ICMP over host sockets; the fastest",
	.new = native_new,
	.free = native_free,
	.input = native_input,
	.flush = native_flush,
	.deadline = native_deadline,
	.expire = native_expire,
	.writable = native_writable,
	.local = native_local_service,
	.open = native_open,
	.cancel = native_tcp_cancel,
	.guest_gone = native_guest_gone,
	.guest_moved = native_guest_moved,
	.counters = native_counters,
	.flows = native_flows,
};
