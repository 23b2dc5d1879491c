/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's side of RFC 2131 §4.3; lease.h has the states of one lease.
 *
 * A DISCOVER from a client without a lease starts an ARP probe of the address, unless no machine can have it.  Meanwhile the message waits
 * in a struct dhcp_probe, one for each lease in LEASE_PROBING.  Without an answer in PROBE_TIME the address is offered; an answer sets the
 * address aside, and the next one is tried.  Many clients can wait at once; all wait for the same time, so the list of probes is in the
 * order of their deadlines.
 *
 * The server is authoritative: a client that claims an address without a record gets it when it is free, otherwise a
 * NAK.  So guests keep their addresses when the lease file is lost, and get a new one at once when they come from
 * another network.
 *
 * A lease that ends stays as a memory.  lease_is_held() compares with the time, so it is right before settle() has noticed the end.
 */
#include "service/dhcp/server.h"

#include "base/log.h"
#include "base/macros.h"
#include "gateway/payer.h"
#include "gateway/sink.h"
#include "lan/port.h"
#include "service/dhcp/dhcp.h"
#include "service/dhcp/names.h"
#include "service/dhcp/pool.h"
#include "service/dhcp/reply.h"
#include "service/dhcp/saving.h"
#include "service/dhcp/share.h"

#include <errno.h>
#include <stdlib.h>

/* Hosts answer ARP much faster than this; a client repeats its DISCOVER after 1 to 4 seconds. */
#define PROBE_TIME (300 * USEC_PER_MSEC)
/* Addresses tried for one DISCOVER. */
#define TRIES_MAX 8u
/* How long an offer is kept for the client. */
#define OFFER_TIME (30 * USEC_PER_SEC)
/* As dnsmasq's DECLINE_BACKOFF. */
#define DECLINED_TIME (600 * USEC_PER_SEC)
/* How long an address in use is set aside before it is probed again. */
#define IN_USE_TIME (60 * USEC_PER_SEC)
/* A client that asks for less gets this, which bounds the load by renewals. */
#define LEASE_TIME_MIN 120u

struct dhcp_probe {
	struct list node;
	usec_t deadline;
	struct lease *lease;
	unsigned tries; /* addresses tried, including this one */
	bool conflict;
	unsigned used_at;            /* id of the port that has the address already, as one of those that the switch protects; 0: none */
	struct payer *payer;         /* a reference: whose probe it is; may be NULL */
	struct payer *answered;      /* a reference: of the port where the answer came from; may be NULL */
	struct dhcp_request request; /* the client's latest DISCOVER; its port may have been detached */
};

static void probe_end(struct dhcp *d, struct lease *l)
{
	struct dhcp_probe *p = l->probe;
	if (!p)
		return;
	list_remove(&p->node);
	d->n_probes--;
	if (p->payer)
		p->payer->n_probes--;
	payer_unref(p->payer);
	payer_unref(p->answered);
	l->probe = NULL;
	free(p);
}

/* @l is held by the client of @rq until @until. */
static void hold(struct dhcp *d, usec_t now, struct lease *l, const struct dhcp_request *rq, usec_t until)
{
	dhcp_share_hold(d, now, l, rq->payer, until);
	l->translated = !mac_equal(rq->sender, rq->message.header.chaddr);
}

/* -ENOMEM. */
static int probe_begin(struct dhcp *d, usec_t now, struct lease *l, const struct dhcp_request *rq, unsigned tries)
{
	struct dhcp_probe *p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	const struct guest_address *a = d->config.env->ops->address_at(d->config.env, l->ip);
	*p = (struct dhcp_probe){
		.deadline = usec_add(now, PROBE_TIME),
		.lease = l,
		.tries = tries,
		.used_at = a && a->is_protected ? a->guest->port->id : 0,
		.payer = payer_ref(rq->payer),
		.request = *rq,
	};
	if (p->payer)
		p->payer->n_probes++;
	list_append(&d->probes, &p->node);
	d->n_probes++;
	l->probe = p;
	hold(d, now, l, rq, USEC_INFINITY);
	l->state = LEASE_PROBING;
	lease_touch(&d->leases, l);
	d->config.env->ops->probe(d->config.env, now, l->ip);
	return 0;
}

static void tell(struct dhcp *d, usec_t now, const struct dhcp_request *rq, const struct lease *l, enum dhcp_lease_event what)
{
	if (d->config.env->ops->leased)
		d->config.env->ops->leased(d->config.env, now, rq->port, l, what);
}

