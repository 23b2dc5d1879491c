/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 fragmentation (RFC 791 §3.2) of a frame for a port that takes smaller ones. */
#pragma once

#include "lan/frame.h"

struct arena;
struct layers;

/*
 * Emits @f, whose checksums are complete, in frames of at most @max_frame bytes.  @l, from layers_parse(), is IPv4 without DF; @f may be a
 * fragment itself.  -EMSGSIZE when fewer than 8 bytes fit behind the headers (nothing is emitted), -EBADMSG when a fragment would end
 * beyond byte 65535, -ENOMEM.
 */
int fragment_ipv4(const struct frame *f, const struct layers *l, size_t max_frame, struct arena *arena, frame_emit_t emit, void *opaque);
