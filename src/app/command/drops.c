/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet drops` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/frame_summary.h"
#include "app/command/listing.h"
#include "app/command/table.h"

#include <stdio.h>

struct drops_flags {
	bool all;
};

struct drops {
	struct table *table;
	bool all;
	double now;
};

/* "12 s ago at stream2: 192.168.122.5 > 10.0.0.1 udp" */
static char *describe_last(JsonObject *drop, double now)
{
	JsonObject *last = json_object_get_object_member(drop, "last");
	g_autofree char *ago = table_duration(MAX(now - api_decimal(last, "time"), 0));
	g_autofree char *what = frame_summary(api_text(last, "bytes"));
	const char *port = api_text(last, "port");
	return g_strdup_printf("%s ago%s%s%s%s", ago, port[0] ? " at " : "", port, what[0] ? ": " : "", what);
}

static bool add_drop(void *opaque, JsonObject *d)
{
	struct drops *s = opaque;
	guint64 count = api_number(d, "count");
	if (count == 0 && !s->all)
		return true;
	g_autofree char *last = count ? describe_last(d, s->now) : g_strdup("");
	table_add(s->table, api_text(d, "reason"));
	table_addf(s->table, "%" G_GUINT64_FORMAT, count);
	table_add(s->table, last);
	table_add(s->table, api_text(d, "explanation"));
	return true;
}

struct table *table_of_drops(struct api *api, bool all, GError **error)
{
	g_autoptr(Table) t = table_new("DROPPED BECAUSE|>COUNT|LAST|WHICH MEANS");
	struct drops s = { .table = t, .all = all, .now = (double)g_get_real_time() / G_USEC_PER_SEC };
	return api_each(api, "/v1/drops", add_drop, &s, error) ? g_steal_pointer(&t) : NULL;
}

static bool drops_main(const struct arguments *a, GError **error)
{
	const struct drops_flags *own = a->flags;
	g_autoptr(Api) api = api_new(a, error);
	if (!api || a->json)
		return api && listing_print_json(api, "/v1/drops", error);
	g_autoptr(Table) t = table_of_drops(api, own->all, error);
	if (!t)
		return false;
	if (table_rows(t) > 0)
		table_print(t, stdout, 0, 0);
	else
		puts("nothing was dropped");
	return table_finish(error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "all",
			.help = "List reasons with a count of zero too.",
		},
		FLAG_SWITCH(struct drops_flags, all),
	},
	FLAG_END,
};

const struct command command_drops = {
	.name = "drops",
	.summary = "Show what was dropped, and why.",
	.description = "Lists each reason for which frames, packets or messages were dropped, with a count and the latest "
		       "example. lanlet drops nothing without counting it here.",
	.flags = flags,
	.flags_size = sizeof(struct drops_flags),
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.run = drops_main,
};
