/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that change a running network: `lanlet reserve`, `names`, `log-level`, `reload`. */
#include "app/command/api.h"
#include "app/arguments.h"
#include "app/command.h"
#include "app/failure.h"
#include "app/command/listing.h"
#include "app/command/table.h"

#include <stdio.h>

static bool call(struct api *api, const char *method, const char *path, const char *body, GError **error)
{
	g_autoptr(JsonObject) answer = api_call(api, method, path, body, error);
	return answer;
}

static bool remove_from(const struct arguments *a, const char *collection, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	g_autofree char *path = api_path_to(collection, a->remove);
	if (a->n_operands > 0)
		return fail(error, FAILURE_USAGE, "--remove %s and \"%s\": one or the other", a->remove, a->operands[0]);
	return api && call(api, "DELETE", path, NULL, error);
}

static bool post_to(const struct arguments *a, const char *collection, const char *body, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	return api && call(api, "POST", collection, body, error);
}

static bool add_reservation(void *opaque, JsonObject *r)
{
	for (const char *const *name = (const char *const[]){ "mac", "address", "name", "origin", NULL }; *name; name++)
		table_add(opaque, api_text(r, *name));
	return true;
}

static struct table *table_of_reservations(struct api *api, GError **error)
{
	g_autoptr(Table) t = table_new("MAC|ADDRESS|NAME|FROM");
	return api_each(api, "/v1/reservations", add_reservation, t, error) ? g_steal_pointer(&t) : NULL;
}

bool command_reserve(const struct arguments *a, GError **error)
{
	if (a->remove)
		return remove_from(a, "/v1/reservations", error);
	if (a->n_operands == 0)
		return print_list(a, "/v1/reservations", table_of_reservations, error);
	if (a->n_operands == 1)
		return fail(error, FAILURE_USAGE, "which address? lanlet reserve MAC ADDRESS [NAME]");
	g_autofree char *body = api_object("mac", a->operands[0], "address", a->operands[1], "name", a->operands[2], NULL);
	return post_to(a, "/v1/reservations", body, error);
}

static bool add_name(void *opaque, JsonObject *n)
{
	for (const char *const *name = (const char *const[]){ "name", "address", "origin", NULL }; *name; name++)
		table_add(opaque, api_text(n, *name));
	return true;
}

static struct table *table_of_names(struct api *api, GError **error)
{
	g_autoptr(Table) t = table_new("NAME|ADDRESS|FROM");
	return api_each(api, "/v1/names", add_name, t, error) ? g_steal_pointer(&t) : NULL;
}

bool command_names(const struct arguments *a, GError **error)
{
	if (a->remove)
		return remove_from(a, "/v1/names", error);
	if (a->n_operands == 0)
		return print_list(a, "/v1/names", table_of_names, error);
	if (a->n_operands == 1)
		return fail(error, FAILURE_USAGE, "which address? lanlet names NAME ADDRESS");
	g_autofree char *body = api_object("name", a->operands[0], "address", a->operands[1], NULL);
	return post_to(a, "/v1/names", body, error);
}

bool command_log_level(const struct arguments *a, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	if (!api)
		return false;
	if (a->n_operands > 0) {
		g_autofree char *body = api_object("level", a->operands[0], NULL);
		return call(api, "PUT", "/v1/log-level", body, error);
	}
	if (a->json)
		return print_json(api, "/v1/log-level", error);
	g_autoptr(JsonObject) answer = api_get(api, "/v1/log-level", error);
	if (!answer)
		return false;
	puts(api_text(answer, "level"));
	return table_finish(error);
}

/* "WHAT: a, b" when the list @member of @answer is not empty. */
static void print_options(JsonObject *answer, const char *member, const char *what)
{
	JsonArray *options = json_object_get_array_member(answer, member);
	for (guint i = 0; options && i < json_array_get_length(options); i++)
		printf("%s%s", i == 0 ? what : ", ", json_array_get_string_element(options, i));
	if (options && json_array_get_length(options) > 0)
		putchar('\n');
}

bool command_reload(const struct arguments *a, GError **error)
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
		print_options(answer, "need_restart", "as before until a restart: ");
	}
	return table_finish(error);
}
