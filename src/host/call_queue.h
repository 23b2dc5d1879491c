/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls from one thread to another: a queue that any thread may post to, and a descriptor that polls readable
 * while something is in it.  Calls are embedded in their owners' objects, so posting allocates nothing and
 * cannot fail; a call is on one queue at most, and belongs to its taker once it was taken.
 */
#pragma once

#include "base/list.h"

#include <pthread.h>

struct call {
	struct list node;
	/* On the thread that runs the queue.  May post the call again, there or elsewhere, or free it. */
	void (*run)(struct call *c);
};

struct call_queue {
	pthread_mutex_t mutex;
	struct list calls;
	int fd; /* eventfd */
};

/* Negative errno. */
int call_queue_init(struct call_queue *q);
/* What is still in it is forgotten, not run.  Harmless on a zeroed queue. */
void call_queue_done(struct call_queue *q);

/* Any thread; @c is on no queue. */
void call_queue_post(struct call_queue *q, struct call *c);
/* The oldest call, off the queue; NULL when there is none, and the descriptor is quiet from then on. */
struct call *call_queue_take(struct call_queue *q);
