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
	table_add(t, api_has(l, "mac") ? api_text(l, "mac") : "-");
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

struct libvirt_leases {
	JsonBuilder *builder;
	const char *server_duid; /* "": there is no DHCPv6 */
};

static void add_text(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, value);
}

/* The members, names and order of libvirt's leaseshelper (src/network/leaseshelper.c, src/util/virlease.c). */
static bool add_libvirt_lease(void *opaque, JsonObject *l)
{
	const struct libvirt_leases *s = opaque;
	JsonBuilder *b = s->builder;
	bool is_v6 = api_has(l, "iaid");
	g_autofree char *iaid = is_v6 ? g_strdup_printf("%" G_GUINT64_FORMAT, api_number(l, "iaid")) : NULL;
	json_builder_begin_object(b);
	if (is_v6)
		add_text(b, "iaid", iaid);
	static const struct {
		const char *theirs, *ours;
	} members[] = { { "ip-address", "address" }, { "mac-address", "mac" }, { "hostname", "name" }, { "client-id", "client_id" } };
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		if (!api_has(l, members[i].ours))
			continue;
		add_text(b, members[i].theirs, api_text(l, members[i].ours));
	}
	if (is_v6)
		add_text(b, "server-duid", s->server_duid);
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
	g_autoptr(JsonObject) network = api ? api_get(api, "/v1/network", error) : NULL;
	struct libvirt_leases s = { .builder = b, .server_duid = network ? api_text(network, "dhcpv6_duid") : "" };
	if (!network || !api_each(api, "/v1/leases", add_libvirt_lease, &s, error))
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
