/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/call_queue.h"

#include "base/macros.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#define THREADS 4u
#define CALLS 2000u

struct note {
	struct call call;
	unsigned thread, number; /* written by the posting thread, read by the taking one */
};

static bool is_readable(const struct call_queue *q)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	return poll(&p, 1, 0) == 1;
}

static void calls_are_taken_in_the_order_they_were_posted(void)
{
	struct call_queue q;
	struct call calls[3] = { 0 };
	g_assert_cmpint(call_queue_init(&q), ==, 0);
	for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
		call_queue_post(&q, &calls[i]);
	for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
		g_assert_true(call_queue_take(&q) == &calls[i]);
	g_assert_null(call_queue_take(&q));
	call_queue_done(&q);
}

static void descriptor_is_readable_exactly_while_there_is_a_call(void)
{
	struct call_queue q;
	struct call a = { 0 }, b = { 0 };
	g_assert_cmpint(call_queue_init(&q), ==, 0);
	g_assert_false(is_readable(&q));
	call_queue_post(&q, &a);
	call_queue_post(&q, &b);
	g_assert_true(is_readable(&q));
	call_queue_take(&q);
	g_assert_true(is_readable(&q));
	call_queue_take(&q);
	g_assert_false(is_readable(&q));
	call_queue_post(&q, &a);
	g_assert_true(is_readable(&q));
	call_queue_done(&q);
}

/* Its descriptor is 0, the program's standard input. */
static void done_of_a_zeroed_queue_is_harmless(void)
{
	g_assert_cmpint(fcntl(STDIN_FILENO, F_GETFD), >=, 0);
	call_queue_done(&(struct call_queue){ 0 });
	g_assert_cmpint(fcntl(STDIN_FILENO, F_GETFD), >=, 0);
}

struct poster {
	struct call_queue *queue;
	unsigned number;
	struct note notes[CALLS];
};

static void *post_all(void *opaque)
{
	struct poster *p = opaque;
	for (unsigned i = 0; i < CALLS; i++) {
		p->notes[i].thread = p->number;
		p->notes[i].number = i;
		call_queue_post(p->queue, &p->notes[i].call);
	}
	return NULL;
}

/* Waits as an event loop does; after a lost wakeup it waits until the test times out. */
static struct note *wait_for_note(struct call_queue *q)
{
	struct call *c;
	while (!(c = call_queue_take(q)))
		poll(&(struct pollfd){ .fd = q->fd, .events = POLLIN }, 1, -1);
	return container_of(c, struct note, call);
}

static void calls_of_several_threads_all_arrive_in_order_for_each_thread(void)
{
	struct call_queue q;
	GThread *threads[THREADS];
	unsigned next[THREADS] = { 0 };
	struct poster *posters = g_new0(struct poster, THREADS);
	g_assert_cmpint(call_queue_init(&q), ==, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		posters[i].queue = &q;
		posters[i].number = i;
		threads[i] = g_thread_new("poster", post_all, &posters[i]);
	}
	for (unsigned i = 0; i < THREADS * CALLS; i++) {
		const struct note *n = wait_for_note(&q);
		g_assert_cmpuint(n->number, ==, next[n->thread]++);
	}
	g_assert_null(call_queue_take(&q));
	for (unsigned i = 0; i < THREADS; i++)
		g_thread_join(threads[i]);
	call_queue_done(&q);
	g_free(posters);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/call_queue/calls_are_taken_in_the_order_they_were_posted", calls_are_taken_in_the_order_they_were_posted);
	g_test_add_func("/call_queue/descriptor_is_readable_exactly_while_there_is_a_call",
			descriptor_is_readable_exactly_while_there_is_a_call);
	g_test_add_func("/call_queue/done_of_a_zeroed_queue_is_harmless", done_of_a_zeroed_queue_is_harmless);
	g_test_add_func("/call_queue/calls_of_several_threads_all_arrive_in_order_for_each_thread",
			calls_of_several_threads_all_arrive_in_order_for_each_thread);
	return g_test_run();
}
