/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hierarchical timing wheel (Varghese, Lauck 1987, scheme 7): arming, disarming and firing take constant time for any number of
 * timers. A timer is embedded in its owner's object; the wheel owns nothing. Timers fire up to one tick late, never early.
 *
 * An owner whose deadline moves with every packet leaves the timer alone while the new deadline is later, and arms it again when it
 * fires: see wheel_arm_by().
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK (1 * USEC_PER_MSEC)
#define WHEEL_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_BITS)
#define WHEEL_LEVELS 5 /* 2^30 ticks, twelve days; later timers wait in the last level */

struct wheel_timer {
	struct list node; /* unlinked while not armed */
	uint64_t tick;
	uint8_t level, slot;
};

struct wheel {
	uint64_t now_tick;               /* all ticks up to this one have fired */
	uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot that is not empty */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	unsigned armed;
};

void wheel_init(struct wheel *w, usec_t now);

static inline void wheel_timer_init(struct wheel_timer *t)
{
	list_init(&t->node);
	t->tick = UINT64_MAX;
}

static inline bool wheel_timer_armed(const struct wheel_timer *t)
{
	return !list_empty(&t->node);
}

/* Arms @t for @when, or moves it there. A time in the past fires as soon as possible. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, usec_t when);
/* Like wheel_arm(), but leaves a timer alone that is armed for @when or earlier. */
void wheel_arm_by(struct wheel *w, struct wheel_timer *t, usec_t when);
void wheel_disarm(struct wheel *w, struct wheel_timer *t);

/* Disarms and returns the next timer that is due at @now; NULL when none is left. Call until it returns NULL. */
struct wheel_timer *wheel_pop(struct wheel *w, usec_t now);

/*
 * When wheel_pop() may return a timer again: never later than the first timer, and at most one cascade earlier. USEC_INFINITY when
 * no timer is armed.
 */
usec_t wheel_deadline(const struct wheel *w);
