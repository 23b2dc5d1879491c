/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who waits for the network's next event.  Each stream reads the network's ring (network/events.h) from where it stands, so a
 * slow one costs nobody anything: it misses what was overwritten meanwhile, and is told how much.  The hub only wakes them.
 */
#pragma once

#include "host/call_queue.h"

#include <glib.h>
#include <stdatomic.h>

struct call_queue;
struct request;

struct event_hub {
	struct call call; /* on the control plane's queue after the network's thread has posted it */
	atomic_bool posted;
	struct call_queue *queue;
	GList *waiting; /* struct request */
	GSource *heartbeat;
	void (*wake)(struct request *r);
	void (*beat)(struct request *r);
};

/* wake() is called for each request that waits when there was an event, which then waits no more; beat() now and then for those that wait.
 */
void event_hub_init(struct event_hub *h, struct call_queue *queue, GMainContext *context, void (*wake)(struct request *r),
		    void (*beat)(struct request *r));
void event_hub_done(struct event_hub *h);

/* For network_wake_on_event(), with the hub as @opaque. */
void event_hub_event_happened(void *opaque);
void event_hub_wait(struct event_hub *h, struct request *r);
/* Harmless when @r does not wait. */
void event_hub_forget(struct event_hub *h, struct request *r);
