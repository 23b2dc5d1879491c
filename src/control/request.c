/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a request: the server begins it, then it owns itself.  Two things end: its job, and its message ("finished"), which was sent
 * or whose client is gone.  It is freed when both have ended.
 */
#include "control/request.h"

#include "base/macros.h"
#include "control/control_internal.h"
#include "control/job.h"
#include "host/clock.h"

#include <stdarg.h>
#include <string.h>

#define JSON_TYPE "application/json"
/* A piece of an answer is sent when it is as large. */
#define PIECE_BYTES ((gsize)16 * 1024)

/* The walk over a list. */
struct walk {
	const struct listing *listing;
	void *filter, *items;
	unsigned n;
	uint64_t cursor;
	GString *text;
	struct json json;
};

struct request {
	struct control *control;
	GList **all;
	SoupServerMessage *msg;
	GHashTable *query; /* may be NULL */
	char *parts[ROUTE_PARTS_MAX];
	bool over;    /* the message is finished */
	bool working; /* the job is under way */
	bool streaming, sending;
	struct job job;
	void (*work)(struct lanlet_network *n, usec_t now, void *data);
	void (*done)(struct request *r, void *data);
	void *data;
	void (*more)(struct request *r);
	void (*ended)(struct request *r);
	struct walk walk;
};

void request_free(struct request *r)
{
	if (r->ended)
		r->ended(r);
	*r->all = g_list_remove(*r->all, r);
	g_signal_handlers_disconnect_by_data(r->msg, r);
	g_object_unref(r->msg);
	g_clear_pointer(&r->query, g_hash_table_unref);
	for (size_t i = 0; i < G_N_ELEMENTS(r->parts); i++)
		g_free(r->parts[i]);
	if (r->walk.text)
		g_string_free(r->walk.text, TRUE);
	g_free(r->walk.items);
	g_free(r->walk.filter);
	g_free(r->data);
	g_free(r);
}

static void free_if_over(struct request *r)
{
	if (r->over && !r->working)
		request_free(r);
}

static void message_finished(SoupServerMessage *msg, gpointer opaque)
{
	struct request *r = opaque;
	r->over = true;
	free_if_over(r);
}

static void wrote_chunk(SoupServerMessage *msg, gpointer opaque)
{
	struct request *r = opaque;
	if (r->streaming && r->more && !r->working)
		r->more(r);
}

/* --- what was asked --- */

struct control *request_control(const struct request *r)
{
	return r->control;
}

const char *request_part(const struct request *r, unsigned index)
{
	return r->parts[index];
}

const char *request_parameter(const struct request *r, const char *name)
{
	return r->query ? g_hash_table_lookup(r->query, name) : NULL;
}

const char *request_header(const struct request *r, const char *name)
{
	return soup_message_headers_get_list(soup_server_message_get_request_headers(r->msg), name);
}

GBytes *request_body(const struct request *r)
{
	return soup_message_body_flatten(soup_server_message_get_request_body(r->msg));
}

/* --- answers --- */

/*
 * One request per connection: libsoup 3.2 closes a connection that it was given once it has answered, and a client that is not told so
 * would send its next request to a closed one.
 */
static void set_headers(SoupServerMessage *msg)
{
	SoupMessageHeaders *headers = soup_server_message_get_response_headers(msg);
	soup_message_headers_replace(headers, "Cache-Control", "no-store");
	soup_message_headers_replace(headers, "Connection", "close");
}

static void respond(SoupServerMessage *msg, unsigned status, const char *type, GString *text)
{
	gsize len = text->len;
	soup_server_message_set_status(msg, status, NULL);
	set_headers(msg);
	soup_server_message_set_response(msg, type, SOUP_MEMORY_TAKE, g_string_free(text, FALSE), len);
	server_sends(msg);
	soup_server_message_unpause(msg);
}

void request_refuse(SoupServerMessage *msg, unsigned status, const char *why)
{
	struct json j = { .text = g_string_new(NULL) };
	g_autofree char *line = g_strdup(why);
	for (char *c = line; *c; c++) /* @why may quote the request */
		*c = g_ascii_iscntrl(*c) ? '?' : *c;
	json_open_object(&j, NULL);
	json_string(&j, "error", line);
	json_close_object(&j);
	g_string_append_c(j.text, '\n');
	soup_server_message_pause(msg);
	respond(msg, status, JSON_TYPE, j.text);
}

