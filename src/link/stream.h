/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream sockets as ports: QEMU's `-netdev stream`.  Each frame goes behind its length, 4 bytes in network
 * order; both ends may split and join at any byte.
 *
 * One struct stream_link serves all listeners and connections of a segment.  A connection that ends, or
 * announces a length that cannot be, takes only its own port away.  One that does not drain has a
 * bounded queue; frames behind that are dropped and counted.
 */
#pragma once

#include "base/usec.h"

#include <stddef.h>

struct connector;
struct log;
struct poller;
struct port_identity;
struct segment;
struct stream_link;

/* IP packet of 65,535 bytes, Ethernet header and one 802.1Q tag. */
#define STREAM_FRAME_MAX (65535 + 14 + 4)

struct stream_link_config {
	struct poller *poller;
	struct segment *segment;
	struct log *log;
	size_t mtu; /* of the ports: what the whole path to a guest is known to carry */
};

/* -ENOMEM. */
int stream_link_new(const struct stream_link_config *config, struct stream_link **ret);
/* Closes all connections and listeners.  NULL is fine. */
void stream_link_free(struct stream_link *l, usec_t now);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t stream_link_deadline(const struct stream_link *l);
void stream_link_expire(struct stream_link *l, usec_t now);

/* Accepts on @fd, a listening socket; owned from now on when 0 is returned. */
int stream_link_listen(struct stream_link *l, int fd);
/*
 * Connects to @path, where a guest listens (QEMU's server=on); each connection becomes a port, and when it ends, the next one is
 * tried for.  @identity may be NULL.  -ENAMETOOLONG, -ENOMEM.
 */
int stream_link_connect(struct stream_link *l, const char *path, const struct port_identity *identity);
/* The paths that are connected to. */
const struct connector *stream_link_connector(const struct stream_link *l);
/* @fd, a connected socket, becomes a port; owned from now on when 0 is returned.  @identity may be NULL. */
int stream_link_add(struct stream_link *l, int fd, const struct port_identity *identity);
