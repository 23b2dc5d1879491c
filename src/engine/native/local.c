/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services of the gateway over TCP.  A connection is an ordinary flow whose host side is one end of a socket pair; this file holds
 * the other end and passes bytes to and from the service. Such connections are few, so the extra copies do not matter, and windows,
 * half-close and resets need no second implementation.
 *
 * Bytes that the service does not use stay in the socket: they are peeked first and removed once used.
 */
#include "base/macros.h"
#include "engine/native/tcp.h"
#include "gateway/stream_service.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_BYTES (64 * 1024)
#define EVENTS (POLL_EVENT_IN | POLL_EVENT_OUT | POLL_EVENT_PEER_SHUT | POLL_EVENT_EDGE)

struct native_local_conn {
	struct local_stream stream;
	struct list node; /* in engine->local_conns */
	struct watch watch;
	struct deferred later; /* offers input again, or frees the connection after it ended */
	struct poller *poller;
	struct stream_service *service;
	bool gone, eof, want_write;
};

struct stream_service *native_local_find(const struct engine *e, uint16_t port)
{
	for (unsigned i = 0; i < e->n_local; i++)
		if (e->local[i].port == port)
			return e->local[i].service;
	return NULL;
}

static struct native_local_conn *conn_of(struct local_stream *s)
{
	return container_of(s, struct native_local_conn, stream);
}

static void defer(struct native_local_conn *c)
{
	if (list_empty(&c->later.node))
		poller_defer(c->poller, &c->later);
}

/* Stops all events. The memory stays valid until the callers up the stack have looked at c->gone. */
static void let_go(struct native_local_conn *c)
{
	if (c->gone)
		return;
	c->gone = true;
	poller_close(c->poller, &c->watch);
	defer(c);
}

static void end(struct native_local_conn *c, usec_t now)
{
	if (c->gone)
		return;
	let_go(c);
	c->service->ops->closed(c->service, now, &c->stream);
}

/* --- what the service asks for --- */

static ssize_t conn_send(struct local_stream *s, const void *data, size_t len)
{
	struct native_local_conn *c = conn_of(s);
	ssize_t n = send(c->watch.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		n = errno == EAGAIN ? 0 : -EPIPE;
	c->want_write = n >= 0 && (size_t)n < len;
	return n;
}

static void conn_resume(struct local_stream *s)
{
	defer(conn_of(s));
}

static void conn_shutdown(struct local_stream *s)
{
	shutdown(conn_of(s)->watch.fd, SHUT_WR);
}

static void conn_close(struct local_stream *s)
{
	let_go(conn_of(s));
}

static const struct local_stream_ops stream_ops = {
	.send = conn_send,
	.resume = conn_resume,
	.shutdown = conn_shutdown,
	.close = conn_close,
};

/* --- what happens --- */

static void offer_input(struct native_local_conn *c, usec_t now)
{
	uint8_t bytes[LOOK_BYTES];
	while (!c->gone && !c->eof) {
		ssize_t n = recv(c->watch.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
		if (n < 0)
			return;
		if (n == 0) {
			c->eof = true;
			c->service->ops->eof(c->service, now, &c->stream);
			return;
		}
		size_t used = c->service->ops->input(c->service, now, &c->stream, bytes, (size_t)n);
		if (!c->gone && used > 0)
			recv(c->watch.fd, bytes, used, MSG_DONTWAIT);
		if (used < (size_t)n)
			return;
	}
}

static void conn_ready(struct watch *w, usec_t now, unsigned events)
{
	struct native_local_conn *c = container_of(w, struct native_local_conn, watch);
	if (events & (POLL_EVENT_IN | POLL_EVENT_PEER_SHUT))
		offer_input(c, now);
	if (!c->gone && c->want_write && (events & POLL_EVENT_OUT)) {
		c->want_write = false;
		c->service->ops->writable(c->service, now, &c->stream);
	}
	if (events & (POLL_EVENT_HANGUP | POLL_EVENT_ERROR))
		end(c, now);
}

static void conn_free(struct native_local_conn *c)
{
	payer_unref(c->stream.payer);
	free(c);
}

static void run_later(struct deferred *d, usec_t now)
{
	struct native_local_conn *c = container_of(d, struct native_local_conn, later);
	if (!c->gone) {
		offer_input(c, now);
		return;
	}
	list_remove(&c->node);
	conn_free(c);
}

int native_local_connect(struct engine *e, usec_t now, struct stream_service *service, const struct native_flow *f)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	int r = -ENOMEM;
	struct native_local_conn *c = calloc(1, sizeof(*c));
	if (!c)
		goto close_both;
	c->stream = (struct local_stream){ .ops = &stream_ops, .payer = payer_ref(f->payer), .guest = f->flow.key.guest };
	c->poller = e->config.poller;
	c->service = service;
	c->watch.ready = conn_ready;
	c->later.run = run_later;
	list_init(&c->later.node);
	r = poller_watch(c->poller, &c->watch, fds[1], EVENTS);
	if (r < 0)
		goto free_conn;
	list_append(&e->local_conns, &c->node);
	if (!service->ops->accept(service, now, &c->stream)) {
		let_go(c);
		close(fds[0]);
		return -ECONNREFUSED;
	}
	return fds[0];

free_conn:
	conn_free(c);
close_both:
	close(fds[0]);
	close(fds[1]);
	return r;
}

void native_local_done(struct engine *e)
{
	list_for_each(node, &e->local_conns) {
		struct native_local_conn *c = container_of(node, struct native_local_conn, node);
		if (!c->gone)
			poller_close(c->poller, &c->watch);
		list_remove(&c->later.node);
		conn_free(c);
	}
}
