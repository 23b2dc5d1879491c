/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet names` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"
#include "app/failure.h"

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

static bool remove_one(const struct arguments *a, GError **error)
{
	g_autofree char *path = api_path_to("/v1/names", a->remove);
	if (a->n_operands > 0)
		return fail(error, FAILURE_USAGE, "--remove %s and \"%s\": one or the other", a->remove, a->operands[0]);
	return api_change(a, "DELETE", path, NULL, error);
}

bool command_names(const struct arguments *a, GError **error)
{
	if (a->remove)
		return remove_one(a, error);
	if (a->n_operands == 0)
		return print_list(a, "/v1/names", table_of_names, error);
	if (a->n_operands == 1)
		return fail(error, FAILURE_USAGE, "which address? lanlet names NAME ADDRESS");
	g_autofree char *body = api_object("name", a->operands[0], "address", a->operands[1], NULL);
	return api_change(a, "POST", "/v1/names", body, error);
}
