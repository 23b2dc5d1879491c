/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hub, with the network's thread and that of the control plane as one.  Requests are only numbers here. */
#include "base/macros.h"
#include "control/event_hub.h"

#define A GUINT_TO_POINTER(1)
#define B GUINT_TO_POINTER(2)

struct fixture {
	struct event_hub hub;
	struct call_queue queue;
	GMainContext *context;
};

static GList *woken;

static void wake(struct request *r)
{
	woken = g_list_append(woken, r);
}

static void set_up(struct fixture *f, const void *data)
{
	f->context = g_main_context_new();
	g_assert_cmpint(call_queue_init(&f->queue), ==, 0);
	event_hub_init(&f->hub, &f->queue, f->context, wake, wake);
}

static void tear_down(struct fixture *f, const void *data)
{
	event_hub_done(&f->hub);
	call_queue_done(&f->queue);
	g_main_context_unref(f->context);
	g_clear_pointer(&woken, g_list_free);
}

/* The control plane runs what was posted to it. */
static void run_calls(struct fixture *f)
{
	for (struct call *c; (c = call_queue_take(&f->queue));)
		c->run(c);
}

static void test_wakes_once(struct fixture *f, const void *data)
{
	g_assert_true(event_hub_wait(&f->hub, A, event_hub_happened(&f->hub)));
	event_hub_event_happened(&f->hub);
	event_hub_event_happened(&f->hub);
	run_calls(f);
	g_assert_cmpuint(g_list_length(woken), ==, 1);
	event_hub_event_happened(&f->hub);
	run_calls(f);
	g_assert_cmpuint(g_list_length(woken), ==, 1);
}

static void test_forgotten(struct fixture *f, const void *data)
{
	g_assert_true(event_hub_wait(&f->hub, A, event_hub_happened(&f->hub)));
	g_assert_true(event_hub_wait(&f->hub, B, event_hub_happened(&f->hub)));
	event_hub_forget(&f->hub, A);
	event_hub_event_happened(&f->hub);
	run_calls(f);
	g_assert_cmpuint(g_list_length(woken), ==, 1);
	g_assert_true(woken->data == B);
}

/* The call for the first event is still to come when a new stream has looked, and has run when that stream begins to wait. */
static void test_event_before_wait(struct fixture *f, const void *data)
{
	event_hub_event_happened(&f->hub);
	unsigned seen = event_hub_happened(&f->hub);
	event_hub_event_happened(&f->hub);
	run_calls(f);
	g_assert_false(event_hub_wait(&f->hub, A, seen));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name, function) g_test_add("/event_hub/" name, struct fixture, NULL, set_up, function, tear_down)
	TEST("waiting_request_is_woken_once_by_many_events", test_wakes_once);
	TEST("forgotten_request_is_not_woken", test_forgotten);
	TEST("event_between_looking_and_waiting_is_not_missed", test_event_before_wait);
	return g_test_run();
}