static void holder_changed(struct dhcp *d, usec_t now, struct mac mac, ip4_t ip)
{
	if (d->config.env->ops->holder_changed)
		d->config.env->ops->holder_changed(d->config.env, now, mac, ip);
}

/* "dhcp: @what 192.168.122.5 (52:54:00:00:00:01): @detail" */
static void log_guest(struct dhcp *d, usec_t now, struct port *p, enum log_level level, const char *what, ip4_t ip, struct mac mac,
		      const char *detail)
{
	char ip_text[IP4_TEXT_SIZE], mac_text[MAC_TEXT_SIZE];
	log_limited(d->config.log, dhcp_log_limit(d, p), now, level, "dhcp: %s %s (%s)%s%s", what, ip4_format(ip, ip_text),
		    mac_format(mac, mac_text), detail[0] ? ": " : "", detail);
}

/* The record of @l is about to lose its MAC.  If the saved leases have it as one that lasts, its end has to be saved. */
static void before_mac_is_lost(struct dhcp *d, usec_t now, const struct lease *l)
{
	if (lease_is_active(l, now) || !list_empty(&l->unsaved))
		dhcp_saving_gone(d, now, l->mac, l->ip);
}

static void remove_lease(struct dhcp *d, usec_t now, struct lease *l)
{
	before_mac_is_lost(d, now, l);
	lease_free(&d->leases, l);
}

/* Ends a lease that no guest uses, so that a client of @payer can have its address, which is returned; 0 when all are in use. */
static ip4_t displace(struct dhcp *d, usec_t now, const struct payer *payer)
{
	struct lease *l = dhcp_share_least_useful(d, now, payer);
	if (!l)
		return 0;
	ip4_t ip = l->ip;
	log_guest(d, now, l->payer ? l->payer->port : NULL, LOG_LEVEL_INFO, "took", ip, l->mac, "not in use, and the pool is full");
	if (l->state == LEASE_BOUND && d->config.env->ops->leased)
		d->config.env->ops->leased(d->config.env, now, NULL, l, DHCP_LEASE_TAKEN);
	struct mac mac = l->mac;
	remove_lease(d, now, l);
	holder_changed(d, now, mac, ip);
	return ip;
}

/* The record of @mac at @ip, which dhcp_pool_refusal() lets it have.  NULL when the table is full. */
static struct lease *claim(struct dhcp *d, usec_t now, struct mac mac, ip4_t ip)
{
	struct lease *own = lease_find_mac(&d->leases, mac), *there = lease_find_ip(&d->leases, ip);
	if (own && own == there)
		return own;
	if (there)
		remove_lease(d, now, there);
	if (!own) {
		own = lease_new(&d->leases, mac, ip);
		if (own)
			guest_lease_tie(&own->holder, d->config.env->ops->guest_of(d->config.env, mac));
		return own;
	}
	ip4_t before = own->ip;
	bool had_lease = lease_is_active(own, now);
	lease_let_go(&d->leases, own);
	lease_move(&d->leases, own, ip);
	if (had_lease)
		dhcp_saving_needed(d, now, own);
	holder_changed(d, now, mac, before);
	return own;
}

/* A guest of @payer, which may be NULL, has said that another one uses the address of @l. */
static void set_aside(struct dhcp *d, usec_t now, struct lease *l, struct payer *payer, usec_t how_long)
{
	before_mac_is_lost(d, now, l);
	dhcp_share_hold(d, now, l, payer, usec_add(now, how_long));
	probe_end(d, l);
	lease_set_aside(&d->leases, l);
}

/* The lease time in seconds: what the client asks for, within limits. */
static uint32_t granted_time(const struct dhcp *d, const struct dhcp_message *m, ip4_t ip)
{
	const struct reservation *r = reservation_of_mac(&d->reservations, m->header.chaddr);
	const struct dhcp_range *range = dhcp_pool_range(&d->config, ip);
	uint32_t ours = d->config.lease_time;
	if (range && range->lease_time_s)
		ours = range->lease_time_s;
	if (r && r->lease_time_s)
		ours = r->lease_time_s;
	if (m->lease_time == 0 || m->lease_time >= ours)
		return ours;
	return MAX(m->lease_time, MIN(ours, LEASE_TIME_MIN));
}

/* Gives @l the name that the client sends.  True: it is another one. */
static bool name_changes(struct dhcp *d, usec_t now, struct lease *l, const struct dhcp_message *m)
{
	char name[GUEST_NAME_SIZE];
	memcpy(name, l->name, sizeof(name));
	dhcp_names_update(d, now, l, m->name, m->name_len);
	return strcmp(name, l->name) != 0;
}

