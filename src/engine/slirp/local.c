/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unix socket shows the end of a connection: end of file is the guest's FIN; a hang-up means that libslirp closed its end, after
 * both FINs or a RST of the guest.
 *
 * A service may close a stream from within any of its callbacks; the memory stays valid until the callback has returned.
 */
#include "engine/slirp/local.h"

#include "base/macros.h"
#include "engine/slirp/socket_dir.h"
#include "engine/slirp/state.h"
#include "gateway/payer.h"
#include "gateway/stream_service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNS_MAX 64u
#define HALF_OPEN_MAX 256u
/* libslirp gives a handshake 75 seconds. */
#define HALF_OPEN_TIME (80 * USEC_PER_SEC)
#define BUFFER_MIN ((size_t)2048)
/* Most bytes that a service may leave unused: a DNS message over TCP with its length (RFC 1035 §4.2.2), rounded up. */
#define BUFFER_MAX ((size_t)128 * 1024)

struct local {
	uint16_t port;
	struct engine *engine;
	struct stream_service *service;
	int fd;
	char path[UNIX_PATH_SIZE];
};

struct half_open {
	struct list node; /* in guest->half_open, oldest first */
	usec_t since;
	uint16_t guest_port, port;
};

struct local_conn {
	struct local_stream stream;
	struct watch watch;
	struct list node; /* in guest->conns */
	struct slirp_guest *guest;
	struct stream_service *service;
	int fd;
	uint8_t *buffer; /* the guest's bytes that the service has not used */
	size_t len, size;
	bool eof;      /* the guest sent FIN */
	bool blocked;  /* send() found the socket full */
	bool closed;   /* by the service */
	unsigned busy; /* nesting depth of service callbacks */
};

