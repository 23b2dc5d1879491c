/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop as seen by code that owns descriptors.  Links, engines and the resolver use it; loop.c implements it
 * with epoll.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "base/shares.h"

#include <stdbool.h>

struct poller;
struct watch;

/* The values are those of epoll(7): events are passed on without translation. */
enum poll_event {
	POLL_EVENT_IN = 1 << 0,
	POLL_EVENT_PRI = 1 << 1,
	POLL_EVENT_OUT = 1 << 2,
	POLL_EVENT_ERROR = 1 << 3,      /* always reported */
	POLL_EVENT_HANGUP = 1 << 4,     /* always reported */
	POLL_EVENT_PEER_SHUT = 1 << 13, /* the peer has shut down writing */
};
/* With events: edge-triggered.  Never reported. */
#define POLL_EVENT_EDGE (1u << 31)

/* Embedded in the object that owns the descriptor. */
struct watch {
	void (*ready)(struct watch *w, usec_t now, unsigned events);
	int fd;
	unsigned events;
	bool active;
	uint16_t fetch;      /* the loop's: by which it was reported last */
	unsigned pending;    /* events that ready() has not been called with yet */
	struct list node;    /* in share->work while there are any */
	struct share *share; /* whose time ready() takes; set it before watching; NULL: that of all who have none of their own */
};

/*
 * Work for the end of the current round of events, such as freeing the object that it is embedded in.  Its node is on no
 * list when run() is called.  An owner that is freed before calls list_remove().
 */
struct deferred {
	struct list node;
	void (*run)(struct deferred *d, usec_t now);
};

struct poller_ops {
	/* Starts watching @fd for @events; w->ready must be set.  Negative errno on failure. */
	int (*watch)(struct poller *p, struct watch *w, int fd, unsigned events);
	/* Changes the events. */
	int (*rewatch)(struct poller *p, struct watch *w, unsigned events);
	/* Stops watching; call it before closing the descriptor.  No ready() after this, not even for events already fetched. */
	void (*unwatch)(struct poller *p, struct watch *w);
	/* Stops watching and closes the descriptor, which must have no duplicate.  Saves one system call. */
	void (*close)(struct poller *p, struct watch *w);
	/* Runs @d at the end of the round. */
	void (*defer)(struct poller *p, struct deferred *d);
	/* Calls ready() with @events once more in the next round, and ends the present slice. */
	void (*again)(struct poller *p, struct watch *w, unsigned events);
	/* Looks at the clock for poller_slice_is_over(), and sets until_look. */
	bool (*look)(struct poller *p);
};

struct poller {
	const struct poller_ops *ops;
	unsigned until_look; /* items until the next look at the clock */
	unsigned left;       /* pieces of work that this slice has left for the flush that follows it */
};
/* As many take about as long as a slice: each is a flow with a few system calls. */
#define POLLER_LEFT_MAX 64u

static inline int poller_watch(struct poller *p, struct watch *w, int fd, unsigned events)
{
	return p->ops->watch(p, w, fd, events);
}

static inline int poller_rewatch(struct poller *p, struct watch *w, unsigned events)
{
	return w->events == events ? 0 : p->ops->rewatch(p, w, events);
}

/*
 * For work that is left when the slice is over, or when a batch was full: ready() is called with @events once more in the next round,
 * before the loop sleeps, whether or not the descriptor is ready then.  Only for a watch that is active.
 */
static inline void poller_again(struct poller *p, struct watch *w, unsigned events)
{
	p->ops->again(p, w, events);
}

/*
 * Whether the slice of the share that is being served is over (shares.h): to be asked after each frame, or after @n small pieces of work.
 * Looks at the clock now and then, the more often the longer they take.  When true, what is left waits for poller_again().
 */
static inline bool poller_slice_is_over(struct poller *p, unsigned n)
{
	if (p->until_look <= n)
		return p->ops->look(p);
	p->until_look -= n;
	return false;
}

/* What was done may have taken long: the next poller_slice_is_over() looks at the clock. */
static inline void poller_look_soon(struct poller *p)
{
	p->until_look = 0;
}

/* A flow's work is left for the flush: a slice that measures only its own time would leave a hundred times as much as it does. */
static inline void poller_leaves_work(struct poller *p)
{
	if (++p->left >= POLLER_LEFT_MAX)
		p->until_look = 0;
}

/* Harmless on a watch that is not active. */
static inline void poller_unwatch(struct poller *p, struct watch *w)
{
	if (w->active)
		p->ops->unwatch(p, w);
}

/* As poller_unwatch() and close(w->fd). */
static inline void poller_close(struct poller *p, struct watch *w)
{
	p->ops->close(p, w);
}

static inline void poller_defer(struct poller *p, struct deferred *d)
{
	p->ops->defer(p, d);
}