static void offer_lease(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct lease *l, struct sink *out)
{
	bool is_active = lease_is_active(l, now);
	hold(d, now, l, rq, is_active ? l->expires : usec_add(now, OFFER_TIME));
	if (!is_active)
		l->state = LEASE_OFFERED;
	if (name_changes(d, now, l, &rq->message))
		l->saved = 0; /* the file has the lease with its old name */
	lease_touch(&d->leases, l);
	dhcp_reply_lease(d, now, rq, DHCP_OFFER, l, granted_time(d, &rq->message, l->ip), out);
}

static bool holds_address(const struct dhcp *d, usec_t now, struct mac mac)
{
	const struct lease *l = lease_find_mac(&d->leases, mac);
	return l && lease_is_held(l, now);
}

/*
 * Whether a machine other than the client of @rq may use @ip: one that has used it, or one whose addresses were not heard yet.  Most
 * guests are alone behind their ports, and a client that need not wait for a probe boots sooner.
 */
static bool may_be_used(const struct dhcp *d, const struct dhcp_request *rq, ip4_t ip)
{
	struct dhcp_env *env = d->config.env;
	const struct guest_address *a = env->ops->address_at(env, ip);
	return (a && !mac_equal(a->guest->mac, rq->message.header.chaddr)) || !rq->port || !env->ops->all_known(env, rq->port);
}

/*
 * Chooses an address and offers it or starts its probe, after @tries addresses turned out to be in use.  -ENOSPC: no address is
 * free; -EDQUOT: the port has its share; -ENOMEM.
 */
static int find_offer(struct dhcp *d, usec_t now, const struct dhcp_request *rq, unsigned tries, struct sink *out)
{
	struct mac mac = rq->message.header.chaddr;
	struct dhcp_choice choice = { 0 };
	if (!holds_address(d, now, mac) && !dhcp_share_allows_address(d, rq))
		return -EDQUOT;
	if (tries >= TRIES_MAX)
		return -ENOSPC;
	bool found = dhcp_pool_choose(d, now, mac, rq->message.requested, &choice);
	bool probes = !choice.known && (!found || may_be_used(d, rq, choice.ip));
	if (probes && !dhcp_share_allows_probe(d, rq->payer))
		return -EDQUOT;
	if (!found)
		choice.ip = displace(d, now, rq->payer);
	if (!choice.ip)
		return -ENOSPC;
	struct lease *l = claim(d, now, mac, choice.ip);
	if (!l && displace(d, now, rq->payer))
		l = claim(d, now, mac, choice.ip);
	if (!l)
		return -ENOSPC;
	if (probes)
		return probe_begin(d, now, l, rq, tries + 1);
	offer_lease(d, now, rq, l, out);
	return 0;
}

/* RFC 2131 §4.3.1 */
static int input_discover(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct sink *out)
{
	struct lease *l = lease_find_mac(&d->leases, rq->message.header.chaddr);
	if (l && l->probe) {
		l->probe->request = *rq;
		hold(d, now, l, rq, USEC_INFINITY);
		return 0;
	}
	return find_offer(d, now, rq, 0, out);
}

/* The kinds of DHCPREQUEST (RFC 2131 §4.3.2, table 4). */
enum request_kind {
	REQUEST_SELECTING,
	REQUEST_INIT_REBOOT,
	REQUEST_RENEWING, /* or REBINDING, which differs only by being broadcast */
	REQUEST_MALFORMED,
};

/* A renewal must not have a server identifier, but some clients send it. */
static enum request_kind request_kind(const struct dhcp_message *m)
{
	if (m->server_id && m->requested)
		return REQUEST_SELECTING;
	if (m->header.ciaddr)
		return REQUEST_RENEWING;
	return m->requested ? REQUEST_INIT_REBOOT : REQUEST_MALFORMED;
}

/* Why the client cannot have the address that it asks for; NULL when it can. */
static const char *request_refusal(const struct dhcp *d, usec_t now, enum request_kind kind, struct mac mac, ip4_t ip)
{
	const char *why = dhcp_pool_refusal(d, now, mac, ip);
	if (why)
		return why;
	const struct lease *own = lease_find_mac(&d->leases, mac);
	bool promised = own && lease_is_held(own, now) && (own->state == LEASE_BOUND || kind == REQUEST_SELECTING);
	if (promised && own->ip != ip)
		return "wrong address";
	if (dhcp_pool_reserved_elsewhere(d, now, mac, ip))
		return "another address is reserved";
	return NULL;
}

