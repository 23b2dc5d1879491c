/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet reload` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/table.h"

#include <stdio.h>

/* Prints "@what a, b" unless the list @member of @answer is empty. */
static void print_options(JsonObject *answer, const char *member, const char *what)
{
	JsonArray *options = json_object_get_array_member(answer, member);
	for (guint i = 0; options && i < json_array_get_length(options); i++)
		printf("%s%s", i == 0 ? what : ", ", json_array_get_string_element(options, i));
	if (options && json_array_get_length(options) > 0)
		putchar('\n');
}

static bool reload_main(const struct arguments *a, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	g_autoptr(JsonObject) answer = api ? api_call(api, "POST", "/v1/reload", NULL, error) : NULL;
	if (!answer)
		return false;
	if (a->json) {
		g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), answer);
		g_autofree char *text = json_to_string(node, FALSE);
		puts(text);
	} else {
		print_options(answer, "changed", "changed: ");
		print_options(answer, "need_restart", "needs a restart: ");
	}
	return table_finish(error);
}

const struct command command_reload = {
	.name = "reload",
	.summary = "Reload the configuration of a running network.",
	.description = "Reads the configuration again, as SIGHUP does. Reservations, names, forwards, DNS servers, the lease"
		       " time and the log level take effect at once, without disturbing a connection. Changed options that "
		       "need a restart are listed. An invalid configuration changes nothing.",
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.run = reload_main,
};
