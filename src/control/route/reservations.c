/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/reservations: DHCP reservations (static leases). */
#include "base/macros.h"
#include "control/change_request.h"
#include "control/request.h"
#include "control/values.h"
#include "network/change.h"
#include "network/snapshot.h"

#include <errno.h>
#include <libsoup/soup.h>
#include <stdio.h>

#define SLICE 128u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_reservations(n, cursor, items, max);
}

/* As the option has it. */
static void write_lease_time(struct json *out, uint32_t seconds)
{
	char text[16];
	g_snprintf(text, sizeof(text), seconds == UINT32_MAX ? "infinite" : "%u", seconds);
	json_string(out, "lease_time", seconds ? text : NULL);
}

static void write_reservation(struct json *out, usec_t now, const void *item)
{
	static const char *const guards[] = { [PORT_GUARD_DEFAULT] = NULL, [PORT_GUARD_ON] = "on", [PORT_GUARD_OFF] = "off" };
	const struct snapshot_reservation *r = item;
	json_open_object(out, NULL);
	if (mac_is_zero(r->mac))
		json_null(out, "mac");
	else
		json_mac(out, "mac", r->mac);
	json_string(out, "client", r->client[0] ? r->client : NULL);
	if (r->ip)
		json_ip4(out, "address", r->ip);
	else
		json_null(out, "address");
	json_string(out, "name", r->name[0] ? r->name : NULL);
	json_string(out, "guard", guards[r->properties.guard]);
	json_bool(out, "dhcp_server", r->properties.may_serve_dhcp);
	json_bool(out, "router", r->properties.may_route);
	json_bandwidth(out, &r->bandwidth);
	json_string(out, "tag", r->tag[0] ? r->tag : NULL);
	write_lease_time(out, r->lease_time_s);
	json_string(out, "sockets", r->sockets[0] ? r->sockets : NULL);
	json_string(out, "origin", r->origin == SNAPSHOT_ADDED ? "added" : "configuration");
	json_close_object(out);
}

static const struct listing reservations = {
	.name = "reservations",
	.item_size = sizeof(struct snapshot_reservation),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_reservation,
};

static void get_reservations(struct request *r)
{
	request_list(r, &reservations, NULL);
}

static void post_reservation(struct request *r)
{
	static const char *const members[] = { "mac",    "client",       "address",       "name", "guard",      "dhcp_server",
					       "router", "bandwidth_in", "bandwidth_out", "tag",  "lease_time", NULL };
	g_autoptr(JsonObject) body = request_object(r);
	const char *mac, *client, *address, *name, *guard, *in, *out, *tag, *lease_time;
	bool dhcp_server, router;
	if (!body || !request_members(r, body, members) || !(mac = request_text(r, body, "mac")) ||
	    !(client = request_text(r, body, "client")) || !(address = request_text(r, body, "address")) ||
	    !(name = request_text(r, body, "name")) || !(guard = request_text(r, body, "guard")) ||
	    !request_bool(r, body, "dhcp_server", &dhcp_server) || !request_bool(r, body, "router", &router) ||
	    !(in = request_text(r, body, "bandwidth_in")) || !(out = request_text(r, body, "bandwidth_out")) ||
	    !(tag = request_text(r, body, "tag")) || !(lease_time = request_text(r, body, "lease_time")))
		return;
	if ((mac[0] == '\0') == (client[0] == '\0')) {
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "one of \"mac\" and \"client\" is needed");
		return;
	}
	g_autofree char *text = g_strconcat(mac, client, address[0] ? "," : "", address, name[0] ? "," : "", name,
					    guard[0] ? ",guard=" : "", guard, dhcp_server ? ",dhcp-server=on" : "",
					    router ? ",router=on" : "", in[0] ? ",bandwidth-in=" : "", in, out[0] ? ",bandwidth-out=" : "",
					    out, tag[0] ? ",tag=" : "", tag, lease_time[0] ? ",lease-time=" : "", lease_time, NULL);
	request_change(r, text, change_add_reservation);
}

static int remove_reservation(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	struct mac mac;
	struct reservation client;
	if (mac_parse(text, &mac) == 0)
		return change_remove_reservation(n, mac, error, size);
	if (settings_client_parse(text, &client) == 0)
		return change_remove_client_reservation(n, &client, error, size);
	snprintf(error, size, "\"%.64s\" is neither a MAC nor a client (id:, name:)", text);
	return -EINVAL;
}

static void delete_reservation(struct request *r)
{
	request_change(r, request_part(r, 0), remove_reservation);
}

const struct route routes_reservations[] = {
	{ "GET", "/v1/reservations", get_reservations },
	{ "POST", "/v1/reservations", post_reservation },
	{ "DELETE", "/v1/reservations/{mac}", delete_reservation },
	{ NULL },
};