/* True: the name and the client id of @l are new.  A renewal may leave both out. */
static bool describe(struct dhcp *d, usec_t now, struct lease *l, const struct dhcp_message *m)
{
	if (m->client_id_len == 0 && m->header.ciaddr)
		return name_changes(d, now, l, m);
	bool same = l->client_id_len == m->client_id_len && memcmp(l->client_id, m->client_id, m->client_id_len) == 0;
	l->client_id_len = (uint8_t)m->client_id_len;
	memcpy(l->client_id, m->client_id, m->client_id_len);
	return name_changes(d, now, l, m) || !same;
}

/* True: an ACK has to wait until the leases are saved. */
static bool bind_lease(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct lease *l, uint32_t lease_time)
{
	bool renewed = lease_is_active(l, now);
	hold(d, now, l, rq, lease_time == DHCP_LEASE_INFINITE ? USEC_INFINITY : usec_add(now, lease_time * USEC_PER_SEC));
	probe_end(d, l);
	lease_bind(&d->leases, l);
	bool covered = !describe(d, now, l, &rq->message) && renewed && dhcp_saving_covers(d, now, l);
	lease_touch(&d->leases, l);
	log_guest(d, now, rq->port, renewed ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, renewed ? "renewed" : "leased", l->ip, l->mac, l->name);
	tell(d, now, rq, l, renewed ? DHCP_LEASE_RENEWED : DHCP_LEASE_GIVEN);
	holder_changed(d, now, l->mac, l->ip);
	if (!covered) {
		l->saved = l->expires;
		dhcp_saving_needed(d, now, l);
	}
	return d->config.saves && (!covered || l->ack);
}

static bool is_for_another_server(const struct dhcp *d, const struct dhcp_message *m)
{
	return m->server_id && m->server_id != d->config.gateway;
}

/* The client accepted another server's offer: frees the address that was offered here. */
static void forget_offer(struct dhcp *d, usec_t now, struct mac mac)
{
	struct lease *l = lease_find_mac(&d->leases, mac);
	if (!l || (l->state != LEASE_OFFERED && l->state != LEASE_PROBING))
		return;
	probe_end(d, l);
	remove_lease(d, now, l);
}

/* RFC 2131 §4.3.2 */
static int input_request(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct sink *out)
{
	const struct dhcp_message *m = &rq->message;
	struct mac mac = m->header.chaddr;
	enum request_kind kind = request_kind(m);
	if (kind == REQUEST_MALFORMED)
		return -ENOMSG;
	if (is_for_another_server(d, m)) {
		forget_offer(d, now, mac);
		return -ENOMSG;
	}
	ip4_t ip = kind == REQUEST_RENEWING ? m->header.ciaddr : m->requested;
	const char *why = request_refusal(d, now, kind, mac, ip);
	if (why) {
		log_guest(d, now, rq->port, LOG_LEVEL_INFO, "refused", ip, mac, why);
		dhcp_reply_nak(d, now, rq, why, out);
		return 0;
	}
	if (!holds_address(d, now, mac) && !dhcp_share_allows_address(d, rq))
		return -EDQUOT;
	struct lease *l = claim(d, now, mac, ip);
	if (!l)
		return -ENOSPC;
	uint32_t lease_time = granted_time(d, m, ip);
	if (bind_lease(d, now, rq, l, lease_time))
		return dhcp_saving_ack(d, now, rq, l, lease_time);
	dhcp_reply_lease(d, now, rq, DHCP_ACK, l, lease_time, out);
	return 0;
}

/* RFC 2131 §4.3.3.  Only a client with an offer or lease can decline it; otherwise one guest could use up the pool at once. */
static int input_decline(struct dhcp *d, usec_t now, const struct dhcp_request *rq)
{
	const struct dhcp_message *m = &rq->message;
	struct lease *l = lease_find_mac(&d->leases, m->header.chaddr);
	if (is_for_another_server(d, m) || !l || l->ip != m->requested || (l->state != LEASE_BOUND && l->state != LEASE_OFFERED))
		return -ENOMSG;
	bool allowed = dhcp_share_allows_decline(d, now, rq);
	log_guest(d, now, rq->port, LOG_LEVEL_WARNING, allowed ? "set aside" : "not set aside", l->ip, l->mac,
		  allowed ? "declined by the guest: another host uses it" : "declined by the guest, as too many others");
	tell(d, now, rq, l, DHCP_LEASE_DECLINED);
	if (allowed)
		set_aside(d, now, l, rq->payer, DECLINED_TIME);
	else
		remove_lease(d, now, l);
	holder_changed(d, now, m->header.chaddr, m->requested);
	return allowed ? 0 : -EDQUOT;
}

