/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clients of a forward: which source the guest sees, and which guest port they are connected to. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

struct engine_open;
struct forward;
struct forward_env;

/* The source that the guest sees: the client, or the gateway in place of an address that the guest cannot answer. */
struct ip_endpoint forward_client_source(const struct forward_env *env, const struct ip_endpoint *client);
/* Sets the guest of @how, and its address and port, for the host's @port.  -ENOENT while the guest has no address; -ENOMEM. */
int forward_client_guest(const struct forward *f, usec_t now, uint16_t port, struct engine_open *how);
/*
 * Opens a stream to a guest as engine_ops.open does.  If the source port is taken, it uses another one; if the engine cannot show the
 * source, the gateway's address.
 */
int forward_client_open(const struct forward_env *env, usec_t now, struct engine_open *how);
/* Counts a client, and logs why it was refused.  @result: 0 or a negative errno. */
void forward_client_count(struct forward *f, usec_t now, int result);
