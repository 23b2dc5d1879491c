/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET /v1/events: the events of the network as they happen.  Each is a line with a JSON object, or a server-sent event (HTML Living
 * Standard §9.2) for clients that accept text/event-stream.  The answer has no end.
 */
#include "control/route/events.h"

#include "base/macros.h"
#include "control/control_internal.h"
#include "control/request.h"
#include "control/values.h"
#include "host/clock.h"
#include "network/network.h"
#include "network/snapshot.h"

#include <string.h>

struct event_stream {
	struct event_hub *hub;
	struct snapshot_events found;
	uint64_t after;
	unsigned happened; /* when nothing was found */
	bool from_now;     /* earlier events are not sent */
	bool server_sent;
};

static void write_event(struct json *out, usec_t now, const struct event *e)
{
	json_open_object(out, NULL);
	json_unsigned(out, "number", e->number);
	json_time(out, "time", now, e->when);
	json_string(out, "event", event_name(e->type));
	if (e->port[0])
		json_string(out, "port", e->port);
	if (e->detail)
		json_string(out, e->type == EVENT_DROP ? "reason" : e->type == EVENT_LOG_LEVEL ? "level" : "kind", e->detail);
	if (!mac_is_zero(e->mac))
		json_mac(out, "mac", e->mac);
	if (e->ip)
		json_ip4(out, "address", e->ip);
	else if (!ip_is_unspecified(&e->ip6))
		json_ip(out, "address", &e->ip6);
	if (e->name[0])
		json_string(out, e->type == EVENT_CONFLICT ? "other_port" : "name", e->name);
	json_close_object(out);
}

static void put_line(GString *text, const struct event_stream *s, usec_t now, const struct event *e)
{
	struct json j = { .text = text };
	if (s->server_sent)
		g_string_append_printf(text, "id: %" G_GUINT64_FORMAT "\nevent: %s\ndata: ", e->number, event_name(e->type));
	write_event(&j, now, e);
	g_string_append(text, s->server_sent ? "\n\n" : "\n");
}

static void put_lost(GString *text, const struct event_stream *s, uint64_t count)
{
	g_string_append_printf(text,
			       s->server_sent ? "event: lost\ndata: {\"event\":\"lost\",\"count\":%" G_GUINT64_FORMAT "}\n\n"
					      : "{\"event\":\"lost\",\"count\":%" G_GUINT64_FORMAT "}\n",
			       count);
}

/* On the network's thread. */
static void fetch(struct lanlet_network *n, usec_t now, void *data)
{
	struct event_stream *s = data;
	if (s->from_now)
		s->after = snapshot_last_event(n);
	s->from_now = false;
	snapshot_events(n, &s->after, &s->found);
	if (s->found.n > 0)
		return;
	s->happened = event_hub_happened(s->hub);
	network_wake_on_event(n, event_hub_event_happened, s->hub);
}

static void fetch_more(struct request *r);

static void fetched(struct request *r, void *data)
{
	struct event_stream *s = data;
	usec_t now = clock_now();
	if (s->found.n == 0) {
		if (!event_hub_wait(s->hub, r, s->happened))
			fetch_more(r);
		return;
	}
	GString *text = g_string_new(NULL);
	uint64_t number = s->found.after;
	for (unsigned i = 0; i < s->found.n; i++) {
		const struct event *e = &s->found.events[i];
		if (e->number - number > 1)
			put_lost(text, s, e->number - number - 1);
		put_line(text, s, now, e);
		number = e->number;
	}
	request_put(r, text);
}

static void fetch_more(struct request *r)
{
	struct event_stream *s = request_data(r);
	event_hub_forget(s->hub, r);
	request_ask(r, fetch, fetched, s);
}

void event_stream_wake(struct request *r)
{
	fetch_more(r);
}

void event_stream_beat(struct request *r)
{
	const struct event_stream *s = request_data(r);
	request_put(r, g_string_new(s->server_sent ? ":\n\n" : "\n"));
}

static void stream_ended(struct request *r)
{
	event_hub_forget(&request_control(r)->events, r);
}

static bool wants_server_sent(const struct request *r)
{
	const char *accept = request_header(r, "Accept");
	return accept && strstr(accept, "text/event-stream");
}

/* The number of the last event that the client has: browsers send it as a header when they reconnect. */
static bool take_after(struct request *r, struct event_stream *s)
{
	const char *after = request_parameter(r, "after");
	if (!after)
		after = request_header(r, "Last-Event-ID");
	s->from_now = !after;
	if (!after || g_ascii_string_to_unsigned(after, 10, 0, G_MAXINT64, &s->after, NULL))
		return true;
	request_fail(r, SOUP_STATUS_BAD_REQUEST, "after=%s: expected the number of an event", after);
	return false;
}

static void get_events(struct request *r)
{
	g_autofree struct event_stream *s = g_new0(struct event_stream, 1);
	s->hub = &request_control(r)->events;
	s->server_sent = wants_server_sent(r);
	if (!take_after(r, s))
		return;
	bool server_sent = s->server_sent;
	request_set_data(r, g_steal_pointer(&s), stream_ended);
	request_stream(r, server_sent ? "text/event-stream" : "application/x-ndjson", fetch_more);
	request_put(r, g_string_new(server_sent ? ":\n\n" : "\n")); /* sends the headers now, not with the first event */
}

const struct route routes_events[] = {
	{ "GET", "/v1/events", get_events, .parameters = "after", .live = true },
	{ NULL },
};
