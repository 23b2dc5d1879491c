/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may pass the port of `lanlet web`.  tests/guest/web_test.py asks the port itself. */
#include "app/web/gate.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

struct fixture {
	struct web_gate gate;
	GString *answer;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	web_gate_init(&f->gate);
	f->answer = g_string_new(NULL);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_string_free(f->answer, TRUE);
}

/* The status that a request is answered with; 0 when it is admitted. */
static unsigned status_of(struct fixture *f, const char *line, const char *host, const char *token, const char *more)
{
	unsigned status = 0;
	g_autofree char *authorization = token ? g_strdup_printf("Authorization: Bearer %s\r\n", token) : g_strdup("");
	g_autofree char *head = g_strdup_printf("%s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n", line, host, authorization, more);
	g_string_truncate(f->answer, 0);
	if (web_gate_admits(&f->gate, head, strlen(head), f->answer)) {
		g_assert_cmpuint(f->answer->len, ==, 0);
		return 0;
	}
	g_assert_cmpint(sscanf(f->answer->str, "HTTP/1.1 %u ", &status), ==, 1);
	return status;
}

static void session_key_is_issued_once_and_admits(struct fixture *f, gconstpointer data)
{
	g_assert_cmpstr(f->gate.once, !=, f->gate.session);
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1:1", f->gate.session, ""), ==, 0);
	g_assert_cmpuint(status_of(f, "POST /session", "127.0.0.1:1", f->gate.session, ""), ==, 403);
	g_assert_cmpuint(status_of(f, "GET /session", "127.0.0.1:1", f->gate.once, ""), ==, 401);
	g_assert_cmpuint(status_of(f, "POST /session", "127.0.0.1:1", f->gate.once, ""), ==, 200);
	g_assert_nonnull(strstr(f->answer->str, f->gate.session));
	g_assert_cmpuint(status_of(f, "POST /session", "127.0.0.1:1", f->gate.once, ""), ==, 403);
	g_assert_null(strstr(f->answer->str, f->gate.session));
}

static void wrong_token_is_refused(struct fixture *f, gconstpointer data)
{
	char almost[TOKEN_SIZE];
	memcpy(almost, f->gate.session, sizeof(almost));
	almost[TOKEN_SIZE - 2] ^= 1;
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1", almost, ""), ==, 401);
	almost[TOKEN_SIZE - 2] = '\0';
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1", almost, ""), ==, 401);
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1", "", ""), ==, 401);
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1", NULL, ""), ==, 401);
}

static void other_host_names_are_refused(struct fixture *f, gconstpointer data)
{
	static const char *const good[] = { "127.0.0.1", "127.0.0.1:80", "localhost:8080", "[::1]:1" };
	static const char *const bad[] = {
		"127.0.0.2", "127.0.0.1.x", "127.0.0.1:", "127.0.0.1:8x", "localhost.x", "x", "[::1", "127.0.0.1, x", ""
	};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_cmpuint(status_of(f, "GET /", good[i], NULL, ""), ==, 200);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpuint(status_of(f, "GET /", bad[i], f->gate.session, ""), ==, 421);
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1", f->gate.session, "Host: x\r\n"), ==, 421);
}

static void other_origins_are_refused(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1:5", f->gate.session, "Origin: http://127.0.0.1:5\r\n"), ==, 0);
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1:5", f->gate.session, "Origin: http://127.0.0.1:6\r\n"), ==, 403);
	g_assert_cmpuint(status_of(f, "POST /session", "127.0.0.1:5", f->gate.once, "Origin: null\r\n"), ==, 403);
	g_assert_false(f->gate.used);
}

static void page_needs_no_key_and_has_one_path(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(status_of(f, "GET /?x=y", "127.0.0.1", NULL, ""), ==, 200);
	g_assert_nonnull(strstr(f->answer->str, "Content-Security-Policy: default-src 'none'"));
	g_assert_cmpuint(status_of(f, "GET /v1", "127.0.0.1", NULL, ""), ==, 401);
	g_assert_cmpuint(status_of(f, "POST /", "127.0.0.1", NULL, ""), ==, 401);
	g_assert_cmpuint(status_of(f, "GET http://127.0.0.1/", "127.0.0.1", NULL, ""), ==, 401);
}

static void malformed_request_is_answered_with_400(struct fixture *f, gconstpointer data)
{
	static const char *const heads[] = { "\r\n\r\n", "x\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", ": x\r\n\r\n", "\r\n", "" };
	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		g_string_truncate(f->answer, 0);
		g_assert_false(web_gate_admits(&f->gate, heads[i], strlen(heads[i]), f->answer));
		g_assert_true(g_str_has_prefix(f->answer->str, "HTTP/1.1 4"));
	}
}

static void head_ends_with_its_empty_line(void)
{
	g_assert_cmpuint(web_head_len("", 0), ==, 0);
	g_assert_cmpuint(web_head_len("GET / HTTP/1.1\r\n\r", 17), ==, 0);
	g_assert_cmpuint(web_head_len("GET / HTTP/1.1\r\n\r\nbody\r\n\r\n", 26), ==, 18);
}

#define TEST(name) g_test_add("/web-gate/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(session_key_is_issued_once_and_admits);
	TEST(wrong_token_is_refused);
	TEST(other_host_names_are_refused);
	TEST(other_origins_are_refused);
	TEST(page_needs_no_key_and_has_one_path);
	TEST(malformed_request_is_answered_with_400);
	g_test_add_func("/web-gate/head_ends_with_its_empty_line", head_ends_with_its_empty_line);
	return g_test_run();
}
