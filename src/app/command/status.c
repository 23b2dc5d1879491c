/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet status`: one page about a network, from several routes of the API. */
#include "app/arguments.h"
#include "app/command.h"
#include "app/command/api.h"
#include "app/command/listing.h"
#include "app/command/table.h"

#include <stdio.h>

static void print_bandwidth(JsonObject *n)
{
	bool in = api_has(n, "bandwidth_in"), out = api_has(n, "bandwidth_out");
	if (in || out)
		printf("bandwidth of all guests together: %s bit/s to them, %s bit/s from them\n", in ? api_text(n, "bandwidth_in") : "any",
		       out ? api_text(n, "bandwidth_out") : "any");
}

static bool is_on(JsonObject *n, const char *member)
{
	return json_object_get_boolean_member_with_default(n, member, false);
}

static void print_dhcp(JsonObject *n)
{
	if (!is_on(n, "dhcp") || !json_object_has_member(n, "dhcp_ranges")) {
		if (api_has(n, "dhcp"))
			puts("no DHCP server");
		return;
	}
	JsonArray *ranges = json_object_get_array_member(n, "dhcp_ranges");
	fputs("DHCP", stdout);
	for (guint i = 0; i < json_array_get_length(ranges); i++) {
		JsonObject *r = json_array_get_object_element(ranges, i);
		g_autofree char *time = api_has(r, "lease_time") ? table_duration((double)api_number(r, "lease_time")) : g_strdup("ever");
		printf("%s %s to %s for %s", i == 0 ? "" : ",", api_text(r, "first"), api_text(r, "last"), time);
	}
	putchar('\n');
}

static void print_boot(JsonObject *n)
{
	if (api_has(n, "tftp_root"))
		printf("files by TFTP from %s\n", api_text(n, "tftp_root"));
	if (api_has(n, "http_root"))
		printf("files by HTTP from %s\n", api_text(n, "http_root"));
}

static void print_network(JsonObject *n)
{
	g_autofree char *uptime = table_duration((double)api_number(n, "uptime"));
	const char *guard = json_object_get_boolean_member_with_default(n, "guard", true) ? "" : ", guard off";
	const char *metadata = is_on(n, "metadata") ? ", metadata open" : "";
	const char *link_local = is_on(n, "link_local") ? ", link-local open" : "";
	const char *ports = is_on(n, "keep_tcp_ports") ? ", TCP ports kept" : "";
	if (json_object_get_boolean_member(n, "switch_only")) {
		printf("network %s, a switch only, without a gateway%s, up for %s\n", api_text(n, "name"), guard, uptime);
		return;
	}
	printf("network %s, subnet %s, gateway %s at %s, engine %s%s%s%s%s, up for %s\n", api_text(n, "name"), api_text(n, "subnet"),
	       api_text(n, "gateway"), api_text(n, "gateway_mac"), api_text(n, "engine"), guard, metadata, link_local, ports, uptime);
	if (api_has(n, "ipv6_prefix"))
		printf("IPv6 prefix %s, gateway %s%s\n", api_text(n, "ipv6_prefix"), api_text(n, "ipv6_gateway"),
		       is_on(n, "ipv6_only") ? ", guests without IPv4" : "");
	print_dhcp(n);
	print_boot(n);
	print_bandwidth(n);
}

static void print_counters(JsonObject *c)
{
#define N(member) api_number(c, member)
	printf("\nflows: %" G_GUINT64_FORMAT " tcp, %" G_GUINT64_FORMAT " udp, %" G_GUINT64_FORMAT " icmp now, %" G_GUINT64_FORMAT
	       " opened, %" G_GUINT64_FORMAT " refused, %" G_GUINT64_FORMAT " evicted\n",
	       N("flows_tcp"), N("flows_udp"), N("flows_icmp"), N("flows_opened"), N("flows_refused"), N("flows_evicted"));
	if (N("host_ports_max") > 0)
		printf("host ports: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " in use by guests\n", N("host_ports"),
		       N("host_ports_max"));
	printf("names: %" G_GUINT64_FORMAT " queries, %" G_GUINT64_FORMAT " answered here, %" G_GUINT64_FORMAT
	       " asked outside, %" G_GUINT64_FORMAT " answered there, %" G_GUINT64_FORMAT " not\n",
	       N("dns_queries"), N("dns_local"), N("dns_forwarded"), N("dns_answered"), N("dns_unanswered"));
#undef N
}

static bool add_capture(void *opaque, JsonObject *c)
{
	struct table *t = opaque;
	table_addf(t, "%" G_GUINT64_FORMAT, api_number(c, "id"));
	table_add(t, api_has(c, "port") ? api_text(c, "port") : api_has(c, "guest") ? api_text(c, "guest") : "all");
	table_add(t, api_has(c, "filter") ? api_text(c, "filter") : "-");
	table_addf(t, "%" G_GUINT64_FORMAT, api_number(c, "records"));
	table_addf(t, "%" G_GUINT64_FORMAT, api_number(c, "lost"));
	return true;
}

static struct table *table_of_captures(struct api *api, GError **error)
{
	g_autoptr(Table) t = table_new("CAPTURE|OF|FILTER|>RECORDS|>LOST");
	return api_each(api, "/v1/captures", add_capture, t, error) ? g_steal_pointer(&t) : NULL;
}

/* Prints @t, or @nothing if it has no rows. */
static void print_table(const struct table *t, const char *nothing)
{
	putchar('\n');
	if (table_rows(t) > 0)
		table_print(t, stdout, 0, 0);
	else
		puts(nothing);
}

static bool status_main(const struct arguments *a, GError **error)
{
	g_autoptr(Api) api = api_new(a, error);
	g_autoptr(JsonObject) network = api ? api_get(api, "/v1/network", error) : NULL;
	g_autoptr(JsonObject) counters = network ? api_get(api, "/v1/counters", error) : NULL;
	g_autoptr(Table) ports = counters ? table_of_ports(api, error) : NULL;
	g_autoptr(Table) leases = ports ? table_of_leases(api, error) : NULL;
	g_autoptr(Table) drops = leases ? table_of_drops(api, false, error) : NULL;
	g_autoptr(Table) forwards = drops ? table_of_forwards(api, error) : NULL;
	g_autoptr(Table) captures = forwards ? table_of_captures(api, error) : NULL;
	if (!captures)
		return false;
	print_network(network);
	print_table(ports, "no ports");
	if (!print_port_notes(api, error))
		return false;
	print_table(leases, "no leases");
	if (table_rows(forwards) > 0)
		print_table(forwards, "");
	if (table_rows(captures) > 0)
		print_table(captures, "");
	print_counters(counters);
	print_table(drops, "nothing was dropped");
	return table_finish(error);
}

const struct command command_status = {
	.name = "status",
	.summary = "Show a running network's ports, leases, forwards, flows and drops.",
	.description = "Asks the process that runs the network NAME for its state.",
	.shares = FLAG_SHARED_NETWORK,
	.run = status_main,
};
