/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/prefix6.h"

#include "base/log.h"

#include <glib.h>
#include <glib/gstdio.h>

static struct prefix6 prefix6_of_network(const char *state_dir, struct log *log)
{
	struct hash_key key = prefix6_key(state_dir, log);
	return prefix6_of_key(&key);
}

struct fixture {
	struct log log;
	char *dir, *path;
	unsigned warnings;
};

static void count_line(void *opaque, enum log_level level, const char *line)
{
	((struct fixture *)opaque)->warnings++;
}

static void set_up(struct fixture *f, const void *data)
{
	f->log = (struct log){ .level = LOG_LEVEL_DEBUG, .write = count_line, .opaque = f };
	f->dir = g_dir_make_tmp("lanlet-prefix-XXXXXX", NULL);
	f->path = g_build_filename(f->dir, "ipv6-key", NULL);
}

static void tear_down(struct fixture *f, const void *data)
{
	g_remove(f->path);
	g_rmdir(f->dir);
	g_free(f->path);
	g_free(f->dir);
}

static bool is_same(const struct prefix6 *a, const struct prefix6 *b)
{
	return ip_equal(&a->network, &b->network) && a->length == b->length;
}

/* RFC 4193 §3.1: fd00::/8, a global identifier of 40 bits, and a subnet of 16. */
static void prefix_is_unique_local(struct fixture *f, const void *data)
{
	struct prefix6 a = prefix6_of_network(NULL, &f->log), b = prefix6_of_network(NULL, &f->log);
	g_assert_cmphex(a.network.b[0], ==, 0xfd);
	g_assert_cmpuint(a.length, ==, 64);
	for (size_t i = 6; i < 16; i++)
		g_assert_cmphex(a.network.b[i], ==, 0);
	g_assert_false(is_same(&a, &b));
	g_assert_cmpuint(f->warnings, ==, 0);
}

static void prefix_is_the_same_after_a_restart(struct fixture *f, const void *data)
{
	struct prefix6 a = prefix6_of_network(f->dir, &f->log), b = prefix6_of_network(f->dir, &f->log);
	g_assert_true(is_same(&a, &b));
	g_remove(f->path);
	b = prefix6_of_network(f->dir, &f->log);
	g_assert_false(is_same(&a, &b));
}

/* The derivation is part of the state: a later version must not give guests other addresses. */
static void prefix_follows_from_the_key(struct fixture *f, const void *data)
{
	char text[PREFIX6_TEXT_SIZE];
	g_assert_true(g_file_set_contents(f->path, "000102030405060708090a0b0c0d0e0f\n", -1, NULL));
	struct prefix6 p = prefix6_of_network(f->dir, &f->log);
	g_assert_cmpstr(prefix6_format(&p, text), ==, "fd05:f27c:d560::/64");
}

static void damaged_key_is_replaced(struct fixture *f, const void *data)
{
	static const char *const bad[] = { "",
					   "\n",
					   "0001\n",
					   "000102030405060708090a0b0c0d0e0g\n",
					   "000102030405060708090a0b0c0d0e0f",
					   "000102030405060708090a0b0c0d0e0f0\n",
					   "-00102030405060708090a0b0c0d0e0f\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_true(g_file_set_contents(f->path, bad[i], -1, NULL));
		struct prefix6 a = prefix6_of_network(f->dir, &f->log), b = prefix6_of_network(f->dir, &f->log);
		g_assert_true(is_same(&a, &b));
	}
}

static void key_that_cannot_be_kept_is_reported(struct fixture *f, const void *data)
{
	g_autofree char *missing = g_build_filename(f->dir, "missing", NULL);
	prefix6_of_network(missing, &f->log);
	g_assert_cmpuint(f->warnings, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add("/prefix6/" #name, struct fixture, NULL, set_up, name, tear_down)
	ADD(prefix_is_unique_local);
	ADD(prefix_is_the_same_after_a_restart);
	ADD(prefix_follows_from_the_key);
	ADD(damaged_key_is_replaced);
	ADD(key_that_cannot_be_kept_is_reported);
	return g_test_run();
}
