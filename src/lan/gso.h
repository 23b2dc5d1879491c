/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segmentation in software of a super-frame (TCP over IPv4 or IPv6, or UDP datagrams of equal size) for a port that
 * does not take it whole.
 */
#pragma once

#include "lan/frame.h"

struct packet;

/* A frame with more segments is an attack: 64 KiB at an MTU of 1500 make 45. */
#define GSO_SEGMENTS_MAX 1024u

/* Checks that @p is what its frame's gso fields say, and sets headers_len.  -EBADMSG when not; errors of packet_ip(). */
int gso_check(struct packet *p);

/*
 * Payload length of the datagrams in @f, UDP with @payload_len bytes of payload in all; the last one may be shorter.  -EBADMSG when there
 * are too many.
 */
int gso_datagram_len(const struct frame *f, size_t payload_len);

/*
 * Emits the segments of @p, whose IP header was parsed.  @partial: the port completes checksums, so only the pseudo-header's sum is
 * written. -EBADMSG when it is not what its gso field says (nothing is emitted), -ENOMEM.
 */
int gso_segment(const struct packet *p, bool partial, frame_emit_t emit, void *opaque);
