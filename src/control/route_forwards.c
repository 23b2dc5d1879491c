/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /v1/forwards: ports of the host that lead to guests. */
#include "control/request.h"
#include "lanlet.h"
#include "lib/snapshot.h"

#include <errno.h>
#include <libsoup/soup.h>

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
	json_string(out, "protocol", f->udp ? "udp" : "tcp");
	json_string(out, "host", f->host);
	json_string(out, "guest", f->guest);
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

/* What is asked of the network, and what it said. */
struct change {
	char text[FORWARD_TEXT_SIZE]; /* to be added */
	unsigned id;		      /* to be removed */
	int result;
	char error[256];
};

static void add(struct lanlet_network *n, usec_t now, void *data)
{
	struct change *c = data;
	c->result = lanlet_network_add_forward(n, c->text, c->error, sizeof(c->error));
}

static unsigned status_of(int error)
{
	switch (error) {
	case EINVAL:
		return SOUP_STATUS_BAD_REQUEST;
	case EEXIST:
	case EADDRINUSE:
		return SOUP_STATUS_CONFLICT;
	case EACCES:
	case EPERM:
		return SOUP_STATUS_FORBIDDEN;
	case EADDRNOTAVAIL:
	case ENAMETOOLONG:
		return SOUP_STATUS_BAD_REQUEST;
	default:
		return SOUP_STATUS_INTERNAL_SERVER_ERROR;
	}
}

static void added(struct request *r, void *data)
{
	const struct change *c = data;
	if (c->result < 0) {
		request_fail(r, status_of(-c->result), "%s", c->error);
		return;
	}
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	json_unsigned(&j, "id", (uint64_t)c->result);
	json_close_object(&j);
	request_respond_json(r, j.text);
}

/* The member @name of @o as a string, NULL when it is none. */
static const char *text_of(JsonObject *o, const char *name)
{
	JsonNode *node = json_object_get_member(o, name);
	return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : NULL;
}

static void post_forward(struct request *r)
{
	g_autoptr(JsonObject) o = request_object(r);
	if (!o)
		return;
	const char *protocol = text_of(o, "protocol"), *host = text_of(o, "host"), *guest = text_of(o, "guest");
	if (!protocol || !host || !guest) {
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "a forward has the strings protocol, host and guest, as \"tcp\", \"127.0.0.1:8080\", \"web:80\"");
		return;
	}
	struct change *c = g_new0(struct change, 1);
	if (g_snprintf(c->text, sizeof(c->text), "%s %s %s", protocol, host, guest) >= (int)sizeof(c->text)) {
		g_free(c);
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "no forward is as long as this one");
		return;
	}
	request_ask(r, add, added, c);
}

static void remove_forward(struct lanlet_network *n, usec_t now, void *data)
{
	struct change *c = data;
	c->result = lanlet_network_remove_forward(n, c->id);
}

static void removed(struct request *r, void *data)
{
	const struct change *c = data;
	if (c->result < 0)
		request_fail(r, SOUP_STATUS_NOT_FOUND, "there is no forward with the number %u", c->id);
	else
		request_respond_nothing(r);
}

static void delete_forward(struct request *r)
{
	guint64 id;
	if (!g_ascii_string_to_unsigned(request_part(r, 0), 10, 1, G_MAXUINT, &id, NULL)) {
		request_fail(r, SOUP_STATUS_NOT_FOUND, "forwards have numbers, from 1 on");
		return;
	}
	struct change *c = g_new0(struct change, 1);
	c->id = (unsigned)id;
	request_ask(r, remove_forward, removed, c);
}

const struct route routes_forwards[] = {
	{ "GET", "/v1/forwards", get_forwards },
	{ "POST", "/v1/forwards", post_forward },
	{ "DELETE", "/v1/forwards/{id}", delete_forward },
	{ NULL },
};
