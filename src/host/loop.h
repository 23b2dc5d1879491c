/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: host/poller.h implemented with epoll.  Its descriptor can be polled, so that it can be embedded in
 * another event loop.
 *
 * A round: loop_wait() fetches all that is ready; loop_serve() then gives each share of the time one slice (shares.h).  What is left is
 * served in the next round, without sleeping.
 */
#pragma once

#include "base/list.h"
#include "host/poller.h"

struct loop {
	struct poller poller;
	int epoll_fd;
	struct list deferred;
	struct shares shares;
	struct share common;   /* of watches that have no share of their own */
	bool has_fetched;      /* for the round that follows */
	uint16_t fetch;        /* number of the latest */
	usec_t (*clock)(void); /* times slices; tests may turn their own */
	usec_t slice_end;      /* USEC_INFINITY: the clock has not been read yet; 0: it is over */
	usec_t looked;         /* when the clock was read last */
	unsigned items;        /* between that and the next look */
};

/* Negative errno. */
int loop_init(struct loop *l);
/* Runs deferred work and closes the epoll descriptor.  No watch may be active.  Harmless on a zeroed loop. */
void loop_done(struct loop *l, usec_t now);
/*
 * Waits up to @timeout_ms (-1: for ever) for events, not at all while there is work, and keeps them for the round that follows.
 * 0, or a negative errno.  A signal ends the wait early.
 */
int loop_wait(struct loop *l, int timeout_ms);
/* Whether there are events that loop_wait() has fetched, or work that earlier rounds have left. */
bool loop_has_work(const struct loop *l);
/*
 * Begins a round with the events that loop_wait() fetched, or else those pending now.  Returns how many shares have work, or a negative
 * errno.
 */
int loop_begin(struct loop *l);
/* Serves the next share of the round; true when another one's turn follows.  After the last one deferred work has run. */
bool loop_serve(struct loop *l, usec_t now);
/* A whole round.  Returns how many shares had work, or a negative errno. */
static inline int loop_dispatch(struct loop *l, usec_t now)
{
	int n = loop_begin(l);
	while (loop_serve(l, now))
		;
	return n;
}
