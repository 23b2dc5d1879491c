/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target is connected, or waits until `again`.  Connecting to a unix socket succeeds or fails at once.  A connection that ends soon
 * counts as a failure, so a peer that closes each connection at once does not cause a busy loop.
 */
#include "link/connector.h"

#include "base/log.h"
#include "base/macros.h"
#include "host/unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MIN (50 * USEC_PER_MSEC)
#define PAUSE_MAX USEC_PER_SEC

void connector_init(struct connector *c, struct log *log,
		    int (*connected)(struct connector *c, struct connector_target *target, usec_t now, int fd))
{
	*c = (struct connector){ .log = log, .connected = connected };
	list_init(&c->targets);
}

void connector_done(struct connector *c)
{
	list_for_each(node, &c->targets) {
		struct connector_target *t = container_of(node, struct connector_target, node);
		list_remove(&t->node);
		free(t);
	}
}

int connector_add(struct connector *c, const char *path, const struct port_identity *identity)
{
	size_t size = strlen(path) + 1;
	if (!unix_path_fits(path))
		return -ENAMETOOLONG;
	struct connector_target *t = calloc(1, sizeof(*t) + size);
	if (!t)
		return -ENOMEM;
	t->connector = c;
	t->pause = PAUSE_MIN;
	if (identity)
		t->identity = *identity;
	memcpy(t->path, path, size);
	list_append(&c->targets, &t->node);
	return 0;
}

static void wait_longer(struct connector_target *t, usec_t now)
{
	t->again = usec_add(now, t->pause);
	t->pause = MIN(2 * t->pause, PAUSE_MAX);
}

static void try(struct connector_target *t, usec_t now)
{
	struct connector *c = t->connector;
	t->again = USEC_INFINITY;
	t->since = now;
	int fd = unix_connect(t->path);
	int r = fd < 0 ? fd : c->connected(c, t, now, fd);
	if (r < 0 && fd >= 0)
		close(fd);
	if (r < 0)
		wait_longer(t, now);
	/* Log each reason once: it may be hours until the peer listens. */
	if (r < 0 && r != t->failure)
		log_info(c->log, "%s: %s; trying again", t->path,
			 r == -ENOENT || r == -ECONNREFUSED ? "nothing listens there yet" : strerror(-r));
	t->failure = r;
}

void connector_lost(struct connector_target *t, usec_t now)
{
	if (!t)
		return;
	if (now - t->since >= PAUSE_MAX)
		t->pause = PAUSE_MIN;
	wait_longer(t, now);
}

usec_t connector_deadline(const struct connector *c)
{
	usec_t first = USEC_INFINITY;
	list_for_each(node, &c->targets)
		first = MIN(first, container_of(node, struct connector_target, node)->again);
	return first;
}

void connector_expire(struct connector *c, usec_t now)
{
	list_for_each(node, &c->targets) {
		struct connector_target *t = container_of(node, struct connector_target, node);
		if (t->again <= now)
			try(t, now);
	}
}

void connector_for_each(const struct connector *c, void (*f)(void *opaque, const char *path, bool is_connected, const char *why_not),
			void *opaque)
{
	list_for_each(node, &c->targets) {
		const struct connector_target *t = container_of(node, struct connector_target, node);
		f(opaque, t->path, connector_is_connected(t), t->failure < 0 ? strerror(-t->failure) : "the connection ended");
	}
}
