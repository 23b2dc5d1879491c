/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of the API that change something, from their body (or the name in their path) to their answer, without HTTP.  Input: requests
 * with 0xff between them; the first byte of each chooses the route, the rest is the body or the name.
 *
 * Each request has one answer.  A refused one says why and changes nothing.
 *
 * The functions of control/request.h are implemented here.
 */
#include "control/values.h"
#include "lanlet.h"
#include "network/change.h"
#include "network/snapshot.h"
#include "promises.h"
#include "running_network.h"

#include <libsoup/soup.h>
#include <stdarg.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct request {
	struct lanlet_network *network;
	GBytes *body;
	char *part;
	unsigned answers, status;
};

static const struct {
	const struct route *routes;
	const char *method;
} targets[] = {
	{ routes_reservations, "POST" }, { routes_reservations, "DELETE" }, { routes_names, "POST" },    { routes_names, "DELETE" },
	{ routes_forwards, "POST" },     { routes_forwards, "DELETE" },     { routes_log_level, "PUT" },
};

/* --- control/request.h --- */

GBytes *request_body(const struct request *r)
{
	return g_bytes_ref(r->body);
}

const char *request_part(const struct request *r, unsigned index)
{
	REQUIRE(index == 0);
	return r->part;
}

void request_fail(struct request *r, unsigned status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *why = g_strdup_vprintf(format, args);
	va_end(args);
	REQUIRE(status >= 400 && status < 600 && why[0] != '\0');
	r->answers++;
	r->status = status;
}

void request_respond_nothing(struct request *r)
{
	r->answers++;
	r->status = SOUP_STATUS_NO_CONTENT;
}

void request_respond_json(struct request *r, GString *text)
{
	g_autoptr(JsonNode) root = json_from_string(text->str, NULL);
	REQUIRE(root && JSON_NODE_HOLDS_OBJECT(root));
	g_string_free(text, TRUE);
	r->answers++;
	r->status = SOUP_STATUS_OK;
}

void request_ask(struct request *r, void (*work)(struct lanlet_network *n, usec_t now, void *data),
		 void (*done)(struct request *r, void *data), void *data)
{
	work(r->network, 0, data);
	done(r, data);
	g_free(data);
}

void request_list(struct request *r, const struct listing *l, void *filter)
{
	abort(); /* no GET is made here */
}

/* --- requests --- */

static struct lanlet_network *make_network(void)
{
	static struct lanlet_network *n;
	struct lanlet_config *config;
	char error[256];
	if (n)
		return n;
	REQUIRE(lanlet_config_new(&config) == 0);
	REQUIRE(lanlet_config_set(config, "host", "52:54:00:00:00:09,192.168.122.9,nine", error, sizeof(error)) == 0);
	REQUIRE(lanlet_config_set(config, "name", "ten,192.168.122.10", error, sizeof(error)) == 0);
	REQUIRE(lanlet_network_new(config, &n, error, sizeof(error)) == 0);
	lanlet_config_free(config);
	return n;
}

static void remove_forwards(struct lanlet_network *n)
{
	struct snapshot_forward found;
	for (uint64_t cursor = 0; cursor != SNAPSHOT_END;)
		if (snapshot_forwards(n, &cursor, &found, 1) == 1)
			REQUIRE(lanlet_network_remove_forward(n, found.id) == 0);
}

static const struct route *find_route(uint8_t choice)
{
	size_t which = choice % G_N_ELEMENTS(targets);
	const struct route *route = targets[which].routes;
	while (strcmp(route->method, targets[which].method) != 0)
		route++;
	return route;
}

static void handle(struct lanlet_network *n, uint8_t choice, const uint8_t *bytes, size_t len)
{
	g_autofree char *configured = running_network_configured(n), *added = running_network_added(n);
	struct request r = { .network = n, .body = g_bytes_new(bytes, len), .part = g_strndup((const char *)bytes, len) };
	find_route(choice)->handle(&r);
	REQUIRE(r.answers == 1);
	if (r.status >= 400) {
		g_autofree char *configured_now = running_network_configured(n), *added_now = running_network_added(n);
		REQUIRE(strcmp(configured, configured_now) == 0 && strcmp(added, added_now) == 0);
	}
	g_bytes_unref(r.body);
	g_free(r.part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lanlet_network *n = make_network();
	while (size > 0) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t len = end ? (size_t)(end - data) : size, used = end ? len + 1 : len;
		if (len > 0)
			handle(n, data[0], data + 1, len - 1);
		data += used;
		size -= used;
	}
	running_network_remove_added(n);
	remove_forwards(n);
	change_log_level(n, LOG_LEVEL_INFO);
	return 0;
}
