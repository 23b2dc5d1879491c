/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of a proxy on a real socket, with an engine that does what the test says. */
#include "network/forward/forwards.h"

#include "base/log.h"
#include "base/macros.h"
#include "gateway/guest.h"
#include "gateway/ip6.h"
#include "gateway/engine.h"
#include "host/clock.h"
#include "host/loop.h"
#include "host/unix_socket.h"
#include "network/forward/dial.h"

#include "../support/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUEST IP4(192, 168, 122, 50)
#define REQUEST "\x05\x01\x00\x01\xc0\xa8\x7a\x32\x00\x16"

struct fixture {
	char *directory, *path;
	struct loop loop;
	struct log log;
	struct forward_env env;
	struct gateway_ip6 ip6;
	struct dials dials;
	struct forwards forwards;
	struct forward *forward;
	struct engine_open asked;
	unsigned n_asked, n_cancelled;
};

static int engine_open(struct engine *e, usec_t now, const struct engine_open *how)
{
	struct fixture *f = (struct fixture *)e;
	f->asked = *how;
	f->n_asked++;
	return 0;
}

static void engine_cancel(struct engine *e, usec_t now, struct engine_opening *o)
{
	((struct fixture *)e)->n_cancelled++;
}

static const struct engine_env engine_env;
static const struct engine_ops engine = { .name = "test", .open = engine_open, .cancel = engine_cancel };

static struct guest *expect_guest(void *opaque, usec_t now, const struct ip_addr *ip)
{
	static struct guest guest;
	return &guest;
}

static int find_guest(void *opaque, usec_t now, const struct guest_ref *guest, struct ip_addr ret[static FORWARD_ADDRESSES_MAX])
{
	if (guest->kind == GUEST_REF_NAME && strcmp(guest->name, "web") != 0)
		return -ENOENT;
	ret[0] = guest->kind == GUEST_REF_ADDRESS ? guest->ip : ip_from_ip4(GUEST);
	return 1;
}

static bool guest_is_there(void *opaque, const struct ip_addr *ip)
{
	return true;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	struct forward_spec spec;
	const char *why;
	char error[256];
	unsigned id;
	f->directory = g_dir_make_tmp("lanlet-proxy-XXXXXX", NULL);
	g_assert_nonnull(f->directory);
	f->path = g_build_filename(f->directory, "proxy", NULL);
	g_assert_cmpint(loop_init(&f->loop), ==, 0);
	f->env = (struct forward_env){
		.poller = &f->loop.poller,
		.log = &f->log,
		.dials = &f->dials,
		.domain = "lanlet.internal",
		.engine_ops = &engine,
		.engine_env = &engine_env,
		.engine = (struct engine *)f,
		.gateway = IP4(192, 168, 122, 1),
		.ip6 = &f->ip6,
		.routes_ip6 = &f->ip6.on,
		.find_guest = find_guest,
		.expect_guest = expect_guest,
		.guest_is_there = guest_is_there,
	};
	g_assert_cmpint(prefix4_parse("192.168.122.0/24", &f->env.subnet), ==, 0);
	dials_init(&f->dials, &f->env);
	g_assert_cmpint(forwards_init(&f->forwards, &f->env, NULL), ==, 0);
	g_autofree char *text = g_strdup_printf("proxy unix:%s", f->path);
	g_assert_cmpint(forward_spec_parse(text, &spec, &why), ==, 0);
	g_assert_cmpint(forwards_add(&f->forwards, clock_now(), &spec, false, &id, error, sizeof(error)), ==, 0);
	f->forward = forwards_find(&f->forwards, id);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	forwards_done(&f->forwards);
	g_assert_cmpuint(f->dials.n, ==, 0);
	loop_done(&f->loop, clock_now());
	g_assert_cmpint(g_rmdir(f->directory), ==, 0);
	g_free(f->directory);
	g_free(f->path);
}

static void turn(struct fixture *f)
{
	g_assert_cmpint(loop_wait(&f->loop, 0), >=, 0);
	g_assert_cmpint(loop_dispatch(&f->loop, clock_now()), >=, 0);
}

/* A client that the proxy has accepted. */
static int client(struct fixture *f)
{
	int fd = unix_connect(f->path);
	g_assert_cmpint(fd, >=, 0);
	turn(f);
	return fd;
}

static void say(struct fixture *f, int fd, const void *bytes, size_t len)
{
	g_assert_cmpint(send(fd, bytes, len, MSG_NOSIGNAL), ==, (ssize_t)len);
	turn(f);
}

/* Expects exactly these bytes from the proxy so far. */
static void expect(int fd, const void *bytes, size_t len)
{
	char got[1024];
	ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	g_assert_cmpmem(got, (size_t)MAX(n, 0), bytes, len);
}

