/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets from a guest to libslirp: chooses the stack and the address that the stack must connect to, and decides whether the guest
 * may have another flow.
 */
#pragma once

#include "base/usec.h"

struct engine;
struct packet;

/* As engine_ops.input. */
void inbound_packet(struct engine *e, usec_t now, const struct packet *p);
