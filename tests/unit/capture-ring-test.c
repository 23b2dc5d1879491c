/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/capture_ring.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define SIZE ((size_t)4096)

static bool put(struct capture_ring *r, uint8_t fill, size_t len)
{
	void *room = capture_ring_reserve(r, len);
	if (!room)
		return false;
	memset(room, fill, len);
	capture_ring_commit(r, len);
	return true;
}

static void take(struct capture_ring *r, uint8_t fill, size_t len)
{
	size_t found;
	const uint8_t *bytes = capture_ring_peek(r, &found);
	g_assert_nonnull(bytes);
	g_assert_cmpuint(found, ==, len);
	for (size_t i = 0; i < len; i++)
		g_assert_cmpuint(bytes[i], ==, fill);
	capture_ring_release(r);
}

static void assert_empty(struct capture_ring *r)
{
	size_t len;
	g_assert_null(capture_ring_peek(r, &len));
}

static void records_come_out_in_order(void)
{
	struct capture_ring r;
	g_assert_cmpint(capture_ring_init(&r, SIZE), ==, 0);
	assert_empty(&r);
	g_assert_true(put(&r, 1, 1) && put(&r, 2, 0) && put(&r, 3, 8) && put(&r, 4, 1000));
	take(&r, 1, 1);
	take(&r, 2, 0);
	take(&r, 3, 8);
	take(&r, 4, 1000);
	assert_empty(&r);
	capture_ring_done(&r);
}

static void full_ring_refuses_records_until_one_is_read(void)
{
	struct capture_ring r;
	g_assert_cmpint(capture_ring_init(&r, SIZE), ==, 0);
	unsigned n = 0;
	while (put(&r, (uint8_t)n, 504))
		n++;
	g_assert_cmpuint(n, ==, SIZE / 512);
	take(&r, 0, 504);
	g_assert_true(put(&r, 100, 504));
	g_assert_false(put(&r, 101, 0));
	for (unsigned i = 1; i < n; i++)
		take(&r, (uint8_t)i, 504);
	take(&r, 100, 504);
	assert_empty(&r);
	capture_ring_done(&r);
}

static void reservation_that_is_not_used_costs_nothing(void)
{
	struct capture_ring r;
	g_assert_cmpint(capture_ring_init(&r, SIZE), ==, 0);
	for (unsigned i = 0; i < 100; i++)
		g_assert_nonnull(capture_ring_reserve(&r, 3000));
	assert_empty(&r);
	uint8_t *room = capture_ring_reserve(&r, 3000);
	memset(room, 7, 20);
	capture_ring_commit(&r, 20); /* less than was reserved */
	g_assert_true(put(&r, 8, 4000));
	take(&r, 7, 20);
	take(&r, 8, 4000);
	capture_ring_done(&r);
}

static void record_as_long_as_the_ring_fits_and_a_longer_one_never(void)
{
	struct capture_ring r;
	g_assert_cmpint(capture_ring_init(&r, SIZE), ==, 0);
	g_assert_false(put(&r, 1, SIZE));
	g_assert_true(put(&r, 1, SIZE - 8));
	take(&r, 1, SIZE - 8);
	g_assert_true(put(&r, 2, 100));
	take(&r, 2, 100);
	/* It would fit without the gap before it. */
	g_assert_false(put(&r, 3, SIZE - 8));
	capture_ring_done(&r);
}

#define RACE_RECORDS 200000u

static gpointer write_race(gpointer opaque)
{
	struct capture_ring *r = opaque;
	GRand *rand = g_rand_new_with_seed(1);
	for (unsigned i = 0; i < RACE_RECORDS;) {
		size_t len = 4 + (size_t)g_rand_int_range(rand, 0, 300);
		uint8_t *room;
		while (!(room = capture_ring_reserve(r, len)))
			g_thread_yield();
		memset(room, (uint8_t)i, len);
		memcpy(room, &i, sizeof(i));
		capture_ring_commit(r, len);
		i++;
	}
	g_rand_free(rand);
	return NULL;
}

static void two_threads_lose_and_tear_nothing(void)
{
	struct capture_ring r;
	g_assert_cmpint(capture_ring_init(&r, SIZE), ==, 0);
	GThread *writer = g_thread_new("writer", write_race, &r);
	for (unsigned i = 0; i < RACE_RECORDS; i++) {
		const uint8_t *bytes;
		size_t len;
		unsigned number;
		while (!(bytes = capture_ring_peek(&r, &len)))
			g_thread_yield();
		memcpy(&number, bytes, sizeof(number));
		g_assert_cmpuint(number, ==, i);
		for (size_t k = sizeof(number); k < len; k++)
			if (bytes[k] != (uint8_t)i)
				g_error("record %u is torn", i);
		capture_ring_release(&r);
	}
	g_thread_join(writer);
	capture_ring_done(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/capture-ring/records_come_out_in_order", records_come_out_in_order);
	g_test_add_func("/capture-ring/full_ring_refuses_records_until_one_is_read", full_ring_refuses_records_until_one_is_read);
	g_test_add_func("/capture-ring/reservation_that_is_not_used_costs_nothing", reservation_that_is_not_used_costs_nothing);
	g_test_add_func("/capture-ring/record_as_long_as_the_ring_fits_and_a_longer_one_never",
			record_as_long_as_the_ring_fits_and_a_longer_one_never);
	g_test_add_func("/capture-ring/two_threads_lose_and_tear_nothing", two_threads_lose_and_tear_nothing);
	return g_test_run();
}
