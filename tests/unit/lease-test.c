/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macros.h"
#include "service/dhcp/lease.h"

#include <glib.h>
#include <string.h>

#define MAC(n) ((struct mac){ { 2, 0, 0, 0, 0, (uint8_t)(n) } })
#define CAPACITY 8
/* The range of addresses that are looked for; others may have records, too. */
#define FIRST 3u
#define LAST 17u

static const struct hash_key key = { { 3, 4 } };

static void held_active_and_memory_depend_on_state_and_time(void)
{
	static const struct {
		enum lease_state state;
		usec_t expires;
		bool held, active, memory; /* at 100 */
	} cases[] = {
		{ LEASE_PROBING, 0, true, false, false },      { LEASE_OFFERED, 101, true, false, false },
		{ LEASE_OFFERED, 100, false, false, false },   { LEASE_BOUND, 101, true, true, false },
		{ LEASE_BOUND, 100, false, false, true },      { LEASE_BOUND, USEC_INFINITY, true, true, false },
		{ LEASE_RELEASED, 101, false, false, true },   { LEASE_SET_ASIDE, 101, true, false, false },
		{ LEASE_SET_ASIDE, 100, false, false, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lease l = { .state = cases[i].state, .expires = cases[i].expires };
		g_assert_cmpint(lease_is_held(&l, 100), ==, cases[i].held);
		g_assert_cmpint(lease_is_active(&l, 100), ==, cases[i].active);
		g_assert_cmpint(lease_is_memory(&l, 100), ==, cases[i].memory);
	}
}

static void settle(struct lease_table *t, usec_t now)
{
	while (lease_table_settle(t, now))
		;
}

static struct lease *add(struct lease_table *t, unsigned n, enum lease_state state, usec_t expires)
{
	struct lease *l = lease_new(t, MAC(n), n);
	if (l && state != LEASE_RELEASED)
		lease_hold(t, l, 0, NULL, expires, false);
	if (l)
		l->state = state;
	return l;
}

static void full_table_replaces_the_least_useful_record(void)
{
	struct lease_table t;
	g_assert_cmpint(lease_table_init(&t, &key, 4, FIRST, LAST), ==, 0);
	add(&t, 1, LEASE_BOUND, 50);
	add(&t, 2, LEASE_BOUND, 500);
	settle(&t, 100);
	add(&t, 3, LEASE_RELEASED, 0);
	add(&t, 4, LEASE_OFFERED, 50);
	settle(&t, 100);
	g_assert_nonnull(add(&t, 5, LEASE_BOUND, 500));
	g_assert_null(lease_find_mac(&t, MAC(4))); /* the expired offer */
	g_assert_nonnull(add(&t, 6, LEASE_BOUND, 500));
	g_assert_null(lease_find_mac(&t, MAC(1))); /* the memory that ended first */
	g_assert_nonnull(add(&t, 7, LEASE_PROBING, USEC_INFINITY));
	g_assert_null(lease_find_mac(&t, MAC(3)));
	g_assert_null(add(&t, 8, LEASE_BOUND, 500));
	g_assert_cmpuint(t.count, ==, 4);
	lease_table_done(&t);
}

static void set_aside_address_has_no_mac(void)
{
	struct lease_table t;
	g_assert_cmpint(lease_table_init(&t, &key, 4, FIRST, LAST), ==, 0);
	struct lease *l = add(&t, 1, LEASE_BOUND, 500);
	lease_set_name(&t, l, "web");
	lease_hold(&t, l, 700 - 1, NULL, 700, false);
	lease_set_aside(&t, l);
	g_assert_null(lease_find_mac(&t, MAC(1)));
	g_assert_null(lease_find_name(&t, "web"));
	g_assert_true(lease_find_ip(&t, 1) == l);
	g_assert_cmpuint(l->expires, ==, 700);
	lease_hold(&t, l, 800 - 1, NULL, 800, false);
	lease_set_aside(&t, l);
	lease_free(&t, l);
	g_assert_cmpuint(t.count, ==, 0);
	lease_table_done(&t);
}

static void count_record(void *opaque, const struct lease *l)
{
	unsigned *seen = opaque;
	seen[l->ip]++;
}

/* More than the words of the map of recorded addresses and the first buckets of the indexes have room for. */
static void many_records_are_found_walked_and_end_in_order(void)
{
	enum { N = 1000 };
	static unsigned seen[N];
	struct lease_table t;
	g_assert_cmpint(lease_table_init(&t, &key, N, 0, N), ==, 0);
	for (unsigned i = 0; i < N; i++) {
		struct lease *l = lease_new(&t, (struct mac){ { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } }, i);
		lease_hold(&t, l, 0, NULL, 1000 + i * 7919 % N, false);
		l->state = i % 3 ? LEASE_BOUND : LEASE_OFFERED;
	}
	g_assert_cmpuint(lease_next_free(&t, 5), ==, N);
	unsigned cursor = 0, steps = 0;
	while (lease_table_walk(&t, &cursor, 100, count_record, seen))
		steps++;
	g_assert_cmpuint(steps, >=, N / 100);
	for (unsigned i = 0; i < N; i++) {
		g_assert_cmpuint(seen[i], ==, 1);
		g_assert_cmpuint(lease_find_ip(&t, i)->ip, ==, i);
	}
	g_assert_cmpuint(lease_table_deadline(&t), ==, 1000);
	settle(&t, 999);
	g_assert_true(list_empty(&t.memories) && list_empty(&t.stale));
	settle(&t, 1000 + N);
	g_assert_cmpuint(lease_table_deadline(&t), ==, USEC_INFINITY);
	usec_t before = 0;
	list_for_each(node, &t.memories) {
		const struct lease *l = container_of(node, struct lease, ended);
		g_assert_cmpuint(l->expires, >, before);
		g_assert_cmpint(l->state, ==, LEASE_BOUND);
		before = l->expires;
	}
	list_for_each(node, &t.stale)
		g_assert_cmpint(container_of(node, struct lease, ended)->state, ==, LEASE_OFFERED);
	lease_hold(&t, lease_find_ip(&t, 1), 3000, NULL, 4000, false);
	lease_free(&t, lease_find_ip(&t, 700));
	g_assert_cmpuint(lease_next_free(&t, 5), ==, 700);
	lease_table_done(&t);
}

/* The expected contents of the table, in a simple array. */
struct model {
	bool used, aside;
	unsigned mac, ip, name; /* name 0: no name */
};

static struct model *model_find(struct model *m, unsigned mac)
{
	for (size_t i = 0; i < CAPACITY; i++)
		if (m[i].used && !m[i].aside && m[i].mac == mac)
			return &m[i];
	return NULL;
}

static bool model_has(const struct model *m, unsigned ip, unsigned name)
{
	for (size_t i = 0; i < CAPACITY; i++)
		if (m[i].used && ((ip && m[i].ip == ip) || (name && m[i].name == name)))
			return true;
	return false;
}

static const char *name_of(unsigned n, char text[static 8])
{
	text[0] = '\0';
	if (n > 0)
		g_snprintf(text, 8, "n%u", n);
	return text;
}

static void assert_same(const struct lease_table *t, struct model *m)
{
	unsigned count = 0;
	char text[8];
	for (unsigned n = 1; n <= 20; n++) {
		const struct lease *l = lease_find_mac(t, MAC(n));
		const struct model *expected = model_find(m, n);
		g_assert_cmpint(l != NULL, ==, expected != NULL);
		if (l)
			g_assert_cmpuint(l->ip, ==, expected->ip);
		g_assert_cmpint(lease_find_ip(t, n) != NULL, ==, model_has(m, n, 0));
		g_assert_cmpint(lease_find_name(t, name_of(n, text)) != NULL, ==, model_has(m, 0, n));
	}
	for (size_t i = 0; i < CAPACITY; i++)
		count += m[i].used;
	g_assert_cmpuint(t->count, ==, count);
	for (ip4_t from = FIRST, want; from <= LAST; from++) {
		for (want = from; want <= LAST && model_has(m, want, 0);)
			want++;
		g_assert_cmpuint(lease_next_free(t, from), ==, want <= LAST ? want : 0);
	}
	g_assert_cmpuint(lease_next_free(t, FIRST - 1), ==, 0);
	g_assert_cmpuint(lease_next_free(t, LAST + 1), ==, 0);
}

static void model_add(struct model *m, unsigned mac, unsigned ip)
{
	for (size_t i = 0; i < CAPACITY; i++) {
		if (m[i].used)
			continue;
		m[i] = (struct model){ .used = true, .mac = mac, .ip = ip };
		return;
	}
	g_assert_not_reached();
}

static void table_agrees_with_a_simple_model(void)
{
	struct lease_table t;
	struct model m[CAPACITY] = { { 0 } };
	char text[8];
	g_assert_cmpint(lease_table_init(&t, &key, CAPACITY, FIRST, LAST), ==, 0);
	for (int step = 0; step < 20000; step++) {
		unsigned mac = (unsigned)g_test_rand_int_range(1, 21), ip = (unsigned)g_test_rand_int_range(1, 21);
		unsigned name = (unsigned)g_test_rand_int_range(0, 21);
		struct model *x = model_find(m, mac);
		struct lease *l = lease_find_mac(&t, MAC(mac));
		int what = g_test_rand_int_range(0, 5);
		if (!x && t.count < CAPACITY && !model_has(m, ip, 0)) {
			g_assert_nonnull(lease_new(&t, MAC(mac), ip));
			model_add(m, mac, ip);
		} else if (x && what == 0) {
			lease_free(&t, l);
			x->used = false;
		} else if (x && what == 1 && !model_has(m, ip, 0)) {
			lease_move(&t, l, ip);
			x->ip = ip;
		} else if (x && what == 2 && (name == 0 || !model_has(m, 0, name))) {
			lease_set_name(&t, l, name_of(name, text));
			x->name = name;
		} else if (x && what == 3) {
			lease_hold(&t, l, 500 - 1, NULL, 500, false);
			lease_set_aside(&t, l);
			x->aside = true;
			x->name = 0;
		} else if (what == 4) {
			struct lease *aside = lease_find_ip(&t, ip);
			for (size_t i = 0; aside && i < CAPACITY; i++)
				if (m[i].used && m[i].ip == ip)
					m[i].used = false;
			if (aside)
				lease_free(&t, aside);
		}
		assert_same(&t, m);
	}
	lease_table_done(&t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/lease/" #name, name)
	TEST(held_active_and_memory_depend_on_state_and_time);
	TEST(full_table_replaces_the_least_useful_record);
	TEST(set_aside_address_has_no_mac);
	TEST(many_records_are_found_walked_and_end_in_order);
	TEST(table_agrees_with_a_simple_model);
	return g_test_run();
}
