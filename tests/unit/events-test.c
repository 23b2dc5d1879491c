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

static void add_of(struct fixture *f, unsigned port_id, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		events_add(&f->events, &(struct event){ .type = EVENT_GUEST_SEEN, .port_id = port_id });
}

static unsigned count_of(const struct fixture *f, unsigned port_id)
{
	g_autofree struct event *found = g_new0(struct event, EVENTS_KEPT);
	unsigned n = events_read(&f->events, 0, found, EVENTS_KEPT), count = 0;
	for (unsigned i = 0; i < n; i++) {
		g_assert_true(i == 0 || found[i].number > found[i - 1].number);
		count += found[i].port_id == port_id;
	}
	return count;
}

static void port_that_floods_pushes_out_its_own_events(struct fixture *f, gconstpointer data)
{
	add_of(f, 0, 3);
	add_of(f, 1, 100);
	add_of(f, 2, 5 * EVENTS_KEPT);
	g_assert_cmpuint(count_of(f, 0), ==, 3);
	g_assert_cmpuint(count_of(f, 1), ==, 100);
	g_assert_cmpuint(count_of(f, 2), ==, EVENTS_KEPT - 103);
}

static void events_of_another_port_find_room_after_a_flood(struct fixture *f, gconstpointer data)
{
	add_of(f, 1, 2 * EVENTS_KEPT);
	add_of(f, 2, 400);
	g_assert_cmpuint(count_of(f, 2), ==, 400);
	add_of(f, 1, 2 * EVENTS_KEPT);
	g_assert_cmpuint(count_of(f, 2), ==, 400);
	add_of(f, 2, 400);
	g_assert_cmpuint(count_of(f, 1), ==, EVENTS_KEPT / 2);
	g_assert_cmpuint(count_of(f, 2), ==, EVENTS_KEPT / 2);
}

static void gaps_among_kept_events_show_in_their_numbers(struct fixture *f, gconstpointer data)
{
	add_of(f, 1, 1); /* number 1 */
	add_of(f, 2, EVENTS_KEPT);
	struct event found[3];
	g_assert_cmpuint(events_read(&f->events, 0, found, 3), ==, 3);
	g_assert_cmpuint(found[0].number, ==, 1);
	g_assert_cmpuint(found[1].number, ==, 3);
	g_assert_cmpuint(found[2].number, ==, 4);
}

/* Each connection of a program that connects again and again is a port with a share, but only while it lasts. */
static void ports_that_come_and_go_share_one_source(struct fixture *f, gconstpointer data)
{
	add_of(f, 0, 10);
	add_of(f, 1, 200);
	for (unsigned i = 2; i < 2000; i++) {
		add_of(f, i, 4);
		events_port_gone(&f->events, i);
	}
	g_assert_cmpuint(count_of(f, 0), ==, 10);
	g_assert_cmpuint(count_of(f, 1), ==, 200);
	g_assert_cmpuint(count_of(f, 1999), ==, 4);
}

static void events_of_a_detached_port_are_kept_while_there_is_room(struct fixture *f, gconstpointer data)
{
	add_of(f, 7, 30);
	events_port_gone(&f->events, 7);
	events_port_gone(&f->events, 7);
	events_port_gone(&f->events, 8);
	g_assert_cmpuint(count_of(f, 7), ==, 30);
	add_of(f, 9, EVENTS_KEPT - 30);
	g_assert_cmpuint(count_of(f, 7), ==, 30);
}

#define MODEL_SOURCES 9u /* ports 0 to 8 */

struct model {
	GArray *kept; /* struct event, by number */
};

static unsigned model_count(const struct model *m, unsigned source)
{
	unsigned n = 0;
	for (unsigned i = 0; i < m->kept->len; i++)
		n += g_array_index(m->kept, struct event, i).port_id == source;
	return n;
}

static unsigned model_most(const struct model *m)
{
	unsigned most = 0;
	for (unsigned source = 0; source < MODEL_SOURCES; source++)
		most = MAX(most, model_count(m, source));
	return most;
}

/* At every step nothing but an event of a source with the most events goes, and only when there is no room. */
static void random_events_go_from_the_source_with_the_most(struct fixture *f, gconstpointer data)
{
	struct model m = { .kept = g_array_new(FALSE, FALSE, sizeof(struct event)) };
	g_autofree struct event *found = g_new0(struct event, EVENTS_KEPT);
	GRand *rand = g_rand_new_with_seed(1);
	add_of(f, 1, EVENTS_KEPT / 2);
	add_of(f, 2, EVENTS_KEPT / 2);
	unsigned n = events_read(&f->events, 0, found, EVENTS_KEPT);
	g_array_append_vals(m.kept, found, n);
	for (unsigned step = 0; step < 300; step++) {
		unsigned port = (unsigned)g_rand_int_range(rand, 0, 5) * (unsigned)g_rand_int_range(rand, 0, 3), most = model_most(&m);
		add_of(f, port, 1);
		g_assert_cmpuint(events_read(&f->events, 0, found, EVENTS_KEPT), ==, EVENTS_KEPT);
		unsigned gone = 0;
		for (unsigned i = 0; i < m.kept->len; i++)
			if (g_array_index(m.kept, struct event, i).number != found[i].number) {
				gone = i;
				break;
			}
		g_assert_cmpuint(model_count(&m, g_array_index(m.kept, struct event, gone).port_id), ==, most);
		g_array_remove_index(m.kept, gone);
		g_array_append_val(m.kept, found[EVENTS_KEPT - 1]);
		for (unsigned i = 0; i < EVENTS_KEPT; i++)
			g_assert_cmpuint(g_array_index(m.kept, struct event, i).number, ==, found[i].number);
	}
	g_rand_free(rand);
	g_array_free(m.kept, TRUE);
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
	ADD(port_that_floods_pushes_out_its_own_events);
	ADD(events_of_another_port_find_room_after_a_flood);
	ADD(gaps_among_kept_events_show_in_their_numbers);
	ADD(ports_that_come_and_go_share_one_source);
	ADD(events_of_a_detached_port_are_kept_while_there_is_room);
	ADD(random_events_go_from_the_source_with_the_most);
	ADD(number_in_the_future_is_followed_by_no_event);
	ADD(waiting_reader_is_woken_once);
	ADD(each_type_has_a_name_of_its_own);
	return g_test_run();
}
