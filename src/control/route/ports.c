/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/ports: the ports of the switch, with that of the gateway; GET /v1/connects: the sockets that lanlet connects to. */
#include "base/macros.h"
#include "control/request.h"
#include "control/values.h"
#include "network/snapshot.h"

#define SLICE 64u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_ports(n, now, cursor, items, max);
}

static void write_offloads(struct json *out, unsigned offloads)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{ PORT_OFFLOAD_CHECKSUM, "checksum" },
		{ PORT_OFFLOAD_TSO4, "tso4" },
		{ PORT_OFFLOAD_TSO6, "tso6" },
		{ PORT_OFFLOAD_USO, "uso" },
	};
	json_open_array(out, "offloads");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (offloads & names[i].bit)
			json_string(out, NULL, names[i].name);
	json_close_array(out);
}

static void write_drops(struct json *out, const struct drop_counters *drops)
{
	json_open_object(out, "drops");
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		if (drops->count[i])
			json_unsigned(out, drop_name(i), drops->count[i]);
	json_close_object(out);
}

static void write_conflict(struct json *out, usec_t now, const struct snapshot_conflict *c)
{
	char ip[IP_TEXT_SIZE];
	if (c->when == 0) {
		json_null(out, "conflict");
		return;
	}
	json_open_object(out, "conflict");
	json_mac(out, "mac", c->mac);
	json_string(out, "address", ip_is_unspecified(&c->addr) ? NULL : ip_format(&c->addr, ip));
	json_string(out, "port", c->other[0] ? c->other : NULL);
	json_time(out, "time", now, c->when);
	json_close_object(out);
}

static void write_guests(struct json *out, const struct snapshot_port *p)
{
	json_open_array(out, "guests");
	for (unsigned i = 0; i < p->n_guests; i++)
		json_string(out, NULL, p->guests[i]);
	json_close_array(out);
}

static void write_port(struct json *out, usec_t now, const void *item)
{
	const struct snapshot_port *p = item;
	char mac[MAC_TEXT_SIZE];
	json_open_object(out, NULL);
	json_unsigned(out, "id", p->id);
	json_string(out, "name", p->name);
	json_string(out, "kind", p->kind);
	json_unsigned(out, "mtu", p->mtu);
	json_unsigned(out, "max_frame", p->max_frame);
	write_offloads(out, p->offloads);
	json_bool(out, "congested", p->congested);
	json_bool(out, "blocked", p->blocked);
	json_bool(out, "isolated", p->isolated);
	json_bool(out, "uplink", p->uplink);
	json_bool(out, "guarded", p->guarded);
	write_conflict(out, now, &p->conflict);
	json_bool(out, "dhcp_server", p->may_serve_dhcp);
	json_bool(out, "router", p->may_route);
	json_bandwidth(out, &p->bandwidth);
	if (!mac_is_zero(p->pinned))
		json_string(out, "pinned", mac_format(p->pinned, mac));
	json_unsigned(out, "macs", p->n_macs);
	write_guests(out, p);
	json_string(out, "blocked_because", p->why_blocked[0] ? p->why_blocked : NULL);
	json_unsigned(out, "rx_frames", p->rx_frames);
	json_unsigned(out, "rx_bytes", p->rx_bytes);
	json_unsigned(out, "tx_frames", p->tx_frames);
	json_unsigned(out, "tx_bytes", p->tx_bytes);
	write_drops(out, &p->drops);
	json_close_object(out);
}

static const struct listing ports = {
	.name = "ports",
	.item_size = sizeof(struct snapshot_port),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_port,
};

static void get_ports(struct request *r)
{
	request_list(r, &ports, NULL);
}

static unsigned fetch_connects(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_connects(n, cursor, items, max);
}

static void write_connect(struct json *out, usec_t now, const void *item)
{
	const struct snapshot_connect *c = item;
	json_open_object(out, NULL);
	json_string(out, "path", c->path);
	json_bool(out, "connected", c->connected);
	json_string(out, "error", c->connected ? NULL : c->why_not);
	json_close_object(out);
}

static const struct listing connects = {
	.name = "connects",
	.item_size = sizeof(struct snapshot_connect),
	.slice = SLICE,
	.fetch = fetch_connects,
	.write = write_connect,
};

static void get_connects(struct request *r)
{
	request_list(r, &connects, NULL);
}

const struct route routes_ports[] = {
	{ "GET", "/v1/ports", get_ports },
	{ "GET", "/v1/connects", get_connects },
	{ NULL },
};
