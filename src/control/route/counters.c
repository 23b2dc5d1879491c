/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/counters, and the same for Prometheus: GET /metrics (text format 0.0.4). */
#include "base/macros.h"
#include "control/control_internal.h"
#include "control/counters.h"
#include "control/request.h"
#include "host/clock.h"

static void fetch(struct lanlet_network *n, usec_t now, void *data)
{
	snapshot_counters(n, now, data);
}

static void write_json(struct request *r, void *data)
{
	const struct snapshot_counters *s = data;
	const struct counter *c;
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	for (size_t i = 0; (c = counter_at(i)); i++)
		json_unsigned(&j, c->name, counter_value(c, s));
	json_unsigned(&j, "uptime", (clock_now() - s->started) / USEC_PER_SEC);
	json_open_object(&j, "drops");
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		json_unsigned(&j, drop_name(i), s->drops.count[i]);
	json_close_object(&j);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

static void get_counters(struct request *r)
{
	request_ask(r, fetch, write_json, g_new0(struct snapshot_counters, 1));
}

static void write_head(GString *out, const char *name, const char *suffix, const char *help, bool gauge)
{
	g_string_append_printf(out, "# HELP lanlet_%s%s %s\n# TYPE lanlet_%s%s %s\n", name, suffix, help, name, suffix,
			       gauge ? "gauge" : "counter");
}

/* The name of a network has no character that has to be escaped. */
static void write_metrics(struct request *r, void *data)
{
	const struct snapshot_counters *s = data;
	const struct counter *c;
	const char *network = request_control(r)->config.name;
	GString *out = g_string_new(NULL);
	for (size_t i = 0; (c = counter_at(i)); i++) {
		const char *suffix = c->goes_down ? "" : "_total";
		write_head(out, c->name, suffix, c->help, c->goes_down);
		g_string_append_printf(out, "lanlet_%s%s{network=\"%s\"} %" G_GUINT64_FORMAT "\n", c->name, suffix, network,
				       counter_value(c, s));
	}
	write_head(out, "uptime_seconds", "", "Since the network was made.", true);
	g_string_append_printf(out, "lanlet_uptime_seconds{network=\"%s\"} %" G_GUINT64_FORMAT "\n", network,
			       (clock_now() - s->started) / USEC_PER_SEC);
	write_head(out, "drops", "_total", "What was not passed on, by reason.", false);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		g_string_append_printf(out, "lanlet_drops_total{network=\"%s\",reason=\"%s\"} %" G_GUINT64_FORMAT "\n", network,
				       drop_name(i), s->drops.count[i]);
	request_respond_text(r, "text/plain; version=0.0.4; charset=utf-8", out);
}

static void get_metrics(struct request *r)
{
	request_ask(r, fetch, write_metrics, g_new0(struct snapshot_counters, 1));
}

const struct route routes_counters[] = {
	{ "GET", "/v1/counters", get_counters },
	{ "GET", "/metrics", get_metrics },
	{ NULL },
};
