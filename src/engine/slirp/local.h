/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services of lanlet over TCP (gateway/stream_service.h).  libslirp connects a guest's connection to a unix socket of
 * ours; here is its other end, as a local_stream for the service.
 *
 * libslirp connects while it handles the guest's last handshake segment, blocking, so the connection is accepted before
 * the next segment: the backlog never fills and it is known whose connection it is.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct guest;
struct local;
struct slirp_socket;
struct stack;
struct stream_service;

/* Listens for connections to @service.  Negative errno. */
int local_new(struct engine *e, uint16_t port, struct stream_service *service, struct local **ret);
void local_free(struct local *l);
/* The service at the gateway's @port; NULL when there is none. */
struct local *local_find(const struct engine *e, uint16_t port);
/* Tells @s of every service.  Negative errno. */
int local_attach(struct engine *e, struct stack *s);

/*
 * The guest sent a SYN for @l from @port: false when it has too many connections or unfinished handshakes.  libslirp
 * has no descriptor, and so no count, for those.
 */
bool local_syn(struct local *l, struct guest *g, usec_t now, uint16_t port);
/* The guest's connection from @port is made; @x is libslirp's end.  The service may refuse it. */
void local_connected(struct local *l, struct guest *g, usec_t now, uint16_t port, struct slirp_socket *x);
/* Ends all of @g's connections; with @tell their services hear of it. */
void local_guest_gone(struct guest *g, usec_t now, bool tell);
