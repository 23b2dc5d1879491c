/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segmentation in software of a super-frame (TCP over IPv4 or IPv6, or UDP datagrams of equal size) for a port that
 * does not take it whole.
 */
#pragma once

#include "lan/frame.h"

struct arena;
struct layers;

/* A frame with more segments is an attack: 64 KiB at an MTU of 1500 make 45. */
#define GSO_SEGMENTS_MAX 1024u

/*
 * Length of the headers of each segment.  @l is from layers_parse(@f).  -EBADMSG when @f is not what its gso field says.
 */
int gso_header_len(const struct frame *f, const struct layers *l, struct arena *arena);

/*
 * Payload length of the datagrams in @f, UDP with @payload_len bytes of payload in all; the last one may be shorter.  -EBADMSG when there
 * are too many.
 */
int gso_datagram_len(const struct frame *f, size_t payload_len);

/*
 * Emits the segments of @f.  @partial: the port completes checksums, so only the pseudo-header's sum is written.
 * -EBADMSG when @f is not what its gso field says (nothing is emitted), -ENOMEM.
 */
int gso_segment(const struct frame *f, const struct layers *l, bool partial, struct arena *arena, frame_emit_t emit, void *opaque);
