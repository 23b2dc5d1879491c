/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: host/poller.h implemented with epoll.  Its descriptor can be polled, so that it can be embedded in
 * another event loop.
 */
#pragma once

#include "base/list.h"
#include "host/poller.h"

struct loop_round;

struct loop {
	struct poller poller;
	int epoll_fd;
	struct list deferred;
	struct loop_round *round; /* events fetched and not dispatched yet */
};

/* Negative errno. */
int loop_init(struct loop *l);
/* Runs deferred work and closes the epoll descriptor.  No watch may be active.  Harmless on a zeroed loop. */
void loop_done(struct loop *l, usec_t now);
/*
 * Waits up to @timeout_ms (-1: for ever) for events and keeps them for loop_dispatch(), which must be called next.
 * 0, or a negative errno.  A signal ends the wait early.
 */
int loop_wait(struct loop *l, int timeout_ms);
/* Whether loop_wait() has fetched events. */
bool loop_has_events(const struct loop *l);
/*
 * Dispatches the events that loop_wait() fetched, or else those pending now, then runs deferred work.  Returns the number of
 * events, or a negative errno.
 */
int loop_dispatch(struct loop *l, usec_t now);
