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

struct event_place {
	struct list order, mine; /* in the order of all, and of its source */
	struct event_source *source;
	struct event event;
};

struct event_source {
	struct list bucket, by_count;
	struct list mine; /* its places, oldest first */
	unsigned port_id, count;
};

int events_init(struct events *e)
{
	*e = (struct events){
		.places = calloc(EVENTS_KEPT, sizeof(*e->places)),
		.sources = calloc(EVENTS_KEPT, sizeof(*e->sources)),
	};
	if (!e->places || !e->sources) {
		events_done(e);
		return -ENOMEM;
	}
	list_init(&e->order);
	list_init(&e->unused);
	for (unsigned i = 0; i < EVENT_SOURCE_BUCKETS; i++)
		list_init(&e->buckets[i]);
	for (unsigned i = 0; i <= EVENTS_KEPT; i++)
		list_init(&e->by_count[i]);
	return 0;
}

void events_done(struct events *e)
{
	free(e->places);
	free(e->sources);
	e->places = NULL;
	e->sources = NULL;
}

/* --- sources --- */

static struct event_source *find_source(struct events *e, unsigned port_id)
{
	list_for_each(node, &e->buckets[port_id % EVENT_SOURCE_BUCKETS]) {
		struct event_source *s = container_of(node, struct event_source, bucket);
		if (s->port_id == port_id)
			return s;
	}
	return NULL;
}

/* There is always one left: each source in use has an event, and one place at least is free. */
static struct event_source *add_source(struct events *e, unsigned port_id)
{
	struct event_source *s;
	if (list_empty(&e->unused)) {
		s = &e->sources[e->n_sources++];
		list_init(&s->bucket);
	} else {
		s = container_of(e->unused.next, struct event_source, bucket);
		list_remove(&s->bucket);
	}
	s->port_id = port_id;
	s->count = 0;
	list_init(&s->by_count);
	list_init(&s->mine);
	list_append(&e->buckets[port_id % EVENT_SOURCE_BUCKETS], &s->bucket);
	return s;
}

static void set_count(struct events *e, struct event_source *s, unsigned count)
{
	s->count = count;
	list_remove(&s->by_count);
	if (count == 0) {
		list_remove(&s->bucket);
		list_append(&e->unused, &s->bucket);
	} else {
		list_append(&e->by_count[count], &s->by_count);
	}
	e->most = MAX(e->most, count);
	while (e->most > 0 && list_empty(&e->by_count[e->most]))
		e->most--;
}

/* --- places --- */

static void leave_source(struct events *e, struct event_place *p)
{
	list_remove(&p->mine);
	set_count(e, p->source, p->source->count - 1);
}

static void join_source(struct events *e, struct event_place *p, unsigned port_id)
{
	p->source = find_source(e, port_id);
	if (!p->source)
		p->source = add_source(e, port_id);
	list_append(&p->source->mine, &p->mine);
	set_count(e, p->source, p->source->count + 1);
}

/* The source that loses an event to @port_id: itself, unless another one has more. */
static struct event_source *find_loser(struct events *e, unsigned port_id)
{
	struct event_source *own = find_source(e, port_id);
	return own && own->count == e->most ? own : container_of(e->by_count[e->most].next, struct event_source, by_count);
}

/* A place that holds no event, for one of @port_id. */
static struct event_place *take_place(struct events *e, unsigned port_id)
{
	if (e->n_places < EVENTS_KEPT) {
		struct event_place *p = &e->places[e->n_places++];
		list_init(&p->order);
		list_init(&p->mine);
		return p;
	}
	struct event_place *p = container_of(find_loser(e, port_id)->mine.next, struct event_place, mine);
	leave_source(e, p);
	list_remove(&p->order);
	return p;
}

void events_add(struct events *e, const struct event *event)
{
	struct event_place *place = take_place(e, event->port_id);
	place->event = *event;
	place->event.number = ++e->last;
	list_append(&e->order, &place->order);
	join_source(e, place, event->port_id);
	if (!e->wake)
		return;
	void (*wake)(void *opaque) = e->wake;
	e->wake = NULL;
	wake(e->wake_opaque);
}

void events_port_gone(struct events *e, unsigned port_id)
{
	struct event_source *s = find_source(e, port_id);
	if (!s || port_id == EVENT_PORT_GONE)
		return;
	list_for_each(node, &s->mine) {
		struct event_place *p = container_of(node, struct event_place, mine);
		leave_source(e, p);
		join_source(e, p, EVENT_PORT_GONE);
	}
}

unsigned events_read(const struct events *e, uint64_t after, struct event *ret, unsigned max)
{
	const struct list *first = &e->order; /* readers are rarely far behind */
	while (first->prev != &e->order && container_of(first->prev, struct event_place, order)->event.number > after)
		first = first->prev;
	unsigned n = 0;
	for (; first != &e->order && n < max; first = first->next)
		ret[n++] = container_of(first, struct event_place, order)->event;
	return n;
}
