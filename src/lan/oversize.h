/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a frame fit its destination port, so that none is lost in silence: what its bytes leave undone (partial
 * checksum, segmentation) is done in software where the port cannot take it, IPv4 without DF is
 * fragmented, and for the rest the sender is told how large it may be.
 *
 * Payload is never copied: the frames made here point to the original's bytes behind headers of
 * their own in the arena.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/usec.h"
#include "lan/frame.h"
#include "lan/port.h"

struct arena;

/* What a destination takes. */
struct oversize_limits {
	size_t max_frame;  /* bytes with the Ethernet header; of a super-frame it takes whole: of each segment */
	unsigned offloads; /* enum port_offload */
};

static inline struct oversize_limits oversize_limits_of(const struct port *p)
{
	return (struct oversize_limits){ .max_frame = p->max_frame, .offloads = p->offloads };
}

/* The fast path: nothing to do for @f, it can be sent as it is. */
static inline bool oversize_fits(const struct frame *f, const struct oversize_limits *to)
{
	return f->len <= to->max_frame && f->gso == FRAME_GSO_NONE &&
	       (f->checksum != FRAME_CHECKSUM_PARTIAL || to->offloads & PORT_OFFLOAD_CHECKSUM);
}

enum oversize_verdict {
	OVERSIZE_EMITTED, /* all of it went out through emit() */
	OVERSIZE_TOO_BIG, /* must not be fragmented: tell the sender about mtu and count @why */
	OVERSIZE_DROPPED, /* count @why */
};

struct oversize_result {
	enum oversize_verdict verdict;
	enum drop_reason why; /* unless emitted */
	size_t mtu;           /* of a frame too big: the largest IP packet that would have gone through */
};

/*
 * Emits @f in the shape that @to takes.  Headers live in @arena until the end of the turn.  When it runs
 * dry in the middle, what was made before has been emitted and the verdict is a drop.
 */
struct oversize_result oversize_pass(const struct frame *f, const struct oversize_limits *to, struct arena *arena, frame_emit_t emit,
				     void *opaque);