int local_new(struct engine *e, uint16_t port, struct stream_service *service, struct local **ret)
{
	struct local *l = malloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct local){ .port = port, .engine = e, .service = service, .fd = -1 };
	char name[32];
	snprintf(name, sizeof(name), "tcp-%u", port);
	int r = socket_dir_path(e, name, l->path);
	if (r == 0)
		r = socket_dir_listen(l->path, &l->fd);
	if (r < 0) {
		local_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void local_free(struct local *l)
{
	if (!l)
		return;
	if (l->fd >= 0) {
		close(l->fd);
		unlink(l->path);
	}
	free(l);
}

struct local *local_find(const struct engine *e, uint16_t port)
{
	for (unsigned i = 0; i < e->n_locals; i++)
		if (e->locals[i]->port == port)
			return e->locals[i];
	return NULL;
}

int local_attach(struct engine *e, struct stack *s)
{
	for (unsigned i = 0; i < e->n_locals; i++) {
		int r = stack_add_local(s, e->locals[i]->path, e->locals[i]->port);
		if (r < 0)
			return r;
	}
	return 0;
}

static void forget_handshake(struct slirp_guest *g, struct half_open *h)
{
	list_remove(&h->node);
	g->n_half_open--;
	free(h);
}

static struct half_open *find_handshake(struct slirp_guest *g, usec_t now, uint16_t guest_port, uint16_t port)
{
	list_for_each(n, &g->half_open) {
		struct half_open *h = container_of(n, struct half_open, node);
		if (now >= usec_add(h->since, HALF_OPEN_TIME))
			forget_handshake(g, h);
		else if (h->guest_port == guest_port && h->port == port)
			return h;
	}
	return NULL;
}

bool local_syn(struct local *l, struct slirp_guest *g, usec_t now, uint16_t port)
{
	if (find_handshake(g, now, port, l->port))
		return true;
	if (g->n_conns >= CONNS_MAX || g->n_half_open >= HALF_OPEN_MAX)
		return false;
	struct half_open *h = malloc(sizeof(*h));
	if (!h)
		return false;
	*h = (struct half_open){ .since = now, .guest_port = port, .port = l->port };
	list_append(&g->half_open, &h->node);
	g->n_half_open++;
	return true;
}

static void conn_free(struct local_conn *c)
{
	struct slirp_guest *g = c->guest;
	poller_unwatch(g->engine->config.poller, &c->watch);
	close(c->fd);
	list_remove(&c->node);
	g->n_conns--;
	free(c->buffer);
	payer_unref(c->stream.payer);
	free(c);
	slirp_guest_release(g);
}

/* These two surround every callback of the service. conn_leave() returns false when the service closed the stream, which is then freed. */
static void conn_enter(struct local_conn *c)
{
	c->busy++;
}

static bool conn_leave(struct local_conn *c)
{
	c->busy--;
	if (!c->closed)
		return true;
	if (c->busy == 0)
		conn_free(c);
	return false;
}

/* The connection ended without the service closing it. */
static void conn_gone(struct local_conn *c, usec_t now)
{
	conn_enter(c);
	c->service->ops->closed(c->service, now, &c->stream);
	c->closed = true;
	conn_leave(c);
}

static void conn_watch(struct local_conn *c)
{
	unsigned events = (c->eof ? 0 : POLL_EVENT_IN) | (c->blocked ? POLL_EVENT_OUT : 0);
	poller_rewatch(c->guest->engine->config.poller, &c->watch, events);
}

static int make_room(struct local_conn *c)
{
	if (c->len < c->size)
		return 0;
	size_t size = c->size == 0 ? BUFFER_MIN : c->size * 2;
	if (size > BUFFER_MAX)
		return -ENOBUFS;
	uint8_t *buffer = realloc(c->buffer, size);
	if (!buffer)
		return -ENOMEM;
	c->buffer = buffer;
	c->size = size;
	return 0;
}

/* False when the connection is gone. */
static bool feed(struct local_conn *c, usec_t now)
{
	conn_enter(c);
	size_t used = c->service->ops->input(c->service, now, &c->stream, c->buffer, c->len);
	if (!conn_leave(c))
		return false;
	used = MIN(used, c->len);
	memmove(c->buffer, c->buffer + used, c->len - used);
	c->len -= used;
	return true;
}

static bool end_of_input(struct local_conn *c, usec_t now)
{
	c->eof = true;
	conn_enter(c);
	c->service->ops->eof(c->service, now, &c->stream);
	return conn_leave(c);
}

/* Reads from the socket. False when the connection has ended. */
static bool conn_read(struct local_conn *c, usec_t now)
{
	while (!c->eof) {
		int r = make_room(c);
		ssize_t n = r < 0 ? r : recv(c->fd, c->buffer + c->len, c->size - c->len, 0);
		if (n < 0 && r == 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n < 0) {
			conn_gone(c, now);
			return false;
		}
		c->len += (size_t)n;
		if (n == 0 ? !end_of_input(c, now) : !feed(c, now))
			return false;
	}
	return true;
}

static bool conn_writable(struct local_conn *c, usec_t now)
{
	c->blocked = false;
	conn_enter(c);
	c->service->ops->writable(c->service, now, &c->stream);
	return conn_leave(c);
}

static void on_ready(struct watch *w, usec_t now, unsigned events)
{
	struct local_conn *c = container_of(w, struct local_conn, watch);
	if (!conn_read(c, now))
		return;
	if (events & POLL_EVENT_OUT && c->blocked && !conn_writable(c, now))
		return;
	if (events & (POLL_EVENT_HANGUP | POLL_EVENT_ERROR))
		conn_gone(c, now);
	else
		conn_watch(c);
}

static struct local_conn *conn_of(struct local_stream *stream)
{
	return container_of(stream, struct local_conn, stream);
}

static ssize_t stream_send(struct local_stream *stream, const void *data, size_t len)
{
	struct local_conn *c = conn_of(stream);
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -EPIPE;
	n = MAX(n, (ssize_t)0);
	if ((size_t)n < len && !c->blocked) {
		c->blocked = true;
		conn_watch(c);
	}
	return n;
}

static void stream_shutdown(struct local_stream *stream)
{
	shutdown(conn_of(stream)->fd, SHUT_WR);
}

static void stream_close(struct local_stream *stream)
{
	struct local_conn *c = conn_of(stream);
	c->closed = true;
	if (c->busy == 0)
		conn_free(c);
}

static const struct local_stream_ops stream_ops = {
	.send = stream_send,
	.shutdown = stream_shutdown,
	.close = stream_close,
};

/* An unread byte makes the kernel report our close() as ECONNRESET, so libslirp resets the guest's connection instead of sending FIN. */
static void refuse(struct local_conn *c, struct slirp_socket *x)
{
	(void)!send(x->fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	conn_free(c);
}

static struct local_conn *conn_new(struct local *l, struct slirp_guest *g, int fd, uint16_t port)
{
	struct local_conn *c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	*c = (struct local_conn){
		.stream = { .ops = &stream_ops,
			    .payer = payer_ref(g->guest->payer),
			    .guest = { .addr = ip_from_ip4(g->ip), .port = port } },
		.watch = { .ready = on_ready },
		.guest = g,
		.service = l->service,
		.fd = fd,
	};
	list_append(&g->conns, &c->node);
	g->n_conns++;
	return c;
}

void local_connected(struct local *l, struct slirp_guest *g, usec_t now, uint16_t port, struct slirp_socket *x)
{
	struct half_open *h = find_handshake(g, now, port, l->port);
	if (h)
		forget_handshake(g, h);
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct local_conn *c = conn_new(l, g, fd, port);
	if (!c) {
		close(fd);
		return;
	}
	conn_enter(c);
	bool accepted = l->service->ops->accept(l->service, now, &c->stream);
	if (!conn_leave(c))
		return;
	if (!accepted || poller_watch(g->engine->config.poller, &c->watch, fd, POLL_EVENT_IN | (c->blocked ? POLL_EVENT_OUT : 0)) < 0)
		refuse(c, x);
}

void local_guest_gone(struct slirp_guest *g, usec_t now, bool tell)
{
	list_for_each(n, &g->half_open)
		forget_handshake(g, container_of(n, struct half_open, node));
	list_for_each(n, &g->conns) {
		struct local_conn *c = container_of(n, struct local_conn, node);
		if (tell)
			conn_gone(c, now);
		else
			conn_free(c);
	}
}
