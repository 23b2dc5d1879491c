/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/calls.h"

#include "base/macros.h"
#include "host/clock.h"
#include "network/network_internal.h"
#include "options/guest_ref.h"

/*
 * How long calls may run between two rounds of events, because guests' frames wait meanwhile and a listing posts one call after another.
 * Calls that are left run after every ready descriptor has had its turn.
 */
#define CALLS_TIME (200 * (usec_t)1)

static void calls_ready(struct watch *w, usec_t now, unsigned events)
{
	struct lanlet_network *n = container_of(w, struct lanlet_network, calls_watch);
	usec_t end = clock_now() + CALLS_TIME;
	struct call *c;
	do {
		c = call_queue_take(&n->calls);
		if (c)
			c->run(c);
	} while (c && clock_now() < end);
}

void network_post(struct lanlet_network *n, struct call *c)
{
	call_queue_post(&n->calls, c);
}

void network_forget_calls(struct lanlet_network *n)
{
	while (call_queue_take(&n->calls))
		;
	n->events.wake = NULL;
}

void network_wake_on_event(struct lanlet_network *n, void (*wake)(void *opaque), void *opaque)
{
	n->events.wake = wake;
	n->events.wake_opaque = opaque;
}

int network_dial(struct lanlet_network *n, usec_t now, struct dial *d, const char *guest, uint16_t port)
{
	struct ip_endpoint host = { 0 };
	struct guest_ref ref;
	int r = guest_ref_parse_in(guest, n->settings.domain, &ref);
	return r < 0 ? r : dial_begin(&n->dials, now, d, &ref, port, &host);
}

int calls_init(struct lanlet_network *n)
{
	int r = call_queue_init(&n->calls);
	if (r < 0)
		return r;
	n->calls_watch.ready = calls_ready;
	return poller_watch(&n->loop.poller, &n->calls_watch, n->calls.fd, POLL_EVENT_IN);
}

void calls_done(struct lanlet_network *n)
{
	if (!n->calls.calls.next)
		return;
	poller_unwatch(&n->loop.poller, &n->calls_watch);
	call_queue_done(&n->calls);
}
