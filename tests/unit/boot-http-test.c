/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP for network boot: requests, and connections; the test acts as the engine. */
#include "support/boot_memory.h"

#include "gateway/payer.h"
#include "gateway/sink.h"
#include "lan/port.h"
#include "service/boot/http.h"
#include "wire/http_request.h"

#include <glib.h>

struct client {
	struct local_stream stream;
	struct boot_http *http;
	GString *got;
	size_t room;
	bool shut, closed;
};

struct fixture {
	struct boot_http http;
	struct boot_memory memory;
	struct sink sink;
	struct payer payer;
	struct port port;
	usec_t now;
	unsigned drops[DROP_REASON_COUNT];
};

static ssize_t client_send(struct local_stream *s, const void *data, size_t len)
{
	struct client *c = container_of(s, struct client, stream);
	size_t n = MIN(len, c->room);
	c->room -= n;
	g_string_append_len(c->got, data, (gssize)n);
	return (ssize_t)n;
}

static void client_resume(struct local_stream *s)
{
}

static void client_shutdown(struct local_stream *s)
{
	container_of(s, struct client, stream)->shut = true;
}

static void client_close(struct local_stream *s)
{
	container_of(s, struct client, stream)->closed = true;
}

static const struct local_stream_ops client_ops = { client_send, client_resume, client_shutdown, client_close };

static void record_drop(struct sink *s, enum drop_reason why, const struct packet *p)
{
	container_of(s, struct fixture, sink)->drops[why]++;
}

static const struct sink_ops sink_ops = { .drop = record_drop };

static void set_up(struct fixture *f, gconstpointer data)
{
	f->sink.ops = &sink_ops;
	f->memory.files.ops = &boot_memory_ops;
	f->payer.port = &f->port;
	boot_http_init(&f->http, &(struct boot_http_config){ .files = &f->memory.files, .sink = &f->sink });
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	boot_http_done(&f->http);
	g_assert_cmpuint(f->memory.n_open, ==, 0);
	g_assert_cmpuint(f->payer.n_transfers, ==, 0);
}

static bool open_client(struct fixture *f, struct client *c)
{
	*c = (struct client){
		.stream = { .ops = &client_ops, .payer = &f->payer }, .http = &f->http, .got = g_string_new(NULL), .room = SIZE_MAX
	};
	return f->http.streams.ops->accept(&f->http.streams, f->now, &c->stream);
}

static void close_client(struct fixture *f, struct client *c)
{
	if (!c->closed)
		f->http.streams.ops->closed(&f->http.streams, f->now, &c->stream);
	g_string_free(c->got, TRUE);
}

static size_t say(struct fixture *f, struct client *c, const char *text)
{
	return f->http.streams.ops->input(&f->http.streams, f->now, &c->stream, text, strlen(text));
}

/* The answer to one request on a connection of its own. */
static char *answer_to(struct fixture *f, const char *text)
{
	struct client c;
	g_assert_true(open_client(f, &c));
	say(f, &c, text);
	char *answer = g_strdup(c.got->str);
	close_client(f, &c);
	return answer;
}

static void assert_status(struct fixture *f, const char *request, unsigned status)
{
	g_autofree char *answer = answer_to(f, request), *start = g_strdup_printf("HTTP/1.1 %u ", status);
	if (!g_str_has_prefix(answer, start))
		g_error("%s: %s", request, answer);
}

static void file_is_sent_with_its_length(struct fixture *f, gconstpointer data)
{
	struct client c;
	g_assert_true(open_client(f, &c));
	say(f, &c, "GET /small HTTP/1.1\r\nHost: 192.168.122.1\r\n\r\n");
	g_assert_true(g_str_has_prefix(c.got->str, "HTTP/1.1 200 OK\r\n"));
	g_assert_nonnull(strstr(c.got->str, "\r\nContent-Length: 5\r\n"));
	g_assert_cmpuint((uint8_t)c.got->str[c.got->len - 1], ==, boot_memory_byte(4));
	g_assert_false(c.shut);
	close_client(f, &c);
}

static void head_has_no_body(struct fixture *f, gconstpointer data)
{
	g_autofree char *answer = answer_to(f, "HEAD /large HTTP/1.1\r\n\r\n");
	g_assert_nonnull(strstr(answer, "\r\nContent-Length: 200000\r\n"));
	g_assert_true(g_str_has_suffix(answer, "\r\n\r\n"));
}

