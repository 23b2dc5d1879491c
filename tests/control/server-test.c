/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which users may use the API's socket, for how long, and how much they may send.  The users and the clock are made up: this program's
 * clock_gettime() stands in front of the C library's, so that a minute takes seconds.
 */
#include "control/control.h"
#include "support/peer_user.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BODY_MAX ((size_t)64 * 1024)
#define IDLE_SECONDS 60
#define PATROL_SECONDS 5 /* how long the server may take to notice */
#define SLACK_MS 30000   /* for a busy machine */

static int clock_ahead_s;

int clock_gettime(clockid_t id, struct timespec *ret)
{
	int r = (int)syscall(SYS_clock_gettime, id, ret);
	if (r == 0 && id == CLOCK_BOOTTIME)
		ret->tv_sec += g_atomic_int_get(&clock_ahead_s);
	return r;
}

/* How many more threads can be made; -1: any number. */
static int threads_left = -1;

int pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*start)(void *), void *opaque)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	int left = g_atomic_int_get(&threads_left);
	if (left == 0)
		return EAGAIN;
	if (left > 0)
		g_atomic_int_set(&threads_left, left - 1);
	return real(ret, attributes, start, opaque);
}

struct fixture {
	char *dir, *socket;
	struct lanlet_network *net;
	struct control *control;
};

static void start_control(struct fixture *f, GError **error)
{
	f->control = control_new(
		&(struct control_config){ .net = f->net, .name = "test", .version = "0", .socket = f->socket, .reload_fd = -1 }, error);
}

static void set_up_network(struct fixture *f, gconstpointer data)
{
	struct lanlet_config *config;
	char reason[256];
	f->dir = g_dir_make_tmp("lanlet-server-XXXXXX", NULL);
	f->socket = g_build_filename(f->dir, "api.sock", NULL);
	g_assert_cmpint(lanlet_config_new(&config), ==, 0);
	g_assert_cmpint(lanlet_network_new(config, &f->net, reason, sizeof(reason)), ==, 0);
	lanlet_config_free(config);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	set_up_network(f, data);
	start_control(f, &error);
	g_assert_no_error(error);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	peer_user_pretend(-1);
	g_atomic_int_set(&clock_ahead_s, 0);
	control_free(f->control);
	lanlet_network_free(f->net);
	g_assert_cmpint(g_rmdir(f->dir), ==, 0);
	g_free(f->socket);
	g_free(f->dir);
}

static int client(const struct fixture *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_strlcpy(a.sun_path, f->socket, sizeof(a.sun_path));
	g_assert_cmpint(connect(fd, (const struct sockaddr *)&a, sizeof(a)), ==, 0);
	return fd;
}

static void say(int fd, const char *bytes, size_t len)
{
	/* A server that has heard enough closes. */
	(void)!send(fd, bytes, len, MSG_NOSIGNAL);
}

/* Waits for bytes or the end; false when neither comes. */
static bool hears(int fd, int ms)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, ms) == 1;
}

