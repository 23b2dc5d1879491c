/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hierarchical timing wheel (Varghese, Lauck 1987, scheme 7): arming, disarming and firing cost
 * the same for ten timers and for a hundred thousand.  A timer is embedded in its owner; the
 * wheel owns nothing.  Timers fire up to one tick late, never early.
 *
 * Owners whose deadline moves with every packet leave the timer where it is while the new
 * deadline is later, and arm it again when it fires: see wheel_arm_by().
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK (1 * USEC_PER_MSEC)
#define WHEEL_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_BITS)
#define WHEEL_LEVELS 5 /* 2^30 ticks: twelve days; what is later waits in the last level */

struct wheel_timer {
	struct list node; /* on no list while not armed */
	uint64_t tick;
	uint8_t level, slot;
};

struct wheel {
	uint64_t now_tick;               /* every tick up to here has fired */
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

/* Fires @t at @when, or as soon as possible when that has passed; moves it when it is armed. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, usec_t when);
/* Like wheel_arm(), but leaves an armed timer alone that fires at @when or before. */
void wheel_arm_by(struct wheel *w, struct wheel_timer *t, usec_t when);
void wheel_disarm(struct wheel *w, struct wheel_timer *t);

/* The next timer that is due at @now, disarmed; NULL when there is none.  Call it until then. */
struct wheel_timer *wheel_pop(struct wheel *w, usec_t now);

/*
 * When wheel_pop() may next have something: never later than the first timer, at most one
 * cascade earlier.  USEC_INFINITY when nothing is armed.
 */
usec_t wheel_deadline(const struct wheel *w);
