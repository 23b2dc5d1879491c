/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening sockets of a link: takes connections and hands each to the link.  Embedded in the link.
 *
 * When there is no descriptor or memory for a connection, which waits in the backlog then, nothing is accepted for a little
 * while, or until the link says that something was freed: no listener ever spins.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"

struct log;
struct poller;

struct listener {
	struct poller *poller;
	struct log *log;
	/* @fd is connected, CLOEXEC and NONBLOCK, and the link's when this returns 0; else a negative errno. */
	int (*accepted)(struct listener *l, int fd);
	/* Optional: deadline() has come nearer. */
	void (*paused)(struct listener *l);
	struct list sockets;
	usec_t again; /* nothing is accepted until then; USEC_INFINITY: everything is; one less: until it is resumed */
};

void listener_init(struct listener *l, struct poller *poller, struct log *log, int (*accepted)(struct listener *l, int fd));
/* Closes the sockets. */
void listener_done(struct listener *l);

/* Accepts on @fd, a listening socket; owned from now on when 0 is returned. */
int listener_add(struct listener *l, int fd);
/* Accepts nothing, whatever happens, until listener_resume(): clients wait in the backlog. */
void listener_suspend(struct listener *l);
/* Something was freed: tries again. */
void listener_resume(struct listener *l);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t listener_deadline(const struct listener *l);
void listener_expire(struct listener *l, usec_t now);
