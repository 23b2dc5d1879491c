/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/web/gate.h"

#include "control/page.h"

#include <string.h>

struct head {
	SoupMessageHeaders *headers;
	char *method, *path;
};

void web_gate_init(struct web_gate *g)
{
	*g = (struct web_gate){ .used = false };
	token_make(g->once);
	token_make(g->session);
}

gsize web_head_len(const char *bytes, gsize len)
{
	const char *end = len > 0 ? memmem(bytes, len, "\r\n\r\n", 4) : NULL; /* @bytes may be NULL if @len is 0 */
	return end ? (gsize)(end - bytes) + 4 : 0;
}

/* --- answers --- */

static void begin_answer(GString *answer, const char *status, const char *type, gsize len)
{
	g_string_printf(answer,
			"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %" G_GSIZE_FORMAT
			"\r\nCache-Control: no-store\r\nConnection: close\r\n",
			status, type, len);
	for (const struct page_header *h = page_headers; h->name; h++)
		g_string_append_printf(answer, "%s: %s\r\n", h->name, h->value);
}

static void answer_page(GString *answer)
{
	begin_answer(answer, "200 OK", PAGE_TYPE, page_len);
	g_string_append_printf(answer, "Content-Security-Policy: %s\r\n\r\n", page_policy);
	g_string_append_len(answer, page_html, (gssize)page_len);
}

/* {"@name": "@value"}; the value must not need escaping. */
static void answer_json(GString *answer, const char *status, const char *name, const char *value)
{
	g_autofree char *body = g_strdup_printf("{\"%s\":\"%s\"}\n", name, value);
	begin_answer(answer, status, "application/json", strlen(body));
	g_string_append_printf(answer, "\r\n%s", body);
}

static bool refuse(GString *answer, const char *status, const char *why)
{
	answer_json(answer, status, "error", why);
	return false;
}

/* --- decisions --- */

/*
 * Only names that mean this machine whatever DNS says, against DNS rebinding. Any port, because the request may come through a
 * tunnel.
 */
static bool is_loopback(const char *host)
{
	static const char *const names[] = { "127.0.0.1", "localhost", "[::1]" };
	for (size_t i = 0; host && i < G_N_ELEMENTS(names); i++) {
		const char *rest = g_str_has_prefix(host, names[i]) ? host + strlen(names[i]) : NULL;
		if (rest && (*rest == '\0' || (*rest == ':' && rest[1] && strspn(rest + 1, "0123456789") == strlen(rest + 1))))
			return true;
	}
	return false;
}

/* Whether the request comes from no page, or from a page of this origin (Fetch Standard §3.2). */
static bool is_own_origin(const struct head *h, const char *host)
{
	const char *origin = soup_message_headers_get_list(h->headers, "Origin");
	g_autofree char *own = g_strconcat("http://", host, NULL);
	return !origin || strcmp(origin, own) == 0;
}

static bool is_for(const struct head *h, const char *method, const char *path)
{
	size_t len = strlen(path);
	return strcmp(h->method, method) == 0 && strncmp(h->path, path, len) == 0 && (h->path[len] == '\0' || h->path[len] == '?');
}

static bool begin_session(struct web_gate *g, const char *token, GString *answer)
{
	if (!token_is(g->once, token))
		return refuse(
			answer, "403 Forbidden",
			"This link does not belong to the lanlet web that is running. Run lanlet web and use the link that it prints.");
	if (g->used)
		return refuse(answer, "403 Forbidden",
			      "This link was used before and works only once. Run lanlet web again for a new one.");
	g->used = true;
	answer_json(answer, "200 OK", "session", g->session);
	return false;
}

static bool decide(struct web_gate *g, const struct head *h, GString *answer)
{
	const char *host = soup_message_headers_get_list(h->headers, "Host"), *token = token_of(h->headers);
	if (!is_loopback(host))
		return refuse(answer, "421 Misdirected Request", "This server answers only to 127.0.0.1, localhost and [::1].");
	if (!is_own_origin(h, host))
		return refuse(answer, "403 Forbidden", "Requests from pages of another origin are refused.");
	if (is_for(h, "POST", "/session"))
		return begin_session(g, token, answer);
	if (token_is(g->session, token))
		return true;
	if (!is_for(h, "GET", "/"))
		return refuse(answer, "401 Unauthorized", "A session key is needed: use the link that lanlet web prints.");
	answer_page(answer);
	return false;
}

bool web_gate_admits(struct web_gate *g, const char *head, gsize len, GString *answer)
{
	struct head h = { .headers = soup_message_headers_new(SOUP_MESSAGE_HEADERS_REQUEST) };
	/* The function expects the head without the empty line. */
	guint status = SOUP_STATUS_BAD_REQUEST;
	if (len > 2)
		status = soup_headers_parse_request(head, (int)len - 2, h.headers, &h.method, &h.path, NULL);
	bool good = status == SOUP_STATUS_OK ? decide(g, &h, answer) : refuse(answer, "400 Bad Request", "This is not an HTTP request.");
	soup_message_headers_unref(h.headers);
	g_free(h.method);
	g_free(h.path);
	return good;
}
