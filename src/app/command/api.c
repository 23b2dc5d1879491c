/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/api.h"

#include "app/arguments.h"
#include "app/command/json_elements.h"
#include "app/failure.h"
#include "app/paths.h"

#include <gio/gunixsocketaddress.h>
#include <libsoup/soup.h>
#include <stdarg.h>
#include <string.h>

#define READ_SIZE ((gsize)64 * 1024)

struct api {
	SoupSession *session;
	char *network, *dir;
};

char *api_socket(const struct arguments *a, GError **error)
{
	g_autofree char *dir = arguments_runtime_dir(a);
	return path_socket(dir, API_SOCKET, error);
}

struct api *api_new(const struct arguments *a, GError **error)
{
	g_autofree char *path = api_socket(a, error);
	if (!path)
		return NULL;
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
	struct api *api = g_new0(struct api, 1);
	api->session = soup_session_new_with_options("remote-connectable", address, NULL);
	api->network = g_strdup(a->network);
	api->dir = arguments_runtime_dir(a);
	return api;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	g_object_unref(api->session);
	g_free(api->network);
	g_free(api->dir);
	g_free(api);
}

/* --- asking --- */

static bool is_nobody_there(const GError *error)
{
	return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ||
	       g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
}

static enum failure failure_of_status(guint status)
{
	switch (status) {
	case SOUP_STATUS_NOT_FOUND: return FAILURE_NOT_FOUND;
	case SOUP_STATUS_BAD_REQUEST: return FAILURE_USAGE;
	default: return FAILURE_GENERAL;
	}
}

/* Fails with the error message in @answer. */
static bool fail_as_told(SoupMessage *msg, GInputStream *answer, GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	const char *why = NULL;
	if (json_parser_load_from_stream(parser, answer, NULL, NULL) && JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)))
		why = api_text(json_node_get_object(json_parser_get_root(parser)), "error");
	guint status = soup_message_get_status(msg);
	return fail(error, failure_of_status(status), "%s", why && why[0] ? why : soup_message_get_reason_phrase(msg));
}

/* Sends @msg and returns the body of a successful answer; NULL on failure. */
static GInputStream *send_message(struct api *api, SoupMessage *msg, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(GInputStream) answer = soup_session_send(api->session, msg, NULL, &problem);
	if (!answer && is_nobody_there(problem))
		fail_not_running(error, api->network, api->dir);
	else if (!answer)
		fail(error, FAILURE_GENERAL, "%s/" API_SOCKET ": %s", api->dir, problem->message);
	else if (!SOUP_STATUS_IS_SUCCESSFUL(soup_message_get_status(msg)))
		fail_as_told(msg, answer, error);
	else
		return g_steal_pointer(&answer);
	return NULL;
}

static SoupMessage *message(const char *method, const char *path, const char *body)
{
	g_autofree char *uri = g_strconcat("http://lanlet", path, NULL);
	SoupMessage *msg = soup_message_new(method, uri);
	if (!body)
		return msg;
	g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
	soup_message_set_request_body_from_bytes(msg, "application/json", bytes);
	return msg;
}

JsonObject *api_call(struct api *api, const char *method, const char *path, const char *body, GError **error)
{
	g_autoptr(SoupMessage) msg = message(method, path, body);
	g_autoptr(GInputStream) answer = send_message(api, msg, error);
	if (!answer)
		return NULL;
	if (soup_message_get_status(msg) == SOUP_STATUS_NO_CONTENT)
		return json_object_new();
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GError) problem = NULL;
	JsonNode *root = json_parser_load_from_stream(parser, answer, NULL, &problem) ? json_parser_get_root(parser) : NULL;
	if (root && JSON_NODE_HOLDS_OBJECT(root))
		return json_object_ref(json_node_get_object(root));
	fail(error, FAILURE_GENERAL, "%s: %s", path, problem ? problem->message : "the answer is no JSON object");
	return NULL;
}

JsonObject *api_get(struct api *api, const char *path, GError **error)
{
	return api_call(api, "GET", path, NULL, error);
}

bool api_change(const struct arguments *a, const char *method, const char *path, const char *body, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	g_autoptr(JsonObject) answer = api ? api_call(api, method, path, body, error) : NULL;
	return answer;
}

