/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/datagram.h"

#include "base/macros.h"
#include "gateway/engine.h"
#include "host/poller.h"
#include "host/socket_address.h"
#include "network/forward/client.h"
#include "network/forward/forward.h"
#include "network/forward/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TURN_DATAGRAMS 64  /* for each turn, so that other sockets have theirs */
#define DATAGRAM_MAX 65536 /* more than any datagram has */
/* How many peers drain() may find, each in the socket of another. */
#define DRAIN_DEPTH 16
/* How many source ports are tried for a peer whose own is taken. */
#define PORT_STEPS 16

struct datagram_socket {
	struct list node;
	struct forward *forward;
	uint16_t port;
	unsigned depth; /* how deeply drain() is nested */
	struct watch watch;
	uint8_t bytes[DATAGRAM_MAX]; /* the datagram that is being handled */
};

static bool read_one(struct datagram_socket *s, int fd, struct ip_endpoint *ret_peer, size_t *ret_len)
{
	union socket_address from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(fd, s->bytes, sizeof(s->bytes), MSG_DONTWAIT, &from.any, &from_len);
	if (n < 0)
		return false;
	*ret_peer = socket_address_get(&from);
	*ret_len = (size_t)n;
	return true;
}

static void take(struct datagram_socket *s, usec_t now, const struct ip_endpoint *peer, size_t len);

/*
 * Between bind() and connect(), the kernel gives the new socket @fd datagrams of all peers.  They are first in its queue, and go to the
 * flows of their peers before the engine reads there.
 */
static void drain(struct datagram_socket *s, usec_t now, int fd)
{
	struct ip_endpoint peer;
	size_t len;
	s->depth++;
	for (unsigned i = 0; i < TURN_DATAGRAMS && read_one(s, fd, &peer, &len); i++) {
		if (s->depth <= DRAIN_DEPTH)
			take(s, now, &peer, len);
		else
			forward_client_count(s->forward, now, -EAGAIN);
	}
	s->depth--;
}

/* Opens a flow for the peer, and gives it the datagram. */
static int open_flow(struct datagram_socket *s, usec_t now, const struct ip_endpoint *peer, struct engine_open *how)
{
	const struct forward_env *env = s->forward->env;
	how->fd = forward_socket_connect(s->watch.fd, peer);
	if (how->fd < 0)
		return how->fd;
	int r = env->engine_ops->open(env->engine, now, how);
	if (r < 0)
		close(how->fd);
	else
		drain(s, now, how->fd);
	return r;
}

/* Gives the datagram to the flow of its peer. */
static void take(struct datagram_socket *s, usec_t now, const struct ip_endpoint *peer, size_t len)
{
	struct forward *f = s->forward;
	struct engine_open how = {
		.source = forward_client_source(f->env, peer), .fd = -1, .peer = *peer, .datagram = s->bytes, .datagram_len = len
	};
	int r = forward_client_guest(f, now, s->port, &how);
	if (r < 0)
		return forward_client_count(f, now, r);
	r = f->env->engine_ops->open(f->env->engine, now, &how);
	/* The guest sees another peer with this source already: two peers behind the gateway's address differ by the port only. */
	for (unsigned i = 0; r == -EADDRINUSE && i < PORT_STEPS; i++) {
		how.source.port = how.source.port == UINT16_MAX ? 1024 : how.source.port + 1;
		r = f->env->engine_ops->open(f->env->engine, now, &how);
	}
	if (r == -ENOTCONN) {
		r = open_flow(s, now, peer, &how);
		forward_client_count(f, now, r);
	} else if (r < 0) {
		forward_client_count(f, now, r);
	}
}

static void socket_ready(struct watch *w, usec_t now, unsigned events)
{
	struct datagram_socket *s = container_of(w, struct datagram_socket, watch);
	struct ip_endpoint peer;
	size_t len;
	for (unsigned i = 0; i < TURN_DATAGRAMS && read_one(s, w->fd, &peer, &len); i++)
		if (peer.port != 0)
			take(s, now, &peer, len);
}

int forward_datagram_add(struct forward *f, int fd, uint16_t port)
{
	struct datagram_socket *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct datagram_socket){ .forward = f, .port = port, .watch = { .ready = socket_ready } };
	int r = poller_watch(f->env->poller, &s->watch, fd, POLL_EVENT_IN);
	if (r < 0) {
		free(s);
		return r;
	}
	list_append(&f->datagram_sockets, &s->node);
	return 0;
}

void forward_datagram_suspend(struct forward *f, bool suspended)
{
	list_for_each(node, &f->datagram_sockets) {
		struct datagram_socket *s = container_of(node, struct datagram_socket, node);
		if (suspended)
			poller_unwatch(f->env->poller, &s->watch);
		else if (!s->watch.active)
			poller_watch(f->env->poller, &s->watch, s->watch.fd, POLL_EVENT_IN);
	}
}

void forward_datagram_close(struct forward *f)
{
	list_for_each(node, &f->datagram_sockets) {
		struct datagram_socket *s = container_of(node, struct datagram_socket, node);
		poller_unwatch(f->env->poller, &s->watch);
		list_remove(&s->node);
		close(s->watch.fd);
		free(s);
	}
}
