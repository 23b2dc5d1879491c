/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many bytes of an upload may wait on the host. */
#include "engine/native/machine/backlog.h"

#include "base/macros.h"

#include <glib.h>

#define NOW (100 * USEC_PER_SEC)
#define MBIT (1000000u / 8)

/* A socket that refused bytes, seen @times times with this sample. */
static struct backlog followed(struct backlog b, unsigned times, struct backlog_sample s)
{
	for (unsigned i = 0; i < times; i++) {
		backlog_refused(&b);
		s.busy += USEC_PER_SEC;
		backlog_sampled(&b, NOW + i * USEC_PER_SEC, &s);
		backlog_taken(&b, (uint32_t)MIN(s.rate, (uint64_t)UINT32_MAX / 2));
	}
	return b;
}

static struct backlog fresh(void)
{
	struct backlog b;
	backlog_init(&b);
	return b;
}

static uint32_t total(const struct backlog *b)
{
	return backlog_held_max(b) + backlog_unsent_max(b);
}

static void a_small_request_needs_no_look(void)
{
	struct backlog b = fresh();
	backlog_taken(&b, 10000);
	g_assert_false(backlog_wants_sample(&b, NOW));
}

static void a_socket_that_keeps_up_is_not_limited(void)
{
	struct backlog b = fresh();
	for (unsigned i = 0; i < 100; i++) {
		backlog_taken(&b, 100000);
		g_assert_true(backlog_wants_sample(&b, NOW + i * USEC_PER_SEC));
		backlog_sampled(&b, NOW + i * USEC_PER_SEC, &(struct backlog_sample){ .rate = MBIT });
	}
	g_assert_cmpuint(backlog_held_max(&b), ==, BACKLOG_MAX / 2);
	g_assert_cmpuint(backlog_unsent_max(&b), ==, UINT32_MAX);
}

static void a_socket_that_takes_all_but_sends_little_is_limited(void)
{
	struct backlog b = fresh();
	backlog_taken(&b, 100000);
	g_assert_true(backlog_wants_sample(&b, NOW));
	backlog_sampled(&b, NOW, &(struct backlog_sample){ .rate = MBIT, .unsent = 90000 });
	g_assert_cmpuint(total(&b), <=, 32 * 1024);
}

static void little_may_wait_before_the_path_is_known(void)
{
	struct backlog b = fresh();
	g_assert_cmpuint(backlog_held_max(&b), <=, 64 * 1024);
	backlog_taken(&b, 1000);
	g_assert_cmpuint(backlog_held_max(&b), <=, 65 * 1024);
}

static void the_first_refusal_is_looked_into_at_once_and_later_ones_now_and_then(void)
{
	struct backlog b = fresh();
	backlog_refused(&b);
	g_assert_true(backlog_wants_sample(&b, NOW));
	backlog_sampled(&b, NOW, &(struct backlog_sample){ .rate = MBIT });
	g_assert_false(backlog_wants_sample(&b, NOW + USEC_PER_SEC));
	backlog_refused(&b);
	g_assert_false(backlog_wants_sample(&b, NOW + USEC_PER_MSEC));
	g_assert_true(backlog_wants_sample(&b, NOW + 5 * USEC_PER_MSEC));
}

static void what_waits_is_sent_within_milliseconds(void)
{
	for (unsigned mbit = 20; mbit <= 500; mbit += 20) {
		struct backlog b = followed(fresh(), 5, (struct backlog_sample){ .rate = (uint64_t)mbit * MBIT, .unsent = 1 });
		g_assert_cmpuint(total(&b), >=, mbit * MBIT / 100);
		g_assert_cmpuint(total(&b), <=, mbit * MBIT / 50);
	}
}

static void a_slow_path_gets_a_few_segments(void)
{
	struct backlog b = followed(fresh(), 1, (struct backlog_sample){ .rate = MBIT / 10, .unsent = 1 });
	g_assert_cmpuint(total(&b), >=, 8 * 1460);
	g_assert_cmpuint(total(&b), <=, 32 * 1024);
}

static void a_fast_path_is_not_limited(void)
{
	struct backlog b = followed(fresh(), 5, (struct backlog_sample){ .rate = 4000ull * MBIT, .unsent = 1 });
	g_assert_cmpuint(backlog_unsent_max(&b), ==, UINT32_MAX);
	g_assert_cmpuint(backlog_held_max(&b), ==, BACKLOG_MAX / 2);
	b = followed(b, 1, (struct backlog_sample){ .rate = UINT64_MAX, .unsent = 1 });
	g_assert_cmpuint(backlog_held_max(&b), ==, BACKLOG_MAX / 2);
}

