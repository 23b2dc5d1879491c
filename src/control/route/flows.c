/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /v1/flows: the connections and NAT mappings of guests. */
#include "base/macros.h"
#include "control/request.h"
#include "control/values.h"
#include "network/snapshot.h"
#include "wire/ipv4.h"

#include <libsoup/soup.h>
#include <string.h>

/* Slots of the flow table per slice: some ten microseconds. */
#define SLICE 128u

static unsigned fetch(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max)
{
	return snapshot_flows(n, now, filter, cursor, items, max);
}

static void write_flow(struct json *out, usec_t now, const void *item)
{
	const struct snapshot_flow *s = item;
	const struct engine_flow *f = &s->flow;
	json_open_object(out, NULL);
	json_unsigned(out, "id", f->id);
	json_protocol(out, "protocol", f->protocol);
	json_string(out, "direction", f->inbound ? "in" : "out");
	json_endpoint(out, "guest", &f->guest);
	json_string(out, "guest_name", s->guest_name[0] ? s->guest_name : NULL);
	json_endpoint(out, "remote", &f->remote);
	json_unsigned(out, "peers", f->n_peers);
	json_string(out, "state", f->state);
	json_decimal(out, "age", (double)(now - MIN(f->since, now)) / (double)USEC_PER_SEC);
	if (f->counts_bytes) {
		json_unsigned(out, "bytes_out", f->from_guest);
		json_unsigned(out, "bytes_in", f->to_guest);
	} else {
		json_null(out, "bytes_out");
		json_null(out, "bytes_in");
	}
	if (f->rtt_us)
		json_decimal(out, "rtt_ms", f->rtt_us / 1000.0);
	else
		json_null(out, "rtt_ms");
	json_unsigned(out, "retransmits", f->retransmits);
	json_close_object(out);
}

static const struct listing flows = {
	.name = "flows",
	.item_size = sizeof(struct snapshot_flow),
	.slice = SLICE,
	.fetch = fetch,
	.write = write_flow,
};

/* Parameters of the query: each function takes the value, or returns what it expects. */
static const char *take_guest(const char *value, struct snapshot_flow_filter *f)
{
	bool is_name = !strpbrk(value, ".:/") && strlen(value) < sizeof(f->guest_name);
	if (ip_parse(value, &f->guest) == 0)
		return NULL;
	for (size_t i = 0; is_name && i <= strlen(value); i++)
		f->guest_name[i] = g_ascii_tolower(value[i]);
	return f->guest_name[0] ? NULL : "an address or a name";
}

static const char *take_remote(const char *value, struct snapshot_flow_filter *f)
{
	return ip_parse(value, &f->remote) == 0 ? NULL : "an address";
}

static const char *take_port(const char *value, struct snapshot_flow_filter *f)
{
	guint64 port;
	if (!g_ascii_string_to_unsigned(value, 10, 1, UINT16_MAX, &port, NULL))
		return "a port from 1 to 65535";
	f->port = (uint16_t)port;
	return NULL;
}

static const char *take_protocol(const char *value, struct snapshot_flow_filter *f)
{
	f->protocol = strcmp(value, "tcp") == 0    ? IP_PROTOCOL_TCP
		      : strcmp(value, "udp") == 0  ? IP_PROTOCOL_UDP
		      : strcmp(value, "icmp") == 0 ? IP_PROTOCOL_ICMP
						   : 0;
	return f->protocol ? NULL : "tcp, udp or icmp";
}

static const char *take_state(const char *value, struct snapshot_flow_filter *f)
{
	return g_strlcpy(f->state, value, sizeof(f->state)) < sizeof(f->state) ? NULL : "a state, such as established";
}

static const struct {
	const char *name;
	const char *(*take)(const char *value, struct snapshot_flow_filter *f);
} parameters[] = {
	{ "guest", take_guest }, { "remote", take_remote }, { "port", take_port }, { "protocol", take_protocol }, { "state", take_state },
};

static void get_flows(struct request *r)
{
	g_autofree struct snapshot_flow_filter *filter = g_new0(struct snapshot_flow_filter, 1);
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		const char *value = request_parameter(r, parameters[i].name);
		const char *expected = value ? parameters[i].take(value, filter) : NULL;
		if (expected) {
			request_fail(r, SOUP_STATUS_BAD_REQUEST, "%s=%s: expected %s", parameters[i].name, value, expected);
			return;
		}
	}
	request_list(r, &flows, g_steal_pointer(&filter));
}

const struct route routes_flows[] = {
	{ "GET", "/v1/flows", get_flows, .parameters = "guest remote port protocol state" },
	{ NULL },
};
