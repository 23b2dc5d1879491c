/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/notify_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)64 * 1024)

struct notify_thread {
	pthread_t thread;
	sem_t told;
	int fd;
	bool pending; /* told and not written yet; atomic */
};

/*
 * sem_wait() and write() are the points where notify_thread_free() ends it (pthreads(7), cancellation points).  Nothing whose address is
 * taken is on its stack: AddressSanitizer would not see it end when the thread is cancelled, and complain later.
 */
static void *run(void *opaque)
{
	struct notify_thread *t = opaque;
	static const uint64_t once = 1;
	for (;;) {
		if (sem_wait(&t->told) < 0)
			continue;
		__atomic_store_n(&t->pending, false, __ATOMIC_SEQ_CST);
		ssize_t done = write(t->fd, &once, sizeof(once));
		(void)done;
	}
	return NULL;
}

/* With all signals blocked: they are for the program's own threads. */
static int start(struct notify_thread *t)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);
	if (error != 0)
		return -error;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&t->thread, &attributes, run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

int notify_thread_new(int fd, struct notify_thread **ret)
{
	struct notify_thread *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->fd = fd;
	int r = sem_init(&t->told, 0, 0) < 0 ? -errno : start(t);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void notify_thread_free(struct notify_thread *t)
{
	if (!t)
		return;
	pthread_cancel(t->thread);
	pthread_join(t->thread, NULL);
	sem_destroy(&t->told);
	free(t);
}

void notify_thread_tell(struct notify_thread *t)
{
	if (!__atomic_exchange_n(&t->pending, true, __ATOMIC_SEQ_CST))
		sem_post(&t->told);
}