/* The allowance would otherwise make the path slow, and the slow path the allowance small. */
static void a_socket_that_runs_dry_while_the_guest_has_more_gets_more(void)
{
	struct backlog_sample dry = { .rate = MBIT, .waits = true };
	struct backlog b = followed(fresh(), 1, dry);
	uint32_t before = total(&b);
	b = followed(b, 1, dry);
	g_assert_cmpuint(total(&b), ==, 2 * before);
	b = followed(b, 30, dry);
	g_assert_cmpuint(b.bytes, ==, BACKLOG_MAX);
	/* It shrinks again once the socket has bytes left. */
	b = followed(b, 30, (struct backlog_sample){ .rate = MBIT, .unsent = 1, .waits = true });
	g_assert_cmpuint(total(&b), <=, before + 8);
}

static void a_socket_that_runs_dry_because_the_guest_has_nothing_gets_no_more(void)
{
	struct backlog b = followed(fresh(), 30, (struct backlog_sample){ .rate = MBIT });
	g_assert_cmpuint(total(&b), <=, 32 * 1024);
}

/* The kernel's rate is that of the moments when the peer's window is open. */
static void a_peer_that_reads_in_small_pieces_counts_by_what_left_the_socket(void)
{
	struct backlog_sample s = { .rate = 10000ull * MBIT, .unsent = 20000, .waits = true };
	struct backlog b = followed(fresh(), 1, s);
	for (unsigned i = 1; i < 30; i++) {
		backlog_taken(&b, 10000);
		backlog_refused(&b);
		s.busy += 10 * USEC_PER_MSEC;
		backlog_sampled(&b, NOW + i * 10 * USEC_PER_MSEC, &s);
	}
	/* 1 MB a second, twice as much for 16 ms. */
	g_assert_cmpuint(total(&b), <=, 33000);
	g_assert_cmpuint(total(&b), >=, 30000);
}

static void a_peer_that_reads_nothing_changes_nothing(void)
{
	struct backlog_sample s = { .rate = 10000ull * MBIT, .unsent = 300000, .waits = true };
	struct backlog b = fresh();
	backlog_taken(&b, 300000);
	backlog_sampled(&b, NOW, &s);
	uint32_t before = total(&b);
	g_assert_cmpuint(before, >=, 512 * 1024);
	for (unsigned i = 1; i < 30; i++) {
		backlog_refused(&b);
		s.busy += USEC_PER_SEC;
		backlog_sampled(&b, NOW + i * USEC_PER_SEC, &s);
	}
	g_assert_cmpuint(total(&b), ==, before);
}

static void a_pause_of_the_guest_does_not_count(void)
{
	struct backlog_sample s = { .rate = 10000ull * MBIT, .unsent = 100000, .waits = true };
	struct backlog b = followed(fresh(), 5, s);
	uint32_t before = total(&b);
	s.busy = b.busy;
	for (unsigned i = 0; i < 10; i++) {
		backlog_taken(&b, 1000000);
		backlog_refused(&b);
		s.busy += USEC_PER_MSEC;
		backlog_sampled(&b, NOW + i * 60 * USEC_PER_SEC, &s);
	}
	g_assert_cmpuint(total(&b), ==, before);
}

static void a_path_that_becomes_faster_is_followed(void)
{
	struct backlog b = followed(fresh(), 1, (struct backlog_sample){ .rate = MBIT, .unsent = 1 });
	b = followed(b, 6, (struct backlog_sample){ .rate = 200 * MBIT, .unsent = 1 });
	g_assert_cmpuint(total(&b), >=, 2 * MBIT);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/backlog/" #name, name)
	TEST(a_small_request_needs_no_look);
	TEST(a_socket_that_keeps_up_is_not_limited);
	TEST(a_socket_that_takes_all_but_sends_little_is_limited);
	TEST(little_may_wait_before_the_path_is_known);
	TEST(the_first_refusal_is_looked_into_at_once_and_later_ones_now_and_then);
	TEST(what_waits_is_sent_within_milliseconds);
	TEST(a_slow_path_gets_a_few_segments);
	TEST(a_fast_path_is_not_limited);
	TEST(a_socket_that_runs_dry_while_the_guest_has_more_gets_more);
	TEST(a_socket_that_runs_dry_because_the_guest_has_nothing_gets_no_more);
	TEST(a_peer_that_reads_in_small_pieces_counts_by_what_left_the_socket);
	TEST(a_peer_that_reads_nothing_changes_nothing);
	TEST(a_pause_of_the_guest_does_not_count);
	TEST(a_path_that_becomes_faster_is_followed);
	return g_test_run();
}
