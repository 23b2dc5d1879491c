/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection's life:
 *
 *     reading its head -- the gate refuses --> answered, closed
 *                      -- the gate admits  --> connecting to api.sock --> carrying, both ways --> closed
 *
 * The API answers one request per connection, so the gate checks one head.  An admitted client has the session key, so what follows the
 * head is not checked.  The connection is closed once either side has ended.
 */
#include "app/web/relay.h"

#include "app/web/gate.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>

#define VISITORS_MAX 64u
/* Time limit for a head. */
#define HEAD_SECONDS 20u

struct web_relay {
	struct web_gate *gate;
	GSocketService *service;
	GSocketClient *client;
	GSocketAddress *api;
	GCancellable *ending; /* of every operation */
	guint16 port;
	unsigned n_visitors;
};

/* Reference counted: each operation under way holds a reference. */
struct visitor {
	struct web_relay *relay;
	GCancellable *gone;
	gulong ending;
	GSocketConnection *browser, *network;
	GString *head;
	char piece[4096];
};

static void visitor_done(gpointer opaque)
{
	struct visitor *v = opaque;
	g_cancellable_disconnect(v->relay->ending, v->ending);
	v->relay->n_visitors--;
	g_io_stream_close(G_IO_STREAM(v->browser), NULL, NULL);
	g_object_unref(v->browser);
	g_clear_object(&v->network);
	g_object_unref(v->gone);
	g_string_free(v->head, TRUE);
}

static void release(struct visitor *v)
{
	g_rc_box_release_full(v, visitor_done);
}

/* Cancels its other operations too. */
static void end(struct visitor *v)
{
	g_cancellable_cancel(v->gone);
	release(v);
}

static GInputStream *input_of(GSocketConnection *c)
{
	return g_io_stream_get_input_stream(G_IO_STREAM(c));
}

static GOutputStream *output_of(GSocketConnection *c)
{
	return g_io_stream_get_output_stream(G_IO_STREAM(c));
}

/* --- carrying --- */

static void carried(GObject *to, GAsyncResult *result, gpointer opaque)
{
	g_output_stream_splice_finish(G_OUTPUT_STREAM(to), result, NULL);
	end(opaque);
}

static void carry(struct visitor *v, GSocketConnection *from, GSocketConnection *to)
{
	g_output_stream_splice_async(output_of(to), input_of(from), G_OUTPUT_STREAM_SPLICE_NONE, G_PRIORITY_DEFAULT, v->gone, carried,
				     g_rc_box_acquire(v));
}

static void wrote_head(GObject *output, GAsyncResult *result, gpointer opaque)
{
	struct visitor *v = opaque;
	if (g_output_stream_write_all_finish(G_OUTPUT_STREAM(output), result, NULL, NULL)) {
		carry(v, v->network, v->browser);
		carry(v, v->browser, v->network);
	}
	release(v);
}

static void connected(GObject *client, GAsyncResult *result, gpointer opaque)
{
	struct visitor *v = opaque;
	v->network = g_socket_client_connect_finish(G_SOCKET_CLIENT(client), result, NULL);
	if (v->network)
		g_output_stream_write_all_async(output_of(v->network), v->head->str, v->head->len, G_PRIORITY_DEFAULT, v->gone, wrote_head,
						v);
	else
		release(v);
}

/* --- the head --- */

static void answered(GObject *output, GAsyncResult *result, gpointer opaque)
{
	struct visitor *v = opaque;
	g_output_stream_write_all_finish(G_OUTPUT_STREAM(output), result, NULL, NULL);
	release(v);
}

static void judge(struct visitor *v, gsize head_len)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	if (web_gate_admits(v->relay->gate, v->head->str, head_len, answer)) {
		g_socket_set_timeout(g_socket_connection_get_socket(v->browser), 0);
		g_socket_client_connect_async(v->relay->client, G_SOCKET_CONNECTABLE(v->relay->api), v->gone, connected, v);
		return;
	}
	g_string_assign(v->head, answer->str); /* the buffer must live until the write has ended */
	g_output_stream_write_all_async(output_of(v->browser), v->head->str, v->head->len, G_PRIORITY_DEFAULT, v->gone, answered, v);
}

static void read_on(struct visitor *v);

static void was_read(GObject *input, GAsyncResult *result, gpointer opaque)
{
	struct visitor *v = opaque;
	gssize n = g_input_stream_read_finish(G_INPUT_STREAM(input), result, NULL);
	if (n <= 0) {
		release(v);
		return;
	}
	g_string_append_len(v->head, v->piece, n);
	gsize head_len = web_head_len(v->head->str, v->head->len);
	if (head_len)
		judge(v, head_len);
	else if (v->head->len < WEB_HEAD_MAX)
		read_on(v);
	else
		release(v);
}

static void read_on(struct visitor *v)
{
	g_input_stream_read_async(input_of(v->browser), v->piece, sizeof(v->piece), G_PRIORITY_DEFAULT, v->gone, was_read, v);
}

static void cancel(GCancellable *ending, gpointer gone)
{
	g_cancellable_cancel(gone);
}

static gboolean incoming(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer opaque)
{
	struct web_relay *r = opaque;
	if (r->n_visitors >= VISITORS_MAX)
		return TRUE; /* dropping the last reference closes it */
	struct visitor *v = g_rc_box_new0(struct visitor);
	*v = (struct visitor){ .relay = r, .gone = g_cancellable_new(), .browser = g_object_ref(connection), .head = g_string_new(NULL) };
	v->ending = g_cancellable_connect(r->ending, G_CALLBACK(cancel), v->gone, NULL);
	r->n_visitors++;
	g_socket_set_timeout(g_socket_connection_get_socket(connection), HEAD_SECONDS);
	read_on(v);
	return TRUE;
}

/* --- life --- */

static bool listen_on_loopback(struct web_relay *r, GError **error)
{
	g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
	g_autoptr(GSocketAddress) any_port = g_inet_socket_address_new(loopback, 0), bound = NULL;
	GSocketListener *listener = G_SOCKET_LISTENER(r->service);
	if (!g_socket_listener_add_address(listener, any_port, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound, error))
		return false;
	r->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
	return true;
}

struct web_relay *web_relay_new(struct web_gate *gate, const char *socket, GError **error)
{
	struct web_relay *r = g_new0(struct web_relay, 1);
	r->gate = gate;
	r->ending = g_cancellable_new();
	r->client = g_socket_client_new();
	r->api = g_unix_socket_address_new(socket);
	r->service = g_socket_service_new();
	if (listen_on_loopback(r, error)) {
		g_signal_connect(r->service, "incoming", G_CALLBACK(incoming), r);
		return r;
	}
	web_relay_free(r);
	return NULL;
}

void web_relay_free(struct web_relay *r)
{
	if (!r)
		return;
	g_socket_service_stop(r->service);
	g_socket_listener_close(G_SOCKET_LISTENER(r->service));
	g_cancellable_cancel(r->ending);
	while (r->n_visitors > 0)
		g_main_context_iteration(NULL, TRUE);
	g_object_unref(r->service);
	g_object_unref(r->client);
	g_object_unref(r->api);
	g_object_unref(r->ending);
	g_free(r);
}

guint16 web_relay_port(const struct web_relay *r)
{
	return r->port;
}
