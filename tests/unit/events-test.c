/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/events.h"

#include <glib.h>

struct fixture {
	struct events events;
	unsigned woken;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(events_init(&f->events), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	events_done(&f->events);
}

static void add(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		events_add(&f->events, &(struct event){ .type = EVENT_NAMES, .port_id = i, .number = 77 });
}

static void assert_numbers(const struct fixture *f, uint64_t after, unsigned max, uint64_t first, unsigned n)
{
	struct event *found = g_new0(struct event, max);
	g_assert_cmpuint(events_read(&f->events, after, found, max), ==, n);
	for (unsigned i = 0; i < n; i++)
		g_assert_cmpuint(found[i].number, ==, first + i);
	g_free(found);
}

static void numbers_begin_at_one_and_have_no_gap(struct fixture *f, gconstpointer data)
{
	assert_numbers(f, 0, 10, 0, 0);
	add(f, 3);
	assert_numbers(f, 0, 10, 1, 3);
	assert_numbers(f, 2, 10, 3, 1);
}

static void reader_reads_up_to_its_room_and_continues_there(struct fixture *f, gconstpointer data)
{
	add(f, 10);
	assert_numbers(f, 0, 4, 1, 4);
	assert_numbers(f, 4, 4, 5, 4);
	assert_numbers(f, 8, 4, 9, 2);
	assert_numbers(f, 10, 4, 0, 0);
}

static void oldest_events_are_overwritten_and_leave_a_gap_in_the_numbers(struct fixture *f, gconstpointer data)
{
	add(f, EVENTS_KEPT);
	assert_numbers(f, 0, EVENTS_KEPT, 1, EVENTS_KEPT);
	add(f, 5);
	assert_numbers(f, 0, 3, 6, 3);
	assert_numbers(f, 5, 3, 6, 3);
	assert_numbers(f, 6, 3, 7, 3);
}

/* A number from an earlier run of the network, or an invented one. */
static void number_in_the_future_is_followed_by_no_event(struct fixture *f, gconstpointer data)
{
	add(f, 3);
	assert_numbers(f, 100, 3, 0, 0);
	assert_numbers(f, UINT64_MAX, 3, 0, 0);
}

static void count_waking(void *opaque)
{
	struct fixture *f = opaque;
	f->woken++;
}

static void waiting_reader_is_woken_once(struct fixture *f, gconstpointer data)
{
	f->events.wake = count_waking;
	f->events.wake_opaque = f;
	add(f, 3);
	g_assert_cmpuint(f->woken, ==, 1);
	f->events.wake = count_waking;
	add(f, 1);
	g_assert_cmpuint(f->woken, ==, 2);
}

static void each_type_has_a_name_of_its_own(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
		for (unsigned k = 0; k < i; k++)
			g_assert_cmpstr(event_name(i), !=, event_name(k));
	}
}

#define ADD(test) g_test_add("/events/" #test, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(numbers_begin_at_one_and_have_no_gap);
	ADD(reader_reads_up_to_its_room_and_continues_there);
	ADD(oldest_events_are_overwritten_and_leave_a_gap_in_the_numbers);
	ADD(number_in_the_future_is_followed_by_no_event);
	ADD(waiting_reader_is_woken_once);
	ADD(each_type_has_a_name_of_its_own);
	return g_test_run();
}
