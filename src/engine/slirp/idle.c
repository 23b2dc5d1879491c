/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/idle.h"

#include "base/macros.h"
#include "engine/slirp/state.h"
#include "gateway/payer.h"

/* A flow that was used a moment ago may wait for its answer. */
#define IDLE_MIN (1 * USEC_PER_SEC)
/* Of those that are idle, ordered by their last use: the first part of this many. */
#define PART 4u
/* Bounds the time of one search. */
#define ADDRESSES_MAX 64u
#define SLOTS_MAX 256u
#define SOCKETS_MAX 16u

static bool is_idle(const struct engine *e, const struct slirp_socket *x)
{
	return x->flow.kind == SOCKET_UDP && e->now - x->used >= IDLE_MIN;
}

bool idle_flows_end_of_stack(struct engine *e, struct stack *s)
{
	usec_t first = e->now, last = e->now - IDLE_MIN;
	list_for_each(node, &s->sockets[SOCKET_UDP])
		first = usec_min(first, container_of(node, struct slirp_socket, node)->used);
	if (e->now - first < IDLE_MIN)
		return false;
	unsigned ended = stack_expire(s, first + (last - first) / PART);
	e->flows_evicted += ended;
	return ended > 0;
}

bool idle_flows_end_of_payer(struct engine *e, const struct payer *payer)
{
	unsigned looks = 0;
	list_for_each(node, &payer->addresses) {
		const struct guest_address *a = container_of(node, struct guest_address, of_payer);
		struct slirp_guest *g = ip_is_v4(&a->addr) ? slirp_guest_find(e, ip_to_ip4(&a->addr)) : NULL;
		if (looks++ == ADDRESSES_MAX)
			return false;
		for (unsigned role = 0; g && role < STACK_ROLES; role++)
			if (g->stacks[role] && idle_flows_end_of_stack(e, g->stacks[role]))
				return true;
	}
	return false;
}

bool idle_flows_end_of_larger(struct engine *e, const struct payer *payer)
{
	const struct socket_table *t = &e->sockets;
	struct stack *found = NULL;
	unsigned most = payer->account.n_sockets + 1;
	for (unsigned i = 0, n = 0; i < SLOTS_MAX && n < SOCKETS_MAX && t->size > 0; i++) {
		e->hand = e->hand + 1 < t->size ? e->hand + 1 : 0;
		const struct slirp_socket *x = t->by_fd[e->hand];
		n += x != NULL;
		if (!x || !x->stack || !x->payer || x->payer->account.n_sockets <= most || !is_idle(e, x))
			continue;
		found = x->stack;
		most = x->payer->account.n_sockets;
	}
	return found && idle_flows_end_of_stack(e, found);
}
