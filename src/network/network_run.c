/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The turns of a network: when the next one is due, and what it does. */
#include "network/network_internal.h"

#include "base/macros.h"
#include "host/clock.h"
#include "network/observe.h"

#include <limits.h>

int lanlet_network_fd(const struct lanlet_network *n)
{
	return n->loop.epoll_fd;
}

static usec_t deadline(const struct lanlet_network *n)
{
	usec_t first = gateway_deadline(&n->gateway);
	first = MIN(first, links_deadline(&n->links));
	first = MIN(first, segment_deadline(&n->segment));
	first = MIN(first, host_watch_deadline(n));
	first = MIN(first, dials_deadline(&n->dials));
	return MIN(first, forwards_deadline(&n->forwards));
}

/* Work that is left is not for deadline(), which tells what expires. */
static usec_t wake_up(const struct lanlet_network *n)
{
	return loop_has_work(&n->loop) ? 0 : deadline(n);
}

long long lanlet_network_deadline_usec(const struct lanlet_network *n)
{
	usec_t when = wake_up(n);
	return when == USEC_INFINITY ? -1 : (long long)when;
}

static int timeout_until(usec_t when)
{
	if (when == USEC_INFINITY)
		return -1;
	usec_t now = clock_now();
	if (when <= now)
		return 0;
	return (int)MIN((when - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (usec_t)INT_MAX);
}

int lanlet_network_timeout_ms(const struct lanlet_network *n)
{
	return timeout_until(wake_up(n));
}

/* @when: deadline() before this turn's events.  What these events make due is done in the next turn. */
static int dispatch(struct lanlet_network *n, usec_t now, usec_t when)
{
	int r = loop_begin(&n->loop);
	while (loop_serve(&n->loop, now))
		now = clock_now();
	if (when <= now) {
		gateway_expire(&n->gateway, now);
		segment_expire(&n->segment, now);
		links_expire(&n->links, now);
		forwards_expire(&n->forwards, now);
		dials_expire(&n->dials, now);
		host_watch_expire(n, now);
	}
	segment_flush(&n->segment, now);
	return r < 0 ? r : 0;
}

int lanlet_network_dispatch(struct lanlet_network *n)
{
	int r = dispatch(n, clock_now(), deadline(n));
	links_settle(&n->links); /* the caller may sleep now */
	return r;
}

/* Polls for work instead of sleeping, for the window at most and until @when.  1: there is work, 0: none, or negative errno. */
static int look_for_work(struct lanlet_network *n, usec_t when)
{
	usec_t now = clock_now(), end = MIN(when, usec_add(now, n->busy_poll.window));
	if (when <= now)
		return 0;
	for (; now < end; now = clock_now()) {
		int r = loop_wait(&n->loop, 0);
		if (r < 0)
			return r;
		if (loop_has_work(&n->loop) || links_have_work(&n->links)) {
			busy_poll_paid(&n->busy_poll);
			return 1;
		}
	}
	busy_poll_did_not_pay(&n->busy_poll);
	return 0;
}

static int sleep_until(struct lanlet_network *n, usec_t when)
{
	if (n->busy_poll.limit == 0 || loop_has_work(&n->loop))
		return loop_wait(&n->loop, timeout_until(when));
	links_settle(&n->links);
	usec_t before = clock_now();
	int r = loop_wait(&n->loop, timeout_until(when));
	if (loop_has_work(&n->loop))
		busy_poll_slept(&n->busy_poll, clock_now() - before);
	return r;
}

int lanlet_network_wait(struct lanlet_network *n)
{
	usec_t when = deadline(n);
	int r = n->busy_poll.window > 0 ? look_for_work(n, when) : 0;
	if (r == 0)
		r = sleep_until(n, when);
	if (r < 0)
		return r;
	usec_t now = clock_now();
	links_poll(&n->links, now);
	return dispatch(n, now, when);
}
