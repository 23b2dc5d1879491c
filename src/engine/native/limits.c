/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/limits.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "engine/native/address.h"
#include "engine/native/datagram.h"
#include "engine/native/tcp.h"
#include "host/host_ports.h"

#include <errno.h>
#include <sys/resource.h>

/* Upstream DNS uses two for each of 512 concurrent queries; the rest is for ports, listeners and files. */
#define DESCRIPTORS_FOR_OTHERS 1536u
/* Flows without a socket have sent their last data and wait for the guest. */
#define FLOWS_MAX (256u * 1024)
/* Bytes that guests sent and host sockets have not taken. */
#define HELD_MAX ((size_t)192 * 1024 * 1024)
/* Peers of UDP ports that are forwarded: some 20 MiB. */
#define PEERS_MAX 32768u

/* How much more than what is left one may have (share_allows()). */
#define SOCKETS_WEIGHT 8u
#define SOCKETS_WEIGHT_OF_GUEST 7u
#define FLOWS_WEIGHT 1u
#define PORTS_WEIGHT 3u
#define HALF_OPEN_WEIGHT 8u
#define HALF_OPEN_WEIGHT_OF_GUEST 7u

/* A mapping that was used a moment ago may wait for its answer. */
#define IDLE_MIN (1 * USEC_PER_SEC)
/*
 * Longer than most hosts need to answer, and so short that a scanner, which asks hundreds of silent ports a second, gets true answers with
 * few descriptors.  If the flow's SYN is repeated, it opens the flow anew.
 */
#define HALF_OPEN_PATIENCE (300 * USEC_PER_MSEC)
/* A guest that reconnects, or moves to another port, is back by then. */
#define AWAY_PATIENCE (10 * USEC_PER_SEC)
/* Bounds the time of one admission. */
#define EVICT_MAX 8u
#define AWAY_LOOK_MAX 64u
#define IDLE_LOOK_MAX 16u
#define SLOT_LOOK_MAX 256u

/* --- how much there is --- */

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

void native_limits_init(struct engine *e)
{
	unsigned sockets = socket_limit(&e->config);
	e->max = (struct account){
		.n_flows = FLOWS_MAX,
		.n_sockets = sockets,
		.n_ports = e->config.max_ports > 0 ? e->config.max_ports : host_ports_for_guests(),
		.n_connecting = sockets / 2,
		.held = HELD_MAX,
	};
	e->max_peers = e->config.max_sockets > 0 ? e->config.max_sockets : PEERS_MAX;
}

/* --- accounts --- */

void native_bill(struct native_flow *f, const struct account *by)
{
	account_add(&f->engine->used, by);
	account_add(&f->payer->account, by);
	if (f->guest_pays)
		account_add(&f->guest->account, by);
}

void native_refund(struct native_flow *f, const struct account *by)
{
	account_subtract(&f->engine->used, by);
	account_subtract(&f->payer->account, by);
	if (f->guest_pays)
		account_subtract(&f->guest->account, by);
}

static struct account uses_of(const struct native_flow *f)
{
	struct account uses = { .n_flows = 1, .n_sockets = f->counted, .n_ports = f->has_port };
	if (f->kind == NATIVE_TCP)
		uses.n_connecting = container_of(f, const struct native_tcp, base)->half_open;
	return uses;
}

/* The list of @payer that @f belongs on, and its node there; false when it belongs on none. */
static bool find_list(struct native_flow *f, struct payer *payer, struct list **ret_list, struct list **ret_node)
{
	if (f->kind != NATIVE_TCP) {
		*ret_list = &payer->mappings;
		*ret_node = &native_datagram_of(f)->of_payer;
		return true;
	}
	*ret_list = &payer->half_open;
	*ret_node = &native_tcp_of(f)->of_half_open;
	return native_tcp_of(f)->half_open;
}

/* The events of @f's socket take time of @f->payer's share. */
static void move_events(struct native_flow *f)
{
	bool pending = f->watch.active && !list_empty(&f->watch.node);
	if (pending)
		list_remove(&f->watch.node);
	f->watch.share = &f->payer->share;
	if (pending)
		poller_again(f->engine->config.poller, &f->watch, 0);
}

