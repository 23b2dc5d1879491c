/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows from the host to a guest (engine_ops.open).  libslirp connects to a guest only for a connection that it accepts from a
 * listener of its own. So it is given a listener on a unix socket for a moment, and a connection to it; then the caller's descriptor
 * replaces the accepted one under the number that libslirp holds (dup2), and no bytes need relaying.
 *
 * The guest sees the gateway's address and a port that libslirp chooses.
 */
#pragma once

#include "base/usec.h"

struct engine;
struct engine_open;

/* As engine_ops.open. */
int slirp_forward_open(struct engine *e, usec_t now, const struct engine_open *how);
