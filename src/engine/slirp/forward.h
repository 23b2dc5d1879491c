/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows from the host to a guest (engine_ops.open).  libslirp only connects to a guest on behalf of a connection that
 * it accepts from a listener of its own: it is given one on a unix socket for a moment, and a connection to it.
 * Then the descriptor under the number that libslirp holds is replaced by the caller's, so that
 * no bytes need relaying.
 *
 * The guest sees the gateway's address and a port that libslirp picks.
 */
#pragma once

#include "base/usec.h"

struct engine;
struct engine_open;

/* As engine_ops.open. */
int slirp_forward_open(struct engine *e, usec_t now, const struct engine_open *how);
