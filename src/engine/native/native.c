/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The native engine: life and turns.
 */
#include "engine/native/native.h"

#include "base/log.h"
#include "base/macros.h"
#include "engine/native/address.h"
#include "engine/native/limits.h"
#include "engine/native/tcp.h"
#include "engine/native/udp_listener.h"
#include "host/host_ports.h"
#include "host/socket_address.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Flows whose timers may fire in a turn, because ports wait meanwhile.  Thousands may be due at once that a flood has left behind. */
#define TIMERS_PER_TURN 64u

static const struct native_kind_ops *const kind_ops[NATIVE_KINDS] = {
	[NATIVE_TCP] = &native_tcp_ops,
	[NATIVE_UDP] = &native_udp_ops,
	[NATIVE_ICMP] = &native_icmp_ops,
};

/* --- flows --- */

const struct native_kind_ops *native_kind_ops_of(const struct native_flow *f)
{
	return kind_ops[f->kind];
}

struct payer *native_payer_of(const struct packet *p)
{
	return p->port && p->port->payer ? p->port->payer : p->guest->payer;
}

int native_flow_add(struct engine *e, usec_t now, struct native_flow *f, enum native_kind kind, struct guest *g, struct payer *p)
{
	bool guest_pays = !f->inbound && g->payer == p;
	int r = f->socketless ? 0 : native_make_room(e, now, kind, g, guest_pays, p);
	f->guest = g;
	if (r == 0)
		r = native_address_join(e, f);
	if (r == 0 && (r = flow_table_add(&e->tables[kind], &f->flow)) < 0)
		native_address_leave(e, f);
	if (r < 0) {
		e->refused++;
		return r;
	}
	f->kind = kind;
	f->engine = e;
	f->payer = payer_ref(p);
	f->guest_pays = guest_pays;
	f->watch.fd = -1;
	if (!share_is_initialized(&p->share))
		share_init(&p->share);
	f->watch.share = &p->share;
	list_init(&f->ready);
	wheel_timer_init(&f->timer);
	f->counted = !f->socketless;
	f->has_port = kind != NATIVE_TCP && !f->inbound;
	native_bill(f, &(struct account){ .n_flows = 1, .n_sockets = f->counted, .n_ports = f->has_port });
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
	native_refund(f, &(struct account){ .n_sockets = f->counted, .n_ports = f->has_port });
	f->counted = f->has_port = false;
}

void native_flow_remove(struct native_flow *f)
{
	native_flow_close(f);
	wheel_disarm(&f->engine->wheel, &f->timer);
	list_remove(&f->ready);
	native_address_leave(f->engine, f);
	flow_table_remove(&f->engine->tables[f->kind], &f->flow);
	native_refund(f, &(struct account){ .n_flows = 1 });
	payer_unref(f->payer);
}

void native_flow_wake(struct native_flow *f)
{
	if (list_empty(&f->ready))
		poller_leaves_work(f->engine->config.poller);
	list_remove(&f->ready);
	list_append(&f->engine->active, &f->ready);
}

void native_flow_block(struct native_flow *f)
{
	list_remove(&f->ready);
	list_append(&f->guest->flows.blocked, &f->ready);
}

/* --- the engine --- */

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

/* A kernel without IPv6, or a filter of system calls (RestrictAddressFamilies= of systemd). */
static bool lacks_inet6(const struct engine_config *config)
{
	int fd = config->ip6.on ? socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd >= 0)
		close(fd);
	if (!config->ip6.on || fd >= 0 || errno != EAFNOSUPPORT)
		return false;
	log_warning(config->log, "this system has no IPv6 sockets: guests reach no IPv6 destinations outside");
	return true;
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
	native_limits_init(e);
	host_ports_range(&e->port_first, &e->port_last);
	e->secret = hash_bytes(&config->hash_key, "initial sequence numbers", 24);
	e->tcp_peek_off[0] = !config->no_peek_off && has_peek_off(AF_INET);
	e->tcp_peek_off[1] = !config->no_peek_off && has_peek_off(AF_INET6);
	e->no_inet6 = lacks_inet6(config);
	if (!config->no_udp_offload)
		probe_udp(e);
	wheel_init(&e->wheel, 0);
	list_init(&e->active);
	list_init(&e->turn_end);
	list_init(&e->local_conns);
	list_init(&e->away);
	list_init(&e->listeners);
	payer_init(&e->host);
	for (unsigned i = 0; i < NATIVE_KINDS; i++)
		flow_table_init(&e->tables[i], &config->hash_key);
	log_debug(config->log,
		  "native engine: at most %u host sockets, %u of the host's UDP ports; SO_PEEK_OFF for TCP over IPv4 %s, over IPv6 %s, "
		  "UDP_SEGMENT %s, UDP_GRO %s",
		  e->max.n_sockets, e->max.n_ports, used(e->tcp_peek_off[0]), used(e->tcp_peek_off[1]), used(e->udp_segment),
		  used(e->udp_gro));
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
	udp_listeners_done(e);
	for (unsigned i = 0; i < NATIVE_KINDS; i++)
		flow_table_done(&e->tables[i]);
	hash_table_done(&e->addresses);
	share_done(&e->host.share);
	hold_pool_done(&e->holds);
	free(e->scratch);
	free(e->spill);
	free(e);
}