void request_fail(struct request *r, unsigned status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *why = g_strdup_vprintf(format, args);
	va_end(args);
	request_refuse(r->msg, status, why);
}

void request_respond_nothing(struct request *r)
{
	soup_server_message_set_status(r->msg, SOUP_STATUS_NO_CONTENT, NULL);
	set_headers(r->msg);
	server_sends(r->msg);
	soup_server_message_unpause(r->msg);
}

void request_respond_text(struct request *r, const char *type, GString *text)
{
	respond(r->msg, SOUP_STATUS_OK, type, text);
}

void request_respond_json(struct request *r, GString *text)
{
	g_string_append_c(text, '\n');
	request_respond_text(r, JSON_TYPE, text);
}

void request_set_header(struct request *r, const char *name, const char *value)
{
	soup_message_headers_replace(soup_server_message_get_response_headers(r->msg), name, value);
}

void request_set_patience(struct request *r, usec_t patience)
{
	server_set_patience(r->msg, patience);
}

int request_take_connection(struct request *r)
{
	g_autoptr(SoupServerMessage) msg = g_object_ref(r->msg);
	request_free(r);
	return server_take_connection(msg);
}

/* --- asking the network --- */

/* On the network's thread. */
static void job_work(struct job *j, struct lanlet_network *n, usec_t now)
{
	struct request *r = container_of(j, struct request, job);
	r->work(n, now, r->data);
}

static void job_done(struct job *j)
{
	struct request *r = container_of(j, struct request, job);
	r->working = false;
	if (!r->over)
		r->done(r, r->data);
	else
		free_if_over(r);
}

void *request_data(const struct request *r)
{
	return r->data;
}

void request_set_data(struct request *r, void *data, void (*ended)(struct request *r))
{
	if (data != r->data)
		g_free(r->data);
	r->data = data;
	r->ended = ended;
}

void request_ask(struct request *r, void (*work)(struct lanlet_network *n, usec_t now, void *data),
		 void (*done)(struct request *r, void *data), void *data)
{
	request_set_data(r, data, r->ended);
	r->work = work;
	r->done = done;
	r->working = true;
	r->job.work = job_work;
	r->job.done = job_done;
	job_post(r->control, &r->job);
}

/* --- answers in pieces --- */

void request_stream(struct request *r, const char *type, void (*more)(struct request *r))
{
	SoupMessageHeaders *headers = soup_server_message_get_response_headers(r->msg);
	bool chunks = soup_server_message_get_http_version(r->msg) != SOUP_HTTP_1_0;
	soup_server_message_set_status(r->msg, SOUP_STATUS_OK, NULL);
	soup_message_headers_set_encoding(headers, chunks ? SOUP_ENCODING_CHUNKED : SOUP_ENCODING_EOF);
	soup_message_headers_set_content_type(headers, type, NULL);
	set_headers(r->msg);
	soup_message_body_set_accumulate(soup_server_message_get_response_body(r->msg), FALSE);
	g_signal_connect(r->msg, "wrote-chunk", G_CALLBACK(wrote_chunk), r);
	r->streaming = true;
	r->more = more;
	more(r);
}

static void put_bytes(struct request *r, GBytes *bytes)
{
	soup_message_body_append_bytes(soup_server_message_get_response_body(r->msg), bytes);
	g_bytes_unref(bytes);
	server_sends(r->msg);
	soup_server_message_unpause(r->msg);
}

void request_put(struct request *r, GString *text)
{
	if (text->len > 0)
		put_bytes(r, g_string_free_to_bytes(text));
	else
		g_string_free(text, TRUE); /* an empty piece would end the answer */
}

void request_end(struct request *r)
{
	r->more = NULL;
	soup_message_body_complete(soup_server_message_get_response_body(r->msg));
	server_sends(r->msg);
	soup_server_message_unpause(r->msg);
}

/* --- lists --- */

static void walk_on(struct request *r);

