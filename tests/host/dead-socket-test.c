/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/dead_socket.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
	char *dir;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	f->dir = g_dir_make_tmp("lanlet-XXXXXX", NULL);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_autoptr(GDir) d = g_dir_open(f->dir, 0, NULL);
	for (const char *name; (name = g_dir_read_name(d));) {
		g_autofree char *path = g_build_filename(f->dir, name, NULL);
		g_remove(path);
	}
	g_assert_cmpint(g_rmdir(f->dir), ==, 0);
	g_free(f->dir);
}

static char *path_of(const struct fixture *f, const char *name)
{
	return g_build_filename(f->dir, name, NULL);
}

static bool exists(const struct fixture *f, const char *name)
{
	g_autofree char *path = path_of(f, name);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static unsigned count(const struct fixture *f)
{
	g_autoptr(GDir) d = g_dir_open(f->dir, 0, NULL);
	unsigned n = 0;
	while (g_dir_read_name(d))
		n++;
	return n;
}

static int bound(const struct fixture *f, const char *name, int type)
{
	g_autofree char *path = path_of(f, name);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	g_strlcpy(a.sun_path, path, sizeof(a.sun_path));
	g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
	return fd;
}

static void remove_name(const struct fixture *f, const char *name)
{
	g_autofree char *path = path_of(f, name);
	dead_socket_remove(path);
}

static const int types[] = { SOCK_DGRAM, SOCK_STREAM, SOCK_SEQPACKET };

static void socket_without_a_process_is_removed(struct fixture *f, gconstpointer data)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		close(bound(f, "dead", types[i]));
		remove_name(f, "dead");
		g_assert_cmpuint(count(f), ==, 0);
	}
}

static void bound_socket_stays_and_can_be_sent_to(struct fixture *f, gconstpointer data)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autofree char *path = path_of(f, "alive");
		int fd = bound(f, "alive", types[i]);
		if (types[i] != SOCK_DGRAM)
			g_assert_cmpint(listen(fd, 1), ==, 0);
		remove_name(f, "alive");
		g_assert_true(exists(f, "alive"));
		g_assert_cmpuint(count(f), ==, 1);
		close(fd);
		g_unlink(path);
	}
}

static void bound_datagram_socket_with_another_peer_stays(struct fixture *f, gconstpointer data)
{
	int one = bound(f, "one", SOCK_DGRAM), two = bound(f, "two", SOCK_DGRAM);
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	g_assert_cmpint(getsockname(two, (struct sockaddr *)&a, &len), ==, 0);
	g_assert_cmpint(connect(one, (struct sockaddr *)&a, len), ==, 0);
	remove_name(f, "one");
	g_assert_true(exists(f, "one"));
	close(one);
	close(two);
}

static void file_that_is_not_a_socket_stays(struct fixture *f, gconstpointer data)
{
	g_autofree char *file = path_of(f, "file"), *link = path_of(f, "link");
	g_assert_true(g_file_set_contents(file, "precious", -1, NULL));
	g_assert_cmpint(symlink(file, link), ==, 0);
	remove_name(f, "file");
	remove_name(f, "link");
	remove_name(f, "nothing");
	dead_socket_remove("");
	g_assert_true(exists(f, "file"));
	g_assert_true(exists(f, "link"));
	g_assert_cmpuint(count(f), ==, 2);
}

static bool begins_with_x(const char *name)
{
	return name[0] == 'x';
}

static void sweep_removes_dead_sockets_with_matching_names_only(struct fixture *f, gconstpointer data)
{
	int alive = bound(f, "x-alive", SOCK_DGRAM);
	close(bound(f, "x-dead", SOCK_DGRAM));
	close(bound(f, "y-dead", SOCK_DGRAM));
	dead_socket_sweep(f->dir, begins_with_x);
	g_assert_true(exists(f, "x-alive"));
	g_assert_false(exists(f, "x-dead"));
	g_assert_true(exists(f, "y-dead"));
	dead_socket_sweep("/nonexistent", begins_with_x);
	close(alive);
}

#define TEST(name) g_test_add("/dead-socket/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(socket_without_a_process_is_removed);
	TEST(bound_socket_stays_and_can_be_sent_to);
	TEST(bound_datagram_socket_with_another_peer_stays);
	TEST(file_that_is_not_a_socket_stays);
	TEST(sweep_removes_dead_sockets_with_matching_names_only);
	return g_test_run();
}
