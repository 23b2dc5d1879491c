/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Level l has WHEEL_SLOTS slots of WHEEL_SLOTS^l ticks each.  A timer sits in the lowest level whose span, counted from the current
 * tick, reaches it.  When the current tick enters a slot of a higher level, that slot's timers move to the levels below. Occupancy
 * bits skip empty slots, so an idle hour costs a few steps instead of 3.6 million.
 */
#include "engine/native/machine/wheel.h"

#define SLOT_MASK ((uint64_t)WHEEL_SLOTS - 1)
#define HORIZON ((uint64_t)1 << (WHEEL_BITS * WHEEL_LEVELS))

void wheel_init(struct wheel *w, usec_t now)
{
	*w = (struct wheel){ .now_tick = now / WHEEL_TICK };
	for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
		for (unsigned s = 0; s < WHEEL_SLOTS; s++)
			list_init(&w->slots[l][s]);
	}
}

static void insert(struct wheel *w, struct wheel_timer *t)
{
	/* A timer beyond the horizon waits in the farthest slot and is placed again from there. */
	uint64_t at = t->tick - w->now_tick < HORIZON ? t->tick : w->now_tick + HORIZON - 1;
	unsigned level = 0;
	while (level + 1 < WHEEL_LEVELS && (at >> (WHEEL_BITS * (level + 1))) != (w->now_tick >> (WHEEL_BITS * (level + 1))))
		level++;
	unsigned slot = (unsigned)(at >> (WHEEL_BITS * level) & SLOT_MASK);
	t->level = (uint8_t)level;
	t->slot = (uint8_t)slot;
	list_append(&w->slots[level][slot], &t->node);
	w->occupied[level] |= (uint64_t)1 << slot;
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, usec_t when)
{
	wheel_disarm(w, t);
	if (when == USEC_INFINITY)
		return;
	uint64_t tick = when / WHEEL_TICK + (when % WHEEL_TICK != 0);
	t->tick = tick > w->now_tick ? tick : w->now_tick + 1;
	insert(w, t);
	w->armed++;
}

void wheel_arm_by(struct wheel *w, struct wheel_timer *t, usec_t when)
{
	if (wheel_timer_armed(t) && t->tick * WHEEL_TICK <= when)
		return;
	if (when != USEC_INFINITY)
		wheel_arm(w, t, when);
}

static void take_out(struct wheel *w, struct wheel_timer *t)
{
	list_remove(&t->node);
	if (list_empty(&w->slots[t->level][t->slot]))
		w->occupied[t->level] &= ~((uint64_t)1 << t->slot);
}

void wheel_disarm(struct wheel *w, struct wheel_timer *t)
{
	if (!wheel_timer_armed(t))
		return;
	take_out(w, t);
	t->tick = UINT64_MAX;
	w->armed--;
}

/* The first tick after the current one at which @level has a slot to fire or to cascade. */
static uint64_t next_of_level(const struct wheel *w, unsigned level)
{
	if (w->occupied[level] == 0)
		return UINT64_MAX;
	unsigned shift = WHEEL_BITS * level;
	uint64_t position = w->now_tick >> shift;
	unsigned here = (unsigned)(position & SLOT_MASK);
	/* Rotated so that bit 0 is the slot after the current one. */
	unsigned by = (here + 1) & (WHEEL_SLOTS - 1);
	uint64_t ahead = by == 0 ? w->occupied[level] : w->occupied[level] >> by | w->occupied[level] << (WHEEL_SLOTS - by);
	return (position + 1 + (unsigned)__builtin_ctzll(ahead)) << shift;
}

static uint64_t next_tick(const struct wheel *w)
{
	uint64_t next = UINT64_MAX;
	for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
		uint64_t t = next_of_level(w, l);
		if (t < next)
			next = t;
	}
	return next;
}

/* The current tick entered new slots of the levels above 0: move their timers down. */
static void cascade(struct wheel *w)
{
	for (unsigned l = WHEEL_LEVELS - 1; l > 0; l--) {
		if (w->now_tick & (((uint64_t)1 << (WHEEL_BITS * l)) - 1))
			continue;
		unsigned slot = (unsigned)(w->now_tick >> (WHEEL_BITS * l) & SLOT_MASK);
		struct list *head = &w->slots[l][slot];
		struct list moved = { .next = head->next, .prev = head->prev };
		if (list_empty(head))
			continue;
		moved.next->prev = &moved;
		moved.prev->next = &moved;
		list_init(head);
		w->occupied[l] &= ~((uint64_t)1 << slot);
		list_for_each(node, &moved) {
			struct wheel_timer *t = container_of(node, struct wheel_timer, node);
			list_remove(node);
			insert(w, t);
		}
	}
}

struct wheel_timer *wheel_pop(struct wheel *w, usec_t now)
{
	uint64_t until = now / WHEEL_TICK;
	for (;;) {
		struct list *due = &w->slots[0][w->now_tick & SLOT_MASK];
		if (!list_empty(due)) {
			struct wheel_timer *t = container_of(due->next, struct wheel_timer, node);
			take_out(w, t);
			t->tick = UINT64_MAX;
			w->armed--;
			return t;
		}
		uint64_t next = next_tick(w);
		if (next > until) {
			/* No slot lies between. An up-to-date tick places new timers in the lowest level that fits. */
			if (until > w->now_tick)
				w->now_tick = until;
			return NULL;
		}
		w->now_tick = next;
		cascade(w);
	}
}

usec_t wheel_deadline(const struct wheel *w)
{
	if (!list_empty(&w->slots[0][w->now_tick & SLOT_MASK]))
		return w->now_tick * WHEEL_TICK;
	uint64_t next = next_tick(w);
	return next == UINT64_MAX ? USEC_INFINITY : next * WHEEL_TICK;
}
