/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POST /v1/connect: turns the connection of the request into one to a guest.
 *
 *     control thread: takes the connection from libsoup  →  network's thread: dials
 *         the guest accepted:  network's thread sends 101 and gives the descriptor to the engine, as with a forward
 *         it did not:          →  control thread sends the error
 *
 * The answer is short and the first on its connection, so the socket always has room for it.
 */
#include "control/route/connect.h"

#include "base/macros.h"
#include "control/control_internal.h"
#include "control/request.h"
#include "host/clock.h"
#include "network/forward/dial.h"
#include "network/network.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOCOL "tcp"
#define GUEST_TEXT_SIZE 256

static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " PROTOCOL "\r\n\r\n";

/* Between network_post() and done(), the network's thread owns it, except for @node. */
struct connect {
	struct list node;
	struct call call;
	struct control *control;
	char guest[GUEST_TEXT_SIZE];
	uint16_t port;
	int fd; /* of the client; -1: the engine owns it */
	struct dial dial;
	int error;
};

static void connect_free(struct connect *c)
{
	list_remove(&c->node);
	if (c->fd >= 0)
		close(c->fd);
	g_free(c);
}

void connects_cancel(struct control *control)
{
	list_for_each(node, &control->connects) {
		struct connect *c = container_of(node, struct connect, node);
		dial_cancel(&c->dial, clock_now());
		connect_free(c);
	}
}

/* --- errors --- */

static const struct {
	int error;
	unsigned status;
	const char *reason; /* for programs; docs/openapi.json */
} outcomes[] = {
	{ EINVAL, SOUP_STATUS_BAD_REQUEST, "malformed" },         { ENOENT, SOUP_STATUS_NOT_FOUND, "no-address" },
	{ ENETUNREACH, SOUP_STATUS_NOT_FOUND, "no-guest" },       { ECONNREFUSED, SOUP_STATUS_BAD_GATEWAY, "refused" },
	{ EHOSTUNREACH, SOUP_STATUS_BAD_GATEWAY, "unreachable" }, { ETIMEDOUT, SOUP_STATUS_GATEWAY_TIMEOUT, "timeout" },
	{ 0, SOUP_STATUS_SERVICE_UNAVAILABLE, "failed" },
};

static void tell_error(struct connect *c)
{
	size_t i = 0;
	while (outcomes[i].error != c->error && outcomes[i].error != 0)
		i++;
	struct json j = { .text = g_string_new(NULL) };
	json_open_object(&j, NULL);
	g_autofree char *text = g_strdup_printf("%s port %u: %s", c->guest, c->port,
						c->error == EINVAL ? "a guest is a name, a MAC or an address" : dial_explain(c->error));
	json_string(&j, "error", text);
	json_string(&j, "reason", outcomes[i].reason);
	json_close_object(&j);
	g_autofree char *answer =
		g_strdup_printf("HTTP/1.1 %u %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
				outcomes[i].status, soup_status_get_phrase(outcomes[i].status), j.text->len + 1, j.text->str);
	g_string_free(j.text, TRUE);
	ssize_t sent = send(c->fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)sent; /* the client may be gone */
}

static void done(struct call *call)
{
	struct connect *c = container_of(call, struct connect, call);
	if (c->error)
		tell_error(c);
	connect_free(c);
}

/* --- on the network's thread --- */

static void finish(struct connect *c, int error)
{
	c->error = error;
	c->call.run = done;
	call_queue_post(&c->control->finished, &c->call);
}

static int opened(struct dial *d, usec_t now)
{
	struct connect *c = container_of(d, struct connect, dial);
	int fd = c->fd;
	bool told = send(fd, switching, strlen(switching), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)strlen(switching);
	if (told)
		c->fd = -1;
	finish(c, 0);
	return told ? fd : -ECONNABORTED;
}

static void failed(struct dial *d, usec_t now, int error)
{
	finish(container_of(d, struct connect, dial), error);
}

static void begin(struct call *call)
{
	struct connect *c = container_of(call, struct connect, call);
	int r = network_dial(c->control->config.net, clock_now(), &c->dial, c->guest, c->port);
	if (r < 0)
		finish(c, -r);
}

/* --- the request --- */

static bool wants_upgrade(struct request *r)
{
	const char *upgrade = request_header(r, "Upgrade");
	if (upgrade && soup_header_contains(upgrade, PROTOCOL))
		return true;
	request_fail(r, SOUP_STATUS_BAD_REQUEST, "this needs the headers Connection: Upgrade and Upgrade: " PROTOCOL);
	return false;
}

static void post_connect(struct request *r)
{
	guint64 port;
	const char *guest = request_parameter(r, "guest"), *port_text = request_parameter(r, "port");
	if (!guest || guest[0] == '\0' || strlen(guest) >= GUEST_TEXT_SIZE || !port_text ||
	    !g_ascii_string_to_unsigned(port_text, 10, 1, UINT16_MAX, &port, NULL)) {
		request_fail(r, SOUP_STATUS_BAD_REQUEST,
			     "the parameters are guest (a name, a MAC or an address) and port (from 1 to 65535)");
		return;
	}
	if (!wants_upgrade(r))
		return;
	struct connect *c = g_new0(struct connect, 1);
	*c = (struct connect){
		.call.run = begin,
		.control = request_control(r),
		.port = (uint16_t)port,
		.dial = { .opened = opened, .failed = failed },
	};
	g_strlcpy(c->guest, guest, sizeof(c->guest));
	list_append(&c->control->connects, &c->node);
	c->fd = request_take_connection(r);
	if (c->fd < 0)
		connect_free(c);
	else
		network_post(c->control->config.net, &c->call);
}

const struct route routes_connect[] = {
	{ "POST", "/v1/connect", post_connect, .parameters = "guest port" },
	{ NULL },
};