static void native_input(struct engine *e, usec_t now, const struct packet *p)
{
	bool v4 = packet_is_v4(p);
	if (p->protocol == IP_PROTOCOL_TCP) {
		native_tcp_input(e, now, p);
	} else if (p->protocol == IP_PROTOCOL_UDP) {
		native_udp_input(e, now, p);
	} else if (v4 && p->protocol == IP_PROTOCOL_ICMP) {
		native_icmp_input(e, now, p);
	} else if (!v4 && p->protocol == IPV6_NEXT_ICMP) {
		native_icmp6_input(e, now, p);
	} else {
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

/* Other timers that are due follow in the next turn, which is then due at once. */
static void native_expire(struct engine *e, usec_t now)
{
	struct wheel_timer *t;
	for (unsigned n = 0; n < TIMERS_PER_TURN && (t = wheel_pop(&e->wheel, now)); n++) {
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
	struct native_address *a = native_address_find(e, addr);
	for (bool more = a && a->guest == guest; more;) {
		struct native_flow *f = container_of(a->flows.next, struct native_flow, of_address);
		more = f->of_address.next != &a->flows; /* @a is freed with its last one */
		kind_ops[f->kind]->abandon(f, now);
	}
}

static void move_flow(struct native_flow *f, struct guest *to)
{
	size_t held = kind_ops[f->kind]->held ? kind_ops[f->kind]->held(f) : 0;
	native_charge_held(f, held, 0);
	native_bill_guest(f, to);
	native_charge_held(f, 0, held);
	native_flow_wake(f); /* it may have waited for the other guest's port */
}

static void native_guest_moved(struct engine *e, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
	struct native_address *a = native_address_find(e, addr);
	if (!a || a->guest != from)
		return;
	list_for_each(node, &a->flows)
		move_flow(container_of(node, struct native_flow, of_address), to);
	native_address_move(e, a, to);
}

/* Those that waited for the port where @guest was. */
static void wake_datagrams(struct guest *guest)
{
	list_for_each(node, &guest->flows.blocked) {
		struct native_flow *f = container_of(node, struct native_flow, ready);
		if (f->kind == NATIVE_UDP)
			native_flow_wake(f);
	}
}

static void native_guest_placed(struct engine *e, usec_t now, struct guest *guest, struct payer *before)
{
	wake_datagrams(guest);
	list_remove(&guest->flows.away); /* it goes to the end of that list */
	native_address_guest_changed(e, guest);
	if (guest->payer == before)
		return;
	native_move_held(guest, before);
	list_for_each(address, &guest->flows.addresses) {
		list_for_each(node, &container_of(address, struct native_address, of_guest)->flows) {
			struct native_flow *f = container_of(node, struct native_flow, of_address);
			if (f->payer == before)
				native_rebill(f, guest->payer);
		}
	}
}

static void native_counters(const struct engine *e, struct engine_counters *ret)
{
	*ret = (struct engine_counters){
		.flows_tcp = e->tables[NATIVE_TCP].by_key.n,
		.flows_udp = e->tables[NATIVE_UDP].by_key.n,
		.flows_icmp = e->tables[NATIVE_ICMP].by_key.n,
		.flows_opened = e->opened,
		.flows_refused = e->refused,
		.flows_evicted = e->evicted,
		.host_ports = e->used.n_ports,
		.host_ports_max = e->max.n_ports,
	};
}

static int native_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	if (ip_is_v4(&how->to.addr) != ip_is_v4(&how->source.addr))
		return -EOPNOTSUPP;
	return native_tcp_open(e, now, how);
}

static void describe(const struct native_flow *f, struct engine_flow *ret)
{
	*ret = (struct engine_flow){
		.id = f->id,
		.inbound = f->inbound,
		.guest = f->flow.key.guest,
		.guest_name = f->guest->name,
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
		for (; slot < t->by_index.n && max > 0; slot++, max--) {
			struct flow *f = flow_table_at(t, slot);
			struct engine_flow flow;
			if (!f)
				continue;
			describe(container_of(f, struct native_flow, flow), &flow);
			seen(opaque, &flow);
		}
		if (slot < t->by_index.n)
			break;
		kind++;
		slot = 0;
	}
	*cursor = kind < NATIVE_KINDS ? (uint64_t)kind << 32 | slot : ENGINE_FLOWS_END;
}

/* A socket that is disconnected reports an error, as if its peer had sent RST. */
static bool end_if_lost(struct native_flow *f, engine_lost_t lost, void *opaque)
{
	struct ip_addr local;
	if (f->watch.fd < 0 || socket_address_of(f->watch.fd, &local) < 0 || !lost(opaque, &local))
		return false;
	return connect(f->watch.fd, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)) == 0;
}

static unsigned native_end_lost(struct engine *e, usec_t now, uint64_t *cursor, unsigned max, engine_lost_t lost, void *opaque)
{
	const struct flow_table *t = &e->tables[NATIVE_TCP];
	unsigned ended = 0;
	for (; *cursor < t->by_index.n && max > 0; max--) {
		struct flow *f = flow_table_at(t, (uint32_t)(*cursor)++);
		if (f)
			ended += end_if_lost(container_of(f, struct native_flow, flow), lost, opaque);
	}
	if (*cursor >= t->by_index.n)
		*cursor = ENGINE_FLOWS_END;
	return ended;
}

const struct engine_ops native_engine_ops = {
	.name = "native",
	.ipv6 = true,
	.keep_tcp_ports = true,
	.udp_filtering = true,
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
	.stop = native_tcp_stop,
	.datagrams_open = native_datagrams_open,
	.datagrams_suspend = native_datagrams_suspend,
	.datagrams_close = native_datagrams_close,
	.guest_gone = native_guest_gone,
	.guest_moved = native_guest_moved,
	.guest_placed = native_guest_placed,
	.counters = native_counters,
	.flows = native_flows,
	.end_lost = native_end_lost,
};
