/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/drops: how many frames were dropped for each reason, with the last example. */
#include "base/macros.h"
#include "control/request.h"
#include "control/values.h"
#include "host/clock.h"
#include "network/snapshot.h"

static void fetch(struct lanlet_network *n, usec_t now, void *data)
{
	snapshot_drops(n, data);
}

static void write_example(struct json *out, usec_t now, const struct drop_example *e)
{
	json_open_object(out, "last");
	json_time(out, "time", now, e->when);
	json_string(out, "port", e->port[0] ? e->port : NULL);
	if (e->len > 0) {
		g_autoptr(GString) hex = g_string_new(NULL);
		for (size_t i = 0; i < MIN(e->len, sizeof(e->head)); i++)
			g_string_append_printf(hex, "%02x", e->head[i]);
		json_unsigned(out, "len", e->len);
		json_string(out, "bytes", hex->str);
	} else {
		json_null(out, "len");
		json_null(out, "bytes");
	}
	json_close_object(out);
}

static void respond(struct request *r, void *data)
{
	const struct snapshot_drops *d = data;
	usec_t now = clock_now();
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	json_open_array(&j, "drops");
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		g_string_append_c(j.text, '\n');
		json_open_object(&j, NULL);
		json_string(&j, "reason", drop_name(i));
		json_string(&j, "explanation", drop_explanation(i));
		json_unsigned(&j, "count", d->counters.count[i]);
		if (d->counters.count[i])
			write_example(&j, now, &d->examples[i]);
		else
			json_null(&j, "last");
		json_close_object(&j);
	}
	g_string_append_c(j.text, '\n');
	json_close_array(&j);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

static void get_drops(struct request *r)
{
	request_ask(r, fetch, respond, g_new0(struct snapshot_drops, 1));
}

const struct route routes_drops[] = {
	{ "GET", "/v1/drops", get_drops },
	{ NULL },
};