/* RFC 2131 §4.3.4 */
static int input_release(struct dhcp *d, usec_t now, const struct dhcp_request *rq)
{
	const struct dhcp_message *m = &rq->message;
	struct lease *l = lease_find_mac(&d->leases, m->header.chaddr);
	if (is_for_another_server(d, m) || !l || l->ip != m->header.ciaddr || l->state != LEASE_BOUND)
		return -ENOMSG;
	log_guest(d, now, rq->port, LOG_LEVEL_INFO, "released", l->ip, l->mac, "");
	lease_let_go(&d->leases, l);
	tell(d, now, rq, l, DHCP_LEASE_RELEASED);
	holder_changed(d, now, l->mac, l->ip);
	dhcp_saving_needed(d, now, l);
	return 0;
}

/* RFC 2131 §4.3.5 */
static int input_inform(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct sink *out)
{
	ip4_t ciaddr = rq->message.header.ciaddr;
	if (!prefix4_contains(d->config.subnet, ciaddr ? ciaddr : rq->source))
		return -ENOMSG;
	dhcp_reply_inform(d, now, rq, out);
	return 0;
}

static void settle(struct dhcp *d, usec_t now)
{
	struct lease *l;
	while ((l = lease_table_settle(&d->leases, now))) {
		if (l->state != LEASE_BOUND)
			continue;
		if (d->config.env->ops->leased)
			d->config.env->ops->leased(d->config.env, now, NULL, l, DHCP_LEASE_EXPIRED);
		holder_changed(d, now, l->mac, l->ip);
	}
}

int dhcp_server_input(struct dhcp *d, usec_t now, const struct dhcp_request *rq, struct sink *out)
{
	settle(d, now);
	switch (rq->message.type) {
	case DHCP_DISCOVER: return input_discover(d, now, rq, out);
	case DHCP_REQUEST: return input_request(d, now, rq, out);
	case DHCP_DECLINE: return input_decline(d, now, rq);
	case DHCP_RELEASE: return input_release(d, now, rq);
	case DHCP_INFORM: return input_inform(d, now, rq, out);
	default: return -ENOMSG;
	}
}

static struct dhcp_probe *first_probe(const struct dhcp *d)
{
	return list_empty(&d->probes) ? NULL : container_of(d->probes.next, struct dhcp_probe, node);
}

usec_t dhcp_server_deadline(const struct dhcp *d)
{
	const struct dhcp_probe *p = first_probe(d);
	return usec_min(p ? p->deadline : USEC_INFINITY, lease_table_deadline(&d->leases));
}

/* Without an ARP answer the address is offered; otherwise tries the next one. */
static int probe_done(struct dhcp *d, usec_t now, struct lease *l, struct sink *out)
{
	struct dhcp_request rq = l->probe->request;
	struct payer *payer = payer_ref(l->probe->payer), *answered = payer_ref(l->probe->answered);
	unsigned tries = l->probe->tries;
	bool conflict = l->probe->conflict;
	rq.payer = payer;
	rq.port = payer ? payer->port : NULL;
	probe_end(d, l);
	int err = 0;
	if (conflict) {
		set_aside(d, now, l, answered, IN_USE_TIME);
		err = find_offer(d, now, &rq, tries, out);
	} else {
		offer_lease(d, now, &rq, l, out);
	}
	payer_unref(payer);
	payer_unref(answered);
	return err;
}

int dhcp_server_expire(struct dhcp *d, usec_t now, struct sink *out)
{
	struct dhcp_probe *p = first_probe(d);
	settle(d, now);
	return p && p->deadline <= now ? probe_done(d, now, p->lease, out) : -EAGAIN;
}

void dhcp_server_stop(struct dhcp *d)
{
	for (struct dhcp_probe *p = first_probe(d); p; p = first_probe(d))
		probe_end(d, p->lease);
}

void dhcp_address_seen(struct dhcp *d, usec_t now, struct port *p, ip4_t ip, struct mac mac)
{
	struct lease *l = lease_find_ip(&d->leases, ip);
	if (!l || !l->probe || l->probe->conflict || mac_equal(l->mac, mac))
		return;
	if (p && p->id != l->probe->used_at && !dhcp_share_allows_conflict(now, p))
		return;
	log_guest(d, now, p, LOG_LEVEL_WARNING, "set aside", l->ip, l->mac, "another host uses it without a lease");
	struct dhcp_probe *probe = l->probe;
	probe->conflict = true;
	probe->answered = payer_ref(p ? p->payer : NULL);
	probe->deadline = now;
	list_remove(&probe->node);
	list_append(d->probes.next, &probe->node); /* in front of the first */
}
