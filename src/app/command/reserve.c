/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet reserve` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"
#include "app/failure.h"

struct reserve_flags {
	const char *remove;
};

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

static bool remove_one(const struct arguments *a, GError **error)
{
	const struct reserve_flags *own = a->flags;
	g_autofree char *path = api_path_to("/v1/reservations", own->remove);
	if (a->n_operands > 0)
		return fail(error, FAILURE_USAGE, "--remove %s and \"%s\" exclude each other", own->remove, a->operands[0]);
	return api_change(a, "DELETE", path, NULL, error);
}

static bool reserve_main(const struct arguments *a, GError **error)
{
	const struct reserve_flags *own = a->flags;
	if (own->remove)
		return remove_one(a, error);
	if (a->n_operands == 0)
		return listing_print(a, "/v1/reservations", table_of_reservations, error);
	if (a->n_operands == 1)
		return fail(error, FAILURE_USAGE, "missing ADDRESS: lanlet reserve MAC ADDRESS [NAME]");
	g_autofree char *body = api_object("mac", a->operands[0], "address", a->operands[1], "name", a->operands[2], NULL);
	return api_change(a, "POST", "/v1/reservations", body, error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "remove",
			.argument = "MAC",
			.help = "Remove the reservation of this MAC.",
		},
		FLAG_TEXT(struct reserve_flags, remove),
	},
	FLAG_END,
};

const struct command command_reserve = {
	.name = "reserve",
	.summary = "Reserve an address for a guest (static lease), or list reservations.",
	.description = "DHCP always gives ADDRESS to the guest with this MAC, and DNS answers for NAME with it. A "
		       "reservation takes effect at once, disturbs no connection and survives restarts until it is removed "
		       "with --remove. Without operands, lists the reservations.",
	.flags = flags,
	.flags_size = sizeof(struct reserve_flags),
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.operands = "[MAC ADDRESS [NAME]]",
	.max_operands = 3,
	.run = reserve_main,
};
