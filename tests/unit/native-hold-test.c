/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/hold.h"

#include <glib.h>
#include <string.h>

/* A ring against a plain array that is moved, with writes in order and early ones. */
#define STREAM (8u * 1024 * 1024)

static uint8_t byte_at(uint32_t place)
{
	return (uint8_t)(place * 2654435761u >> 21);
}

static void put(struct hold *h, struct hold_pool *pool, uint32_t taken, uint32_t from, uint32_t len)
{
	g_autofree uint8_t *bytes = g_malloc(len);
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = byte_at(from + i);
	g_assert_cmpint(hold_put(h, pool, from - taken, bytes, len), ==, 0);
}

static void bytes_come_out_where_they_belong(void)
{
	struct hold_pool pool = { 0 };
	struct hold h = { 0 };
	g_autoptr(GRand) rand = g_rand_new_with_seed(11);
	uint32_t taken = 0, in_order = 0;
	while (taken < STREAM) {
		uint32_t len = (uint32_t)g_rand_int_range(rand, 1, 70000), gap = (uint32_t)g_rand_int_range(rand, 0, 3) * 1000;
		put(&h, &pool, taken, in_order + gap, len); /* early when there is a gap */
		if (gap > 0)
			put(&h, &pool, taken, in_order, gap);
		in_order += gap + len;
		uint32_t n = (uint32_t)g_rand_int_range(rand, 0, (gint32)(in_order - taken) + 1);
		struct iovec iov[2];
		unsigned pieces = hold_pieces(&h, n, iov);
		uint32_t at = taken;
		for (unsigned i = 0; i < pieces; i++)
			for (size_t j = 0; j < iov[i].iov_len; j++, at++)
				g_assert_cmpuint(((uint8_t *)iov[i].iov_base)[j], ==, byte_at(at));
		g_assert_cmpuint(at, ==, taken + n);
		hold_advance(&h, &pool, n);
		taken += n;
	}
	hold_done(&h, &pool);
	hold_pool_done(&pool);
}

static void an_empty_ring_owns_nothing(void)
{
	struct hold_pool pool = { 0 };
	struct hold h = { 0 };
	put(&h, &pool, 0, 0, 1000);
	hold_advance(&h, &pool, 1000);
	g_assert_null(h.data);
	g_assert_cmpuint(pool.n, ==, 1);
	/* Bytes that went straight to the host were never in it. */
	hold_advance(&h, &pool, 5000);
	put(&h, &pool, 0, 0, 10);
	g_assert_cmpuint(pool.n, ==, 0);
	hold_done(&h, &pool);
	hold_pool_done(&pool);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/native-hold/bytes_come_out_where_they_belong", bytes_come_out_where_they_belong);
	g_test_add_func("/native-hold/an_empty_ring_owns_nothing", an_empty_ring_owns_nothing);
	return g_test_run();
}
