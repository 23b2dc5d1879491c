/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/event_hub.h"

#include "base/macros.h"

/* Often enough to notice that a client is gone, and to keep proxies in between from giving up. */
#define HEARTBEAT_SECONDS 15

static void wake_all(struct call *call)
{
	struct event_hub *h = container_of(call, struct event_hub, call);
	atomic_store(&h->posted, false); /* before streams read: a later event posts again */
	g_autoptr(GList) waiting = g_steal_pointer(&h->waiting);
	for (GList *l = waiting; l; l = l->next)
		h->wake(l->data);
}

void event_hub_event_happened(void *opaque)
{
	struct event_hub *h = opaque;
	atomic_fetch_add(&h->happened, 1);
	if (!atomic_exchange(&h->posted, true))
		call_queue_post(h->queue, &h->call);
}

static gboolean beat_all(gpointer opaque)
{
	struct event_hub *h = opaque;
	g_autoptr(GList) waiting = g_list_copy(h->waiting);
	for (GList *l = waiting; l; l = l->next)
		h->beat(l->data);
	return G_SOURCE_CONTINUE;
}

void event_hub_init(struct event_hub *h, struct call_queue *queue, GMainContext *context, void (*wake)(struct request *r),
		    void (*beat)(struct request *r))
{
	h->call.run = wake_all;
	h->queue = queue;
	h->waiting = NULL;
	h->wake = wake;
	h->beat = beat;
	atomic_init(&h->posted, false);
	atomic_init(&h->happened, 0);
	h->heartbeat = g_timeout_source_new_seconds(HEARTBEAT_SECONDS);
	g_source_set_callback(h->heartbeat, beat_all, h, NULL);
	g_source_attach(h->heartbeat, context);
}

void event_hub_done(struct event_hub *h)
{
	if (!h->heartbeat)
		return;
	g_source_destroy(h->heartbeat);
	g_source_unref(h->heartbeat);
	g_list_free(h->waiting);
	h->waiting = NULL;
}

unsigned event_hub_happened(const struct event_hub *h)
{
	return atomic_load(&h->happened);
}

bool event_hub_wait(struct event_hub *h, struct request *r, unsigned seen)
{
	if (atomic_load(&h->happened) != seen)
		return false;
	h->waiting = g_list_prepend(h->waiting, r);
	return true;
}

void event_hub_forget(struct event_hub *h, struct request *r)
{
	h->waiting = g_list_remove(h->waiting, r);
}
