/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/listener.h"

#include "base/log.h"
#include "base/macros.h"
#include "host/poller.h"
#include "lan/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Pause after a connection could not be accepted. */
#define PAUSE USEC_PER_SEC
/* The value of `again` after listener_suspend(). */
#define SUSPENDED (USEC_INFINITY - 1)

struct listening {
	struct list node;
	struct listener *listener;
	struct watch watch;
	bool has_identity;
	struct port_identity identity; /* of the connections that are accepted here */
};

static void pause_all(struct listener *l, usec_t until)
{
	list_for_each(node, &l->sockets)
		poller_unwatch(l->poller, &container_of(node, struct listening, node)->watch);
	l->again = until;
}

static void socket_ready(struct watch *w, usec_t now, unsigned events)
{
	struct listening *s = container_of(w, struct listening, watch);
	struct listener *l = s->listener;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r = fd < 0 ? -errno : l->accepted(l, fd, s->has_identity ? &s->identity : NULL);
	if (r == 0 || r == -EAGAIN || r == -EINTR || r == -ECONNABORTED)
		return;
	if (fd >= 0)
		close(fd);
	log_limited(l->log, &l->log_limit, now, LOG_LEVEL_WARNING, "listener: cannot accept another connection: %s", strerror(-r));
	/* Without a pause the socket would be ready again at once. */
	pause_all(l, usec_add(now, PAUSE));
	if (l->paused)
		l->paused(l);
}

void listener_init(struct listener *l, struct poller *poller, struct log *log,
		   int (*accepted)(struct listener *l, int fd, const struct port_identity *identity))
{
	*l = (struct listener){ .poller = poller, .log = log, .log_limit.kind = "listener", .accepted = accepted, .again = USEC_INFINITY };
	list_init(&l->sockets);
}

static void listening_free(struct listening *s)
{
	poller_unwatch(s->listener->poller, &s->watch);
	list_remove(&s->node);
	close(s->watch.fd);
	free(s);
}

void listener_done(struct listener *l)
{
	list_for_each(node, &l->sockets)
		listening_free(container_of(node, struct listening, node));
}

void listener_remove(struct listener *l, int fd)
{
	list_for_each(node, &l->sockets) {
		struct listening *s = container_of(node, struct listening, node);
		if (s->watch.fd == fd)
			listening_free(s);
	}
}

int listener_add(struct listener *l, int fd, const struct port_identity *identity)
{
	struct listening *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct listening){ .listener = l, .watch = { .ready = socket_ready, .fd = fd }, .has_identity = identity };
	if (identity)
		s->identity = *identity;
	int r = poller_watch(l->poller, &s->watch, fd, POLL_EVENT_IN);
	if (r < 0) {
		free(s);
		return r;
	}
	list_append(&l->sockets, &s->node);
	return 0;
}

void listener_suspend(struct listener *l)
{
	pause_all(l, SUSPENDED);
}

void listener_resume(struct listener *l, usec_t now)
{
	if (l->again == USEC_INFINITY)
		return;
	l->again = USEC_INFINITY;
	list_for_each(node, &l->sockets) {
		struct listening *s = container_of(node, struct listening, node);
		if (!s->watch.active && poller_watch(l->poller, &s->watch, s->watch.fd, POLL_EVENT_IN) < 0)
			l->again = usec_add(now, PAUSE);
	}
	if (l->again != USEC_INFINITY && l->paused)
		l->paused(l);
}

usec_t listener_deadline(const struct listener *l)
{
	return l->again == SUSPENDED ? USEC_INFINITY : l->again;
}

void listener_expire(struct listener *l, usec_t now)
{
	if (l->again <= now)
		listener_resume(l, now);
}
