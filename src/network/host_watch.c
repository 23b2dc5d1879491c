/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/host_watch.h"

#include "base/log.h"
#include "host/clock.h"
#include "host/host_follower.h"
#include "host/host_network.h"
#include "network/network_internal.h"

#include <stdio.h>
#include <string.h>

/* Flows that are looked at between two turns: some 100 µs. */
#define SLICE 256u

static bool is_here(struct host_watch *w, const struct ip_addr *addr)
{
	for (unsigned i = 0; i < w->n_asked; i++)
		if (ip_equal(&w->asked[i].addr, addr))
			return w->asked[i].here;
	bool here = ip_is_unspecified(addr) || host_network_has(addr);
	if (w->n_asked < HOST_WATCH_ASKED_MAX) {
		w->asked[w->n_asked].addr = *addr;
		w->asked[w->n_asked++].here = here;
	}
	return here;
}

static bool is_lost(void *opaque, const struct ip_addr *addr)
{
	struct host_watch *w = opaque;
	for (unsigned i = 0; i < w->lost.n_lost; i++)
		if (ip_equal(&w->lost.lost[i], addr))
			return true;
	return w->lost.any && !(ip_is_v4(addr) && ip_to_ip4(addr) == 0) && !is_here(w, addr);
}

/* An address may have been removed from one interface after it was added to another. */
static void keep_those_that_are_gone(struct host_change *c)
{
	unsigned n = 0;
	for (unsigned i = 0; i < c->n_lost; i++)
		if (!host_network_has(&c->lost[i]))
			c->lost[n++] = c->lost[i];
	c->n_lost = n;
}

static void tell(struct lanlet_network *n, const struct host_watch *w)
{
	char text[IP_TEXT_SIZE] = "addresses";
	if (w->lost.n_lost > 0)
		ip_format(&w->lost.lost[0], text);
	if (w->ended > 0)
		log_info(&n->log, "network: the host has lost %s%s: %u flows from there ended", text,
			 w->lost.n_lost > 1 ? " and others" : "", w->ended);
}

static void walk(struct lanlet_network *n, usec_t now)
{
	struct host_watch *w = &n->host_watch;
	w->ended += n->settings.engine->end_lost(n->engine, now, &w->cursor, SLICE, is_lost, w);
	if (w->cursor != ENGINE_FLOWS_END)
		return;
	tell(n, w);
	w->walking = false;
}

static void begin_walk(struct host_watch *w, const struct host_change *lost)
{
	w->lost = *lost;
	keep_those_that_are_gone(&w->lost);
	w->walking = w->lost.n_lost > 0 || w->lost.any;
	w->cursor = 0;
	w->ended = w->n_asked = 0;
}

/* Guests are told of a way to the IPv6 internet only while there is one, and an engine that can use it. */
static void advertise_route(struct lanlet_network *n, usec_t now)
{
	struct ip_addr address;
	if (!n->gateway.config.ip6.on)
		return;
	bool has_route = n->settings.engine->ipv6 && host_address_get(&n->host_address, now, true, &address) == 0;
	ra_service_set_default_router(&n->ra, now, has_route);
}

static void changed(void *opaque, usec_t now, const struct host_change *change)
{
	struct lanlet_network *n = opaque;
	if (change->news) {
		host_address_init(&n->host_address);
		advertise_route(n, now);
		forwards_try_again(&n->forwards, now);
	}
	if (change->n_lost > 0 || change->any)
		begin_walk(&n->host_watch, change);
}

int host_watch_init(struct lanlet_network *n)
{
	advertise_route(n, clock_now());
	return host_follower_new(
		&(struct host_follower_config){ .poller = &n->loop.poller, .log = &n->log, .changed = changed, .opaque = n },
		&n->host_watch.follower);
}

void host_watch_done(struct lanlet_network *n)
{
	host_follower_free(n->host_watch.follower);
}

usec_t host_watch_deadline(const struct lanlet_network *n)
{
	return n->host_watch.walking ? 0 : host_follower_deadline(n->host_watch.follower);
}

/* What changes during a walk waits for its end. */
void host_watch_expire(struct lanlet_network *n, usec_t now)
{
	if (n->host_watch.walking)
		walk(n, now);
	else
		host_follower_expire(n->host_watch.follower, now);
}
