/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests that wait for the network's next event.  Each stream reads the ring of events (network/events.h) from its own position, so a
 * slow client holds up nothing: it misses what is overwritten meanwhile, and is told how much.  The hub only wakes the streams.
 */
#pragma once

#include "host/call_queue.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

struct call_queue;
struct request;

struct event_hub {
	struct call call; /* posted to the control plane by the network's thread */
	atomic_bool posted;
	atomic_uint happened; /* how often the network's thread has told of an event */
	struct call_queue *queue;
	GList *waiting; /* struct request */
	GSource *heartbeat;
	void (*wake)(struct request *r);
	void (*beat)(struct request *r);
};

/*
 * At an event, calls @wake for each waiting request, which then does not wait any more.  Calls @beat as a heartbeat for requests
 * that still wait.
 */
void event_hub_init(struct event_hub *h, struct call_queue *queue, GMainContext *context, void (*wake)(struct request *r),
		    void (*beat)(struct request *r));
void event_hub_done(struct event_hub *h);

/* For network_wake_on_event(), with the hub as @opaque. */
void event_hub_event_happened(void *opaque);
/* On the network's thread, together with network_wake_on_event(): what to pass to event_hub_wait(). */
unsigned event_hub_happened(const struct event_hub *h);
/*
 * @r waits for an event, unless one has happened since @seen: then false.  Its call may have run before this one, because it was posted
 * for an earlier event.
 */
bool event_hub_wait(struct event_hub *h, struct request *r, unsigned seen);
/* Harmless if @r does not wait. */
void event_hub_forget(struct event_hub *h, struct request *r);
