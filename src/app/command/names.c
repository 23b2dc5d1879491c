/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet names` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"
#include "app/failure.h"

#include <string.h>

struct names_flags {
	const char *remove;
};

/* The type of a record is shown where it is not that of its address. */
static bool add_name(void *opaque, JsonObject *n)
{
	const char *type = api_text(n, "type"), *data = api_text(n, "data");
	bool is_address = strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0;
	table_add(opaque, api_text(n, "name"));
	table_addf(opaque, "%s%s%s", is_address ? "" : type, is_address ? "" : " ", data);
	table_add(opaque, api_text(n, "origin"));
	return true;
}

static struct table *table_of_names(struct api *api, GError **error)
{
	g_autoptr(Table) t = table_new("NAME|DATA|FROM");
	return api_each(api, "/v1/names", add_name, t, error) ? g_steal_pointer(&t) : NULL;
}

static bool remove_one(const struct arguments *a, GError **error)
{
	const struct names_flags *own = a->flags;
	g_autofree char *path = api_path_to("/v1/names", own->remove);
	if (a->n_operands > 0)
		return fail(error, FAILURE_USAGE, "--remove %s and \"%s\" exclude each other", own->remove, a->operands[0]);
	return api_change(a, "DELETE", path, NULL, error);
}

static bool names_main(const struct arguments *a, GError **error)
{
	const struct names_flags *own = a->flags;
	if (own->remove)
		return remove_one(a, error);
	if (a->n_operands == 0)
		return listing_print(a, "/v1/names", table_of_names, error);
	if (a->n_operands == 1)
		return fail(error, FAILURE_USAGE, "missing DATA: lanlet names NAME [TYPE] DATA");
	g_autofree char *body = a->n_operands == 2
					? api_object("name", a->operands[0], "address", a->operands[1], NULL)
					: api_object("name", a->operands[0], "type", a->operands[1], "data", a->operands[2], NULL);
	return api_change(a, "POST", "/v1/names", body, error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "remove",
			.argument = "NAME",
			.help = "Remove this name, with all its records.",
		},
		FLAG_TEXT(struct names_flags, remove),
	},
	FLAG_END,
};

const struct command command_names = {
	.name = "names",
	.summary = "Add a name that guests can look up, or list names.",
	.description =
		"The gateway's DNS server answers for NAME with the address DATA, or with a record of TYPE: A, AAAA, CNAME, MX, PTR, "
		"SRV or TXT. The name survives restarts until it is removed with --remove. Without operands, lists all names, "
		"those of guests included.",
	.flags = flags,
	.flags_size = sizeof(struct names_flags),
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.operands = "[NAME [TYPE] DATA]",
	.max_operands = 3,
	.run = names_main,
};
