/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/machine/wheel.h"

#include "base/macros.h"

#include <glib.h>
#include <time.h>

#define START ((usec_t)5 * 24 * 3600 * USEC_PER_SEC)

static void an_empty_wheel_has_no_deadline(void)
{
	struct wheel w;
	wheel_init(&w, START);
	g_assert_cmpuint(wheel_deadline(&w), ==, USEC_INFINITY);
	g_assert_null(wheel_pop(&w, START + USEC_PER_SEC));
}

static void a_timer_fires_once_and_not_early(void)
{
	struct wheel w;
	struct wheel_timer t;
	wheel_init(&w, START);
	wheel_timer_init(&t);
	wheel_arm(&w, &t, START + 1500);
	g_assert_null(wheel_pop(&w, START + 1499));
	g_assert_true(wheel_pop(&w, START + 1500 + WHEEL_TICK) == &t);
	g_assert_false(wheel_timer_armed(&t));
	g_assert_null(wheel_pop(&w, START + USEC_PER_SEC));
}

static void a_timer_in_the_past_fires_at_the_next_tick(void)
{
	struct wheel w;
	struct wheel_timer t;
	wheel_init(&w, START);
	wheel_timer_init(&t);
	wheel_arm(&w, &t, START - USEC_PER_SEC);
	g_assert_true(wheel_pop(&w, START + WHEEL_TICK) == &t);
}

static void a_disarmed_timer_stays_silent(void)
{
	struct wheel w;
	struct wheel_timer t;
	wheel_init(&w, START);
	wheel_timer_init(&t);
	wheel_arm(&w, &t, START + USEC_PER_SEC);
	wheel_disarm(&w, &t);
	wheel_disarm(&w, &t);
	g_assert_null(wheel_pop(&w, START + 2 * USEC_PER_SEC));
	g_assert_cmpuint(wheel_deadline(&w), ==, USEC_INFINITY);
}

static void arming_by_a_later_time_changes_nothing(void)
{
	struct wheel w;
	struct wheel_timer t;
	wheel_init(&w, START);
	wheel_timer_init(&t);
	wheel_arm_by(&w, &t, START + 10 * USEC_PER_MSEC);
	wheel_arm_by(&w, &t, START + 20 * USEC_PER_MSEC);
	g_assert_true(wheel_pop(&w, START + 11 * USEC_PER_MSEC) == &t);
	wheel_arm_by(&w, &t, USEC_INFINITY);
	g_assert_false(wheel_timer_armed(&t));
}

static void a_timer_behind_the_horizon_fires_in_time(void)
{
	struct wheel w;
	struct wheel_timer t;
	usec_t when = START + (usec_t)40 * 24 * 3600 * USEC_PER_SEC;
	wheel_init(&w, START);
	wheel_timer_init(&t);
	wheel_arm(&w, &t, when);
	g_assert_null(wheel_pop(&w, when - 1));
	g_assert_true(wheel_pop(&w, when + WHEEL_TICK) == &t);
}

/* --- against a stupid one: an array that is searched --- */

#define TIMERS 3000
#define STEPS 20000

struct model {
	struct wheel_timer timer;
	usec_t due; /* USEC_INFINITY: not armed */
};

static usec_t random_delay(GRand *rand)
{
	unsigned bits = (unsigned)g_rand_int_range(rand, 0, 36);
	return (((usec_t)g_rand_int(rand) << 8) | 0xff) & (((usec_t)1 << bits) - 1);
}

static void pop_all(struct wheel *w, struct model *m, usec_t now)
{
	struct wheel_timer *t;
	while ((t = wheel_pop(w, now))) {
		struct model *owner = container_of(t, struct model, timer);
		g_assert_cmpuint(owner->due, !=, USEC_INFINITY);
		g_assert_cmpuint(owner->due, <=, now);
		owner->due = USEC_INFINITY;
	}
	usec_t first = USEC_INFINITY;
	for (unsigned i = 0; i < TIMERS; i++) {
		/* At most a tick late. */
		g_assert_true(m[i].due == USEC_INFINITY || m[i].due + WHEEL_TICK > now);
		first = usec_min(first, m[i].due);
	}
	if (first == USEC_INFINITY)
		g_assert_cmpuint(wheel_deadline(w), ==, USEC_INFINITY);
	else
		g_assert_cmpuint(wheel_deadline(w), <=, first + WHEEL_TICK);
}

static void behaves_like_a_sorted_list(void)
{
	g_autofree struct model *m = g_new(struct model, TIMERS);
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	struct wheel w;
	usec_t now = START;
	wheel_init(&w, now);
	for (unsigned i = 0; i < TIMERS; i++) {
		wheel_timer_init(&m[i].timer);
		m[i].due = USEC_INFINITY;
	}
	for (unsigned step = 0; step < STEPS; step++) {
		struct model *one = &m[g_rand_int_range(rand, 0, TIMERS)];
		if (g_rand_int_range(rand, 0, 8) == 0) {
			wheel_disarm(&w, &one->timer);
			one->due = USEC_INFINITY;
		} else {
			one->due = now + random_delay(rand);
			wheel_arm(&w, &one->timer, one->due);
		}
		if (step % 16 == 0) {
			/* Half the time exactly to the deadline, so that it is shown not to be too late. */
			usec_t deadline = wheel_deadline(&w);
			bool jump = g_rand_boolean(rand) && deadline != USEC_INFINITY && deadline > now;
			now = jump ? deadline : now + random_delay(rand) / 64;
			pop_all(&w, m, now);
		}
	}
}

static void firing_costs_no_walk_over_empty_time(void)
{
	struct wheel w;
	struct wheel_timer t;
	usec_t due = USEC_INFINITY;
	unsigned fired = 0;
	clock_t start = clock();
	wheel_init(&w, 0);
	wheel_timer_init(&t);
	/* Almost three years; a walk from tick to tick would take hours. */
	for (unsigned i = 0; i < 100000; i++) {
		usec_t now = (usec_t)i * 864 * USEC_PER_SEC;
		if (due == USEC_INFINITY) {
			due = now + 3600 * USEC_PER_SEC;
			wheel_arm(&w, &t, due);
		}
		struct wheel_timer *popped = wheel_pop(&w, now);
		g_assert_true(popped == (due <= now ? &t : NULL));
		if (popped) {
			due = USEC_INFINITY;
			fired++;
		}
		g_assert_cmpuint((guint64)(clock() - start), <, 20 * CLOCKS_PER_SEC);
	}
	g_assert_cmpuint(fired, ==, 100000 / 6);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wheel/an_empty_wheel_has_no_deadline", an_empty_wheel_has_no_deadline);
	g_test_add_func("/wheel/a_timer_fires_once_and_not_early", a_timer_fires_once_and_not_early);
	g_test_add_func("/wheel/a_timer_in_the_past_fires_at_the_next_tick", a_timer_in_the_past_fires_at_the_next_tick);
	g_test_add_func("/wheel/a_disarmed_timer_stays_silent", a_disarmed_timer_stays_silent);
	g_test_add_func("/wheel/arming_by_a_later_time_changes_nothing", arming_by_a_later_time_changes_nothing);
	g_test_add_func("/wheel/a_timer_behind_the_horizon_fires_in_time", a_timer_behind_the_horizon_fires_in_time);
	g_test_add_func("/wheel/behaves_like_a_sorted_list", behaves_like_a_sorted_list);
	g_test_add_func("/wheel/firing_costs_no_walk_over_empty_time", firing_costs_no_walk_over_empty_time);
	return g_test_run();
}
