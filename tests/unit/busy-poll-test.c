/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/busy_poll.h"

#include <glib.h>

static void window_opens_after_a_short_sleep(void)
{
	struct busy_poll b = { .limit = 50 };
	busy_poll_slept(&b, 51);
	g_assert_cmpuint(b.window, ==, 0);
	busy_poll_slept(&b, 50);
	g_assert_cmpuint(b.window, >, 0);
}

static void window_grows_to_the_limit_while_events_come(void)
{
	struct busy_poll b = { .limit = 50 };
	for (usec_t before = 0; before < 50; before = b.window) {
		busy_poll_paid(&b);
		g_assert_cmpuint(b.window, >, before);
		g_assert_cmpuint(b.window, <=, 50);
	}
	busy_poll_paid(&b);
	g_assert_cmpuint(b.window, ==, 50);
}

static void window_shrinks_to_zero_without_events(void)
{
	struct busy_poll b = { .limit = 1000, .window = 1000 };
	unsigned n = 0;
	for (; b.window > 0; n++)
		busy_poll_did_not_pay(&b);
	g_assert_cmpuint(n, <=, 10);
	busy_poll_did_not_pay(&b);
	g_assert_cmpuint(b.window, ==, 0);
}

static void without_a_limit_the_window_stays_zero(void)
{
	struct busy_poll b = { .limit = 0 };
	busy_poll_slept(&b, 0);
	busy_poll_paid(&b);
	g_assert_cmpuint(b.window, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/busy-poll/" #name, name)
	TEST(window_opens_after_a_short_sleep);
	TEST(window_grows_to_the_limit_while_events_come);
	TEST(window_shrinks_to_zero_without_events);
	TEST(without_a_limit_the_window_stays_zero);
	return g_test_run();
}
