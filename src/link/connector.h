/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connects to sockets where a peer listens, such as QEMU in server mode, hands each connection to the link, and connects again when it has
 * ended.  Failed attempts are repeated after pauses that grow to one second.  Embedded in the link.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"
#include "lan/port.h"

#include <stdbool.h>

struct log;
struct poller;

/* A path to connect to.  Lives as long as the connector. */
struct connector_target {
	struct list node;
	struct connector *connector;
	usec_t again;                  /* when to try; USEC_INFINITY while connected */
	usec_t pause;                  /* after the next failure */
	usec_t since;                  /* connected since then */
	struct port_identity identity; /* of the ports that its connections become */
	int failure;                   /* negative errno of the last attempt; 0: it succeeded */
	char path[];
};

struct connector {
	struct log *log;
	/*
	 * @fd is connected to @target's path, CLOEXEC and NONBLOCK.  The link owns it if this returns 0, and calls connector_lost() when
	 * that connection has ended.  Otherwise a negative errno.
	 */
	int (*connected)(struct connector *c, struct connector_target *target, usec_t now, int fd);
	struct list targets;
};

void connector_init(struct connector *c, struct log *log,
		    int (*connected)(struct connector *c, struct connector_target *target, usec_t now, int fd));
/* The link must have freed its connections before. */
void connector_done(struct connector *c);

/* Adds a target; the first attempt is at the next expire().  @identity may be NULL.  -ENAMETOOLONG, -ENOMEM. */
int connector_add(struct connector *c, const char *path, const struct port_identity *identity);
/* The connection to @target has ended.  @target may be NULL, for connections that the connector did not make. */
void connector_lost(struct connector_target *target, usec_t now);

static inline bool connector_is_connected(const struct connector_target *target)
{
	return target->again == USEC_INFINITY;
}

/* Calls @f for each target, with the reason when it is not connected. */
void connector_for_each(const struct connector *c, void (*f)(void *opaque, const char *path, bool is_connected, const char *why_not),
			void *opaque);

/* When expire() is wanted; USEC_INFINITY for never. */
usec_t connector_deadline(const struct connector *c);
void connector_expire(struct connector *c, usec_t now);
