/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An observer of all frames and drops of a segment; captures are observers.  It changes nothing, and frames are borrowed for the call.
 * A segment without observers pays one test of a pointer where a frame enters or leaves.
 */
#pragma once

#include "base/drop.h"

struct frame;
struct port;

enum observed {
	OBSERVED_IN,  /* from the port into the segment */
	OBSERVED_OUT, /* out of the port, from another port */
	OBSERVED_OWN, /* out of the port, from the switch itself */
};

struct observer {
	struct observer *next; /* the segment's */
	void (*frame)(struct observer *o, const struct port *p, enum observed how, const struct frame *f);
	/* @f came from @p or was to go out of it; NULL when its bytes are gone.  @p NULL: no port in particular. */
	void (*drop)(struct observer *o, const struct port *p, enum drop_reason why, const struct frame *f);
	/* @p is being detached. */
	void (*port_gone)(struct observer *o, const struct port *p);
	void (*turn_ends)(struct observer *o);
};

/* A list of observers begins with *@first; NULL: it is empty. */
void observers_add(struct observer **first, struct observer *o);
/* Harmless when @o is not on the list. */
void observers_remove(struct observer **first, struct observer *o);

/* Each calls the member of that name of all observers. */
void observers_frame(struct observer *first, const struct port *p, enum observed how, const struct frame *frame);
/* Frames that were joined are shown one by one, as they came and as the counters count them. */
void observers_drop(struct observer *first, const struct port *p, enum drop_reason why, const struct frame *frame);
void observers_port_gone(struct observer *first, const struct port *p);
void observers_turn_ends(struct observer *first);
