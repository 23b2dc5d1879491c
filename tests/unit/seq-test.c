/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/machine/seq.h"

#include <glib.h>
#include <string.h>

static void numbers_compare_across_the_wrap(void)
{
	g_assert_true(seq_lt(0xfffffff0, 0x10));
	g_assert_false(seq_lt(0x10, 0xfffffff0));
	g_assert_cmpuint(seq_max(0xfffffff0, 0x10), ==, 0x10);
}

static void touching_ranges_become_one(void)
{
	struct seq_ranges s = { 0 };
	g_assert_true(seq_ranges_add(&s, (struct seq_range){ 10, 20 }));
	g_assert_true(seq_ranges_add(&s, (struct seq_range){ 30, 40 }));
	g_assert_true(seq_ranges_add(&s, (struct seq_range){ 20, 30 }));
	g_assert_cmpuint(s.n, ==, 1);
	g_assert_cmpuint(s.r[0].left, ==, 10);
	g_assert_cmpuint(s.r[0].right, ==, 40);
}

static void a_full_set_refuses_and_stays(void)
{
	struct seq_ranges s = { 0 };
	for (uint32_t i = 0; i < SEQ_RANGES_MAX; i++)
		g_assert_true(seq_ranges_add(&s, (struct seq_range){ i * 10, i * 10 + 5 }));
	struct seq_ranges before = s;
	g_assert_false(seq_ranges_add(&s, (struct seq_range){ 1000, 1001 }));
	g_assert_cmpmem(&s, sizeof(s), &before, sizeof(before));
	g_assert_true(seq_ranges_add(&s, (struct seq_range){ 5, 10 }));
	g_assert_cmpuint(s.n, ==, SEQ_RANGES_MAX - 1);
}

/* Against a bitmap, around the wrap. */
#define SPACE 200u
#define ORIGIN (0u - SPACE / 2)

static void check_against(const struct seq_ranges *s, const bool *in)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < SPACE; i++) {
		g_assert_cmpint(seq_ranges_find(s, ORIGIN + i) != NULL, ==, in[i]);
		n += in[i];
	}
	g_assert_cmpuint(seq_ranges_count(s, ORIGIN, ORIGIN + SPACE), ==, n);
	uint32_t hole = 0, right;
	while (hole < SPACE && in[hole])
		hole++;
	g_assert_cmpuint(seq_ranges_hole(s, ORIGIN, ORIGIN + SPACE, &right) - ORIGIN, ==, hole);
	while (hole < SPACE && !in[hole])
		hole++;
	g_assert_cmpuint(right - ORIGIN, ==, hole);
}

static void behaves_like_a_bitmap(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(3);
	for (unsigned round = 0; round < 2000; round++) {
		struct seq_ranges s = { 0 };
		bool in[SPACE] = { false };
		for (unsigned step = 0; step < 12; step++) {
			uint32_t left = (uint32_t)g_rand_int_range(rand, 0, SPACE - 1);
			uint32_t right = (uint32_t)g_rand_int_range(rand, (gint32)left + 1, (gint32)MIN(left + 40, SPACE) + 1);
			if (g_rand_int_range(rand, 0, 5) == 0) {
				seq_ranges_drop_before(&s, ORIGIN + left);
				memset(in, 0, left);
			} else if (seq_ranges_add(&s, (struct seq_range){ ORIGIN + left, ORIGIN + right })) {
				memset(in + left, 1, right - left);
			}
			check_against(&s, in);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/seq/numbers_compare_across_the_wrap", numbers_compare_across_the_wrap);
	g_test_add_func("/seq/touching_ranges_become_one", touching_ranges_become_one);
	g_test_add_func("/seq/a_full_set_refuses_and_stays", a_full_set_refuses_and_stays);
	g_test_add_func("/seq/behaves_like_a_bitmap", behaves_like_a_bitmap);
	return g_test_run();
}
