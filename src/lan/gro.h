/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic receive offload: joins consecutive TCP segments of a port to super-frames, so that switch, gateway and engine handle up to
 * 64 KiB at once, of IPv4 and of IPv6.  Embedded in the segment, which feeds it the frames of one batch at a time
 * (segment_input_batch()).
 *
 * Only frames to one MAC address are joined, the gateway's: for another guest they would have to be cut up again.  The order of frames
 * stays as it is.  Only segments with right checksums are joined; every other frame passes as it came.  Cutting a super-frame up
 * again (gso.h) gives the segments back.
 */
#pragma once

#include "base/addr.h"
#include "lan/frame.h"
#include "wire/tcp_data.h"

struct arena;

struct gro {
	const struct mac *destination;
	struct arena *arena; /* of the turn, for headers */
	frame_emit_t emit;
	void *opaque;

	unsigned n_joined; /* segments that wait; the members below are valid while there are any */
	struct port *from;
	const uint8_t *first; /* the first segment, from its Ethernet header on */
	struct tcp_data head;
	size_t payload_len;
	bool push;
	struct iovec iov[FRAME_IOV_MAX]; /* the common header, then payloads */
};

/* @destination and @arena are borrowed for the life of @g; @emit gets the frames that waited. */
void gro_init(struct gro *g, const struct mac *destination, struct arena *arena, frame_emit_t emit, void *opaque);
static inline bool gro_is_empty(const struct gro *g)
{
	return g->n_joined == 0;
}

/*
 * Offers the next frame, @len bytes from port @from.  true: it was taken and is emitted by gro_flush() at the latest.  false: it cannot be
 * joined; all frames before it have been emitted, and the caller passes it on.
 */
bool gro_take(struct gro *g, struct port *from, const uint8_t *bytes, size_t len);
/* Emits what waits. */
void gro_flush(struct gro *g);
/* Emits the frames that @f, which has @f->joined, was made of, with the bytes that they came with. */
void gro_take_apart(const struct frame *f, frame_emit_t emit, void *opaque);
