/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One epoll set, whose user data is the watch.  An owner may unwatch and free any watch while a round of events is being
 * dispatched.  So unwatch() removes the watch from the rest of the round: no event reaches a freed watch.
 */
#include "host/loop.h"

#include "base/macros.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_ROUND 64

struct loop_round {
	struct epoll_event events[EVENTS_PER_ROUND];
	int at, count; /* events[at … count) are still to be dispatched */
};

/* Events are passed on without translation. */
#define SAME(ours, theirs) static_assert((unsigned)(ours) == (unsigned)(theirs), #ours)
SAME(POLL_EVENT_IN, EPOLLIN);
SAME(POLL_EVENT_PRI, EPOLLPRI);
SAME(POLL_EVENT_OUT, EPOLLOUT);
SAME(POLL_EVENT_ERROR, EPOLLERR);
SAME(POLL_EVENT_HANGUP, EPOLLHUP);
SAME(POLL_EVENT_PEER_SHUT, EPOLLRDHUP);
SAME(POLL_EVENT_EDGE, EPOLLET);

static int control(struct loop *l, int operation, struct watch *w, int fd, unsigned events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };
	return epoll_ctl(l->epoll_fd, operation, fd, &e) < 0 ? -errno : 0;
}

static int loop_watch(struct poller *p, struct watch *w, int fd, unsigned events)
{
	struct loop *l = container_of(p, struct loop, poller);
	int r = control(l, EPOLL_CTL_ADD, w, fd, events);
	if (r < 0)
		return r;
	w->fd = fd;
	w->events = events;
	w->active = true;
	return 0;
}

static int loop_rewatch(struct poller *p, struct watch *w, unsigned events)
{
	struct loop *l = container_of(p, struct loop, poller);
	int r = control(l, EPOLL_CTL_MOD, w, w->fd, events);
	if (r == 0)
		w->events = events;
	return r;
}

static void strike(struct loop *l, struct watch *w)
{
	w->active = false;
	for (int i = l->round->at; i < l->round->count; i++)
		if (l->round->events[i].data.ptr == w)
			l->round->events[i].data.ptr = NULL;
}

static void loop_unwatch(struct poller *p, struct watch *w)
{
	struct loop *l = container_of(p, struct loop, poller);
	control(l, EPOLL_CTL_DEL, w, w->fd, 0);
	strike(l, w);
}

/* Closing the last descriptor of a file removes its registration (epoll(7)). */
static void loop_close(struct poller *p, struct watch *w)
{
	close(w->fd);
	strike(container_of(p, struct loop, poller), w);
}

static void loop_defer(struct poller *p, struct deferred *d)
{
	struct loop *l = container_of(p, struct loop, poller);
	list_append(&l->deferred, &d->node);
}

static const struct poller_ops loop_poller_ops = {
	.watch = loop_watch,
	.rewatch = loop_rewatch,
	.unwatch = loop_unwatch,
	.close = loop_close,
	.defer = loop_defer,
};

int loop_init(struct loop *l)
{
	struct loop_round *round = calloc(1, sizeof(*round));
	if (!round)
		return -ENOMEM;
	int fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0) {
		int r = -errno;
		free(round);
		return r;
	}
	*l = (struct loop){ .poller = { &loop_poller_ops }, .epoll_fd = fd, .round = round };
	list_init(&l->deferred);
	return 0;
}

static void run_deferred(struct loop *l, usec_t now)
{
	while (!list_empty(&l->deferred)) {
		struct deferred *d = container_of(l->deferred.next, struct deferred, node);
		list_remove(&d->node);
		d->run(d, now);
	}
}

void loop_done(struct loop *l, usec_t now)
{
	if (!l->round)
		return;
	run_deferred(l, now);
	close(l->epoll_fd);
	free(l->round);
}

int loop_wait(struct loop *l, int timeout_ms)
{
	struct loop_round *round = l->round;
	if (round->at < round->count)
		return 0;
	int n = epoll_wait(l->epoll_fd, round->events, EVENTS_PER_ROUND, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	round->at = 0;
	round->count = n;
	return 0;
}

bool loop_has_events(const struct loop *l)
{
	return l->round->at < l->round->count;
}

int loop_dispatch(struct loop *l, usec_t now)
{
	struct loop_round *round = l->round;
	int r = loop_wait(l, 0);
	if (r < 0)
		return r;
	int n = round->count - round->at;
	while (round->at < round->count) {
		struct epoll_event *e = &round->events[round->at++];
		struct watch *w = e->data.ptr;
		if (w)
			w->ready(w, now, e->events);
	}
	run_deferred(l, now);
	return n;
}