/* The status of the answer; 0: the connection was closed without one. */
static unsigned status(int fd)
{
	char line[sizeof("HTTP/1.1 200")] = "";
	size_t len = 0;
	ssize_t n;
	do {
		g_assert_true(hears(fd, SLACK_MS));
		n = recv(fd, line + len, sizeof(line) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < sizeof(line) - 1);
	close(fd);
	return len > 9 ? (unsigned)g_ascii_strtoull(line + 9, NULL, 10) : 0;
}

static unsigned status_of_get(const struct fixture *f)
{
	static const char get[] = "GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = client(f);
	say(fd, get, strlen(get));
	return status(fd);
}

static void only_the_networks_user_and_root_are_served(struct fixture *f, gconstpointer data)
{
	int own = (int)geteuid();
	g_assert_cmpuint(status_of_get(f), ==, 200);
	peer_user_pretend(own + 1);
	g_assert_cmpuint(status_of_get(f), ==, 0);
	peer_user_pretend(65534 == own ? 65533 : 65534);
	g_assert_cmpuint(status_of_get(f), ==, 0);
	peer_user_pretend(0);
	g_assert_cmpuint(status_of_get(f), ==, 200);
	peer_user_pretend(own);
	g_assert_cmpuint(status_of_get(f), ==, 200);
}

/* Two clients that never finish their request: one has sent nothing, one a part of it. */
static void silent_client_is_disconnected_after_a_minute_and_not_before(struct fixture *f, gconstpointer data)
{
	int silent = client(f), slow = client(f);
	say(slow, "GET /v1 HT", 10);
	g_assert_cmpuint(status_of_get(f), ==, 200); /* the server has met both */
	g_atomic_int_set(&clock_ahead_s, IDLE_SECONDS / 2);
	g_assert_false(hears(silent, (PATROL_SECONDS + 1) * 1000));
	g_assert_false(hears(slow, 0));
	g_atomic_int_set(&clock_ahead_s, IDLE_SECONDS + 1);
	g_assert_cmpuint(status(silent), ==, 0);
	g_assert_cmpuint(status(slow), ==, 0);
}

/* RFC 9112 §7.1: the length is not known before the last chunk. */
static unsigned status_of_chunked(const struct fixture *f, size_t len)
{
	static const char head[] = "POST /v1/names HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
	const size_t chunk = 4096;
	char body[4096 + 16];
	int fd = client(f);
	say(fd, head, strlen(head));
	for (size_t at = 0; at < len; at += chunk) {
		size_t n = MIN(len - at, chunk);
		int prefix = g_snprintf(body, sizeof(body), "%zx\r\n", n);
		memset(body + prefix, ' ', n);
		if (at == 0)
			memcpy(body + prefix, "[]", 2); /* refused, at once, when it is read at all */
		memcpy(body + prefix + n, "\r\n", 2);
		say(fd, body, (size_t)prefix + n + 2);
	}
	say(fd, "0\r\n\r\n", 5);
	return status(fd);
}

static void body_in_chunks_has_the_same_limit(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(status_of_chunked(f, 2), ==, 400);
	g_assert_cmpuint(status_of_chunked(f, BODY_MAX), ==, 400);
	g_assert_cmpuint(status_of_chunked(f, BODY_MAX + 1), ==, 413);
	g_assert_cmpuint(status_of_chunked(f, 20 * BODY_MAX), ==, 413);
}

static unsigned status_of_length(const struct fixture *f, size_t len)
{
	g_autofree char *request =
		g_strdup_printf("POST /v1/names HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n[]%*s", len, (int)len - 2, "");
	int fd = client(f);
	say(fd, request, strlen(request));
	return status(fd);
}

static void body_with_a_length_is_limited(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(status_of_length(f, BODY_MAX), ==, 400);
	g_assert_cmpuint(status_of_length(f, BODY_MAX + 1), ==, 413);
}

/* In a process of its own, because GLib makes its thread once. */
static void in_subprocess(const char *path)
{
	g_test_trap_subprocess(path, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
	g_test_trap_assert_passed();
}

/* Of an answer that comes in chunks, which libsoup writes by other means, and for which the network has to run. */
static unsigned status_of_leases(const struct fixture *f)
{
	static const char get[] = "GET /v1/leases HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = client(f);
	say(fd, get, strlen(get));
	GString *answer = g_string_new(NULL);
	char piece[256];
	while (!g_str_has_suffix(answer->str, "\r\n0\r\n\r\n")) {
		ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (n > 0)
			g_string_append_len(answer, piece, n);
		poll(&(struct pollfd){ .fd = lanlet_network_fd(f->net), .events = POLLIN }, 1, 10);
		g_assert_cmpint(lanlet_network_dispatch(f->net), >=, 0);
	}
	close(fd);
	unsigned code = answer->len > 9 ? (unsigned)g_ascii_strtoull(answer->str + 9, NULL, 10) : 0;
	g_string_free(answer, TRUE);
	return code;
}

static void request_needs_no_more_threads(void)
{
	if (!g_test_subprocess()) {
		in_subprocess("/control-server/request_needs_no_more_threads");
		return;
	}
	struct fixture f = { 0 };
	set_up(&f, NULL);
	g_atomic_int_set(&threads_left, 0);
	g_assert_cmpuint(status_of_leases(&f), ==, 200);
	g_assert_cmpuint(status_of_get(&f), ==, 200);
	tear_down(&f, NULL);
}

static void control_plane_without_threads_is_an_error(void)
{
	if (!g_test_subprocess()) {
		in_subprocess("/control-server/control_plane_without_threads_is_an_error");
		return;
	}
	struct fixture f = { 0 };
	set_up_network(&f, NULL);
	enum { PROBED = 4 };
	static const int enough_for[] = { 0, PROBED - 1, -1 /* GLib's threads stay from here on */, PROBED };
	for (size_t i = 0; i < G_N_ELEMENTS(enough_for); i++) {
		g_autoptr(GError) error = NULL;
		g_atomic_int_set(&threads_left, enough_for[i]);
		start_control(&f, &error);
		if (enough_for[i] < 0) {
			g_assert_no_error(error);
			control_free(f.control);
			continue;
		}
		g_assert_error(error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN);
		g_assert_null(f.control);
	}
	tear_down(&f, NULL);
}

#define ADD(test) g_test_add("/control-server/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(only_the_networks_user_and_root_are_served);
	ADD(silent_client_is_disconnected_after_a_minute_and_not_before);
	ADD(body_in_chunks_has_the_same_limit);
	ADD(body_with_a_length_is_limited);
	g_test_add_func("/control-server/request_needs_no_more_threads", request_needs_no_more_threads);
	g_test_add_func("/control-server/control_plane_without_threads_is_an_error", control_plane_without_threads_is_an_error);
	return g_test_run();
}
