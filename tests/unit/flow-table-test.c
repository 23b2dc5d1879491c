/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/flow_table.h"

#include <glib.h>

static const struct hash_key key = { { 1, 2 } };

static struct flow_key key_of(uint32_t i)
{
	return (struct flow_key){
		.guest = { ip_from_ip4(IP4(192, 168, 122, 2) + i / 60000), (uint16_t)(i % 60000) },
		.remote = { ip_from_ip4(IP4(203, 0, 113, 1)), 80 },
	};
}

static void a_removed_flow_is_not_found_again(void)
{
	struct flow_table t;
	struct flow a = { .key = key_of(1) }, b = { .key = key_of(2) };
	flow_table_init(&t, &key);
	g_assert_null(flow_table_find(&t, &a.key));
	g_assert_cmpint(flow_table_add(&t, &a), ==, 0);
	g_assert_cmpint(flow_table_add(&t, &b), ==, 0);
	g_assert_true(flow_table_find(&t, &a.key) == &a);
	flow_table_remove(&t, &a);
	g_assert_null(flow_table_find(&t, &a.key));
	g_assert_true(flow_table_find(&t, &b.key) == &b);
	flow_table_done(&t);
}

static void the_index_of_a_flow_that_ended_is_used_again(void)
{
	struct flow_table t;
	struct flow a = { .key = key_of(1) }, b = { .key = key_of(2) };
	flow_table_init(&t, &key);
	flow_table_add(&t, &a);
	uint32_t index = a.index;
	flow_table_remove(&t, &a);
	flow_table_add(&t, &b);
	g_assert_cmpuint(b.index, ==, index);
	g_assert_true(flow_table_from(&t, index) == &b);
	flow_table_done(&t);
}

/* A hundred thousand flows: every one found, the table itself small. */
#define MANY 100000u

static void holds_a_hundred_thousand(void)
{
	struct flow_table t;
	g_autofree struct flow *flows = g_new0(struct flow, MANY);
	flow_table_init(&t, &key);
	for (uint32_t i = 0; i < MANY; i++) {
		flows[i].key = key_of(i);
		g_assert_cmpint(flow_table_add(&t, &flows[i]), ==, 0);
	}
	for (uint32_t i = 0; i < MANY; i++)
		g_assert_true(flow_table_find(&t, &flows[i].key) == &flows[i]);
	uint32_t walked = 0;
	for (struct flow *f = flow_table_from(&t, 0); f; f = flow_table_from(&t, f->index + 1))
		walked++;
	g_assert_cmpuint(walked, ==, MANY);
	g_assert_cmpuint(t.by_key.n_buckets * sizeof(*t.by_key.buckets) + t.by_index.n * sizeof(*t.by_index.at), <, MANY * 64);
	for (uint32_t i = 0; i < MANY; i += 2)
		flow_table_remove(&t, &flows[i]);
	for (uint32_t i = 0; i < MANY; i++)
		g_assert_true((flow_table_find(&t, &flows[i].key) == &flows[i]) == (i % 2 == 1));
	flow_table_done(&t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/flow-table/a_removed_flow_is_not_found_again", a_removed_flow_is_not_found_again);
	g_test_add_func("/flow-table/the_index_of_a_flow_that_ended_is_used_again", the_index_of_a_flow_that_ended_is_used_again);
	g_test_add_func("/flow-table/holds_a_hundred_thousand", holds_a_hundred_thousand);
	return g_test_run();
}
