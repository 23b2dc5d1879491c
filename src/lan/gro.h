/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic receive offload: joins TCP segments that come one behind the other, as senders without TSO make them, to
 * super-frames, so that switch, gateway and engine are passed once for up to 64 KiB.
 *
 * Embedded in a port's implementation, for one batch of frames at a time.  The order of frames stays as it is.  Cutting a
 * super-frame up again (gso.h) gives the segments back.  Segments have had their checksums verified; what does not
 * join, or is wrong in any way, passes as it came.
 *
 * Only what goes to one MAC address is joined, the gateway's: another guest would need it cut up again.
 */
#pragma once

#include "base/addr.h"
#include "lan/frame.h"
#include "wire/tcp4.h"

struct arena;

struct gro {
	struct mac destination;
	struct arena *arena; /* of the turn, for headers */
	frame_emit_t emit;
	void *opaque;

	unsigned n_joined;  /* segments waiting; the rest holds when there are any */
	struct frame first; /* the first of them */
	struct tcp4_data head;
	size_t payload_len;
	bool push;
	struct iovec iov[FRAME_IOV_MAX]; /* a place for the header, then payloads */
};

void gro_init(struct gro *g, struct mac destination, struct arena *arena, frame_emit_t emit, void *opaque);
static inline bool gro_is_empty(const struct gro *g)
{
	return g->n_joined == 0;
}

/* Emits @f, now or joined to others by the next gro_flush(). */
void gro_input(struct gro *g, const struct frame *f);
/* Emits what waits. */
void gro_flush(struct gro *g);
