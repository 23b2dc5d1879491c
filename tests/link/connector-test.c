/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting to sockets where a peer listens; the test sets the time. */
#include "link/connector.h"

#include "base/macros.h"
#include "host/unix_socket.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct connector connector;
	char *dir, *path;
	int listening;
	int fd; /* the latest connection */
	unsigned n_connected;
	int refuse; /* what connected() returns */
	struct connector_target *target;
};

static int connected(struct connector *c, struct connector_target *target, usec_t now, int fd)
{
	struct fixture *f = container_of(c, struct fixture, connector);
	if (f->refuse)
		return f->refuse;
	f->fd = fd;
	f->target = target;
	f->n_connected++;
	return 0;
}

static void start_listening(struct fixture *f)
{
	char error[200];
	f->listening = unix_listen(f->path, error, sizeof(error));
	g_assert_cmpint(f->listening, >=, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	f->dir = g_dir_make_tmp("lanlet-XXXXXX", NULL);
	f->path = g_build_filename(f->dir, "s", NULL);
	f->listening = f->fd = -1;
	connector_init(&f->connector, NULL, connected);
	g_assert_cmpuint(connector_deadline(&f->connector), ==, USEC_INFINITY);
	g_assert_cmpint(connector_add(&f->connector, f->path, NULL), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	connector_done(&f->connector);
	if (f->fd >= 0)
		close(f->fd);
	if (f->listening >= 0)
		close(f->listening);
	g_unlink(f->path);
	g_assert_cmpint(g_rmdir(f->dir), ==, 0);
	g_free(f->path);
	g_free(f->dir);
}

/* Makes the next attempt at its time; returns that time. */
static usec_t attempt(struct fixture *f)
{
	usec_t now = connector_deadline(&f->connector);
	g_assert_cmpuint(now, !=, USEC_INFINITY);
	connector_expire(&f->connector, now);
	return now;
}

static void connects_at_once_to_a_listening_socket(struct fixture *f, gconstpointer data)
{
	start_listening(f);
	g_assert_cmpuint(attempt(f), ==, 0);
	g_assert_cmpuint(f->n_connected, ==, 1);
	int peer = accept(f->listening, NULL, NULL);
	g_assert_cmpint(peer, >=, 0);
	g_assert_cmpint(write(peer, "x", 1), ==, 1);
	char byte;
	g_assert_cmpint(read(f->fd, &byte, 1), ==, 1);
	close(peer);
	g_assert_true(connector_is_connected(f->target));
	g_assert_cmpuint(connector_deadline(&f->connector), ==, USEC_INFINITY);
}

static void pauses_grow_up_to_a_second(struct fixture *f, gconstpointer data)
{
	usec_t before = attempt(f), pause = 0;
	for (unsigned i = 0; i < 10; i++) {
		usec_t now = attempt(f);
		g_assert_cmpuint(now - before, >=, pause);
		g_assert_cmpuint(now - before, <=, USEC_PER_SEC);
		pause = now - before;
		before = now;
	}
	g_assert_cmpuint(pause, ==, USEC_PER_SEC);
	start_listening(f);
	attempt(f);
	g_assert_cmpuint(f->n_connected, ==, 1);
}

static void next_attempt_waits_for_its_time(struct fixture *f, gconstpointer data)
{
	usec_t now = attempt(f);
	start_listening(f);
	connector_expire(&f->connector, now);
	connector_expire(&f->connector, connector_deadline(&f->connector) - 1);
	g_assert_cmpuint(f->n_connected, ==, 0);
	attempt(f);
	g_assert_cmpuint(f->n_connected, ==, 1);
}

static void connects_again_when_the_connection_has_ended(struct fixture *f, gconstpointer data)
{
	start_listening(f);
	attempt(f);
	close(f->fd);
	connector_lost(f->target, 10 * USEC_PER_SEC);
	usec_t now = attempt(f);
	g_assert_cmpuint(now, >, 10 * USEC_PER_SEC);
	g_assert_cmpuint(now, <, 10 * USEC_PER_SEC + USEC_PER_SEC / 10);
	g_assert_cmpuint(f->n_connected, ==, 2);
}

static void peer_that_ends_each_connection_at_once_does_not_make_it_spin(struct fixture *f, gconstpointer data)
{
	start_listening(f);
	usec_t now = 0;
	for (unsigned i = 0; i < 20; i++) {
		now = attempt(f);
		close(f->fd);
		close(accept(f->listening, NULL, NULL));
		connector_lost(f->target, now);
	}
	f->fd = -1;
	g_assert_cmpuint(now, >, 14 * USEC_PER_SEC);
}

static void connection_that_the_link_cannot_take_is_tried_again(struct fixture *f, gconstpointer data)
{
	start_listening(f);
	f->refuse = -ENOMEM;
	attempt(f);
	f->refuse = 0;
	g_assert_cmpuint(attempt(f), >, 0);
	g_assert_cmpuint(f->n_connected, ==, 1);
}

static void path_that_no_socket_has_is_refused(struct fixture *f, gconstpointer data)
{
	g_autofree char *path = g_strnfill(200, 'x');
	g_assert_cmpint(connector_add(&f->connector, path, NULL), ==, -ENAMETOOLONG);
}

#define TEST(name) g_test_add("/connector/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(connects_at_once_to_a_listening_socket);
	TEST(pauses_grow_up_to_a_second);
	TEST(next_attempt_waits_for_its_time);
	TEST(connects_again_when_the_connection_has_ended);
	TEST(peer_that_ends_each_connection_at_once_does_not_make_it_spin);
	TEST(connection_that_the_link_cannot_take_is_tried_again);
	TEST(path_that_no_socket_has_is_refused);
	return g_test_run();
}
