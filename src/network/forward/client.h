/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clients of a forward: which source the guest sees, and which guest port they are connected to. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

struct engine_open;
struct forward;
struct forward_env;

/*
 * The source that the guest sees at its address @to: the client, or the gateway in place of an address that the guest cannot answer.  With
 * NAT64 a guest sees a client of IPv4 as it sees hosts of IPv4.
 */
struct ip_endpoint forward_client_source(const struct forward_env *env, const struct ip_endpoint *client, const struct ip_addr *to);
/* Whether a guest can have the address @ip. */
bool forward_is_guest_address(const struct forward_env *env, const struct ip_addr *ip);
/*
 * Sets the guest of @how, its address and port, for the host's @port, and the source that it sees of @client.  -ENOENT while the guest has
 * no address; -ENETUNREACH: no guest can have the one of the forward; -ENOMEM.
 */
int forward_client_guest(const struct forward *f, usec_t now, uint16_t port, const struct ip_endpoint *client, struct engine_open *how);
/*
 * Opens a stream to a guest as engine_ops.open does.  If the source port is taken, it uses another one; if the engine cannot show the
 * source, the gateway's address.
 */
int forward_client_open(const struct forward_env *env, usec_t now, struct engine_open *how);
/* Counts a client, and logs why it was refused.  @result: 0 or a negative errno. */
void forward_client_count(struct forward *f, usec_t now, int result);
