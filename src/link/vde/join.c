/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *     WAITING ── pause is over ──> OPENING ── libvdeplug has it open ──> UP
 *        ^                             │                                  │
 *        └──────── it failed ──────────┴──────── it ended ────────────────┘
 *
 * Opening has no time limit: libvdeplug may wait for something slow, such as a name server, and its thread cannot be stopped anyway.
 */
#include "link/vde/join.h"

#include "base/list.h"
#include "base/log.h"
#include "base/macros.h"
#include "lan/segment.h"
#include "link/datagram.h"
#include "link/vde/relay.h"
#include "wire/eth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MIN (250 * USEC_PER_MSEC)
#define PAUSE_MAX (30 * USEC_PER_SEC)

struct join_link {
	struct link link;
	struct link_config config;
	struct datagram_io io;
	struct list joins;
	unsigned n_joins;
};

enum join_state {
	JOIN_WAITING,
	JOIN_OPENING,
	JOIN_UP,
};

struct join {
	struct datagram_port data; /* while UP */
	struct list node;
	struct join_link *link;
	enum join_state state;
	struct watch opening;
	struct deferred end;
	unsigned number;
	usec_t again; /* while WAITING: when to open it */
	usec_t pause; /* after the next failure */
	usec_t since; /* when it was last UP */
	int failure;  /* errno of the last attempt; 0: the connection ended, or none was made yet */
	bool was_up;
	char url[];
};

static const char *explain(const struct join *j)
{
	switch (j->failure) {
	case 0: return j->was_up ? "the connection ended" : "not tried yet";
	case EPROTONOSUPPORT: return "libvdeplug has no plugin for it";
	case ENOENT:
	case ECONNREFUSED: return "nothing listens there yet";
	default: return strerror(j->failure);
	}
}

static void wait_longer(struct join *j, usec_t now)
{
	j->state = JOIN_WAITING;
	j->again = usec_add(now, j->pause);
	j->pause = MIN(2 * j->pause, PAUSE_MAX);
}

static void failed(struct join *j, usec_t now, int error)
{
	bool is_news = j->failure != error;
	j->failure = error;
	/* Log each reason once: it may be hours until the peer is there. */
	if (is_news)
		log_warning(j->link->config.log, "%s: %s; trying again", j->url, explain(j));
	wait_longer(j, now);
}

/* --- up --- */

static void run_end(struct deferred *d, usec_t now)
{
	struct join *j = container_of(d, struct join, end);
	log_warning(j->link->config.log, "port %s: connection to %s ended; trying again", j->data.port.name, j->url);
	datagram_port_done(&j->data, now);
	/* A connection that ends soon counts as a failure. */
	if (now - j->since >= PAUSE_MAX)
		j->pause = PAUSE_MIN;
	j->failure = 0;
	wait_longer(j, now);
}

static void data_ended(struct datagram_port *data, usec_t now, int error)
{
	struct join *j = container_of(data, struct join, data);
	poller_defer(j->link->config.poller, &j->end);
}

static int go_up(struct join *j, usec_t now, int fd)
{
	struct join_link *l = j->link;
	size_t max_frame = vde_relay_max_frame(j->url);
	datagram_port_init(&j->data, &l->io, "plug", max_frame, MIN(l->config.mtu, max_frame - ETH_HEADER_LEN), data_ended);
	snprintf(j->data.port.name, sizeof(j->data.port.name), "plug%u", j->number);
	j->data.port.uplink = true;
	int r = datagram_port_start(&j->data, fd);
	if (r < 0)
		return r;
	j->state = JOIN_UP;
	j->since = now;
	j->was_up = true;
	j->failure = 0;
	log_info(l->config.log, "port %s: joined %s", j->data.port.name, j->url);
	return 0;
}

/* --- opening --- */

