/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest sends, on its way into libslirp: which stack it belongs to, what address that stack must dial, and
 * whether the guest may have another flow.
 */
#pragma once

#include "base/usec.h"

struct engine;
struct packet;

/* As engine_ops.input. */
void inbound_packet(struct engine *e, usec_t now, const struct packet *p);
