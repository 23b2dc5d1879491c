/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who comes to a forward, by stream or by datagram, and where he is taken. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

struct engine_open;
struct forward;
struct forward_env;

/* Whom the guest sees: the client itself, or the gateway for one whose address the guest could not answer. */
struct ip_endpoint forward_client_source(const struct forward_env *env, const struct ip_endpoint *client);
/* Where the clients of the host's @port are taken.  -ENOENT while the guest has no address. */
int forward_client_guest(const struct forward *f, usec_t now, uint16_t port, struct ip_endpoint *ret);
/*
 * Opens a stream to a guest as @how says, and where the source that it names is taken or the engine cannot show it, as the gateway.  As
 * engine_ops.open.
 */
int forward_client_open(const struct forward_env *env, usec_t now, struct engine_open *how);
/* What became of a client: 0 or a negative errno. */
void forward_client_count(struct forward *f, usec_t now, int result);
