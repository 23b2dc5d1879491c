/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What code that owns descriptors asks of the event loop.  Links and engines with sockets
 * of their own use it; src/host/loop.c implements it with epoll.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"

#include <stdbool.h>

struct poller;
struct watch;

/* The numbers are those of epoll(7): an event is handed on without being translated. */
enum poll_event {
	POLL_EVENT_IN = 1 << 0,
	POLL_EVENT_PRI = 1 << 1,
	POLL_EVENT_OUT = 1 << 2,
	POLL_EVENT_ERROR = 1 << 3,      /* reported whether asked for or not */
	POLL_EVENT_HANGUP = 1 << 4,     /* likewise */
	POLL_EVENT_PEER_SHUT = 1 << 13, /* the peer will send no more */
};
/* Asked for beside events, never reported: edge-triggered. */
#define POLL_EVENT_EDGE (1u << 31)

/* Embedded in whoever owns the descriptor. */
struct watch {
	void (*ready)(struct watch *w, usec_t now, unsigned events);
	int fd;
	unsigned events;
	bool active;
};

/*
 * Work to be done when the present round of events is over, such as freeing oneself.  Its node is on no list when run()
 * is called; whoever goes away before that takes it back with list_remove().
 */
struct deferred {
	struct list node;
	void (*run)(struct deferred *d, usec_t now);
};

struct poller_ops {
	/* Starts watching @fd for @events; w->ready must be set.  Negative errno on failure. */
	int (*watch)(struct poller *p, struct watch *w, int fd, unsigned events);
	/* Asks for other events. */
	int (*rewatch)(struct poller *p, struct watch *w, unsigned events);
	/* Stops; call it before the descriptor is closed.  No ready() after this, not even for events already fetched. */
	void (*unwatch)(struct poller *p, struct watch *w);
	/* Stops and closes the descriptor, which nobody else may have a duplicate of: one system call less. */
	void (*close)(struct poller *p, struct watch *w);
	void (*defer)(struct poller *p, struct deferred *d);
};

struct poller {
	const struct poller_ops *ops;
};

static inline int poller_watch(struct poller *p, struct watch *w, int fd, unsigned events)
{
	return p->ops->watch(p, w, fd, events);
}

static inline int poller_rewatch(struct poller *p, struct watch *w, unsigned events)
{
	return w->events == events ? 0 : p->ops->rewatch(p, w, events);
}

/* An edge-triggered watch is told in the next round what is there still. */
static inline int poller_look_again(struct poller *p, struct watch *w)
{
	return p->ops->rewatch(p, w, w->events);
}

/* Harmless on a watch that is not active. */
static inline void poller_unwatch(struct poller *p, struct watch *w)
{
	if (w->active)
		p->ops->unwatch(p, w);
}

/* As unwatch and close(w->fd). */
static inline void poller_close(struct poller *p, struct watch *w)
{
	p->ops->close(p, w);
}

static inline void poller_defer(struct poller *p, struct deferred *d)
{
	p->ops->defer(p, d);
}
