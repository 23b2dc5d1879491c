/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services of lanlet over TCP (gateway/stream_service.h).  libslirp connects a guest's connection to a unix socket of ours; this
 * file serves the other end as a local_stream.
 *
 * libslirp connects synchronously while it handles the guest's last handshake segment, so each connection is accepted before the
 * next segment: the backlog never fills, and the connection's guest is known.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct slirp_guest;
struct local;
struct slirp_socket;
struct stack;
struct stream_service;

/* Listens for connections to @service.  Negative errno. */
int local_new(struct engine *e, uint16_t port, struct stream_service *service, struct local **ret);
void local_free(struct local *l);
/* The service at the gateway's @port, or NULL. */
struct local *local_find(const struct engine *e, uint16_t port);
/* Registers all services with @s. Negative errno. */
int local_attach(struct engine *e, struct stack *s);

/*
 * The guest sent a SYN for @l from @port: false when it has too many connections or unfinished handshakes. Those have no descriptor
 * in libslirp, so they are counted here.
 */
bool local_syn(struct local *l, struct slirp_guest *g, usec_t now, uint16_t port);
/* The guest's connection from @port is established; @x is libslirp's end. The service may refuse it. */
void local_connected(struct local *l, struct slirp_guest *g, usec_t now, uint16_t port, struct slirp_socket *x);
/* Ends all connections of @g; @tell: tell their services. */
void local_guest_gone(struct slirp_guest *g, usec_t now, bool tell);
