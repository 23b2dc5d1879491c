/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/observer.h"

#include "lan/frame.h"
#include "lan/gro.h"

void observers_add(struct observer **first, struct observer *o)
{
	o->next = *first;
	*first = o;
}

void observers_remove(struct observer **first, struct observer *o)
{
	for (struct observer **at = first; *at; at = &(*at)->next) {
		if (*at != o)
			continue;
		*at = o->next;
		return;
	}
}

void observers_frame(struct observer *first, const struct port *p, enum observed how, const struct frame *frame)
{
	for (struct observer *o = first; o; o = o->next)
		o->frame(o, p, how, frame);
}

struct shown_drop {
	struct observer *first;
	const struct port *port;
	enum drop_reason why;
};

static void show_dropped_frame(void *opaque, const struct frame *frame)
{
	const struct shown_drop *d = opaque;
	for (struct observer *o = d->first; o; o = o->next)
		o->drop(o, d->port, d->why, frame);
}

void observers_drop(struct observer *first, const struct port *p, enum drop_reason why, const struct frame *frame)
{
	struct shown_drop drop = { first, p, why };
	if (frame && frame->joined > 0)
		gro_take_apart(frame, show_dropped_frame, &drop);
	else
		show_dropped_frame(&drop, frame);
}

void observers_port_gone(struct observer *first, const struct port *p)
{
	for (struct observer *o = first; o; o = o->next)
		o->port_gone(o, p);
}

void observers_turn_ends(struct observer *first)
{
	for (struct observer *o = first; o; o = o->next)
		o->turn_ends(o);
}
