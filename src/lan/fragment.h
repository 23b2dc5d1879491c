/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 fragmentation (RFC 791 §3.2) of a frame for a port that takes smaller ones. */
#pragma once

#include "lan/frame.h"

struct packet;

/*
 * Emits the frame of @p, whose checksums are complete, in frames of at most @max_frame bytes.  It is IPv4 without DF, and may be a fragment
 * itself.  -EMSGSIZE when fewer than 8 bytes fit behind the headers (nothing is emitted), -EBADMSG when a fragment would end
 * beyond byte 65535, -ENOMEM.
 */
int fragment_ipv4(const struct packet *p, size_t max_frame, frame_emit_t emit, void *opaque);
