/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet flows` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/endpoint.h"
#include "app/command/listing.h"
#include "app/command/table.h"
#include "app/failure.h"

#include <stdio.h>

struct search {
	const char *name;
	char *address;
};

static bool look_at_name(void *opaque, JsonObject *n)
{
	struct search *s = opaque;
	if (g_ascii_strcasecmp(api_text(n, "name"), s->name) != 0)
		return true;
	s->address = g_strdup(api_text(n, "address"));
	return false;
}

/* The address of the guest @guest, which may be one already.  NULL: there is no such name. */
static char *address_of(struct api *api, const char *guest, GError **error)
{
	struct search s = { .name = guest };
	if (g_hostname_is_ip_address(guest))
		return g_strdup(guest);
	if (api_each(api, "/v1/names", look_at_name, &s, error) && !s.address)
		fail(error, FAILURE_NOT_FOUND, "there is no guest called %s", guest);
	return s.address;
}

static void add_bytes(struct table *t, JsonObject *f, const char *member)
{
	g_autofree char *text = api_has(f, member) ? table_bytes(api_number(f, member)) : g_strdup("");
	table_add(t, text);
}

static bool add_flow(void *opaque, JsonObject *f)
{
	struct table *t = opaque;
	g_autofree char *guest = flow_guest(f), *remote = flow_endpoint(f, "remote"), *age = table_duration(api_decimal(f, "age"));
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

bool command_flows(const struct arguments *a, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	g_autofree char *guest = api && a->guest ? address_of(api, a->guest, error) : NULL;
	if (!api || (a->guest && !guest))
		return false;
	g_autofree char *path = api_path("/v1/flows", "guest", guest, "remote", a->remote, "port", a->port, "protocol", a->protocol,
					 "state", a->state, NULL);
	if (a->json)
		return print_json(api, path, error);
	g_autoptr(Table) t = table_new("PROTOCOL|GUEST||REMOTE|STATE|>AGE|>OUT|>IN|>RTT|>RETRANSMITS");
	if (!api_each(api, path, add_flow, t, error))
		return false;
	table_print(t, stdout, 0, 0);
	return table_finish(error);
}
