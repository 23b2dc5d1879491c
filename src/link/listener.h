/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening sockets of a link: accepts connections and hands each to the link.  Embedded in the link.
 *
 * When a connection cannot be accepted for want of descriptors or memory, it waits in the kernel's backlog.  The listener tries again after
 * a pause, or when the link says that something was freed; it never spins.
 */
#pragma once

#include "base/list.h"
#include "base/log.h"
#include "base/usec.h"

struct poller;
struct port_identity;

struct listener {
	struct poller *poller;
	struct log *log;
	struct log_limit log_limit; /* for lines about clients that have no port */
	/*
	 * @fd is connected, CLOEXEC and NONBLOCK.  The link owns it if this returns 0; otherwise a negative errno.  @identity is that of
	 * the listening socket, NULL if it has none.
	 */
	int (*accepted)(struct listener *l, int fd, const struct port_identity *identity);
	/* Optional: called when deadline() has become earlier. */
	void (*paused)(struct listener *l);
	struct list sockets;
	usec_t again; /* end of the pause; USEC_INFINITY: no pause; one less: paused until listener_resume() */
};

void listener_init(struct listener *l, struct poller *poller, struct log *log,
		   int (*accepted)(struct listener *l, int fd, const struct port_identity *identity));
/* Closes the sockets. */
void listener_done(struct listener *l);

/* Accepts on @fd, a listening socket, which it owns when 0 is returned.  @identity is copied; NULL: none. */
int listener_add(struct listener *l, int fd, const struct port_identity *identity);
/* Closes @fd, which listener_add() took; connections stay. */
void listener_remove(struct listener *l, int fd);
/* Accepts nothing until listener_resume(); clients wait in the backlog. */
void listener_suspend(struct listener *l);
/* A descriptor or memory was freed: tries again, and once more after a pause if the sockets cannot be watched. */
void listener_resume(struct listener *l, usec_t now);

/* When expire() is wanted; USEC_INFINITY for never. */
usec_t listener_deadline(const struct listener *l);
void listener_expire(struct listener *l, usec_t now);