void native_rebill(struct native_flow *f, struct payer *payer)
{
	struct account uses = uses_of(f);
	struct payer *before = f->payer;
	struct list *list, *node;
	if (payer == before)
		return;
	account_subtract(&before->account, &uses);
	account_add(&payer->account, &uses);
	f->payer = payer_ref(payer);
	if (find_list(f, payer, &list, &node)) {
		list_remove(node);
		list_append(list, node);
	}
	if (!share_is_initialized(&payer->share))
		share_init(&payer->share);
	move_events(f);
	payer_unref(before);
}

void native_bill_guest(struct native_flow *f, struct guest *to)
{
	struct account uses = uses_of(f);
	struct payer *payer = f->payer == f->guest->payer ? to->payer : f->payer;
	if (f->guest_pays)
		account_subtract(&f->guest->account, &uses);
	f->guest = to;
	native_rebill(f, payer);
	f->guest_pays = !f->inbound && payer == to->payer;
	if (f->guest_pays)
		account_add(&to->account, &uses);
}

void native_charge_held(struct native_flow *f, size_t before, size_t now)
{
	if (now == before)
		return;
	f->guest->account.held += now - before;
	f->guest->payer->account.held += now - before;
	f->engine->used.held += now - before;
}

void native_move_held(struct guest *guest, struct payer *before)
{
	before->account.held -= guest->account.held;
	guest->payer->account.held += guest->account.held;
}

/* While nothing is held for others, the three limits are a sixth, a third and two thirds of all that may be held. */
enum native_held native_held_for(const struct engine *e, const struct payer *payer)
{
	size_t left = e->used.held < e->max.held ? e->max.held - e->used.held : 0, held = payer->account.held;
	if (held > 2 * left)
		return NATIVE_HELD_TOO_MUCH;
	if (2 * held > left)
		return NATIVE_HELD_MUCH;
	return 5 * held > left ? NATIVE_HELD_TIGHT : NATIVE_HELD_LITTLE;
}

/* --- which flows give way --- */

static void end_flow(struct engine *e, usec_t now, struct native_flow *f)
{
	e->evicted++;
	native_kind_ops_of(f)->abandon(f, now);
}

/* The mapping of @payer that was used least recently, if it is idle. */
static struct native_flow *idle_mapping(struct payer *payer, usec_t now)
{
	if (list_empty(&payer->mappings))
		return NULL;
	struct native_datagram *d = container_of(payer->mappings.next, struct native_datagram, of_payer);
	return now - d->mapping.active >= IDLE_MIN ? &d->base : NULL;
}

/*
 * Whether flows of @g, which is AWAY, may end for @payer.  Not at once when fewer are charged to its port than to @payer: its reconnecting
 * must not depend on what others open meanwhile.
 */
static bool may_end(const struct guest *g, usec_t now, const struct payer *payer)
{
	return now - g->since >= AWAY_PATIENCE || g->payer == payer || g->payer->account.n_sockets >= payer->account.n_sockets;
}

/* The first of a few flows of @g that has a socket; NULL: none has. */
static struct native_flow *first_flow(const struct guest *g)
{
	unsigned looks = 0;
	list_for_each(address, &g->flows.addresses) {
		list_for_each(node, &container_of(address, struct native_address, of_guest)->flows) {
			struct native_flow *f = container_of(node, struct native_flow, of_address);
			if (!f->socketless)
				return f;
			if (looks++ == AWAY_LOOK_MAX)
				return NULL;
		}
	}
	return NULL;
}

/* A flow of a guest that is AWAY; @mapping: one that has a port of the host. */
static struct native_flow *away_flow(struct engine *e, usec_t now, struct payer *payer, bool mapping)
{
	unsigned looks = 0;
	list_for_each(node, &e->away) {
		struct guest *g = container_of(node, struct guest, flows.away);
		if (looks++ == AWAY_LOOK_MAX)
			return NULL;
		if (!may_end(g, now, payer))
			continue;
		if (!mapping)
			return first_flow(g);
		if (!g->payer->port && !list_empty(&g->payer->mappings))
			return &container_of(g->payer->mappings.next, struct native_datagram, of_payer)->base;
	}
	return NULL;
}

