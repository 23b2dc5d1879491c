/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *     WAITING ── its time comes ──> OPENING ── libvdeplug has it open ──> UP
 *        ^                             │                                  │
 *        └──────── it failed ──────────┴──────── it ended ────────────────┘
 *
 * Opening has no deadline: what libvdeplug waits for, a name server say, may come, and its thread could not be stopped anyway.
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

struct plug_link {
	struct plug_link_config config;
	struct datagram_io io;
	struct list plugs;
	unsigned n_plugs;
};

enum plug_state {
	PLUG_WAITING,
	PLUG_OPENING,
	PLUG_UP,
};

struct plug {
	struct datagram_port data; /* while UP */
	struct list node;
	struct plug_link *link;
	enum plug_state state;
	struct watch opening;
	struct deferred end;
	unsigned number;
	usec_t again; /* while WAITING: when to open it */
	usec_t pause; /* after the next failure */
	usec_t since; /* UP since then */
	int failure;  /* why it waits, an errno; 0: it ended, or was never tried */
	bool was_up;
	char url[];
};

static const char *explain(const struct plug *p)
{
	switch (p->failure) {
	case 0: return p->was_up ? "the connection ended" : "not tried yet";
	case EPROTONOSUPPORT: return "libvdeplug has no plugin for it";
	case ENOENT:
	case ECONNREFUSED: return "nobody is there yet";
	default: return strerror(p->failure);
	}
}

static void wait_longer(struct plug *p, usec_t now)
{
	p->state = PLUG_WAITING;
	p->again = usec_add(now, p->pause);
	p->pause = MIN(2 * p->pause, PAUSE_MAX);
}

static void failed(struct plug *p, usec_t now, int error)
{
	bool is_news = p->failure != error;
	p->failure = error;
	/* Once for each reason: it may be hours until somebody is there. */
	if (is_news)
		log_warning(p->link->config.log, "%s: %s, trying on", p->url, explain(p));
	wait_longer(p, now);
}

/* --- up --- */

static void run_end(struct deferred *d, usec_t now)
{
	struct plug *p = container_of(d, struct plug, end);
	log_warning(p->link->config.log, "port %s: %s is gone, trying on", p->data.port.name, p->url);
	datagram_port_done(&p->data, now);
	/* One that ends again and again at once is no better than one that cannot be opened. */
	if (now - p->since >= PAUSE_MAX)
		p->pause = PAUSE_MIN;
	p->failure = 0;
	wait_longer(p, now);
}

static void data_ended(struct datagram_port *data, usec_t now, int error)
{
	struct plug *p = container_of(data, struct plug, data);
	poller_defer(p->link->config.poller, &p->end);
}

static int go_up(struct plug *p, usec_t now, int fd)
{
	struct plug_link *l = p->link;
	size_t max_frame = vde_relay_max_frame(p->url);
	datagram_port_init(&p->data, &l->io, "plug", max_frame, MIN(l->config.mtu, max_frame - ETH_HEADER_LEN), data_ended);
	snprintf(p->data.port.name, sizeof(p->data.port.name), "plug%u", p->number);
	p->data.port.uplink = true;
	int r = datagram_port_start(&p->data, fd);
	if (r < 0)
		return r;
	p->state = PLUG_UP;
	p->since = now;
	p->was_up = true;
	p->failure = 0;
	log_info(l->config.log, "port %s: joined %s", p->data.port.name, p->url);
	return 0;
}

/* --- opening --- */

static void opening_ready(struct watch *w, usec_t now, unsigned events)
{
	struct plug *p = container_of(w, struct plug, opening);
	int error = 0;
	ssize_t n = recv(w->fd, &error, sizeof(error), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	poller_unwatch(p->link->config.poller, w);
	if (n != (ssize_t)sizeof(error))
		error = ECONNRESET;
	if (error == 0)
		error = -go_up(p, now, w->fd);
	if (error != 0) {
		close(w->fd);
		failed(p, now, error);
	}
	w->fd = -1;
}

static void open_plug(struct plug *p, usec_t now)
{
	int fd = vde_relay_start(p->url);
	int r = fd < 0 ? fd : poller_watch(p->link->config.poller, &p->opening, fd, POLL_EVENT_IN);
	if (r == 0) {
		p->opening.fd = fd;
		p->state = PLUG_OPENING;
		return;
	}
	if (fd >= 0)
		close(fd);
	failed(p, now, -r);
}

/* --- life --- */

int plug_link_add(struct plug_link *l, const char *url)
{
	if (!vde_relay_is_available())
		return -EOPNOTSUPP;
	size_t size = strlen(url) + 1;
	struct plug *p = calloc(1, sizeof(*p) + size);
	if (!p)
		return -ENOMEM;
	datagram_port_init(&p->data, &l->io, "plug", DATAGRAM_FRAME_MAX, l->config.mtu, data_ended);
	p->link = l;
	p->opening = (struct watch){ .ready = opening_ready, .fd = -1 };
	p->end.run = run_end;
	list_init(&p->end.node);
	p->number = ++l->n_plugs;
	p->pause = PAUSE_MIN;
	memcpy(p->url, url, size);
	list_append(&l->plugs, &p->node);
	return 0;
}

void plug_link_for_each_waiting(const struct plug_link *l, void (*f)(void *opaque, const char *url, const char *why), void *opaque)
{
	list_for_each(node, &l->plugs) {
		const struct plug *p = container_of(node, struct plug, node);
		if (p->state != PLUG_UP)
			f(opaque, p->url, p->state == PLUG_OPENING ? "being opened" : explain(p));
	}
}

usec_t plug_link_deadline(const struct plug_link *l)
{
	usec_t first = USEC_INFINITY;
	list_for_each(node, &l->plugs) {
		const struct plug *p = container_of(node, struct plug, node);
		if (p->state == PLUG_WAITING)
			first = MIN(first, p->again);
	}
	return first;
}

void plug_link_expire(struct plug_link *l, usec_t now)
{
	list_for_each(node, &l->plugs) {
		struct plug *p = container_of(node, struct plug, node);
		if (p->state == PLUG_WAITING && p->again <= now)
			open_plug(p, now);
	}
}

int plug_link_new(const struct plug_link_config *config, struct plug_link **ret)
{
	struct plug_link *l = calloc(1, sizeof(*l));
	if (!l || datagram_io_init(&l->io, config->poller, config->segment) < 0) {
		free(l);
		return -ENOMEM;
	}
	l->config = *config;
	list_init(&l->plugs);
	*ret = l;
	return 0;
}

static void plug_free(struct plug *p, usec_t now)
{
	list_remove(&p->end.node);
	list_remove(&p->node);
	datagram_port_done(&p->data, now);
	poller_unwatch(p->link->config.poller, &p->opening);
	if (p->opening.fd >= 0)
		close(p->opening.fd);
	free(p);
}

void plug_link_free(struct plug_link *l, usec_t now)
{
	if (!l)
		return;
	list_for_each(node, &l->plugs)
		plug_free(container_of(node, struct plug, node), now);
	datagram_io_done(&l->io);
	free(l);
}
