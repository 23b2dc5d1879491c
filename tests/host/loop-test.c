/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop on eventfds; the test turns the clock. */
#include "host/loop.h"

#include "base/macros.h"

#include <glib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MANY = 300 };

static usec_t time_now, time_per_look;

static usec_t turned_clock(void)
{
	return time_now += time_per_look;
}

struct source {
	struct watch watch;
	struct fixture *fixture;
	unsigned n;         /* calls of ready() */
	unsigned events;    /* of the last one */
	unsigned leaves;    /* pieces of work */
	bool again;         /* asks for another */
	struct source *end; /* unwatched by ready() */
};

struct fixture {
	struct loop loop;
	struct share many, few;
	struct source sources[MANY + 1];
	unsigned n_ready;
};

static void ready(struct watch *w, usec_t now, unsigned events)
{
	struct source *s = container_of(w, struct source, watch);
	s->fixture->n_ready++;
	s->n++;
	s->events = events;
	for (unsigned i = 0; i < s->leaves; i++)
		poller_leaves_work(&s->fixture->loop.poller);
	if (s->again)
		poller_again(&s->fixture->loop.poller, w, POLL_EVENT_IN);
	if (s->end)
		poller_unwatch(&s->fixture->loop.poller, &s->end->watch);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	time_now = time_per_look = 1;
	g_assert_cmpint(loop_init(&f->loop), ==, 0);
	f->loop.clock = turned_clock;
	share_init(&f->many);
	share_init(&f->few);
	for (unsigned i = 0; i <= MANY; i++) {
		struct source *s = &f->sources[i];
		*s = (struct source){ .fixture = f };
		s->watch = (struct watch){ .ready = ready, .share = i < MANY ? &f->many : &f->few };
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		g_assert_cmpint(fd, >=, 0);
		g_assert_cmpint(poller_watch(&f->loop.poller, &s->watch, fd, POLL_EVENT_IN | POLL_EVENT_EDGE), ==, 0);
	}
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i <= MANY; i++) {
		poller_unwatch(&f->loop.poller, &f->sources[i].watch);
		close(f->sources[i].watch.fd);
	}
	share_done(&f->many);
	share_done(&f->few);
	loop_done(&f->loop, 0);
}

static void kick(struct fixture *f, unsigned i)
{
	g_assert_cmpint(eventfd_write(f->sources[i].watch.fd, 1), ==, 0);
}

static void ready_descriptors_of_one_share_let_others_have_their_turn(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i <= MANY; i++)
		kick(f, i);
	g_assert_cmpint(loop_dispatch(&f->loop, 0), ==, 2);
	g_assert_cmpuint(f->sources[MANY].n, ==, 1);
	g_assert_cmpuint(f->n_ready, <, MANY / 2);
	while (loop_dispatch(&f->loop, 0) > 0)
		;
	g_assert_cmpuint(f->n_ready, ==, MANY + 1);
	g_assert_false(loop_has_work(&f->loop));
}

static void slow_work_ends_the_slice_sooner(struct fixture *f, gconstpointer data)
{
	time_per_look = 100;
	for (unsigned i = 0; i <= MANY; i++)
		kick(f, i);
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(f->sources[MANY].n, ==, 1);
	g_assert_cmpuint(f->n_ready, <, 32);
}

static void event_that_repeats_while_it_waits_is_reported_once(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < MANY; i++)
		kick(f, i);
	loop_dispatch(&f->loop, 0);
	for (unsigned i = 0; i < MANY; i++)
		kick(f, i);
	while (loop_dispatch(&f->loop, 0) > 0)
		;
	g_assert_cmpuint(f->sources[0].n, ==, 2);
	g_assert_cmpuint(f->sources[MANY - 1].n, ==, 1);
}

static void work_that_is_left_for_the_flush_ends_the_slice(struct fixture *f, gconstpointer data)
{
	time_per_look = 0;
	f->sources[0].leaves = 1;
	f->sources[1].leaves = POLLER_LEFT_MAX - 1;
	for (unsigned i = 0; i <= MANY; i++)
		kick(f, i);
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(f->sources[1].n, ==, 1);
	g_assert_cmpuint(f->sources[2].n, ==, 0);
	g_assert_cmpuint(f->sources[MANY].n, ==, 1);
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(f->sources[20].n, ==, 1);
}

/* As the sockets of a guest that floods: each has an error again before the one before was looked at. */
static void events_that_repeat_while_they_wait_do_not_hide_another(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < MANY; i++)
		kick(f, i);
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(f->n_ready, <, MANY / 2);
	for (unsigned i = MANY / 2; i <= MANY; i++)
		kick(f, i);
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(f->sources[MANY].n, ==, 1);
}

static void work_that_is_left_is_done_without_sleeping(struct fixture *f, gconstpointer data)
{
	struct source *s = &f->sources[0];
	s->again = true;
	kick(f, 0);
	for (unsigned i = 1; i <= 3; i++) {
		g_assert_cmpint(loop_wait(&f->loop, -1), ==, 0);
		g_assert_cmpint(loop_dispatch(&f->loop, 0), ==, 1);
		g_assert_cmpuint(s->n, ==, i);
		g_assert_true(loop_has_work(&f->loop));
	}
	s->again = false;
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(s->events, ==, POLL_EVENT_IN);
	g_assert_false(loop_has_work(&f->loop));
}

static void watch_that_ends_during_the_round_is_not_called(struct fixture *f, gconstpointer data)
{
	f->sources[0].end = &f->sources[1];
	kick(f, 0);
	kick(f, 1);
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(f->sources[0].n, ==, 1);
	g_assert_cmpuint(f->sources[1].n, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/loop/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(ready_descriptors_of_one_share_let_others_have_their_turn);
	TEST(slow_work_ends_the_slice_sooner);
	TEST(event_that_repeats_while_it_waits_is_reported_once);
	TEST(work_that_is_left_for_the_flush_ends_the_slice);
	TEST(events_that_repeat_while_they_wait_do_not_hide_another);
	TEST(work_that_is_left_is_done_without_sleeping);
	TEST(watch_that_ends_during_the_round_is_not_called);
	return g_test_run();
}
