/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/control.h"
#include "control/route/route.h"

#include <glib.h>

struct found {
	const struct route *route;
	char *parts[ROUTE_PARTS_MAX];
	char *allowed;
};

static void find(struct found *f, const char *method, const char *path)
{
	*f = (struct found){ 0 };
	f->route = route_find(method, path, f->parts, &f->allowed);
}

static void found_done(struct found *f)
{
	for (unsigned i = 0; i < ROUTE_PARTS_MAX; i++)
		g_free(f->parts[i]);
	g_free(f->allowed);
}

static void path_finds_its_route(void)
{
	struct found f;
	find(&f, "GET", "/v1/leases");
	g_assert_cmpstr(f.route->path, ==, "/v1/leases");
	g_assert_cmpstr(f.route->method, ==, "GET");
	g_assert_null(f.parts[0]);
	found_done(&f);
}

static void part_in_braces_matches_any_text(void)
{
	struct found f;
	find(&f, "DELETE", "/v1/names/web.lab");
	g_assert_cmpstr(f.route->path, ==, "/v1/names/{name}");
	g_assert_cmpstr(f.parts[0], ==, "web.lab");
	found_done(&f);
	find(&f, "DELETE", "/v1/names/");
	g_assert_cmpstr(f.parts[0], ==, "");
	found_done(&f);
}

static void wrong_method_and_unknown_path_are_different_errors(void)
{
	struct found f;
	find(&f, "PATCH", "/v1/names");
	g_assert_null(f.route);
	g_assert_cmpstr(f.allowed, ==, "GET, HEAD, POST");
	found_done(&f);
	for (const char **path = (const char *[]){ "", "/", "v1/names", "/v1/names/a/b", "/v1/nam", "//v1/names", "/V1/names", NULL };
	     *path; path++) {
		find(&f, "PATCH", *path);
		g_assert_null(f.route);
		if (f.allowed)
			g_assert_cmpstr(*path, ==, "/"); /* the page */
		found_done(&f);
	}
}

static void every_route_is_found_under_its_own_path(void)
{
	const struct route *r;
	for (size_t i = 0; (r = route_at(i)); i++) {
		struct found f;
		find(&f, r->method, r->path);
		g_assert_true(f.route == r);
		found_done(&f);
	}
}

static void listening_address_is_an_address_and_a_port(void)
{
	for (const char **text = (const char *[]){ "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:1", "[::]:65535", NULL }; *text; text++)
		g_assert_true(control_check_listen(*text));
	for (const char **text = (const char *[]){ "", ":", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
						   "127.0.0.1:8080 ", "127.0.0.1:-1", "[::1]", "[]:80", "1.2.3:80", NULL };
	     *text; text++)
		g_assert_false(control_check_listen(*text));
}

#define ADD(test) g_test_add_func("/route/" #test, test)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(path_finds_its_route);
	ADD(part_in_braces_matches_any_text);
	ADD(wrong_method_and_unknown_path_are_different_errors);
	ADD(every_route_is_found_under_its_own_path);
	ADD(listening_address_is_an_address_and_a_port);
	return g_test_run();
}
