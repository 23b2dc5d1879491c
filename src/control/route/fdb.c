/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/fdb: the MAC table (forwarding database) of the switch. */
#include "control/request.h"
#include "control/values.h"
#include "network/snapshot.h"

#define SLICE 512u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_fdb(n, now, cursor, items, max);
}

static void write_entry(struct json *out, usec_t now, const void *item)
{
	const struct snapshot_fdb_entry *e = item;
	json_open_object(out, NULL);
	json_mac(out, "mac", e->mac);
	json_string(out, "port", e->port);
	json_decimal(out, "age", (double)(now - MIN(e->seen, now)) / (double)USEC_PER_SEC);
	json_close_object(out);
}

static const struct listing fdb = {
	.name = "fdb",
	.item_size = sizeof(struct snapshot_fdb_entry),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_entry,
};

static void get_fdb(struct request *r)
{
	request_list(r, &fdb, NULL);
}

const struct route routes_fdb[] = {
	{ "GET", "/v1/fdb", get_fdb },
	{ NULL },
};
