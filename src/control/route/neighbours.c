/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/neighbours: the neighbour (ARP) table of the gateway, with the ports. */
#include "control/request.h"
#include "control/values.h"
#include "network/snapshot.h"

#define SLICE 128u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_neighbours(n, now, cursor, items, max);
}

static void write_neighbour(struct json *out, usec_t now, const void *item)
{
	const struct guest_view *v = item;
	char text[IP_TEXT_SIZE];
	json_open_object(out, NULL);
	json_string(out, "address", ip_format(&v->addr, text));
	json_mac(out, "mac", v->mac);
	if (v->name[0])
		json_string(out, "name", v->name);
	else
		json_null(out, "name");
	if (v->port_id)
		json_unsigned(out, "port_id", v->port_id);
	else
		json_null(out, "port_id");
	json_decimal(out, "age", (double)(now - MIN(v->seen, now)) / (double)USEC_PER_SEC);
	json_open_object(out, "sent");
	json_unsigned(out, "frames", v->counters.sent_frames);
	json_unsigned(out, "bytes", v->counters.sent_bytes);
	json_close_object(out);
	json_open_object(out, "received");
	json_unsigned(out, "frames", v->counters.received_frames);
	json_unsigned(out, "bytes", v->counters.received_bytes);
	json_close_object(out);
	json_close_object(out);
}

static const struct listing neighbours = {
	.name = "neighbours",
	.item_size = sizeof(struct guest_view),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_neighbour,
};

static void get_neighbours(struct request *r)
{
	request_list(r, &neighbours, NULL);
}

const struct route routes_neighbours[] = {
	{ "GET", "/v1/neighbours", get_neighbours },
	{ NULL },
};