/*
 * An idle mapping of the payer that has most sockets of a few that have more than @payer; NULL when none is found.  When idle mappings
 * use up the sockets, most of them are of such payers.
 */
static struct native_flow *idle_mapping_of_larger(struct engine *e, usec_t now, const struct payer *payer)
{
	const struct flow_table *t = &e->tables[NATIVE_UDP];
	struct native_flow *found = NULL;
	unsigned most = payer->account.n_sockets + 1;
	for (unsigned i = 0, flows = 0; i < SLOT_LOOK_MAX && flows < IDLE_LOOK_MAX && t->by_key.n > 0; i++) {
		e->hand = e->hand + 1 < t->by_index.n ? e->hand + 1 : 0;
		struct flow *flow = flow_table_at(t, e->hand);
		struct payer *of = flow ? container_of(flow, struct native_flow, flow)->payer : NULL;
		flows += flow != NULL;
		struct native_flow *idle = of && of->account.n_sockets > most ? idle_mapping(of, now) : NULL;
		if (!idle)
			continue;
		found = idle;
		most = of->account.n_sockets;
	}
	return found;
}

static bool evict(struct engine *e, usec_t now, struct payer *payer, bool mapping)
{
	struct native_flow *f = away_flow(e, now, payer, mapping);
	if (!f)
		f = idle_mapping_of_larger(e, now, payer);
	if (!f)
		f = idle_mapping(payer, now);
	if (f)
		end_flow(e, now, f);
	return f != NULL;
}

/* --- admission --- */

static bool may_have_sockets(const struct engine *e, const struct account *a, unsigned weight)
{
	return share_allows(a->n_sockets, 1, e->used.n_sockets, e->max.n_sockets, weight) &&
	       share_allows(a->n_flows, 1, e->used.n_flows, e->max.n_flows, FLOWS_WEIGHT);
}

static bool may_have_port(const struct engine *e, enum native_kind kind, const struct payer *payer)
{
	return kind == NATIVE_TCP || share_allows(payer->account.n_ports, 1, e->used.n_ports, e->max.n_ports, PORTS_WEIGHT);
}

int native_make_room(struct engine *e, usec_t now, enum native_kind kind, const struct guest *guest, bool guest_pays, struct payer *payer)
{
	struct account before = e->used;
	for (unsigned n = 0;; n++) {
		bool port = may_have_port(e, kind, payer);
		if (port && may_have_sockets(e, &payer->account, SOCKETS_WEIGHT) &&
		    (!guest_pays || may_have_sockets(e, &guest->account, SOCKETS_WEIGHT_OF_GUEST)))
			return 0;
		if (n == EVICT_MAX || !evict(e, now, payer, !port)) {
			/* A payer over its share, because others have come, may exchange an idle flow for a new one. */
			bool freed = e->used.n_flows < before.n_flows && e->used.n_sockets < before.n_sockets;
			return freed && (port || e->used.n_ports < before.n_ports) ? 0 : port ? -EMFILE : -EADDRNOTAVAIL;
		}
	}
}

static bool may_have_half_open(const struct engine *e, const struct account *a, unsigned weight)
{
	return share_allows(a->n_connecting, 1, e->used.n_connecting, e->max.n_connecting, weight);
}

bool native_make_room_for_syn(struct engine *e, usec_t now, const struct guest *guest, struct payer *payer)
{
	if (may_have_half_open(e, &payer->account, HALF_OPEN_WEIGHT) &&
	    (guest->payer != payer || may_have_half_open(e, &guest->account, HALF_OPEN_WEIGHT_OF_GUEST)))
		return true;
	if (list_empty(&payer->half_open))
		return false;
	struct native_tcp *oldest = container_of(payer->half_open.next, struct native_tcp, of_half_open);
	if (now - oldest->base.since < HALF_OPEN_PATIENCE)
		return false;
	end_flow(e, now, &oldest->base);
	return true;
}

bool native_free_descriptor(struct engine *e, usec_t now, struct payer *payer)
{
	return evict(e, now, payer, false);
}
