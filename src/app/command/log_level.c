/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet log-level` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"

#include <stdio.h>

static bool log_level_main(const struct arguments *a, GError **error)
{
	if (a->n_operands > 0) {
		g_autofree char *body = api_object("level", a->operands[0], NULL);
		return api_change(a, "PUT", "/v1/log-level", body, error);
	}
	g_autoptr(Api) api = api_new(a, error);
	if (!api)
		return false;
	if (a->json)
		return listing_print_json(api, "/v1/log-level", error);
	g_autoptr(JsonObject) answer = api_get(api, "/v1/log-level", error);
	if (!answer)
		return false;
	puts(api_text(answer, "level"));
	return table_finish(error);
}

const struct command command_log_level = {
	.name = "log-level",
	.summary = "Show or change the log level of a running network.",
	.description = "LEVEL is error, warning, info or debug. A change lasts until the network ends.",
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.operands = "[LEVEL]",
	.max_operands = 1,
	.run = log_level_main,
};
