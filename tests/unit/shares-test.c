/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shares.h"

#include "base/macros.h"

#include <glib.h>

struct item {
	struct list node;
	char name;
};

struct fixture {
	struct shares shares;
	struct share many, few, late;
	struct item items[64];
	unsigned n_items;
	GString *done;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	shares_init(&f->shares);
	share_init(&f->many);
	share_init(&f->few);
	share_init(&f->late);
	f->done = g_string_new("");
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_string_free(f->done, TRUE);
}

static void add(struct fixture *f, struct share *share, unsigned n, char name)
{
	for (; n > 0; n--) {
		struct item *item = &f->items[f->n_items++];
		item->name = name;
		list_init(&item->node);
		shares_add(&f->shares, share, &item->node);
	}
}

/* Serves one share: up to @n of its items. */
static bool serve(struct fixture *f, unsigned n)
{
	struct share *share = shares_next(&f->shares);
	struct list *item;
	if (!share)
		return false;
	for (; n > 0 && (item = shares_take(&f->shares, share)); n--)
		g_string_append_c(f->done, container_of(item, struct item, node)->name);
	shares_served(&f->shares, share);
	return true;
}

static void round_of(struct fixture *f, unsigned per_slice)
{
	shares_begin_round(&f->shares);
	while (serve(f, per_slice))
		;
}

static void share_with_much_work_gets_one_slice_a_round(struct fixture *f, gconstpointer data)
{
	add(f, &f->many, 5, 'm');
	add(f, &f->few, 1, 'f');
	round_of(f, 2);
	g_assert_cmpstr(f->done->str, ==, "mmf");
	g_assert_true(shares_have_work(&f->shares));
	round_of(f, 2);
	round_of(f, 2);
	g_assert_cmpstr(f->done->str, ==, "mmfmmm");
	g_assert_false(shares_have_work(&f->shares));
	round_of(f, 2);
	g_assert_cmpstr(f->done->str, ==, "mmfmmm");
}

static void shares_with_work_left_take_turns(struct fixture *f, gconstpointer data)
{
	add(f, &f->many, 4, 'm');
	add(f, &f->few, 3, 'f');
	for (unsigned i = 0; i < 4; i++)
		round_of(f, 1);
	g_assert_cmpstr(f->done->str, ==, "mfmfmfm");
}

static void work_that_comes_during_a_round_waits_for_the_next(struct fixture *f, gconstpointer data)
{
	add(f, &f->many, 2, 'm');
	shares_begin_round(&f->shares);
	g_assert_true(serve(f, 1));
	add(f, &f->late, 1, 'l');
	g_assert_false(serve(f, 1));
	/* What was left comes first: it has waited longer. */
	round_of(f, 1);
	g_assert_cmpstr(f->done->str, ==, "mml");
}

static void work_may_be_removed(struct fixture *f, gconstpointer data)
{
	add(f, &f->many, 1, 'm');
	add(f, &f->few, 1, 'f');
	list_remove(&f->items[0].node);
	round_of(f, 1);
	g_assert_cmpstr(f->done->str, ==, "f");
}

static void share_may_end_while_it_is_served(struct fixture *f, gconstpointer data)
{
	add(f, &f->many, 2, 'm');
	add(f, &f->few, 1, 'f');
	shares_begin_round(&f->shares);
	struct share *share = shares_next(&f->shares);
	g_assert_true(share == &f->many);
	g_assert_nonnull(shares_take(&f->shares, share));
	list_remove(&f->items[1].node);
	share_done(share);
	g_assert_null(shares_take(&f->shares, share));
	shares_served(&f->shares, share);
	g_assert_true(serve(f, 1));
	g_assert_false(serve(f, 1));
	g_assert_cmpstr(f->done->str, ==, "f");
}

static void slices_are_shorter_while_many_have_work(struct fixture *f, gconstpointer data)
{
	struct share shares[64];
	add(f, &f->many, 1, 'm');
	shares_begin_round(&f->shares);
	usec_t alone = shares_slice(&f->shares);
	round_of(f, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(shares) - 1; i++) {
		share_init(&shares[i]);
		add(f, &shares[i], 1, 's');
		shares_begin_round(&f->shares);
		g_assert_cmpuint(shares_slice(&f->shares), <=, alone);
		g_assert_cmpuint(shares_slice(&f->shares), >=, 100);
		if (i < 2)
			g_assert_cmpuint(shares_slice(&f->shares), ==, alone / (i + 1));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/shares/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(share_with_much_work_gets_one_slice_a_round);
	TEST(shares_with_work_left_take_turns);
	TEST(work_that_comes_during_a_round_waits_for_the_next);
	TEST(work_may_be_removed);
	TEST(share_may_end_while_it_is_served);
	TEST(slices_are_shorter_while_many_have_work);
	return g_test_run();
}
