/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of forwards, with real unix sockets and an engine that refuses every client. */
#include "network/forward/forwards.h"

#include "base/log.h"
#include "base/macros.h"
#include "gateway/guest.h"
#include "gateway/ip6.h"
#include "gateway/engine.h"
#include "host/clock.h"
#include "host/loop.h"
#include "host/unix_socket.h"

#include "../support/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 2000u

struct fixture {
	char *directory;
	struct loop loop;
	struct log log;
	struct forwards forwards;
	char error[256];
};

static int engine_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	close(how->fd);
	return 0;
}

static const struct engine_env engine_env;
static const struct gateway_ip6 no_ip6;
static const struct engine_ops engine = { .name = "test", .open = engine_open };

static struct guest *expect_guest(void *opaque, usec_t now, const struct ip_addr *ip)
{
	static struct guest guest;
	return &guest;
}

static int find_guest(void *opaque, usec_t now, const struct guest_ref *guest, struct ip_addr ret[static FORWARD_ADDRESSES_MAX])
{
	ret[0] = ip_from_ip4(IP4(192, 168, 122, 50));
	return 1;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	f->directory = g_dir_make_tmp("lanlet-forwards-XXXXXX", NULL);
	g_assert_nonnull(f->directory);
	g_assert_cmpint(loop_init(&f->loop), ==, 0);
	const struct forward_env env = {
		.poller = &f->loop.poller,
		.log = &f->log,
		.engine_ops = &engine,
		.engine_env = &engine_env,
		.gateway = IP4(192, 168, 122, 1),
		.subnet = { IP4(192, 168, 122, 0), 24 },
		.ip6 = &no_ip6,
		.routes_ip6 = &no_ip6.on,
		.find_guest = find_guest,
		.expect_guest = expect_guest,
	};
	g_assert_cmpint(forwards_init(&f->forwards, &env, f->directory), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_autofree char *kept = g_build_filename(f->directory, "forwards", NULL);
	forwards_done(&f->forwards);
	loop_done(&f->loop, clock_now());
	g_unlink(kept);
	g_assert_cmpint(g_rmdir(f->directory), ==, 0);
	g_free(f->directory);
}

static char *path_of(const struct fixture *f, const char *name)
{
	return g_build_filename(f->directory, name, NULL);
}

static struct forward_spec spec(const struct fixture *f, const char *name, const char *guest)
{
	struct forward_spec ret;
	const char *why;
	g_autofree char *text = g_strdup_printf("tcp unix:%s/%s %s", f->directory, name, guest);
	g_assert_cmpint(forward_spec_parse(text, &ret, &why), ==, 0);
	return ret;
}

static int add(struct fixture *f, const struct forward_spec *s, bool kept)
{
	unsigned id;
	int r = forwards_add(&f->forwards, clock_now(), s, kept, &id, f->error, sizeof(f->error));
	return r < 0 ? r : (int)id;
}

static int connect_to(const struct fixture *f, const char *name)
{
	g_autofree char *path = path_of(f, name);
	int fd = unix_connect(path);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

/* Lets the forward accept the clients that are waiting. */
static void turn(struct fixture *f)
{
	g_assert_cmpint(loop_wait(&f->loop, 0), >=, 0);
	g_assert_cmpint(loop_dispatch(&f->loop, clock_now()), >=, 0);
}

/* --- deadlines --- */

static void deadline_is_known_without_a_look_at_any_forward(struct fixture *f, gconstpointer data)
{
	struct forward_spec s = spec(f, "one", "web:80");
	add(f, &s, false);
	struct list all = f->forwards.all;
	f->forwards.all = (struct list){ 0 }; /* a walk over it crashes */
	g_assert_cmpuint(forwards_deadline(&f->forwards), ==, USEC_INFINITY);
	forwards_expire(&f->forwards, clock_now());
	f->forwards.all = all;
}

static void port_that_is_taken_is_tried_again_at_the_deadline(struct fixture *f, gconstpointer data)
{
	g_autofree char *path = path_of(f, "taken"), *kept = path_of(f, "forwards"), *line = g_strdup_printf("tcp unix:%s web:80\n", path);
	int other = unix_listen(path, f->error, sizeof(f->error));
	g_assert_cmpint(other, >=, 0);
	g_assert_true(g_file_set_contents(kept, line, -1, NULL));
	usec_t now = clock_now();
	forwards_load(&f->forwards, now);
	struct forward *forward = forwards_find(&f->forwards, 1);
	g_assert_false(forward->is_open);
	usec_t when = forwards_deadline(&f->forwards);
	g_assert_cmpuint(when, ==, forward_deadline(forward));
	forwards_expire(&f->forwards, when - 1);
	g_assert_false(forward->is_open);
	forwards_expire(&f->forwards, when); /* the port is still taken */
	g_assert_cmpuint(forwards_deadline(&f->forwards), >, when);
	close(other);
	forwards_expire(&f->forwards, forwards_deadline(&f->forwards));
	g_assert_true(forward->is_open);
	g_assert_cmpuint(forwards_deadline(&f->forwards), ==, USEC_INFINITY);
}

static void pause_without_descriptors_is_a_deadline(struct fixture *f, gconstpointer data)
{
	struct forward_spec s = spec(f, "one", "web:80");
	struct rlimit before, none;
	add(f, &s, false);
	g_autofree char *path = path_of(f, "one");
	int client = unix_connect(path);
	g_assert_cmpint(client, >=, 0);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	none = before;
	none.rlim_cur = 0;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	turn(f);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	usec_t when = forwards_deadline(&f->forwards);
	g_assert_cmpuint(when, !=, USEC_INFINITY);
	turn(f);
	g_assert_cmpuint(forwards_find(&f->forwards, 1)->opened, ==, 0);
	forwards_expire(&f->forwards, when);
	turn(f);
	g_assert_cmpuint(forwards_find(&f->forwards, 1)->opened, ==, 1);
	close(client);
}

static void two_thousand_forwards_have_a_place(struct fixture *f, gconstpointer data)
{
	if (!descriptors_allow(MANY + 100)) {
		g_test_skip(DESCRIPTORS_TOO_FEW);
		return;
	}
	for (unsigned i = 0; i < MANY; i++) {
		g_autofree char *name = g_strdup_printf("%u", i);
		struct forward_spec s = spec(f, name, "web:80");
		g_assert_cmpint(add(f, &s, false), >, 0);
	}
	g_assert_cmpuint(f->forwards.n, ==, MANY);
	g_assert_cmpint(connect_to(f, "1999"), ==, 0);
	turn(f);
	g_assert_cmpuint(forwards_find(&f->forwards, MANY)->opened, ==, 1);
}

/* --- reload --- */

static int configure(struct fixture *f, const struct forward_spec *specs, size_t n)
{
	f->error[0] = '\0';
	return forwards_configure(&f->forwards, clock_now(), specs, n, f->error, sizeof(f->error));
}

static void unchanged_forward_keeps_its_clients_and_counters(struct fixture *f, gconstpointer data)
{
	struct forward_spec specs[] = { spec(f, "one", "web:80"), spec(f, "two", "web:80"), spec(f, "three", "web:80") };
	add(f, &specs[0], false);
	add(f, &specs[1], false);
	connect_to(f, "one");
	turn(f);
	connect_to(f, "one"); /* waits in the backlog meanwhile */
	g_assert_cmpint(configure(f, (struct forward_spec[]){ specs[2], specs[0] }, 2), ==, 0);
	turn(f);
	g_assert_cmpuint(f->forwards.n, ==, 2);
	g_assert_cmpuint(forwards_find(&f->forwards, 1)->opened, ==, 2);
	g_assert_null(forwards_find(&f->forwards, 2));
	g_assert_cmpint(connect_to(f, "two"), <, 0);
	g_assert_cmpint(connect_to(f, "three"), ==, 0);
}

static void added_forward_survives_configurations_without_it(struct fixture *f, gconstpointer data)
{
	struct forward_spec kept = spec(f, "kept", "web:80");
	add(f, &kept, true);
	g_assert_cmpint(configure(f, NULL, 0), ==, 0);
	g_assert_cmpint(connect_to(f, "kept"), ==, 0);
	/* It stays a kept one though the configuration has it too. */
	g_assert_cmpint(configure(f, &kept, 1), ==, 0);
	g_assert_cmpint(configure(f, NULL, 0), ==, 0);
	g_assert_cmpint(connect_to(f, "kept"), ==, 0);
}

static void port_goes_from_one_forward_to_another(struct fixture *f, gconstpointer data)
{
	struct forward_spec before = spec(f, "one", "web:80"), after = spec(f, "one", "db:80");
	add(f, &before, false);
	g_assert_cmpint(configure(f, &after, 1), ==, 0);
	g_assert_cmpuint(f->forwards.n, ==, 1);
	g_assert_null(forwards_find_spec(&f->forwards, &before));
	g_assert_true(forwards_find_spec(&f->forwards, &after)->is_open);
	g_assert_cmpint(connect_to(f, "one"), ==, 0);
}

/* The one that fails comes last: others were closed to make way for it. */
static void configuration_that_fails_changes_no_forward(struct fixture *f, gconstpointer data)
{
	struct forward_spec before[] = { spec(f, "one", "web:80"), spec(f, "two", "web:80"), spec(f, "kept", "web:80") };
	struct forward_spec after[] = { spec(f, "new", "web:80"), spec(f, "one", "db:80"), spec(f, "kept", "db:80") };
	add(f, &before[0], false);
	add(f, &before[1], false);
	add(f, &before[2], true);
	connect_to(f, "one");
	turn(f);
	g_assert_cmpint(configure(f, after, ARRAY_SIZE(after)), ==, -EEXIST);
	g_assert_nonnull(strstr(f->error, "kept web:80"));
	g_assert_cmpuint(f->forwards.n, ==, 3);
	for (unsigned i = 0; i < ARRAY_SIZE(before); i++)
		g_assert_true(forwards_find_spec(&f->forwards, &before[i])->is_open);
	g_assert_cmpuint(forwards_find(&f->forwards, 1)->opened, ==, 1);
	g_assert_cmpint(connect_to(f, "one"), ==, 0);
	g_assert_cmpint(connect_to(f, "new"), <, 0);
	g_assert_cmpuint(forwards_deadline(&f->forwards), ==, USEC_INFINITY);
}

static void taken_port_in_a_configuration_is_named(struct fixture *f, gconstpointer data)
{
	struct forward_spec before = spec(f, "one", "web:80"), after = spec(f, "taken", "web:80");
	g_autofree char *path = path_of(f, "taken");
	int other = unix_listen(path, f->error, sizeof(f->error));
	add(f, &before, false);
	g_assert_cmpint(configure(f, &after, 1), ==, -EADDRINUSE);
	g_assert_nonnull(strstr(f->error, path));
	g_assert_cmpint(connect_to(f, "one"), ==, 0);
	g_assert_cmpuint(f->forwards.n, ==, 1);
	close(other);
	unlink(path);
}

#define TEST(name) g_test_add("/forwards/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(deadline_is_known_without_a_look_at_any_forward);
	TEST(port_that_is_taken_is_tried_again_at_the_deadline);
	TEST(pause_without_descriptors_is_a_deadline);
	TEST(two_thousand_forwards_have_a_place);
	TEST(unchanged_forward_keeps_its_clients_and_counters);
	TEST(added_forward_survives_configurations_without_it);
	TEST(port_goes_from_one_forward_to_another);
	TEST(configuration_that_fails_changes_no_forward);
	TEST(taken_port_in_a_configuration_is_named);
	return g_test_run();
}
