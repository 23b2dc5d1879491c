/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet reserve` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"
#include "app/failure.h"
#include "base/addr.h"

#include <string.h>

struct reserve_flags {
	const char *remove;
	const char *guard;
	bool dhcp_server, router;
	const char *bandwidth_in, *bandwidth_out;
	const char *tag, *lease_time;
};

static bool is_set(JsonObject *r, const char *name)
{
	return json_object_get_boolean_member_with_default(r, name, false);
}

static void add_word(GStrvBuilder *words, JsonObject *r, const char *member, const char *property)
{
	g_autofree char *word = api_has(r, member) ? g_strdup_printf("%s=%s", property, api_text(r, member)) : NULL;
	if (word)
		g_strv_builder_add(words, word);
}

/* The properties of the guest's own sockets, as --host has them; to g_free(). */
static char *properties_of(JsonObject *r)
{
	g_autoptr(GStrvBuilder) words = g_strv_builder_new();
	if (api_has(r, "guard"))
		g_strv_builder_add(words, strcmp(api_text(r, "guard"), "off") == 0 ? "guard=off" : "guard=on");
	if (is_set(r, "dhcp_server"))
		g_strv_builder_add(words, "dhcp-server");
	if (is_set(r, "router"))
		g_strv_builder_add(words, "router");
	add_word(words, r, "bandwidth_in", "bandwidth-in");
	add_word(words, r, "bandwidth_out", "bandwidth-out");
	add_word(words, r, "tag", "tag");
	add_word(words, r, "lease_time", "lease-time");
	g_auto(GStrv) list = g_strv_builder_end(words);
	return *list ? g_strjoinv(",", list) : g_strdup("-");
}

static bool add_reservation(void *opaque, JsonObject *r)
{
	g_autofree char *properties = properties_of(r);
	table_add(opaque, api_has(r, "client") ? api_text(r, "client") : api_text(r, "mac"));
	table_add(opaque, api_text(r, "address"));
	table_add(opaque, api_text(r, "name"));
	table_add(opaque, properties);
	table_add(opaque, api_text(r, "origin"));
	return true;
}

static struct table *table_of_reservations(struct api *api, GError **error)
{
	g_autoptr(Table) t = table_new("GUEST|ADDRESS|NAME|PROPERTIES|FROM");
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

static bool is_client(const char *text)
{
	return g_str_has_prefix(text, "id:") || g_str_has_prefix(text, "name:");
}

/* MAC [ADDRESS] [NAME], or CLIENT ADDRESS [NAME] */
static char *reservation_of(const struct arguments *a)
{
	const struct reserve_flags *own = a->flags;
	ip4_t ip;
	bool has_address =
		a->n_operands == 3 || (a->n_operands == 2 && (ip4_parse(a->operands[1], &ip) == 0 || strchr(a->operands[1], '.')));
	const char *name = a->n_operands > 1u + has_address ? a->operands[1 + has_address] : NULL;
	g_autoptr(JsonObject) o = json_object_new();
	json_object_set_string_member(o, is_client(a->operands[0]) ? "client" : "mac", a->operands[0]);
	if (has_address)
		json_object_set_string_member(o, "address", a->operands[1]);
	if (name)
		json_object_set_string_member(o, "name", name);
	if (own->guard)
		json_object_set_string_member(o, "guard", own->guard);
	json_object_set_boolean_member(o, "dhcp_server", own->dhcp_server);
	json_object_set_boolean_member(o, "router", own->router);
	if (own->bandwidth_in)
		json_object_set_string_member(o, "bandwidth_in", own->bandwidth_in);
	if (own->bandwidth_out)
		json_object_set_string_member(o, "bandwidth_out", own->bandwidth_out);
	if (own->tag)
		json_object_set_string_member(o, "tag", own->tag);
	if (own->lease_time)
		json_object_set_string_member(o, "lease_time", own->lease_time);
	g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), o);
	return json_to_string(node, false);
}

static bool has_properties(const struct reserve_flags *own)
{
	return own->guard || own->dhcp_server || own->router || own->bandwidth_in || own->bandwidth_out || own->tag || own->lease_time;
}

static bool reserve_main(const struct arguments *a, GError **error)
{
	const struct reserve_flags *own = a->flags;
	if (own->remove)
		return remove_one(a, error);
	if (a->n_operands == 0 && has_properties(own))
		return fail(error, FAILURE_USAGE, "missing MAC and NAME: lanlet reserve MAC [ADDRESS] NAME --guard off");
	if (a->n_operands == 0)
		return listing_print(a, "/v1/reservations", table_of_reservations, error);
	if (a->n_operands == 1 && is_client(a->operands[0]))
		return fail(error, FAILURE_USAGE, "missing ADDRESS: lanlet reserve CLIENT ADDRESS [NAME]");
	if (a->n_operands == 1 && !own->tag && !own->lease_time)
		return fail(error, FAILURE_USAGE, "missing ADDRESS or NAME: lanlet reserve MAC [ADDRESS] [NAME]");
	g_autofree char *body = reservation_of(a);
	return api_change(a, "POST", "/v1/reservations", body, error);
}

static bool store_guard(const struct flag *flag, const char *value, void *at, GError **error)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return fail(error, FAILURE_USAGE, "--guard \"%s\": expected on or off", value);
	return flag_store_text(flag, value, at, error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "remove",
			.argument = "MAC|CLIENT",
			.help = "Remove the reservation of this MAC or client.",
		},
		FLAG_TEXT(struct reserve_flags, remove),
	},
	{
		.option = {
			.name = "guard",
			.argument = "off|on",
			.default_value = "as the network has it",
			.help = "Whether the guest is guarded at its own sockets (see lanlet run --guard).",
		},
		FLAG_STORED(store_guard, const char *, struct reserve_flags, guard),
	},
	{
		.option = {
			.name = "dhcp-server",
			.help = "Let the guest answer other guests' DHCP requests, at its own sockets.",
		},
		FLAG_SWITCH(struct reserve_flags, dhcp_server),
	},
	{
		.option = {
			.name = "router",
			.help = "Let the guest send router advertisements to other guests, at its own sockets.",
		},
		FLAG_SWITCH(struct reserve_flags, router),
	},
	{
		.option = {
			.name = "bandwidth-in",
			.argument = "RATE",
			.help = "Limit what the guest is sent at its own sockets, such as 10M (see lanlet run --bandwidth-in).",
		},
		FLAG_TEXT(struct reserve_flags, bandwidth_in),
	},
	{
		.option = {
			.name = "bandwidth-out",
			.argument = "RATE",
			.help = "Limit what the guest sends at its own sockets, such as 10M.",
		},
		FLAG_TEXT(struct reserve_flags, bandwidth_out),
	},
	{
		.option = {
			.name = "tag",
			.argument = "TAG",
			.help = "A tag of the guest for rules of DHCP (see lanlet run --dhcp-option).",
		},
		FLAG_TEXT(struct reserve_flags, tag),
	},
	{
		.option = {
			.name = "lease-time",
			.argument = "DURATION",
			.help = "How long the guest's DHCP lease is valid, instead of the network's time.",
		},
		FLAG_TEXT(struct reserve_flags, lease_time),
	},
	FLAG_END,
};

const struct command command_reserve = {
	.name = "reserve",
	.summary = "Reserve an address for a guest (static lease), declare its name, or list both.",
	.description =
		"DHCP always gives ADDRESS to the guest with this MAC, or any address when there is only a NAME. Instead of the MAC, "
		"id: with a client id or name: with the name that a guest sends stands for a guest whose MAC is not known (see lanlet "
		"run --dhcp-host); that takes an ADDRESS. NAME is "
		"the guest's name, whatever name it asks for, and gives it sockets of its own, guests/NAME/ in the "
		"runtime directory. A reservation takes effect at once, disturbs no connection and survives restarts "
		"until it is removed with --remove. Without operands, lists the reservations. --tag and --lease-time need neither "
		"ADDRESS nor NAME; --guard, --dhcp-server, --router, --bandwidth-in and --bandwidth-out need a NAME.",
	.flags = flags,
	.flags_size = sizeof(struct reserve_flags),
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.operands = "[MAC|CLIENT [ADDRESS] [NAME]]",
	.max_operands = 3,
	.run = reserve_main,
};