static void expect_end(int fd)
{
	char byte;
	g_assert_cmpint(recv(fd, &byte, 1, MSG_DONTWAIT), ==, 0);
	close(fd);
}

/* Expects an error whose first line begins so, and then the end. */
static void expect_http(int fd, const char *start)
{
	char got[1024] = "";
	g_assert_cmpint(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), >, 0);
	if (!g_str_has_prefix(got, start))
		g_error("\"%s\" does not begin with \"%s\"", got, start);
	expect_end(fd);
}

static void guest_answers(struct fixture *f, int fd)
{
	int ours = f->asked.opening->opened(f->asked.opening, clock_now());
	char early[16];
	g_assert_cmpint(ours, >=, 0);
	/* What the client sent after its request is left for the engine. */
	g_assert_cmpint(recv(ours, early, sizeof(early), MSG_DONTWAIT), ==, 5);
	g_assert_cmpmem(early, 5, "early", 5);
	close(ours);
}

static void socks_client_is_taken_to_the_guest(struct fixture *f, gconstpointer data)
{
	int fd = client(f);
	say(f, fd, "\x05\x01\x00", 3);
	expect(fd, "\x05\x00", 2);
	say(f, fd, REQUEST "early", 15);
	g_assert_cmpuint(ip_to_ip4(&f->asked.to.addr), ==, GUEST);
	g_assert_cmpuint(f->asked.to.port, ==, 22);
	expect(fd, "", 0); /* not before the guest has answered */
	guest_answers(f, fd);
	expect(fd, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10);
	g_assert_cmpuint(f->forward->opened, ==, 1);
	expect_end(fd);
}

