/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segmentation in software of a super-frame (TCP over IPv4 or IPv6, or UDP datagrams of equal size) for a port that
 * does not take it whole.
 */
#pragma once

#include "lan/frame.h"

struct arena;
struct layers;

/* More segments than this of one frame are an attack: 64 KiB have 45 at an MTU of 1500. */
#define GSO_SEGMENTS_MAX 1024u

/*
 * Bytes of the headers in front of each segment's payload.  -EBADMSG when @f, of which @l is what layers_parse()
 * found, is not what its gso field says.
 */
int gso_header_len(const struct frame *f, const struct layers *l, struct arena *arena);

/*
 * Payload of each of the datagrams that @f stands for, which is UDP with @payload_len bytes in all; the last may be shorter.  -EBADMSG
 * when they are too many.
 */
int gso_datagram_len(const struct frame *f, size_t payload_len);

/*
 * Emits the segments of @f.  @partial: the port completes checksums, so only the pseudo-header's is made.
 * -EBADMSG when @f is not what its gso field says (nothing is emitted), -ENOMEM.
 */
int gso_segment(const struct frame *f, const struct layers *l, bool partial, struct arena *arena, frame_emit_t emit, void *opaque);
