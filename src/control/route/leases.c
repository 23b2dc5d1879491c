/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/leases: active leases of DHCP and DHCPv6. */
#include "base/macros.h"
#include "control/request.h"
#include "control/values.h"
#include "network/snapshot.h"

#define SLICE 128u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_leases(n, now, cursor, items, max);
}

/* As dnsmasq and libvirt write it: octets with colons. */
static void write_client_id(struct json *out, const struct snapshot_lease *l)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (unsigned i = 0; i < l->client_id_len; i++)
		g_string_append_printf(text, "%s%02x", i ? ":" : "", l->client_id[i]);
	json_string(out, "client_id", text->len ? text->str : NULL);
}

static void write_lease(struct json *out, usec_t now, const void *item)
{
	const struct snapshot_lease *l = item;
	json_open_object(out, NULL);
	json_ip(out, "address", &l->addr);
	if (mac_is_zero(l->mac))
		json_null(out, "mac");
	else
		json_mac(out, "mac", l->mac);
	json_string(out, "name", l->name[0] ? l->name : NULL);
	json_time(out, "expires", now, l->expires);
	if (l->expires == USEC_INFINITY)
		json_null(out, "seconds_left");
	else
		json_unsigned(out, "seconds_left", l->expires > now ? (l->expires - now) / USEC_PER_SEC : 0);
	json_bool(out, "reserved", l->reserved);
	json_string(out, "port", l->port[0] ? l->port : NULL);
	write_client_id(out, l);
	if (ip_is_v4(&l->addr))
		json_null(out, "iaid");
	else
		json_unsigned(out, "iaid", l->iaid);
	json_close_object(out);
}

static const struct listing leases = {
	.name = "leases",
	.item_size = sizeof(struct snapshot_lease),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_lease,
};

static void get_leases(struct request *r)
{
	request_list(r, &leases, NULL);
}

const struct route routes_leases[] = {
	{ "GET", "/v1/leases", get_leases },
	{ NULL },
};
