/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 fragmentation (RFC 791 §3.2) of a frame for a port that takes smaller ones. */
#pragma once

#include "lan/frame.h"

struct arena;
struct layers;

/*
 * Emits @f, whose checksums are complete, in frames of at most @max_frame bytes.  @l is what layers_parse() found: IPv4 without
 * DF.  A fragment may be cut again.  -EMSGSIZE when not even 8 bytes fit behind the headers (nothing is
 * emitted), -EBADMSG for a fragment that ends behind 65535, -ENOMEM.
 */
int fragment_ipv4(const struct frame *f, const struct layers *l, size_t max_frame, struct arena *arena, frame_emit_t emit, void *opaque);