static void requests_have_their_status(struct fixture *f, gconstpointer data)
{
	assert_status(f, "GET http://192.168.122.1/small HTTP/1.1\n\n", 200);
	assert_status(f, "GET /sm%61ll?x=y HTTP/1.0\r\n\r\n", 200);
	assert_status(f, "GET /nothing HTTP/1.1\r\n\r\n", 404);
	assert_status(f, "GET /secret HTTP/1.1\r\n\r\n", 403);
	assert_status(f, "PUT /small HTTP/1.1\r\n\r\n", 405);
	assert_status(f, "GET /small HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400);
	assert_status(f, "GET /small HTTP/1.1\r\nbad\r\n\r\n", 400);
	assert_status(f, "GET small HTTP/1.1\r\n\r\n", 400);
	assert_status(f, "GET /%0 HTTP/1.1\r\n\r\n", 400);
	assert_status(f, "GET /a%00b HTTP/1.1\r\n\r\n", 400);
	assert_status(f, "GET /small HTTP/2\r\n\r\n", 400);
	assert_status(f, "\r\n\r\n", 400);
	assert_status(f, "GET /large HTTP/1.1\r\nRange: bytes=200000-\r\n\r\n", 416);
	g_autofree char *padding = g_strnfill(5000, 'x'), *long_head = g_strdup_printf("GET /small HTTP/1.1\r\nA: %s", padding);
	assert_status(f, long_head, 400);
	g_assert_cmpuint(f->drops[DROP_HTTP_MALFORMED], ==, 7);
}

static void part_of_a_file_is_sent(struct fixture *f, gconstpointer data)
{
	g_autofree char *answer = answer_to(f, "GET /large HTTP/1.1\r\nRange: bytes=10-13\r\n\r\n");
	g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 206 "));
	g_assert_nonnull(strstr(answer, "\r\nContent-Range: bytes 10-13/200000\r\nConnection: keep-alive\r\n\r\n"));
	g_assert_nonnull(strstr(answer, "\r\nContent-Length: 4\r\n"));
	g_autofree char *rest = answer_to(f, "GET /large HTTP/1.1\r\nRange: bytes=199999-\r\n\r\n");
	g_assert_nonnull(strstr(rest, "\r\nContent-Length: 1\r\n"));
}

static void requests_come_in_pieces_and_one_after_another(struct fixture *f, gconstpointer data)
{
	static const char text[] = "HEAD /small HTTP/1.1\r\n\r\n";
	struct client c;
	g_assert_true(open_client(f, &c));
	for (const char *at = text; *at; at++)
		say(f, &c, (const char[]){ *at, '\0' });
	g_assert_true(g_str_has_suffix(c.got->str, "\r\n\r\n"));
	g_string_truncate(c.got, 0);
	say(f, &c, "HEAD /small HTTP/1.1\r\n\r\nHEAD /even HTTP/1.1\r\nConnection: close\r\n\r\n");
	g_assert_nonnull(strstr(c.got->str, "Content-Length: 5\r\n"));
	g_assert_nonnull(strstr(c.got->str, "Content-Length: 1024\r\n"));
	g_assert_true(c.shut);
	close_client(f, &c);
}

static void client_that_does_not_read_is_waited_for(struct fixture *f, gconstpointer data)
{
	struct client c;
	g_assert_true(open_client(f, &c));
	c.room = 1000;
	say(f, &c, "GET /large HTTP/1.1\r\n\r\n");
	g_assert_cmpuint(say(f, &c, "GET /small HTTP/1.1\r\n\r\n"), ==, 0);
	while (c.got->len < 200000 && f->http.n) {
		c.room = 30000;
		f->http.streams.ops->writable(&f->http.streams, f->now, &c.stream);
	}
	const char *body = strstr(c.got->str, "\r\n\r\n") + 4;
	size_t len = c.got->len - (size_t)(body - c.got->str);
	g_assert_cmpuint(len, <=, 200000);
	for (size_t i = 0; i < len; i++)
		g_assert_cmpuint((uint8_t)body[i], ==, boot_memory_byte(i));
	close_client(f, &c);
}

static void file_that_becomes_shorter_ends_the_connection(struct fixture *f, gconstpointer data)
{
	struct client c;
	g_assert_true(open_client(f, &c));
	say(f, &c, "GET /shrinks HTTP/1.1\r\n\r\n");
	g_assert_true(c.closed);
	close_client(f, &c);
}

static void idle_connection_is_closed(struct fixture *f, gconstpointer data)
{
	struct client c;
	g_assert_true(open_client(f, &c));
	struct service *s = &f->http.service;
	g_assert_cmpuint(s->ops->deadline(s), ==, BOOT_HTTP_IDLE);
	s->ops->expire(s, BOOT_HTTP_IDLE - 1, &f->sink);
	g_assert_false(c.closed);
	s->ops->expire(s, BOOT_HTTP_IDLE, &f->sink);
	g_assert_true(c.closed);
	close_client(f, &c);
}

static void end_of_the_clients_requests_is_answered(struct fixture *f, gconstpointer data)
{
	struct client c;
	g_assert_true(open_client(f, &c));
	f->http.streams.ops->eof(&f->http.streams, f->now, &c.stream);
	g_assert_true(c.shut);
	close_client(f, &c);
}

static void one_port_does_not_get_all_connections(struct fixture *f, gconstpointer data)
{
	struct client c[BOOT_HTTP_CONNECTIONS_MAX];
	unsigned n = 0;
	while (n < ARRAY_SIZE(c) && open_client(f, &c[n]))
		n++;
	g_assert_cmpuint(n, ==, BOOT_HTTP_CONNECTIONS_MAX * 3 / 4);
	g_assert_cmpuint(f->drops[DROP_BOOT_LIMIT], ==, 1);
	g_string_free(c[n].got, TRUE);
	while (n-- > 0)
		close_client(f, &c[n]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/boot-http/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(file_is_sent_with_its_length);
	TEST(head_has_no_body);
	TEST(requests_have_their_status);
	TEST(part_of_a_file_is_sent);
	TEST(requests_come_in_pieces_and_one_after_another);
	TEST(client_that_does_not_read_is_waited_for);
	TEST(file_that_becomes_shorter_ends_the_connection);
	TEST(idle_connection_is_closed);
	TEST(end_of_the_clients_requests_is_answered);
	TEST(one_port_does_not_get_all_connections);
	return g_test_run();
}
