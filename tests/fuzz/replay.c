/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without a fuzzer: every seed of its corpus, then a fixed number of
 * mutations of each, the same ones in every run.  Each seed is a test case of GTest.
 *
 *     NAME-fuzz [--tap] DIRECTORY|FILE… [--found BUNDLE]
 *
 * A bundle has the inputs that a fuzzer found (tests/fuzz/bundle).  They are one test case, with few mutations, for there are many.
 *
 * With LANLET_FUZZ_SAVE=PATH in the environment every input is written to PATH before it is run,
 * so that after a crash PATH holds the input that did it.
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h" /* behind glib: its MIN and MAX evaluate twice */

#define MUTATIONS_PER_SEED 1500u
#define MUTATIONS_PER_FOUND 4u
#define EDITS_MAX 6u
#define GROWTH_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seed {
	char *path;
	uint8_t *data;
	size_t size;
};

/* xorshift64: the runs of two machines are the same. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static size_t below(uint64_t *state, size_t limit)
{
	return limit == 0 ? 0 : (size_t)(next_random(state) % limit);
}

/* One edit of @buf, which has room for @room bytes; returns the new size. */
static size_t edit(uint64_t *rng, uint8_t *buf, size_t size, size_t room)
{
	static const uint8_t interesting[] = { 0x00, 0x01, 0x04, 0x0f, 0x3f, 0x40, 0x45, 0x4f, 0x7f, 0x80, 0xc0, 0xfe, 0xff };
	size_t at = below(rng, size);
	switch (below(rng, 7)) {
	case 0:
		if (size > 0)
			buf[at] ^= (uint8_t)(1u << below(rng, 8));
		return size;
	case 1:
		if (size > 0)
			buf[at] = interesting[below(rng, ARRAY_SIZE(interesting))];
		return size;
	case 2:
		if (size > 0)
			buf[at] = (uint8_t)(buf[at] + below(rng, 33) - 16);
		return size;
	case 3: return at;
	case 4: { /* a piece is repeated somewhere else */
		size_t from = below(rng, size), n = MIN(below(rng, 32), size - MAX(at, from));
		memmove(buf + at, buf + from, n);
		return size;
	}
	case 5: { /* a piece is cut out */
		size_t n = MIN(below(rng, 16), size - at);
		memmove(buf + at, buf + at + n, size - at - n);
		return size - n;
	}
	default: { /* grows at the end */
		size_t n = MIN(below(rng, 24), room - size);
		for (size_t i = 0; i < n; i++)
			buf[size + i] = (uint8_t)next_random(rng);
		return size + n;
	}
	}
}

/* Hands the target a heap copy of exactly @size bytes, so that a sanitizer sees one byte too far. */
static void run_one(const uint8_t *data, size_t size)
{
	const char *save = g_getenv("LANLET_FUZZ_SAVE");
	if (save)
		g_assert_true(g_file_set_contents(save, (const char *)data, (gssize)size, NULL));
	uint8_t *exact = malloc(size);
	g_assert_true(exact || size == 0);
	if (size > 0)
		memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void run_with_mutations(const uint8_t *data, size_t len, unsigned n)
{
	run_one(data, len);
	size_t room = len + GROWTH_MAX;
	g_autofree uint8_t *buf = g_malloc(room);
	uint64_t rng = 0x9e3779b97f4a7c15u ^ len;
	for (unsigned i = 0; i < n; i++) {
		memcpy(buf, data, len);
		size_t size = len;
		for (size_t edits = 1 + below(&rng, EDITS_MAX); edits > 0; edits--)
			size = edit(&rng, buf, size, room);
		run_one(buf, size);
	}
}

static void replay(gconstpointer opaque)
{
	const struct seed *seed = opaque;
	run_with_mutations(seed->data, seed->size, MUTATIONS_PER_SEED);
}

/* Each input stands behind its length, 32 bits, big-endian. */
static void replay_bundle(gconstpointer opaque)
{
	const struct seed *bundle = opaque;
	for (size_t at = 0; at < bundle->size;) {
		uint32_t len;
		g_assert_cmpuint(bundle->size - at, >=, sizeof(len));
		memcpy(&len, bundle->data + at, sizeof(len));
		len = GUINT32_FROM_BE(len);
		at += sizeof(len);
		g_assert_cmpuint(len, <=, bundle->size - at);
		run_with_mutations(bundle->data + at, len, MUTATIONS_PER_FOUND);
		at += len;
	}
}

static void free_seed(gpointer opaque)
{
	struct seed *seed = opaque;
	g_free(seed->path);
	g_free(seed->data);
	g_free(seed);
}

static void add_file(const char *path, void (*test)(gconstpointer seed))
{
	g_autoptr(GError) error = NULL;
	g_autofree char *basename = g_path_get_basename(path);
	g_autofree char *name = g_strconcat(test == replay_bundle ? "/found/" : "/", basename, NULL);
	struct seed *seed = g_new0(struct seed, 1);
	char *contents;
	if (!g_file_get_contents(path, &contents, &seed->size, &error))
		g_error("%s", error->message);
	seed->path = g_strdup(path);
	seed->data = (uint8_t *)contents;
	g_test_add_data_func_full(name, seed, test, free_seed);
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_directory(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = g_dir_open(path, 0, &error);
	if (!dir)
		g_error("%s", error->message);
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	for (const char *entry; (entry = g_dir_read_name(dir));)
		g_ptr_array_add(files, g_build_filename(path, entry, NULL));
	if (files->len == 0)
		g_error("%s: a fuzz target needs at least one seed", path);
	g_ptr_array_sort(files, compare_paths);
	for (guint i = 0; i < files->len; i++)
		add_file(g_ptr_array_index(files, i), replay);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (argc < 2)
		g_error("usage: %s [--tap] DIRECTORY|FILE... [--found BUNDLE]", argv[0]);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--found") == 0 && i + 1 < argc)
			add_file(argv[++i], replay_bundle);
		else if (g_file_test(argv[i], G_FILE_TEST_IS_DIR))
			add_directory(argv[i]);
		else
			add_file(argv[i], replay);
	}
	return g_test_run();
}
