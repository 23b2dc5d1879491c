/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/values.h"

#include "host/clock.h"
#include "network/snapshot.h"
#include "wire/ipv4.h"

#include <libsoup/soup.h>
#include <string.h>

void json_ip4(struct json *j, const char *key, ip4_t ip)
{
	char text[IP4_TEXT_SIZE];
	json_string(j, key, ip4_format(ip, text));
}

void json_ip(struct json *j, const char *key, const struct ip_addr *addr)
{
	char text[IP_TEXT_SIZE];
	json_string(j, key, ip_format(addr, text));
}

void json_endpoint(struct json *j, const char *key, const struct ip_endpoint *e)
{
	char text[IP_TEXT_SIZE];
	json_open_object(j, key);
	json_string(j, "address", ip_format(&e->addr, text));
	json_unsigned(j, "port", e->port);
	json_close_object(j);
}

void json_mac(struct json *j, const char *key, struct mac mac)
{
	char text[MAC_TEXT_SIZE];
	json_string(j, key, mac_format(mac, text));
}

void json_time(struct json *j, const char *key, usec_t now, usec_t when)
{
	if (when == USEC_INFINITY)
		json_null(j, key);
	else
		json_decimal(j, key, ((double)clock_wall() + (double)when - (double)now) / (double)USEC_PER_SEC);
}

void json_bandwidth(struct json *j, const struct snapshot_bandwidth *b)
{
	json_string(j, "bandwidth_in", b->in[0] ? b->in : NULL);
	json_string(j, "bandwidth_out", b->out[0] ? b->out : NULL);
}

void json_protocol(struct json *j, const char *key, uint8_t protocol)
{
	char number[8];
	g_snprintf(number, sizeof(number), "%u", protocol);
	json_string(j, key,
		    protocol == IP_PROTOCOL_TCP    ? "tcp"
		    : protocol == IP_PROTOCOL_UDP  ? "udp"
		    : protocol == IP_PROTOCOL_ICMP ? "icmp"
						   : number);
}

JsonObject *request_object(struct request *r)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) body = request_body(r);
	/* Not json_parser_new_immutable(): json-glib 1.10 aborts when the root is a plain value, such as null. */
	g_autoptr(JsonParser) parser = json_parser_new();
	gsize len;
	const char *text = g_bytes_get_data(body, &len); /* may be NULL when there are no bytes */
	if (!json_parser_load_from_data(parser, len > 0 ? text : "", (gssize)len, &error)) {
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "the body is not valid JSON: %s", error->message);
		return NULL;
	}
	JsonNode *root = json_parser_get_root(parser);
	if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "the body has to be a JSON object");
		return NULL;
	}
	return json_object_ref(json_node_get_object(root));
}

const char *request_text(struct request *r, JsonObject *o, const char *name)
{
	JsonNode *node = json_object_get_member(o, name);
	if (!node || JSON_NODE_HOLDS_NULL(node))
		return "";
	if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING)
		return json_node_get_string(node);
	request_fail(r, SOUP_STATUS_BAD_REQUEST, "\"%s\" has to be a string", name);
	return NULL;
}

bool request_bool(struct request *r, JsonObject *o, const char *name, bool *ret)
{
	JsonNode *node = json_object_get_member(o, name);
	*ret = false;
	if (!node || JSON_NODE_HOLDS_NULL(node))
		return true;
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_BOOLEAN) {
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "\"%s\" has to be true or false", name);
		return false;
	}
	*ret = json_node_get_boolean(node);
	return true;
}

bool request_members(struct request *r, JsonObject *o, const char *const *names)
{
	g_autoptr(GList) members = json_object_get_members(o);
	for (GList *m = members; m; m = m->next) {
		if (g_strv_contains(names, m->data))
			continue;
		g_autofree char *all = g_strjoinv(", ", (char **)names);
		request_fail(r, SOUP_STATUS_BAD_REQUEST, "\"%s\" is not known: the object has %s", (const char *)m->data, all);
		return false;
	}
	return true;
}