bool api_read_by(struct api *api, const char *path, const struct api_reader *reader, GError **error)
{
	g_autoptr(SoupMessage) msg = message("GET", path, NULL);
	g_autoptr(GInputStream) answer = send_message(api, msg, error);
	if (!answer)
		return false;
	if (reader->begun)
		reader->begun(reader->opaque, soup_message_headers_get_one(soup_message_get_response_headers(msg), reader->header));
	g_autofree char *buffer = g_malloc(READ_SIZE);
	g_autoptr(GError) problem = NULL;
	gssize n;
	while ((n = g_input_stream_read(answer, buffer, READ_SIZE, NULL, &problem)) > 0)
		if (!reader->take(reader->opaque, buffer, (gsize)n))
			return true;
	return n == 0 || fail(error, FAILURE_GENERAL, "%s: %s", path, problem->message);
}

bool api_read(struct api *api, const char *path, bool (*take)(void *opaque, const void *bytes, gsize len), void *opaque, GError **error)
{
	return api_read_by(api, path, &(struct api_reader){ .take = take, .opaque = opaque }, error);
}

/* --- lists and streams --- */

struct elements_reader {
	struct json_elements elements;
	GError *error; /* why reading stopped; NULL: no error */
	bool stopped;
};

static bool take_bytes(void *opaque, const void *bytes, gsize len)
{
	struct elements_reader *r = opaque;
	r->stopped = !json_elements_take(&r->elements, bytes, len, &r->error);
	return !r->stopped;
}

static bool read_elements(struct api *api, const char *path, struct elements_reader *r, GError **error)
{
	bool good = api_read(api, path, take_bytes, r, error);
	if (r->error) {
		g_propagate_prefixed_error(error, r->error, "%s: ", path);
		return false;
	}
	if (good && !r->stopped && r->elements.of == JSON_ELEMENTS_OF_LIST && !json_elements_complete(&r->elements))
		return fail(error, FAILURE_GENERAL, "%s: the answer ends in the middle", path);
	return good;
}

bool api_each(struct api *api, const char *path, bool (*each)(void *opaque, JsonObject *element), void *opaque, GError **error)
{
	struct elements_reader r = { .error = NULL };
	json_elements_init(&r.elements, JSON_ELEMENTS_OF_LIST, each, opaque);
	bool good = read_elements(api, path, &r, error);
	json_elements_done(&r.elements);
	return good;
}

bool api_follow(struct api *api, const char *path, bool (*each)(void *opaque, JsonObject *element), void *opaque, GError **error)
{
	struct elements_reader r = { .error = NULL };
	json_elements_init(&r.elements, JSON_ELEMENTS_OF_STREAM, each, opaque);
	bool good = read_elements(api, path, &r, error);
	json_elements_done(&r.elements);
	return good;
}

/* --- paths --- */

static void append_escaped(GString *out, const char *text)
{
	g_autofree char *escaped = g_uri_escape_string(text, ":", FALSE);
	g_string_append(out, escaped);
}

char *api_path(const char *path, ...)
{
	GString *out = g_string_new(path);
	char separator = '?';
	va_list args;
	va_start(args, path);
	for (const char *key = va_arg(args, const char *); key; key = va_arg(args, const char *)) {
		const char *value = va_arg(args, const char *);
		if (!value)
			continue;
		g_string_append_printf(out, "%c%s=", separator, key);
		append_escaped(out, value);
		separator = '&';
	}
	va_end(args);
	return g_string_free(out, FALSE);
}

char *api_path_to(const char *collection, const char *part)
{
	GString *out = g_string_new(collection);
	g_string_append_c(out, '/');
	append_escaped(out, part);
	return g_string_free(out, FALSE);
}

/* --- answers --- */

static JsonNode *value_of(JsonObject *o, const char *name)
{
	JsonNode *node = json_object_get_member(o, name);
	return node && JSON_NODE_HOLDS_VALUE(node) ? node : NULL;
}

const char *api_text(JsonObject *o, const char *name)
{
	JsonNode *node = value_of(o, name);
	const char *text = node ? json_node_get_string(node) : NULL;
	return text ? text : "";
}

guint64 api_number(JsonObject *o, const char *name)
{
	JsonNode *node = value_of(o, name);
	return node ? (guint64)json_node_get_int(node) : 0;
}

double api_decimal(JsonObject *o, const char *name)
{
	JsonNode *node = value_of(o, name);
	return node ? json_node_get_double(node) : 0;
}

bool api_has(JsonObject *o, const char *name)
{
	return value_of(o, name);
}

char *api_object(const char *key, ...)
{
	g_autoptr(JsonObject) o = json_object_new();
	va_list args;
	va_start(args, key);
	for (; key; key = va_arg(args, const char *)) {
		const char *value = va_arg(args, const char *);
		if (value)
			json_object_set_string_member(o, key, value);
	}
	va_end(args);
	g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), o);
	return json_to_string(node, FALSE);
}
