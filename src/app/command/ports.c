/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet ports` */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"

#include <stdio.h>

static guint64 drops_of(JsonObject *port)
{
	JsonObject *drops = json_object_get_object_member(port, "drops");
	g_autoptr(GList) values = json_object_get_values(drops);
	guint64 sum = 0;
	for (GList *l = values; l; l = l->next)
		sum += (guint64)json_node_get_int(l->data);
	return sum;
}

/* "web,db"; "-": no guest there has a name. */
static char *guests_of(JsonObject *port)
{
	JsonArray *guests = json_object_has_member(port, "guests") ? json_object_get_array_member(port, "guests") : NULL;
	GString *s = g_string_new(NULL);
	for (guint i = 0; guests && i < json_array_get_length(guests); i++)
		g_string_append_printf(s, "%s%s", i > 0 ? "," : "", json_array_get_string_element(guests, i));
	return g_string_free(s->len > 0 ? s : g_string_append_c(s, '-'), FALSE);
}

static bool add_port(void *opaque, JsonObject *p)
{
	struct table *t = opaque;
	table_add(t, api_text(p, "name"));
	table_add(t, api_text(p, "kind"));
	g_autofree char *guests = guests_of(p);
	table_add(t, guests);
	for (const char *const *name = (const char *const[]){ "mtu", "macs", "rx_frames", "rx_bytes", "tx_frames", "tx_bytes", NULL };
	     *name; name++)
		table_addf(t, "%" G_GUINT64_FORMAT, api_number(p, *name));
	table_addf(t, "%" G_GUINT64_FORMAT, drops_of(p));
	return true;
}

char *describe_conflict(JsonObject *port)
{
	JsonNode *node = json_object_get_member(port, "conflict");
	if (!node || !JSON_NODE_HOLDS_OBJECT(node))
		return NULL;
	JsonObject *c = json_node_get_object(node);
	bool is_address = api_has(c, "address");
	g_autofree char *other = api_has(c, "port") ? table_disarm(api_text(c, "port")) : NULL;
	return g_strdup_printf("the %s %s is also at %s%s", is_address ? "address" : "MAC", api_text(c, is_address ? "address" : "mac"),
			       other ? "port " : "a port that is gone", other ? other : "");
}

static bool print_notes(void *opaque, JsonObject *p)
{
	g_autofree char *name = table_disarm(api_text(p, "name"));
	if (api_has(p, "blocked_because"))
		printf("%s: %s\n", name, api_text(p, "blocked_because"));
	g_autofree char *conflict = describe_conflict(p);
	if (conflict)
		printf("%s: %s\n", name, conflict);
	if (api_has(p, "pinned"))
		printf("%s: pinned to %s\n", name, api_text(p, "pinned"));
	if (json_object_get_boolean_member(p, "isolated"))
		printf("%s: isolated from other guests\n", name);
	if (!json_object_get_boolean_member_with_default(p, "guarded", true) &&
	    !json_object_get_boolean_member_with_default(p, "uplink", false))
		printf("%s: not guarded\n", name);
	if (json_object_get_boolean_member_with_default(p, "dhcp_server", false))
		printf("%s: may serve DHCP\n", name);
	if (json_object_get_boolean_member_with_default(p, "router", false))
		printf("%s: may send router advertisements\n", name);
	if (api_has(p, "bandwidth_in"))
		printf("%s: is sent at most %s bit/s\n", name, api_text(p, "bandwidth_in"));
	if (api_has(p, "bandwidth_out"))
		printf("%s: may send at most %s bit/s\n", name, api_text(p, "bandwidth_out"));
	return true;
}

static bool print_connect(void *opaque, JsonObject *c)
{
	g_autofree char *path = table_disarm(api_text(c, "path"));
	if (api_has(c, "error"))
		printf("waiting for %s: %s\n", path, api_text(c, "error"));
	return true;
}

bool print_port_notes(struct api *api, GError **error)
{
	return api_each(api, "/v1/ports", print_notes, NULL, error) && api_each(api, "/v1/connects", print_connect, NULL, error);
}

struct table *table_of_ports(struct api *api, GError **error)
{
	g_autoptr(Table) t = table_new("PORT|KIND|GUESTS|>MTU|>MACS|>RX FRAMES|>RX BYTES|>TX FRAMES|>TX BYTES|>DROPS");
	return api_each(api, "/v1/ports", add_port, t, error) ? g_steal_pointer(&t) : NULL;
}

static bool ports_main(const struct arguments *a, GError **error)
{
	g_autoptr(Api) api = a->json ? NULL : api_new(a, error);
	return listing_print(a, "/v1/ports", table_of_ports, error) && (!api || (print_port_notes(api, error) && table_finish(error)));
}

const struct command command_ports = {
	.name = "ports",
	.summary = "List the ports of a network's switch, one for each guest.",
	.description = "Lists the ports of the virtual switch (bridge): one for each guest and one for the gateway, with the"
		       " names of the guests behind them, and the frames and bytes that passed through them. Below are notes: ports that "
		       "are blocked, pinned to a MAC, limited in bandwidth, not guarded, or"
		       " in conflict with another port about a MAC or an address.",
	.shares = FLAG_SHARED_NETWORK | FLAG_SHARED_JSON,
	.run = ports_main,
};
