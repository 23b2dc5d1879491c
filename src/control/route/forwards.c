/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/forwards: port forwarding, host ports that lead to guests. */
#include "control/change_request.h"
#include "control/request.h"
#include "control/values.h"
#include "lanlet.h"
#include "network/snapshot.h"

#include <errno.h>
#include <stdio.h>

#define SLICE 32u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_forwards(n, cursor, items, max);
}

static void write_forward(struct json *out, usec_t now, const void *item)
{
	const struct snapshot_forward *f = item;
	json_open_object(out, NULL);
	json_unsigned(out, "id", f->id);
	json_string(out, "protocol", f->protocol);
	json_string(out, "host", f->host);
	json_string(out, "guest", f->guest[0] ? f->guest : NULL);
	json_string(out, "state", !f->is_open ? "closed" : f->waiting ? "waiting" : "open");
	json_bool(out, "kept", f->kept);
	json_unsigned(out, "opened", f->opened);
	json_unsigned(out, "refused", f->refused);
	json_string(out, "failure", f->failure[0] ? f->failure : NULL);
	json_close_object(out);
}

static const struct listing forwards = {
	.name = "forwards",
	.item_size = sizeof(struct snapshot_forward),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_forward,
};

static void get_forwards(struct request *r)
{
	request_list(r, &forwards, NULL);
}

static void post_forward(struct request *r)
{
	g_autoptr(JsonObject) body = request_object(r);
	const char *protocol, *host, *guest;
	if (!body || !(protocol = request_text(r, body, "protocol")) || !(host = request_text(r, body, "host")) ||
	    !(guest = request_text(r, body, "guest")))
		return;
	g_autofree char *text = g_strdup_printf("%s %s%s%s", protocol, host, guest[0] ? " " : "", guest);
	request_change(r, text, lanlet_network_add_forward);
}

static int remove_forward(struct lanlet_network *n, const char *text, char *error, size_t size)
{
	guint64 id;
	bool is_number = g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT, &id, NULL);
	int r = is_number ? lanlet_network_remove_forward(n, (unsigned)id) : -ENOENT;
	if (r < 0)
		snprintf(error, size, is_number ? "there is no forward with the number %s" : "\"%.64s\" is not the number of a forward",
			 text);
	return r;
}

static void delete_forward(struct request *r)
{
	request_change(r, request_part(r, 0), remove_forward);
}

const struct route routes_forwards[] = {
	{ "GET", "/v1/forwards", get_forwards },
	{ "POST", "/v1/forwards", post_forward },
	{ "DELETE", "/v1/forwards/{id}", delete_forward },
	{ NULL },
};
