/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/call_queue.h"

#include "base/macros.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int call_queue_init(struct call_queue *q)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	*q = (struct call_queue){ .fd = fd };
	pthread_mutex_init(&q->mutex, NULL);
	list_init(&q->calls);
	return 0;
}

void call_queue_done(struct call_queue *q)
{
	if (!q->calls.next)
		return;
	close(q->fd);
	pthread_mutex_destroy(&q->mutex);
	*q = (struct call_queue){ .fd = -1 };
}

/* Call with the mutex held: the eventfd is readable exactly while the queue is not empty. */
static void set_readable(struct call_queue *q, bool readable)
{
	uint64_t count = 1;
	ssize_t n = readable ? write(q->fd, &count, sizeof(count)) : read(q->fd, &count, sizeof(count));
	(void)n; /* neither can fail: the counter is 0 or 1 */
}

void call_queue_post(struct call_queue *q, struct call *c)
{
	pthread_mutex_lock(&q->mutex);
	if (list_empty(&q->calls))
		set_readable(q, true);
	list_append(&q->calls, &c->node);
	pthread_mutex_unlock(&q->mutex);
}

struct call *call_queue_take(struct call_queue *q)
{
	struct call *c = NULL;
	pthread_mutex_lock(&q->mutex);
	if (!list_empty(&q->calls)) {
		c = container_of(q->calls.next, struct call, node);
		list_remove(&c->node);
		if (list_empty(&q->calls))
			set_readable(q, false);
	}
	pthread_mutex_unlock(&q->mutex);
	return c;
}
