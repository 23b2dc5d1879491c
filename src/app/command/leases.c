/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet leases` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"

#include <stdio.h>

struct leases_flags {
	bool libvirt;
};

static bool add_lease(void *opaque, JsonObject *l)
{
	struct table *t = opaque;
	g_autofree char *left = api_has(l, "seconds_left") ? table_duration((double)api_number(l, "seconds_left")) : g_strdup("forever");
	table_add(t, api_text(l, "address"));
	table_add(t, api_text(l, "mac"));
	table_add(t, api_text(l, "name"));
	table_add(t, api_has(l, "port") ? api_text(l, "port") : "-");
	table_add(t, left);
	table_add(t, json_object_get_boolean_member(l, "reserved") ? "yes" : "");
	return true;
}

struct table *table_of_leases(struct api *api, GError **error)
{
	g_autoptr(Table) t = table_new("ADDRESS|MAC|NAME|PORT|TIME LEFT|RESERVED");
	return api_each(api, "/v1/leases", add_lease, t, error) ? g_steal_pointer(&t) : NULL;
}

/* The members, names and order of libvirt's leaseshelper (src/network/leaseshelper.c). */
static bool add_libvirt_lease(void *opaque, JsonObject *l)
{
	JsonBuilder *b = opaque;
	json_builder_begin_object(b);
	static const struct {
		const char *theirs, *ours;
	} members[] = { { "ip-address", "address" }, { "mac-address", "mac" }, { "hostname", "name" }, { "client-id", "client_id" } };
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		if (!api_has(l, members[i].ours))
			continue;
		json_builder_set_member_name(b, members[i].theirs);
		json_builder_add_string_value(b, api_text(l, members[i].ours));
	}
	json_builder_set_member_name(b, "expiry-time");
	json_builder_add_int_value(b, (gint64)api_decimal(l, "expires"));
	json_builder_end_object(b);
	return true;
}

static bool print_libvirt(const struct arguments *a, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_array(b);
	if (!api || !api_each(api, "/v1/leases", add_libvirt_lease, b, error))
		return false;
	json_builder_end_array(b);
	g_autoptr(JsonNode) root = json_builder_get_root(b);
	g_autofree char *text = json_to_string(root, TRUE);
	puts(text);
	return table_finish(error);
}

static bool leases_main(const struct arguments *a, GError **error)
{
	const struct leases_flags *own = a->flags;
	return own->libvirt ? print_libvirt(a, error) : listing_print(a, "/v1/leases", table_of_leases, error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "libvirt",
			.help = "Print JSON in the format of libvirt's virbr0.status, for tools that read that.",
		},
		FLAG_SWITCH(struct leases_flags, libvirt),
	},
	FLAG_END,
};

const struct command command_leases = {
	.name = "leases",
	.summary = "List the DHCP leases of guests.",
	.description = "Lists the current DHCP leases: address, MAC, name, the port behind which the guest is, time left,"
		       " and whether the address is reserved.",
	.flags = flags,
	.flags_size = sizeof(struct leases_flags),
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.run = leases_main,
};
