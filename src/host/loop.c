/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One epoll set, whose user data is the watch.  The kernel's list of ready descriptors knows no shares, so it is emptied before each round
 * and the watches are put on the lists of their shares: a guest with a thousand ready sockets has others wait for one slice of its time,
 * not for a thousand sockets.
 *
 * An owner may unwatch and free any watch during a round.  Unwatching removes it from these lists: no event reaches a freed watch.
 */
#include "host/loop.h"

#include "base/macros.h"
#include "host/clock.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_FETCH 64
/* Watches of a share between two flushes of the segment, alone and beside others.  Each wakes a flow, whose work the flush does. */
#define WATCHES_ALONE 64u
#define WATCHES_BESIDE 16u
/* The clock is looked at about as often.  One frame takes from 50 ns to 40 us, and may take long after many that took little. */
#define LOOK_TIME ((usec_t)40)
#define ITEMS_AT_FIRST 4u
#define ITEMS_MAX 32u

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
	w->pending = 0;
	w->fetch = l->fetch;
	list_init(&w->node);
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

static void strike(struct watch *w)
{
	w->active = false;
	list_remove(&w->node);
}

static void loop_unwatch(struct poller *p, struct watch *w)
{
	struct loop *l = container_of(p, struct loop, poller);
	control(l, EPOLL_CTL_DEL, w, w->fd, 0);
	strike(w);
}

/* Closing the last descriptor of a file removes its registration (epoll(7)). */
static void loop_close(struct poller *p, struct watch *w)
{
	close(w->fd);
	strike(w);
}

static void loop_defer(struct poller *p, struct deferred *d)
{
	struct loop *l = container_of(p, struct loop, poller);
	list_append(&l->deferred, &d->node);
}

static void add_events(struct loop *l, struct watch *w, unsigned events)
{
	w->pending |= events;
	if (list_empty(&w->node))
		shares_add(&l->shares, w->share ? w->share : &l->common, &w->node);
}

static void loop_again(struct poller *p, struct watch *w, unsigned events)
{
	struct loop *l = container_of(p, struct loop, poller);
	add_events(l, w, events);
	l->slice_end = 0;
	l->poller.until_look = 0;
}

static void begin_slice(struct loop *l)
{
	l->slice_end = USEC_INFINITY;
	l->items = l->poller.until_look = ITEMS_AT_FIRST;
	l->poller.left = 0;
}

/* The time begins with the first look, because most slices end before. */
static bool loop_look(struct poller *p)
{
	struct loop *l = container_of(p, struct loop, poller);
	if (p->left >= POLLER_LEFT_MAX)
		l->slice_end = 0;
	usec_t now = l->slice_end > 0 ? l->clock() : 0, passed = now - l->looked;
	if (l->slice_end == USEC_INFINITY)
		l->slice_end = usec_add(now, shares_slice(&l->shares));
	else if (now < l->slice_end)
		l->items = (unsigned)MIN(MAX(l->items * LOOK_TIME / MAX(passed, (usec_t)1), (usec_t)1), (usec_t)ITEMS_MAX);
	else
		l->slice_end = 0;
	l->looked = now;
	p->until_look = l->slice_end > 0 ? l->items : 0;
	return l->slice_end == 0;
}

static const struct poller_ops loop_poller_ops = {
	.watch = loop_watch,
	.rewatch = loop_rewatch,
	.unwatch = loop_unwatch,
	.close = loop_close,
	.defer = loop_defer,
	.again = loop_again,
	.look = loop_look,
};

int loop_init(struct loop *l)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return -errno;
	*l = (struct loop){ .poller = { &loop_poller_ops }, .epoll_fd = fd, .clock = clock_now };
	list_init(&l->deferred);
	shares_init(&l->shares);
	share_init(&l->common);
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
	if (!l->poller.ops)
		return;
	run_deferred(l, now);
	share_done(&l->common);
	close(l->epoll_fd);
}

/*
 * Empties the kernel's list, so that the events of one share, however many, hide none of another's.  It reports a level-triggered
 * descriptor again each time: when only descriptors come that this fetch has seen, the whole list has been seen.
 */
static int fetch(struct loop *l, int timeout_ms)
{
	struct epoll_event events[EVENTS_PER_FETCH];
	bool is_any_new;
	int n;
	l->fetch++;
	do {
		n = epoll_wait(l->epoll_fd, events, EVENTS_PER_FETCH, timeout_ms);
		if (n < 0)
			return errno == EINTR ? 0 : -errno;
		is_any_new = false;
		for (int i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr;
			is_any_new |= w->fetch != l->fetch;
			w->fetch = l->fetch;
			add_events(l, w, events[i].events);
		}
		timeout_ms = 0;
	} while (n == EVENTS_PER_FETCH && is_any_new);
	return 0;
}

bool loop_has_work(const struct loop *l)
{
	return shares_have_work(&l->shares);
}

int loop_wait(struct loop *l, int timeout_ms)
{
	int r = fetch(l, loop_has_work(l) ? 0 : timeout_ms);
	l->has_fetched = r == 0;
	return r;
}

static void serve(struct loop *l, usec_t now, struct share *share)
{
	struct list *item;
	unsigned most = l->shares.n_round > 1 ? WATCHES_BESIDE : WATCHES_ALONE;
	begin_slice(l);
	for (unsigned n = 1; (item = shares_take(&l->shares, share)); n++) {
		struct watch *w = container_of(item, struct watch, node);
		unsigned events = w->pending;
		w->pending = 0;
		w->ready(w, now, events);
		if (n == most || poller_slice_is_over(&l->poller, 1))
			break;
	}
	shares_served(&l->shares, share);
}

int loop_begin(struct loop *l)
{
	int r = l->has_fetched ? 0 : fetch(l, 0);
	l->has_fetched = false;
	shares_begin_round(&l->shares);
	return r < 0 ? r : (int)l->shares.n_round;
}

bool loop_serve(struct loop *l, usec_t now)
{
	struct share *share = shares_next(&l->shares);
	if (share) {
		serve(l, now, share);
		if (shares_next(&l->shares))
			return true;
	}
	run_deferred(l, now);
	return false;
}
