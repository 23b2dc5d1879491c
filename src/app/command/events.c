/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet events` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"

#include <stdio.h>

struct events_flags {
	const char *after;
};

static bool print_event(void *opaque, JsonObject *e)
{
	static const char *const members[] = { "port", "kind", "address", "mac", "name", "other_port", "reason", "level" };
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_local((gint64)api_decimal(e, "time"));
	g_autofree char *time = api_has(e, "time") ? g_date_time_format(when, "%F %T") : g_strdup("");
	printf("%-19s  %-15s", time, api_text(e, "event"));
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		if (!api_has(e, members[i]))
			continue;
		g_autofree char *value = table_disarm(api_text(e, members[i]));
		printf("  %s", value);
	}
	if (api_has(e, "count"))
		printf("  %" G_GUINT64_FORMAT " events were missed", api_number(e, "count"));
	putchar('\n');
	return fflush(stdout) == 0;
}

static bool events_main(const struct arguments *a, GError **error)
{
	const struct events_flags *own = a->flags;
	g_autoptr(Api) api = api_new(a, error);
	g_autofree char *path = api_path("/v1/events", "after", own->after, NULL);
	if (!api)
		return false;
	if (a->json)
		return listing_print_json(api, path, error);
	return api_follow(api, path, print_event, NULL, error) && table_finish(error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "after",
			.argument = "NUMBER",
			.default_value = "only new events",
			.help = "Begin with the remembered events after this number. 0 means all of them.",
		},
		FLAG_TEXT(struct events_flags, after),
	},
	FLAG_END,
};

const struct command command_events = {
	.name = "events",
	.summary = "Follow what happens on a network.",
	.description = "Prints a line for each event until interrupted: ports that connect and disconnect, leases, guests "
		       "that appear, conflicts of MACs and addresses, drops for a new reason, changes of the configuration.",
	.flags = flags,
	.flags_size = sizeof(struct events_flags),
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.run = events_main,
};
