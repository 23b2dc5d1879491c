/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets of a link that others listen on, as QEMU in server mode does: connects to each, hands the connection to the link, and
 * connects again when it has ended.  While nobody listens it tries again, after ever longer pauses up to a second.
 * Embedded in the link.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "lan/port.h"

#include <stdbool.h>

struct log;
struct poller;

/* One path.  Lives as long as the connector. */
struct connector_target {
	struct list node;
	struct connector *connector;
	usec_t again;                  /* when to try; USEC_INFINITY while connected */
	usec_t pause;                  /* after the next failure */
	usec_t since;                  /* connected since then */
	struct port_identity identity; /* of the port that each connection becomes */
	int failure;                   /* of the last attempt, negative errno; 0: none */
	char path[];
};

struct connector {
	struct log *log;
	/*
	 * @fd is connected to @target's path, CLOEXEC and NONBLOCK, and the link's when this returns 0; else a negative errno.  The link
	 * calls connector_lost() when that connection has ended.
	 */
	int (*connected)(struct connector *c, struct connector_target *target, usec_t now, int fd);
	struct list targets;
};

void connector_init(struct connector *c, struct log *log,
		    int (*connected)(struct connector *c, struct connector_target *target, usec_t now, int fd));
/* To be called behind the link's last connection. */
void connector_done(struct connector *c);

/* Connects to @path from the next expire() on.  @identity may be NULL.  -ENAMETOOLONG when no socket can have that path, -ENOMEM. */
int connector_add(struct connector *c, const char *path, const struct port_identity *identity);
/* The connection to @target has ended; NULL is fine, for connections that were none of the connector's. */
void connector_lost(struct connector_target *target, usec_t now);

static inline bool connector_is_connected(const struct connector_target *target)
{
	return target->again == USEC_INFINITY;
}

/* Calls @f for each target; @why_not says why one that is not connected is not. */
void connector_for_each(const struct connector *c, void (*f)(void *opaque, const char *path, bool is_connected, const char *why_not),
			void *opaque);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t connector_deadline(const struct connector *c);
void connector_expire(struct connector *c, usec_t now);