/* On the network's thread. */
static void walk_fetch(struct lanlet_network *n, usec_t now, void *data)
{
	struct request *r = *(struct request **)data;
	struct walk *w = &r->walk;
	w->n = w->listing->fetch(n, now, w->filter, &w->cursor, w->items, w->listing->slice);
}

static void walk_fetched(struct request *r, void *data)
{
	struct walk *w = &r->walk;
	usec_t now = clock_now();
	for (unsigned i = 0; i < w->n; i++) {
		g_string_append_c(w->text, '\n'); /* each item on a line of its own, for readers */
		w->listing->write(&w->json, now, (const char *)w->items + i * w->listing->item_size);
	}
	bool end = w->cursor == UINT64_MAX;
	if (!end && w->text->len < PIECE_BYTES) {
		walk_on(r);
		return;
	}
	if (end)
		g_string_append(w->text, "\n]}\n");
	GString *text = w->text;
	w->json.text = w->text = g_string_new(NULL);
	request_put(r, text);
	if (end)
		request_end(r);
}

static void walk_on(struct request *r)
{
	if (!r->data)
		r->data = g_memdup2(&r, sizeof(r));
	request_ask(r, walk_fetch, walk_fetched, r->data);
}

void request_list(struct request *r, const struct listing *l, void *filter)
{
	struct walk *w = &r->walk;
	*w = (struct walk){ .listing = l, .filter = filter, .items = g_malloc(l->slice * l->item_size), .text = g_string_new(NULL) };
	w->json.text = w->text;
	json_open_object(&w->json, NULL);
	json_open_array(&w->json, l->name);
	request_stream(r, JSON_TYPE, walk_on);
}

/* --- beginning --- */

/* True, and it is answered, when the query has a parameter that the route does not know. */
static bool has_unknown_parameter(struct request *r, const struct route *route)
{
	GHashTableIter i;
	gpointer name;
	if (!r->query || strcmp(route->path, "/") == 0) /* browsers and pages add some to links */
		return false;
	g_hash_table_iter_init(&i, r->query);
	while (g_hash_table_iter_next(&i, &name, NULL)) {
		if (route_has_parameter(route, name))
			continue;
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "%s: there is no such parameter%s%s", (const char *)name,
			     route->parameters ? ", only " : "", route->parameters ? route->parameters : "");
		return true;
	}
	return false;
}

/* libsoup sends the headers only in answer to HEAD. */
static void handle_by(struct request *r, const struct route *route, bool head)
{
	if (!head || !route->live) {
		route->handle(r);
		return;
	}
	soup_server_message_set_status(r->msg, SOUP_STATUS_OK, NULL);
	soup_message_headers_set_encoding(soup_server_message_get_response_headers(r->msg), SOUP_ENCODING_CHUNKED);
	set_headers(r->msg);
	server_sends(r->msg);
	soup_server_message_unpause(r->msg);
}

static void find_and_handle(struct request *r, const char *path)
{
	g_autofree char *allowed = NULL;
	const char *method = soup_server_message_get_method(r->msg);
	const struct route *route = route_find(method, path, r->parts, &allowed);
	if (route) {
		if (!has_unknown_parameter(r, route))
			handle_by(r, route, strcmp(method, "HEAD") == 0);
	} else if (allowed) {
		soup_message_headers_replace(soup_server_message_get_response_headers(r->msg), "Allow", allowed);
		request_fail(r, SOUP_STATUS_METHOD_NOT_ALLOWED, "%s is not possible here, only %s", method, allowed);
	} else {
		request_fail(r, SOUP_STATUS_NOT_FOUND, "there is nothing at this path; docs/openapi.json lists all paths");
	}
}

void request_begin(struct control *c, GList **all, SoupServerMessage *msg, const char *path, GHashTable *query)
{
	struct request *r = g_new0(struct request, 1);
	*r = (struct request){ .control = c, .all = all, .msg = g_object_ref(msg), .query = query ? g_hash_table_ref(query) : NULL };
	*all = g_list_prepend(*all, r);
	g_signal_connect(msg, "finished", G_CALLBACK(message_finished), r);
	soup_server_message_pause(msg);
	find_and_handle(r, path);
}
