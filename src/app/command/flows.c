/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet flows` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/endpoint.h"
#include "app/command/listing.h"
#include "app/command/name_lookup.h"
#include "app/command/table.h"
#include "app/failure.h"

#include <stdio.h>

struct flows_flags {
	const char *guest;
	const char *remote;
	const char *port;
	const char *protocol;
	const char *state;
};

/* Whether @guest is an address, or the name of a guest. */
static bool is_known(struct api *api, const char *guest, GError **error)
{
	bool found = g_hostname_is_ip_address(guest);
	if (!found && !name_is_of_guest(api, guest, &found, error))
		return false;
	return found || fail(error, FAILURE_NOT_FOUND, "there is no guest called %s", guest);
}

static void add_bytes(struct table *t, JsonObject *f, const char *member)
{
	g_autofree char *text = api_has(f, member) ? table_bytes(api_number(f, member)) : g_strdup("");
	table_add(t, text);
}

static bool add_flow(void *opaque, JsonObject *f)
{
	struct table *t = opaque;
	g_autofree char *guest = endpoint_of_guest(f), *remote = endpoint_of(f, "remote"), *age = table_duration(api_decimal(f, "age"));
	guint64 peers = api_number(f, "peers");
	table_add(t, api_text(f, "protocol"));
	table_add(t, guest);
	table_add(t, g_str_equal(api_text(f, "direction"), "in") ? "<-" : "->");
	if (peers > 1)
		table_addf(t, "%s +%" G_GUINT64_FORMAT, remote, peers - 1);
	else
		table_add(t, remote);
	table_add(t, api_text(f, "state"));
	table_add(t, age);
	add_bytes(t, f, "bytes_out");
	add_bytes(t, f, "bytes_in");
	if (api_has(f, "rtt_ms"))
		table_addf(t, "%.1f ms", api_decimal(f, "rtt_ms"));
	else
		table_add(t, "");
	table_addf(t, "%" G_GUINT64_FORMAT, api_number(f, "retransmits"));
	return true;
}

static bool flows_main(const struct arguments *a, GError **error)
{
	const struct flows_flags *own = a->flags;
	g_autoptr(Api) api = api_new(a, error);
	if (!api || (own->guest && !is_known(api, own->guest, error)))
		return false;
	g_autofree char *path = api_path("/v1/flows", "guest", own->guest, "remote", own->remote, "port", own->port, "protocol",
					 own->protocol, "state", own->state, NULL);
	if (a->json)
		return listing_print_json(api, path, error);
	g_autoptr(Table) t = table_new("PROTOCOL|GUEST||REMOTE|STATE|>AGE|>OUT|>IN|>RTT|>RETRANSMITS");
	if (!api_each(api, path, add_flow, t, error))
		return false;
	table_print(t, stdout, 0, 0);
	return table_finish(error);
}

static const struct flag flags[] = {
	{
		.option = {
			.name = "guest",
			.argument = "GUEST",
			.help = "Show only flows of this guest, given by its address or name.",
		},
		FLAG_TEXT(struct flows_flags, guest),
	},
	{
		.option = {
			.name = "remote",
			.argument = "ADDRESS",
			.help = "Show only flows to or from this outside address.",
		},
		FLAG_TEXT(struct flows_flags, remote),
	},
	{
		.option = {
			.name = "port",
			.argument = "PORT",
			.help = "Show only flows with this port on either side.",
		},
		FLAG_TEXT(struct flows_flags, port),
	},
	{
		.option = {
			.name = "protocol",
			.argument = "PROTOCOL",
			.help = "Show only flows of this protocol: tcp, udp or icmp.",
		},
		FLAG_TEXT(struct flows_flags, protocol),
	},
	{
		.option = {
			.name = "state",
			.argument = "STATE",
			.help = "Show only flows in this state, such as established.",
		},
		FLAG_TEXT(struct flows_flags, state),
	},
	FLAG_END,
};

const struct command command_flows = {
	.name = "flows",
	.summary = "List the connections of guests.",
	.description = "Lists what the NAT carries between guests and the outside: TCP connections, UDP and ping mappings, "
		       "with both sides, state, age, bytes each way, round-trip time to the guest and retransmissions to it.",
	.flags = flags,
	.flags_size = sizeof(struct flows_flags),
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.run = flows_main,
};
