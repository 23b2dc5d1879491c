/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the segment share: segment.c has its ports and its life, segment_path.c the way of a frame to one port, segment_flood.c
 * to several, segment_mtu.c what is too large for a port.
 */
#pragma once

#include "lan/segment.h"

struct oversize_limits;

/* What send_fitting() needs to know. */
struct passage {
	struct segment *segment;
	usec_t now;
	struct port *to;
};

/* Isolated ports, as of the kernel's bridge. */
static inline bool segment_keeps_apart(const struct port *a, const struct port *b)
{
	return a->isolated && b->isolated;
}

/* Sends @p out of @to.  @flooded: @to may not be the port that the frame is meant for. */
void segment_output_packet(struct segment *s, usec_t now, struct port *to, struct packet *p, bool flooded);
/* Sends @frame, which @opaque's port takes; @opaque is a struct passage. */
void segment_send_fitting(void *opaque, const struct frame *frame);
/* @p does not fit @limits: cuts or fragments it, or answers and drops it. */
void segment_make_fit(struct passage *passage, const struct oversize_limits *limits, struct packet *p, bool flooded);
void segment_output_long(struct segment *s, usec_t now, struct port *to, struct packet *p, bool flooded);
/* @p goes to every port that it may reach. */
void segment_flood(struct segment *s, usec_t now, struct port *from, struct packet *p);
/* @p is for a group, or for all. */
void segment_forward_group(struct segment *s, usec_t now, struct port *from, struct packet *p);
/* A frame that GRO has joined, or did not join, enters; the segment is @opaque. */
void segment_enter_joined(void *opaque, const struct frame *frame);
/* segment_send(), with the segment as @opaque. */
void segment_send_own(void *opaque, usec_t now, struct port *p, const void *bytes, size_t len);
