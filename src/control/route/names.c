/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/names: the names that DNS answers for. */
#include "base/macros.h"
#include "control/change_request.h"
#include "control/request.h"
#include "control/values.h"
#include "network/change.h"
#include "network/snapshot.h"

#define SLICE 32u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_names(n, now, cursor, items, max);
}

static void write_name(struct json *out, usec_t now, const void *item)
{
	static const char *const origins[] = {
		[SNAPSHOT_CONFIGURED] = "configuration",
		[SNAPSHOT_ADDED] = "added",
		[SNAPSHOT_RESERVED] = "reservation",
		[SNAPSHOT_LEASED] = "lease",
	};
	const struct snapshot_name *n = item;
	json_open_object(out, NULL);
	json_string(out, "name", n->name);
	if (n->is_address)
		json_string(out, "address", n->data);
	json_string(out, "type", n->type);
	json_string(out, "data", n->data);
	json_string(out, "origin", origins[n->origin]);
	json_close_object(out);
}

static const struct listing names = {
	.name = "names",
	.item_size = sizeof(struct snapshot_name),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_name,
};

static void get_names(struct request *r)
{
	request_list(r, &names, NULL);
}

/* Either "address", or "type" and "data". */
static void post_name(struct request *r)
{
	static const char *const members[] = { "name", "address", "type", "data", NULL };
	g_autoptr(JsonObject) body = request_object(r);
	const char *name, *address = NULL, *type = NULL, *data = NULL;
	if (!body || !request_members(r, body, members) || !(name = request_text(r, body, "name")))
		return;
	bool is_record = json_object_has_member(body, "type") || json_object_has_member(body, "data");
	if (is_record ? !(type = request_text(r, body, "type")) || !(data = request_text(r, body, "data"))
		      : !(address = request_text(r, body, "address")))
		return;
	g_autofree char *text = is_record ? g_strconcat(name, ",", type, ",", data, NULL) : g_strconcat(name, ",", address, NULL);
	request_change(r, text, change_add_name);
}

static void delete_name(struct request *r)
{
	request_change(r, request_part(r, 0), change_remove_name);
}

const struct route routes_names[] = {
	{ "GET", "/v1/names", get_names },
	{ "POST", "/v1/names", post_name },
	{ "DELETE", "/v1/names/{name}", delete_name },
	{ NULL },
};
