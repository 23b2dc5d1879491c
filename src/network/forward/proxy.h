/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clients of a forward that leads wherever they say: a proxy, which understands SOCKS 5 (RFC 1928) and CONNECT of HTTP on one
 * socket.
 *
 * A client is ours while it says what it wants and while its guest is dialled; then its descriptor is the engine's, as any other
 * client's of a forward.  Its request is looked at in the socket and taken out of it exactly, so what follows it is there for the
 * engine.  Those that are slow are closed after a while, the oldest ones sooner when there are many.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"

struct forward;

struct proxy {
	struct list talking; /* oldest first */
	struct list dialling;
	unsigned n_talking;
};

void proxy_init(struct proxy *p);
/* @fd, a connected stream socket, is the proxy's when 0 is returned; -ENOMEM or what the poller says. */
int proxy_take(struct forward *f, usec_t now, int fd);
/* Closes the clients that have no flow yet. */
void proxy_close(struct forward *f, usec_t now);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t proxy_deadline(const struct proxy *p);
void proxy_expire(struct forward *f, usec_t now);
