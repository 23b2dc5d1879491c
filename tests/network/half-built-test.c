/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network that cannot be made: each descriptor and each allocation that lanlet_network_new() needs is refused once.  It has to
 * fail with a reason, and to leave no descriptor, no socket and, under the address sanitizer, no memory behind.  The same for what is
 * added to a network that runs, and for the first frames of a guest.
 *
 * Linked with --wrap for the functions that allocate, so that those of lanlet are counted and those of GLib are not.
 */
#include "engine/engines.h"
#include "lanlet.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 256
#define ALLOCATIONS_MAX 100000u

/* --- allocations that fail --- */

static unsigned allocations, failing; /* counted from 1; 0: none fails */

static bool fails(void)
{
	if (++allocations != failing)
		return false;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **ret, const char *format, ...);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	if (fails())
		return -1;
	va_list args;
	va_start(args, format);
	int n = vasprintf(ret, format, args);
	va_end(args);
	return n;
}

/* --- the network --- */

struct fixture {
	const char *engine;
	char *dir, *state;
	struct lanlet_config *config;
	int open; /* descriptors before */
	char error[512];
};

static int n_open(void)
{
	int n = 0;
	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int lowest_free(void)
{
	int fd = 0;
	while (fcntl(fd, F_GETFD) >= 0)
		fd++;
	return fd;
}

static void set(struct fixture *f, const char *option, const char *value)
{
	if (lanlet_config_set(f->config, option, value, f->error, sizeof(f->error)) < 0)
		g_error("%s", f->error);
}

static void write_state(struct fixture *f, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(f->state, name, NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* A network with one of each: links that connect, forwards, entries added at run time, leases. */
static void set_up(struct fixture *f, gconstpointer engine)
{
	f->dir = g_dir_make_tmp("half-built-XXXXXX", NULL);
	f->state = g_build_filename(f->dir, "state", NULL);
	g_assert_cmpint(g_mkdir(f->state, 0700), ==, 0);
	g_assert_cmpint(lanlet_config_new(&f->config), ==, 0);
	g_assert_cmpint(lanlet_config_set_state_dir(f->config, f->state), ==, 0);
	g_assert_cmpint(lanlet_config_set_runtime_dir(f->config, f->dir), ==, 0);
	g_autofree char *forward = g_strdup_printf("tcp unix:%s/forward.sock web:80", f->dir);
	g_autofree char *proxy = g_strdup_printf("proxy unix:%s/proxy.sock", f->dir);
	g_autofree char *stream = g_strdup_printf("%s/stream.sock,name=web", f->dir);
	g_autofree char *vhost = g_strdup_printf("%s/vhost.sock", f->dir);
	set(f, "engine", engine);
	set(f, "host", "52:54:00:00:00:09,192.168.122.9,web");
	set(f, "name", "db,192.168.122.10");
	set(f, "dns", "127.0.0.1:5353");
	set(f, "forward", forward);
	set(f, "forward", proxy);
	set(f, "connect", stream);
	set(f, "vhost-connect", vhost);
	f->engine = engine;
	f->open = n_open();
}

static void write_all_state(struct fixture *f)
{
	g_autofree char *forward = g_strdup_printf("tcp unix:%s/kept.sock web:80\n", f->dir);
	write_state(f, "kept", "host 52:54:00:00:00:08,192.168.122.8\ndhcp-host id:a,192.168.122.9\nname nas,192.168.122.11\n");
	write_state(f, "forwards", forward);
	write_state(f, "leases", "0 52:54:00:00:00:07 192.168.122.7 seven *\n");
	write_state(f, "gateway-mac", "52:54:00:00:00:01\n");
}

static void remove_all(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *child = g_build_filename(path, name, NULL);
		remove_all(child);
	}
	g_remove(path);
}

static void tear_down(struct fixture *f, gconstpointer engine)
{
	lanlet_config_free(f->config);
	remove_all(f->dir);
	g_free(f->state);
	g_free(f->dir);
}

static void expect_nothing_left(const struct fixture *f)
{
	g_assert_cmpint(n_open(), ==, f->open);
	static const char *const sockets[] = { "forward.sock", "proxy.sock", "kept.sock" };
	for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++) {
		g_autofree char *path = g_build_filename(f->dir, sockets[i], NULL);
		g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	}
}

/* Makes the network and frees it again.  Whether it could be made. */
static bool can_be_made(struct fixture *f)
{
	struct lanlet_network *net = NULL;
	f->error[0] = '\0';
	int r = lanlet_network_new(f->config, &net, f->error, sizeof(f->error));
	if (r < 0) {
		g_assert_null(net);
		g_assert_cmpstr(f->error, !=, "");
		g_assert_null(strchr(f->error, '\n'));
	}
	lanlet_network_free(net);
	return r == 0;
}

static void each_descriptor_is_refused_once(struct fixture *f, gconstpointer engine)
{
	struct rlimit before, few;
	unsigned failed = 0;
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	few = before;
	int first = lowest_free();
	for (bool made = false; !made; failed += !made) {
		write_all_state(f);
		few.rlim_cur = (rlim_t)first + failed;
		g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
		made = can_be_made(f);
		g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
		expect_nothing_left(f);
		g_assert_cmpuint(failed, <, DESCRIPTORS_MAX);
	}
	g_test_message("%u descriptors", failed);
	g_assert_cmpuint(failed, >, 4);
}

/* Some are not indispensable: without them the network is made, with less in it. */
static void each_allocation_is_refused_once(struct fixture *f, gconstpointer engine)
{
	unsigned failed = 0, n = 1;
	for (; n < ALLOCATIONS_MAX; n++) {
		write_all_state(f);
		allocations = 0;
		failing = n;
		failed += !can_be_made(f);
		failing = 0;
		expect_nothing_left(f);
		if (allocations < n)
			break;
	}
	g_test_message("%u allocations, %u of them indispensable", n - 1, failed);
	g_assert_cmpuint(n, <, ALLOCATIONS_MAX);
	g_assert_cmpuint(failed, >, 10);
}

/* --- a network that runs --- */

static void expect_reason(struct fixture *f, int r)
{
	g_assert_cmpint(r < 0, ==, f->error[0] != '\0');
	f->error[0] = '\0';
}

/* A socket that could not be listened on is removed at once. */
static void listen_at(struct fixture *f, struct lanlet_network *net, const char *name,
		      int (*function)(struct lanlet_network *, const char *, char *, size_t))
{
	g_autofree char *path = g_build_filename(f->dir, name, NULL);
	int r = function(net, path, f->error, sizeof(f->error));
	expect_reason(f, r);
	g_assert_cmpint(g_file_test(path, G_FILE_TEST_EXISTS), ==, r == 0);
}

static void dispatch(struct lanlet_network *net)
{
	for (int i = 0; i < 8; i++)
		g_assert_cmpint(lanlet_network_dispatch(net), ==, 0);
}

/* An ARP request for the gateway, behind the length that precedes a frame of a stream. */
static void write_frames(int fd)
{
	static const uint8_t frames[] = {
		0,   0, 0, 60, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,   0,   0,   0, 0, 9, 0x08, 0x06, 0, 1, 8,   0,
		6,   4, 0, 1,  2,    0,    0,    0,    0,    9,    192, 168, 122, 9, 0, 0, 0,    0,    0, 0, 192, 168,
		122, 1, 0, 0,  0,    0,    0,    0,    0,    0,    0,   0,   0,   0, 0, 0, 0,    0,    0, 0,
	};
	g_assert_cmpint(send(fd, frames, sizeof(frames), MSG_NOSIGNAL | MSG_DONTWAIT), !=, 0);
}

static void add_guest(struct lanlet_network *net, int (*function)(struct lanlet_network *, int, const char *))
{
	int pair[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	if (function(net, pair[0], "guest") < 0)
		g_assert_cmpint(close(pair[0]), ==, 0); /* it is still the caller's */
	write_frames(pair[1]);
	dispatch(net);
	g_assert_cmpint(close(pair[1]), ==, 0);
	dispatch(net);
}

static void connect_guest(const struct fixture *f, struct lanlet_network *net, const char *name, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", f->dir, name);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		write_frames(fd);
	dispatch(net);
	close(fd);
	dispatch(net);
}

static void ready(void *opaque, short events)
{
}

/* Adds one of each to @net, and lets guests come and go. */
static void use(struct fixture *f, struct lanlet_network *net)
{
	static const char *const sockets[] = { "stream", "seqpacket", "dgram", "vhost", "vde/ctl" };
	struct lanlet_watch *watch = NULL;
	listen_at(f, net, "stream", lanlet_network_listen_stream);
	listen_at(f, net, "seqpacket", lanlet_network_listen_seqpacket);
	listen_at(f, net, "dgram", lanlet_network_listen_dgram);
	listen_at(f, net, "vhost", lanlet_network_listen_vhost);
	listen_at(f, net, "vde", lanlet_network_listen_vde);
	add_guest(net, lanlet_network_add_stream);
	add_guest(net, lanlet_network_add_vhost);
	connect_guest(f, net, "stream", SOCK_STREAM);
	connect_guest(f, net, "seqpacket", SOCK_SEQPACKET);
	expect_reason(f, lanlet_network_connect_vhost(net, "/nowhere", f->error, sizeof(f->error)));
	expect_reason(f, lanlet_network_attach_connect(net, "/nowhere,name=db", f->error, sizeof(f->error)));
	expect_reason(f, lanlet_network_attach_udp(net, "127.0.0.1:0,127.0.0.1:9", f->error, sizeof(f->error)));
	g_autofree char *forward = g_strdup_printf("tcp unix:%s/added.sock web:81", f->dir);
	int number = lanlet_network_add_forward(net, forward, f->error, sizeof(f->error));
	expect_reason(f, number);
	int r = lanlet_network_watch(net, STDIN_FILENO, 0, ready, NULL, &watch);
	g_assert_cmpint(r < 0, ==, !watch);
	dispatch(net);
	lanlet_watch_free(watch);
	if (number > 0)
		g_assert_cmpint(lanlet_network_remove_forward(net, (unsigned)number), ==, 0);
	lanlet_network_free(net);
	for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++) {
		g_autofree char *path = g_build_filename(f->dir, sockets[i], NULL);
		g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	}
}

static struct lanlet_network *make(struct fixture *f)
{
	struct lanlet_network *net;
	write_all_state(f);
	g_assert_cmpint(lanlet_network_new(f->config, &net, f->error, sizeof(f->error)), ==, 0);
	return net;
}

static void each_allocation_of_a_network_that_runs_is_refused_once(struct fixture *f, gconstpointer engine)
{
	unsigned n = 1;
	for (bool reached = true; reached; n++) {
		struct lanlet_network *net = make(f);
		allocations = 0;
		failing = n;
		use(f, net);
		reached = allocations >= n;
		failing = 0;
		expect_nothing_left(f);
		g_assert_cmpuint(n, <, ALLOCATIONS_MAX);
	}
	g_test_message("%u allocations", n - 2);
	g_assert_cmpuint(n, >, 20);
}

/* What cannot be saved is logged, and the network runs. */
static void network_runs_without_a_usable_state_directory(struct fixture *f, gconstpointer engine)
{
	g_autofree char *file = g_build_filename(f->dir, "file", NULL), *below = g_build_filename(file, "state", NULL);
	g_assert_true(g_file_set_contents(file, "", -1, NULL));
	const char *const places[] = { file, below, "/proc/none" };
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_assert_cmpint(lanlet_config_set_state_dir(f->config, places[i]), ==, 0);
		g_assert_true(can_be_made(f));
		expect_nothing_left(f);
	}
}

/* The last step fails, after all others. */
static void forward_that_cannot_be_opened_takes_the_network_down(struct fixture *f, gconstpointer engine)
{
	g_autofree char *forward = g_strdup_printf("tcp unix:%s/no/such/folder.sock web:80", f->dir);
	set(f, "forward", forward);
	g_assert_false(can_be_made(f));
	expect_nothing_left(f);
}

int main(int argc, char **argv)
{
	static const char *const engines[] = { "native", "libslirp" };
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(engines); i++) {
		if (!engine_find(engines[i])) /* built without libslirp */
			continue;
#define TEST(name) \
	do { \
		g_autofree char *path = g_strdup_printf("/half-built/%s/" #name, engines[i]); \
		g_test_add(path, struct fixture, engines[i], set_up, name, tear_down); \
	} while (0)
		TEST(each_descriptor_is_refused_once);
		TEST(each_allocation_is_refused_once);
		TEST(each_allocation_of_a_network_that_runs_is_refused_once);
		TEST(network_runs_without_a_usable_state_directory);
		TEST(forward_that_cannot_be_opened_takes_the_network_down);
#undef TEST
	}
	return g_test_run();
}
