/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost-user front ends as ports: QEMU's `-netdev vhost-user`, User-mode Linux, any other VMM.  The guest's memory is mapped
 * here; frames enter the segment where they lie in it and leave into its receive buffers.
 *
 * One struct vhost_link serves all listeners and connections of a segment.  A connection that ends takes only its own port
 * away; so does a front end that does not keep to the protocol.  A ring or memory that cannot be worked with stops the
 * device until its driver sets it up again.
 *
 *     protocol    messages: bytes to values            on memory only
 *     memory      addresses of the guest               on memory only
 *     ring        virtqueues                           on memory only
 *     net_header  what is in front of each frame       on memory only
 *     mapping, guard   memory of others in our address space
 *     device, queue    one front end: its state and its descriptors
 *     request     what each message does
 *     transmit, receive   frames from and to the guest
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

struct connector;
struct log;
struct poller;
struct port_identity;
struct segment;
struct vhost_link;

struct vhost_link_config {
	struct poller *poller;
	struct segment *segment;
	struct log *log;
	size_t mtu;     /* that guests learn where they can */
	bool busy_poll; /* somebody calls vhost_link_poll() and settle(): guests need not kick meanwhile */
};

/* -ENOMEM. */
int vhost_link_new(const struct vhost_link_config *config, struct vhost_link **ret);
/* Closes all connections and listeners.  NULL is fine. */
void vhost_link_free(struct vhost_link *l, usec_t now);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t vhost_link_deadline(const struct vhost_link *l);
void vhost_link_expire(struct vhost_link *l, usec_t now);

/* --- with busy_poll --- */

/* Whether a guest has put something in a ring that it was not to kick for.  Costs a look at each busy ring. */
bool vhost_link_has_work(const struct vhost_link *l);
/* Does that work. */
void vhost_link_poll(struct vhost_link *l, usec_t now);
/* Asks all guests to kick again; to be called before the caller sleeps. */
void vhost_link_settle(struct vhost_link *l);

/* Accepts on @fd, a listening socket; owned from now on when 0 is returned. */
int vhost_link_listen(struct vhost_link *l, int fd);
/*
 * Connects to @path, where a front end listens (QEMU's server=on); each connection becomes a port, and when it ends, the next one is
 * tried for.  @identity may be NULL.  -ENAMETOOLONG, -ENOMEM.
 */
int vhost_link_connect(struct vhost_link *l, const char *path, const struct port_identity *identity);
/* The paths that are connected to. */
const struct connector *vhost_link_connector(const struct vhost_link *l);
/* @fd, a connected socket, becomes a port; owned from now on when 0 is returned.  @identity may be NULL. */
int vhost_link_add(struct vhost_link *l, int fd, const struct port_identity *identity);