static void http_client_is_taken_to_the_guest(struct fixture *f, gconstpointer data)
{
	int fd = client(f);
	static const char request[] = "CONNECT web.lanlet.internal:80 HTTP/1.1\r\nHost: web\r\n\r\nearly";
	say(f, fd, request, strlen(request));
	g_assert_cmpuint(f->asked.to.port, ==, 80);
	guest_answers(f, fd);
	static const char answer[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	expect(fd, answer, strlen(answer));
	expect_end(fd);
}

static void bytes_may_come_one_by_one_or_all_at_once(struct fixture *f, gconstpointer data)
{
	static const char slow[] = "\x05\x01\x00" REQUEST;
	int fd = client(f), hasty = client(f);
	for (size_t i = 0; i < 13; i++)
		say(f, fd, &slow[i], 1);
	g_assert_cmpuint(f->n_asked, ==, 1);
	say(f, hasty, slow, 13);
	g_assert_cmpuint(f->n_asked, ==, 2);
	close(fd);
	close(hasty);
}

static void errors_are_sent_in_the_clients_protocol(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *request;
		const char *start;
	} http[] = {
		{ "CONNECT nobody:80 HTTP/1.1\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\nProxy-Status: lanlet; error=dns_error\r\n" },
		{ "CONNECT www.example.com:80 HTTP/1.1\r\n\r\n", "HTTP/1.1 502 " },
		{ "CONNECT 127.0.0.1:80 HTTP/1.1\r\n\r\n", "HTTP/1.1 403 " },
		{ "CONNECT 192.168.122.1:53 HTTP/1.1\r\n\r\n", "HTTP/1.1 403 " },
		{ "CONNECT [::1]:80 HTTP/1.1\r\n\r\n", "HTTP/1.1 403 " },
		{ "GET http://web/ HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\n" },
		{ "CONNECT web HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
		{ "\x16\x03\x01", "HTTP/1.1 400 " },
	};
	for (size_t i = 0; i < ARRAY_SIZE(http); i++) {
		int fd = client(f);
		say(f, fd, http[i].request, strlen(http[i].request));
		expect_http(fd, http[i].start);
	}
	static const struct {
		const char *request;
		size_t len;
		uint8_t reply;
	} socks[] = {
		{ "\x05\x01\x00\x03\x06nobody\x00\x50", 13, 4 },
		{ "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", 10, 2 },
		{ "\x05\x02\x00\x01\xc0\xa8\x7a\x32\x00\x50", 10, 7 },
		{ "\x05\x01\x00\x09\xc0\xa8\x7a\x32\x00\x50", 10, 8 },
		{ "\x05\x01\x00\x03\x00\x00\x50", 7, 1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(socks); i++) {
		int fd = client(f);
		char reply[16];
		say(f, fd, "\x05\x01\x00", 3);
		expect(fd, "\x05\x00", 2);
		say(f, fd, socks[i].request, socks[i].len);
		g_assert_cmpint(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), ==, 10);
		g_assert_cmpint(reply[1], ==, socks[i].reply);
		expect_end(fd);
	}
	g_assert_cmpuint(f->n_asked, ==, 0);
	g_assert_cmpuint(f->forward->refused, ==, ARRAY_SIZE(http) + ARRAY_SIZE(socks));
	g_assert_cmpuint(f->forward->opened, ==, 0);
}

static void refusal_by_the_guest_is_sent_to_the_client(struct fixture *f, gconstpointer data)
{
	static const char request[] = "CONNECT web:80 HTTP/1.1\r\n\r\n";
	int fd = client(f);
	say(f, fd, request, strlen(request));
	f->asked.opening->failed(f->asked.opening, clock_now(), ECONNREFUSED);
	expect_http(fd, "HTTP/1.1 502 Bad Gateway\r\nProxy-Status: lanlet; error=connection_refused\r\n");
	fd = client(f);
	say(f, fd, "\x05\x01\x00" REQUEST, 13);
	expect(fd, "\x05\x00", 2);
	f->asked.opening->failed(f->asked.opening, clock_now(), ECONNREFUSED);
	expect(fd, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 10);
	expect_end(fd);
}

static void client_that_wants_to_authenticate_is_refused(struct fixture *f, gconstpointer data)
{
	int fd = client(f);
	say(f, fd, "\x05\x01\x02", 3);
	expect(fd, "\x05\xff", 2);
	expect_end(fd);
	fd = client(f);
	say(f, fd, "\x04\x01\x00\x16\xc0\xa8\x7a\x32\x00", 9); /* SOCKS 4 */
	expect_http(fd, "HTTP/1.1 400 ");
}

static void request_without_an_end_is_refused(struct fixture *f, gconstpointer data)
{
	g_autofree char *field = g_strnfill(8200, 'a');
	g_autofree char *request = g_strdup_printf("CONNECT web:80 HTTP/1.1\r\nA: %s", field);
	int fd = client(f);
	say(f, fd, request, strlen(request));
	expect_http(fd, "HTTP/1.1 431 ");
}

static void silent_client_is_closed_after_a_while(struct fixture *f, gconstpointer data)
{
	int fd = client(f), talker = client(f);
	say(f, talker, "\x05", 1);
	usec_t when = forwards_deadline(&f->forwards);
	g_assert_cmpuint(when, !=, USEC_INFINITY);
	forwards_expire(&f->forwards, when);
	expect_end(fd);
	g_assert_cmpuint(forwards_deadline(&f->forwards), >=, when);
	forwards_expire(&f->forwards, when + USEC_PER_SEC);
	char byte;
	g_assert_cmpint(recv(talker, &byte, 1, MSG_DONTWAIT), ==, -1);
	g_assert_cmpint(errno, ==, ECONNRESET); /* its request was not read */
	close(talker);
	g_assert_cmpuint(forwards_deadline(&f->forwards), ==, USEC_INFINITY);
}

static void many_silent_clients_make_way_for_new_ones(struct fixture *f, gconstpointer data)
{
	enum { MANY = 1024 };
	static int fds[MANY];
	if (!descriptors_allow(2 * MANY + 100)) {
		g_test_skip(DESCRIPTORS_TOO_FEW);
		return;
	}
	for (unsigned i = 0; i < MANY; i++)
		fds[i] = client(f);
	int fd = client(f);
	expect_end(fds[0]);
	say(f, fd, "\x05\x01\x00" REQUEST, 13);
	g_assert_cmpuint(f->n_asked, ==, 1);
	for (unsigned i = 1; i < MANY; i++)
		close(fds[i]);
	close(fd);
}

static void clients_without_a_flow_are_closed_with_the_proxy(struct fixture *f, gconstpointer data)
{
	int talking = client(f), dialling = client(f);
	say(f, dialling, "\x05\x01\x00" REQUEST, 13);
	expect(dialling, "\x05\x00", 2);
	g_assert_cmpint(forwards_remove(&f->forwards, f->forward->id), ==, 0);
	g_assert_cmpuint(f->n_cancelled, ==, 1);
	expect_end(talking);
	expect_end(dialling);
}

#define TEST(name) g_test_add("/proxy/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(socks_client_is_taken_to_the_guest);
	TEST(http_client_is_taken_to_the_guest);
	TEST(bytes_may_come_one_by_one_or_all_at_once);
	TEST(errors_are_sent_in_the_clients_protocol);
	TEST(refusal_by_the_guest_is_sent_to_the_client);
	TEST(client_that_wants_to_authenticate_is_refused);
	TEST(request_without_an_end_is_refused);
	TEST(silent_client_is_closed_after_a_while);
	TEST(many_silent_clients_make_way_for_new_ones);
	TEST(clients_without_a_flow_are_closed_with_the_proxy);
	return g_test_run();
}
