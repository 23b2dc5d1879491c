/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is shown what passes through a segment: a contract of segment.h's, for captures.  An observer changes nothing and keeps
 * nothing that it is shown: frames are borrowed for the call.  Nobody observes most of the time, which costs a test of a pointer
 * where a frame enters or leaves the segment.
 */
#pragma once

#include "base/drop.h"

struct frame;
struct port;

enum observed {
	OBSERVED_IN,  /* from the port into the segment */
	OBSERVED_OUT, /* out of the port, what came in by another one */
	OBSERVED_OWN, /* out of the port, what the switch itself says */
};

struct observer {
	struct observer *next; /* the segment's */
	void (*frame)(struct observer *o, const struct port *p, enum observed how, const struct frame *f);
	/* @f, which came from @p or was to go out of it, or NULL when nobody has its bytes any more.  @p NULL: nobody's in particular. */
	void (*drop)(struct observer *o, const struct port *p, enum drop_reason why, const struct frame *f);
	/* @p is being detached. */
	void (*port_gone)(struct observer *o, const struct port *p);
	void (*turn_ends)(struct observer *o);
};
