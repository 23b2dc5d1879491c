/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/events.h"

#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>

static const char *const names[EVENT_TYPE_COUNT] = {
#define X(id, name) [EVENT_##id] = name,
	EVENT_TYPES(X)
#undef X
};

const char *event_name(enum event_type type)
{
	return names[type];
}

int events_init(struct events *e)
{
	*e = (struct events){ .ring = calloc(EVENTS_KEPT, sizeof(*e->ring)) };
	return e->ring ? 0 : -ENOMEM;
}

void events_done(struct events *e)
{
	free(e->ring);
	e->ring = NULL;
}

void events_add(struct events *e, const struct event *event)
{
	struct event *place = &e->ring[++e->last % EVENTS_KEPT];
	*place = *event;
	place->number = e->last;
	if (!e->wake)
		return;
	void (*wake)(void *opaque) = e->wake;
	e->wake = NULL;
	wake(e->wake_opaque);
}

unsigned events_read(const struct events *e, uint64_t after, struct event *ret, unsigned max)
{
	uint64_t oldest = e->last > EVENTS_KEPT ? e->last - EVENTS_KEPT + 1 : 1;
	uint64_t first = MAX(after < UINT64_MAX ? after + 1 : after, oldest);
	unsigned n = 0;
	for (uint64_t i = first; i <= e->last && n < max; i++)
		ret[n++] = e->ring[i % EVENTS_KEPT];
	return n;
}
