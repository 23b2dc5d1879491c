/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/log-level: the least important messages that are logged. */
#include "base/macros.h"
#include "control/request.h"
#include "control/values.h"
#include "network/change.h"
#include "network/snapshot.h"

#include <libsoup/soup.h>
#include <string.h>

static const char *const levels[] = { "error", "warning", "info", "debug" };
static_assert(ARRAY_SIZE(levels) == LOG_LEVEL_DEBUG + 1, "a name for every level");

static void respond_level(struct request *r, unsigned level)
{
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	json_string(&j, "level", levels[level]);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

static void fetch(struct lanlet_network *n, usec_t now, void *data)
{
	snapshot_network(n, now, data);
}

static void fetched(struct request *r, void *data)
{
	const struct snapshot_network *n = data;
	respond_level(r, (unsigned)n->log_level);
}

static void get_level(struct request *r)
{
	request_ask(r, fetch, fetched, g_new0(struct snapshot_network, 1));
}

static void set(struct lanlet_network *n, usec_t now, void *data)
{
	change_log_level(n, *(const enum log_level *)data);
}

static void was_set(struct request *r, void *data)
{
	respond_level(r, *(const enum log_level *)data);
}

static void put_level(struct request *r)
{
	static const char *const members[] = { "level", NULL };
	g_autoptr(JsonObject) body = request_object(r);
	const char *wanted;
	if (!body || !request_members(r, body, members) || !(wanted = request_text(r, body, "level")))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i], wanted) != 0)
			continue;
		enum log_level level = i;
		request_ask(r, set, was_set, g_memdup2(&level, sizeof(level)));
		return;
	}
	request_fail(r, SOUP_STATUS_BAD_REQUEST, "level: expected error, warning, info or debug");
}

const struct route routes_log_level[] = {
	{ "GET", "/v1/log-level", get_level },
	{ "PUT", "/v1/log-level", put_level },
	{ NULL },
};
