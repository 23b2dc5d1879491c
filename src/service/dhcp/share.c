/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/dhcp/share.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "gateway/payer.h"
#include "lan/port.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp/pool.h"
#include "service/dhcp/reply.h"

/* One port gets at most WEIGHT / (WEIGHT + 1). */
#define WEIGHT 7u
/* A client takes an offer, and announces its address or sends something from it, within this time. */
#define FIRST_USE_TIME (10 * USEC_PER_SEC)
#define SET_ASIDES 8u        /* of a guarded port, in each of these times */
#define DECLINES_OF_A_MAC 3u /* of any port, in DECLINES_TIME */
#define DECLINES_TIME (600 * USEC_PER_SEC)
#define CONFLICTS_TIME (60 * USEC_PER_SEC)
/* Leases that are looked at for one that gives way; the next search goes on behind them. */
#define LOOK_MAX 512u

void dhcp_share_changed(struct dhcp *d)
{
	d->shared = MIN(dhcp_pool_size(d), d->leases.capacity);
	list_for_each(node, &d->leases.ages) {
		struct lease *l = container_of(node, struct lease, age);
		if (!dhcp_pool_is_for_all(d, l->ip))
			lease_discharge(&d->leases, l);
	}
}

void dhcp_share_hold(struct dhcp *d, usec_t now, struct lease *l, struct payer *payer, usec_t until)
{
	lease_hold(&d->leases, l, now, payer, until, dhcp_pool_is_for_all(d, l->ip));
}

/* The last address of all is for a port that has none.  The rule rounds up; a share is never more than its part. */
static bool has_share_left(const struct dhcp *d, const struct payer *payer)
{
	unsigned used = d->leases.n_charged;
	if (payer->n_leases == 0)
		return used < d->shared;
	return payer->n_leases < (uint64_t)d->shared * WEIGHT / (WEIGHT + 1) && share_allows(payer->n_leases, 1, used, d->shared, WEIGHT);
}

/* In a full pool, leases that give way are what there is to get: not for those that have most. */
static bool may_take_from_others(const struct dhcp *d, const struct payer *payer)
{
	return d->leases.n_charged >= d->shared && payer->n_leases <= d->shared / 2;
}

bool dhcp_share_allows_address(const struct dhcp *d, const struct dhcp_request *rq)
{
	const struct reservation *r = reservation_of_mac(&d->reservations, rq->message.header.chaddr);
	if (!rq->port || !rq->port->guarded || !rq->payer || (r && r->ip != 0) || has_share_left(d, rq->payer))
		return true;
	return may_take_from_others(d, rq->payer);
}

bool dhcp_share_allows_probe(const struct dhcp *d, const struct payer *payer)
{
	return payer ? share_allows(payer->n_probes, 1, d->n_probes, DHCP_PROBES_MAX, WEIGHT) : d->n_probes < DHCP_PROBES_MAX;
}

/* One more of @max in @time.  Each counts for a part of the time, one after another; *@until is when none counts any more. */
static bool count_set_aside(usec_t now, usec_t time, unsigned max, usec_t *until)
{
	usec_t end = MAX(*until, now) + time / max;
	if (end - now > time)
		return false;
	*until = end;
	return true;
}

/* The record of @mac, or of the MAC that has not declined for the longest time, which @mac then takes. */
static struct dhcp_decliner *find_decliner(struct dhcp *d, struct mac mac)
{
	struct dhcp_decliner *found = &d->decliners[0];
	for (unsigned i = 0; i < DHCP_DECLINERS_MAX; i++) {
		if (mac_equal(d->decliners[i].mac, mac))
			return &d->decliners[i];
		if (d->decliners[i].until < found->until)
			found = &d->decliners[i];
	}
	*found = (struct dhcp_decliner){ .mac = mac };
	return found;
}

bool dhcp_share_allows_decline(struct dhcp *d, usec_t now, const struct dhcp_request *rq)
{
	struct payer *payer = rq->port && rq->port->guarded ? rq->port->payer : NULL;
	struct dhcp_decliner *mac = find_decliner(d, rq->message.header.chaddr);
	return count_set_aside(now, DECLINES_TIME, DECLINES_OF_A_MAC, &mac->until) &&
	       (!payer || count_set_aside(now, DECLINES_TIME, SET_ASIDES, &payer->declines));
}

bool dhcp_share_allows_conflict(usec_t now, const struct port *port)
{
	return !port || !port->guarded || !port->payer || count_set_aside(now, CONFLICTS_TIME, SET_ASIDES, &port->payer->conflicts);
}

static bool is_used(const struct dhcp *d, const struct lease *l)
{
	const struct guest_address *a = d->config.env->ops->address_at(d->config.env, l->ip);
	return a && (mac_equal(a->guest->mac, l->mac) || a->guest->payer == l->payer);
}

/* After a restart a client may have no reason to send anything before it renews its lease (T1, RFC 2131 §4.4.5). */
static usec_t time_to_show(const struct dhcp *d, const struct lease *l)
{
	return l->payer ? FIRST_USE_TIME : d->config.lease_time * USEC_PER_SEC / 2;
}

static bool gives_way(const struct dhcp *d, usec_t now, const struct payer *payer, const struct lease *l)
{
	if ((l->state != LEASE_OFFERED && l->state != LEASE_BOUND) || !lease_is_held(l, now) || (payer && l->payer == payer))
		return false;
	return now - l->since >= time_to_show(d, l) && dhcp_pool_is_for_all(d, l->ip) && !is_used(d, l);
}

static bool is_attached(const struct lease *l)
{
	return l->payer && l->payer->port;
}

struct lease *dhcp_share_least_useful(struct dhcp *d, usec_t now, const struct payer *payer)
{
	struct lease *found = NULL;
	unsigned most = 0, left = LOOK_MAX;
	bool takes_turns = d->leases.count > LOOK_MAX;
	list_for_each(node, &d->leases.ages) {
		struct lease *l = container_of(node, struct lease, age);
		if (left-- == 0)
			break;
		if (takes_turns)
			lease_touch(&d->leases, l);
		unsigned n = l->payer ? l->payer->n_leases : 0;
		if ((found && n <= most) || (payer && is_attached(l) && n <= payer->n_leases) || !gives_way(d, now, payer, l))
			continue;
		found = l;
		most = n;
	}
	return found;
}
