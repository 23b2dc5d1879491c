/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clients of a forward that is a proxy: SOCKS 5 (RFC 1928) and HTTP CONNECT on one socket.
 *
 * The proxy owns a client while it reads the request and dials the guest; then the engine owns the descriptor, as with other forwards.  The
 * proxy peeks at the request and takes exactly its bytes out of the socket, so that what follows is left for the engine.  Slow clients
 * are closed after a while, and the oldest ones sooner when there are many.
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
/* @fd is a connected stream socket, owned by the proxy when 0 is returned; otherwise a negative errno. */
int proxy_take(struct forward *f, usec_t now, int fd);
/* Closes the clients that have no flow yet. */
void proxy_close(struct forward *f, usec_t now);

/* When proxy_expire() has to be called; USEC_INFINITY: never. */
usec_t proxy_deadline(const struct proxy *p);
void proxy_expire(struct forward *f, usec_t now);
