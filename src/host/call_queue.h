/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls from one thread to another: a queue that any thread may post to, and an eventfd that is readable while the queue
 * is not empty.  A call is embedded in its owner's object, so posting allocates nothing and cannot fail.  A call is on
 * one queue at most; the thread that takes it owns it.
 */
#pragma once

#include "base/list.h"

#include <pthread.h>

struct call {
	struct list node;
	/* Called by the thread that takes it.  May post the call again, to any queue, or free it. */
	void (*run)(struct call *c);
};

struct call_queue {
	pthread_mutex_t mutex;
	struct list calls;
	int fd; /* eventfd */
};

/* Negative errno. */
int call_queue_init(struct call_queue *q);
/* Calls still in the queue are not run.  Harmless on a zeroed queue. */
void call_queue_done(struct call_queue *q);

/* From any thread; @c is on no queue. */
void call_queue_post(struct call_queue *q, struct call *c);
/* Removes and returns the oldest call; NULL when the queue is empty, and then the eventfd is not readable. */
struct call *call_queue_take(struct call_queue *q);
