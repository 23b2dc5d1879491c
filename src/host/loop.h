/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: host/poller.h implemented with epoll.  Its descriptor can itself be polled, which
 * is how an embedder's loop knows when there is something to do.
 */
#pragma once

#include "base/list.h"
#include "host/poller.h"

struct loop_round;

struct loop {
	struct poller poller;
	int epoll_fd;
	struct list deferred;
	struct loop_round *round; /* events fetched and not yet handed out */
};

/* Negative errno. */
int loop_init(struct loop *l);
/* Runs what was deferred, closes the epoll descriptor.  Nothing may be watched any more.  Harmless on a zeroed one. */
void loop_done(struct loop *l, usec_t now);
/*
 * Waits up to @timeout_ms (-1: for ever) for events and keeps them for loop_dispatch(), which is to be called next.
 * 0, or a negative errno; a signal ends the wait early.
 */
int loop_wait(struct loop *l, int timeout_ms);
/* Whether loop_wait() has fetched some. */
bool loop_has_events(const struct loop *l);
/*
 * Hands out the events that were waited for, or else those pending now, then runs what was deferred.  Returns how
 * many events there were, or a negative errno.
 */
int loop_dispatch(struct loop *l, usec_t now);
