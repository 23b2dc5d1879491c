/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a frame fit its destination port.  A checksum or segmentation that the port does not do itself is done in software; IPv4 without DF
 * is fragmented; for every other frame that is too large the verdict says so, so that the gateway can tell the sender.
 *
 * Payload is not copied: the new frames have headers in the arena, followed by pieces of the original.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/usec.h"
#include "lan/frame.h"
#include "lan/port.h"

struct arena;
struct packet;

/* What a destination port takes. */
struct oversize_limits {
	size_t max_frame;  /* bytes, Ethernet header included; of a super-frame that it takes whole: of each segment */
	unsigned offloads; /* enum port_offload */
};

static inline struct oversize_limits oversize_limits_of(const struct port *p)
{
	return (struct oversize_limits){ .max_frame = p->max_frame, .offloads = p->offloads };
}

/* The fast path: @f can be sent as it is. */
static inline bool oversize_fits(const struct frame *f, const struct oversize_limits *to)
{
	return f->len <= to->max_frame && f->gso == FRAME_GSO_NONE &&
	       (f->checksum != FRAME_CHECKSUM_PARTIAL || to->offloads & PORT_OFFLOAD_CHECKSUM);
}

enum oversize_verdict {
	OVERSIZE_EMITTED, /* emit() got all of it */
	OVERSIZE_TOO_BIG, /* must not be fragmented: tell the sender the mtu, count @why */
	OVERSIZE_DROPPED, /* count @why */
};

struct oversize_result {
	enum oversize_verdict verdict;
	enum drop_reason why; /* unless emitted */
	size_t mtu;           /* with OVERSIZE_TOO_BIG: the largest IP packet that fits */
};

/*
 * Emits the frame of @p as @to takes it, with new headers in its arena.  When the arena runs out in the middle, the frames before have been
 * emitted and the verdict is a drop.
 */
struct oversize_result oversize_pass(struct packet *p, const struct oversize_limits *to, frame_emit_t emit, void *opaque);
/* The same for a frame that no packet was made of yet. */
struct oversize_result oversize_pass_frame(const struct frame *f, const struct oversize_limits *to, struct arena *arena, frame_emit_t emit,
					   void *opaque);