static void opening_ready(struct watch *w, usec_t now, unsigned events)
{
	struct join *j = container_of(w, struct join, opening);
	int error = 0;
	ssize_t n = recv(w->fd, &error, sizeof(error), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	poller_unwatch(j->link->config.poller, w);
	if (n != (ssize_t)sizeof(error))
		error = ECONNRESET;
	if (error == 0)
		error = -go_up(j, now, w->fd);
	if (error != 0) {
		close(w->fd);
		failed(j, now, error);
	}
	w->fd = -1;
}

static void open_join(struct join *j, usec_t now)
{
	int fd = vde_relay_start(j->url);
	int r = fd < 0 ? fd : poller_watch(j->link->config.poller, &j->opening, fd, POLL_EVENT_IN);
	if (r == 0) {
		j->opening.fd = fd;
		j->state = JOIN_OPENING;
		return;
	}
	if (fd >= 0)
		close(fd);
	failed(j, now, -r);
}

/* --- life --- */

static struct join_link *join_link_of(const struct link *link)
{
	return container_of(link, struct join_link, link);
}

static int join_connect(struct link *link, const char *url, const struct port_identity *identity)
{
	struct join_link *l = join_link_of(link);
	if (!vde_relay_is_available())
		return -EOPNOTSUPP;
	size_t size = strlen(url) + 1;
	struct join *j = calloc(1, sizeof(*j) + size);
	if (!j)
		return -ENOMEM;
	datagram_port_init(&j->data, &l->io, "plug", LINK_FRAME_MAX, l->config.mtu, data_ended);
	j->link = l;
	j->opening = (struct watch){ .ready = opening_ready, .fd = -1 };
	j->end.run = run_end;
	list_init(&j->end.node);
	j->number = ++l->n_joins;
	j->pause = PAUSE_MIN;
	memcpy(j->url, url, size);
	list_append(&l->joins, &j->node);
	return 0;
}

/* Calls @f for those that are not connected. */
static void join_for_each_target(const struct link *link, link_target_f f, void *opaque)
{
	const struct join_link *l = join_link_of(link);
	list_for_each(node, &l->joins) {
		const struct join *j = container_of(node, struct join, node);
		if (j->state != JOIN_UP)
			f(opaque, j->url, false, j->state == JOIN_OPENING ? "being opened" : explain(j));
	}
}

static usec_t join_deadline(const struct link *link)
{
	const struct join_link *l = join_link_of(link);
	usec_t first = USEC_INFINITY;
	list_for_each(node, &l->joins) {
		const struct join *j = container_of(node, struct join, node);
		if (j->state == JOIN_WAITING)
			first = MIN(first, j->again);
	}
	return first;
}

static void join_expire(struct link *link, usec_t now)
{
	struct join_link *l = join_link_of(link);
	list_for_each(node, &l->joins) {
		struct join *j = container_of(node, struct join, node);
		if (j->state == JOIN_WAITING && j->again <= now)
			open_join(j, now);
	}
}

static int join_new(const struct link_config *config, struct link **ret)
{
	struct join_link *l = calloc(1, sizeof(*l));
	if (!l || datagram_io_init(&l->io, config->poller, config->segment) < 0) {
		free(l);
		return -ENOMEM;
	}
	l->link.ops = &join_link_ops;
	l->config = *config;
	list_init(&l->joins);
	*ret = &l->link;
	return 0;
}

static void forget(struct join *j, usec_t now)
{
	list_remove(&j->end.node);
	list_remove(&j->node);
	datagram_port_done(&j->data, now);
	poller_unwatch(j->link->config.poller, &j->opening);
	if (j->opening.fd >= 0)
		close(j->opening.fd);
	free(j);
}

static void join_free(struct link *link, usec_t now)
{
	struct join_link *l = join_link_of(link);
	list_for_each(node, &l->joins)
		forget(container_of(node, struct join, node), now);
	datagram_io_done(&l->io);
	free(l);
}

const struct link_ops join_link_ops = {
	.name = "join",
	.mtu = 1500, /* the MTU behind the other switch is not known */
	.new = join_new,
	.free = join_free,
	.connect = join_connect,
	.for_each_target = join_for_each_target,
	.deadline = join_deadline,
	.expire = join_expire,
};
