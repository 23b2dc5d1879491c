/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pauses of listeners, with an event loop that runs out of memory. */
#include "link/listener.h"

#include "base/macros.h"
#include "host/poller.h"

#include <errno.h>
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW (1000 * USEC_PER_SEC)

struct fixture {
	struct poller poller;
	unsigned refusals; /* how many more calls of watch() fail */
	unsigned watched;
	struct listener listener;
	unsigned paused;
};

static int watch(struct poller *p, struct watch *w, int fd, unsigned events)
{
	struct fixture *f = container_of(p, struct fixture, poller);
	if (f->refusals > 0) {
		f->refusals--;
		return -ENOMEM;
	}
	w->active = true;
	f->watched++;
	return 0;
}

static void unwatch(struct poller *p, struct watch *w)
{
	container_of(p, struct fixture, poller)->watched--;
	w->active = false;
}

static const struct poller_ops ops = { .watch = watch, .unwatch = unwatch };

static int refuse(struct listener *l, int fd, const struct port_identity *identity)
{
	return -ENOMEM;
}

static void count_pause(struct listener *l)
{
	container_of(l, struct fixture, listener)->paused++;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ .poller = { .ops = &ops } };
	listener_init(&f->listener, &f->poller, NULL, refuse);
	f->listener.paused = count_pause;
	for (unsigned i = 0; i < 2; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		g_assert_cmpint(fd, >=, 0);
		g_assert_cmpint(listener_add(&f->listener, fd, NULL), ==, 0);
	}
	g_assert_cmpuint(f->watched, ==, 2);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	listener_done(&f->listener);
	g_assert_cmpuint(f->watched, ==, 0);
}

static void suspended_listener_waits_until_it_is_resumed(struct fixture *f, gconstpointer data)
{
	listener_suspend(&f->listener);
	g_assert_cmpuint(f->watched, ==, 0);
	g_assert_true(listener_deadline(&f->listener) == USEC_INFINITY);
	listener_resume(&f->listener, NOW);
	g_assert_cmpuint(f->watched, ==, 2);
	g_assert_true(listener_deadline(&f->listener) == USEC_INFINITY);
	g_assert_cmpuint(f->paused, ==, 0);
}

/* epoll_ctl(2) needs memory: a listener that gave up would take no guest or client any more. */
static void sockets_that_cannot_be_watched_are_tried_again(struct fixture *f, gconstpointer data)
{
	listener_suspend(&f->listener);
	f->refusals = 3;
	listener_resume(&f->listener, NOW);
	g_assert_cmpuint(f->watched, ==, 0);
	g_assert_cmpuint(f->paused, ==, 1);
	usec_t due = listener_deadline(&f->listener);
	g_assert_cmpuint(due, >, NOW);
	g_assert_cmpuint(due, <=, NOW + 2 * USEC_PER_SEC);
	listener_expire(&f->listener, due - 1);
	g_assert_cmpuint(f->watched, ==, 0);
	listener_expire(&f->listener, due); /* one of them can be watched now */
	g_assert_cmpuint(f->watched, ==, 1);
	listener_expire(&f->listener, listener_deadline(&f->listener));
	g_assert_cmpuint(f->watched, ==, 2);
	g_assert_true(listener_deadline(&f->listener) == USEC_INFINITY);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/listener/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(suspended_listener_waits_until_it_is_resumed);
	TEST(sockets_that_cannot_be_watched_are_tried_again);
#undef TEST
	return g_test_run();
}
