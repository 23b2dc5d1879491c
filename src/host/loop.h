/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: lan/poller.h implemented with epoll.  Its descriptor can itself be polled, which
 * is how an embedder's loop knows when there is something to do.
 */
#pragma once

#include "base/list.h"
#include "lan/poller.h"

struct loop {
	struct poller poller;
	int epoll_fd;
	struct list deferred;
	/* The round of events being handed out, so that unwatch() can strike some of them. */
	struct loop_round *round;
};

/* Negative errno. */
int loop_init(struct loop *l);
/* Runs what was deferred, closes the epoll descriptor.  Nothing may be watched any more. */
void loop_done(struct loop *l, usec_t now);
/*
 * Hands out one round of pending events without waiting, then runs what was deferred.  Returns how many
 * events there were, or a negative errno.
 */
int loop_dispatch(struct loop *l, usec_t now);
