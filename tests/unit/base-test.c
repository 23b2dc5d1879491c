/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"
#include "base/allowance.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/drop.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"

#include <errno.h>
#include <glib.h>

static void mac_text_round_trips(void)
{
	struct mac m;
	char text[MAC_TEXT_SIZE];
	g_assert_cmpint(mac_parse("52:54:00:AB:c:1", &m), ==, 0);
	g_assert_cmpstr(mac_format(m, text), ==, "52:54:00:ab:0c:01");
}

static void malformed_macs_are_refused(void)
{
	static const char *const bad[] = {
		"", "52:54:00:12:34", "52:54:00:12:34:56:78", "52:54:00:12:34:5g", "525400123456", "52:54:00:12:34:567", ":::::"
	};
	struct mac m;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		g_assert_cmpint(mac_parse(bad[i], &m), ==, -EINVAL);
}

static void prefix_contains_its_addresses(void)
{
	struct prefix4 p;
	g_assert_cmpint(prefix4_parse("192.168.122.0/24", &p), ==, 0);
	g_assert_true(prefix4_contains(p, IP4(192, 168, 122, 255)));
	g_assert_false(prefix4_contains(p, IP4(192, 168, 123, 0)));
	g_assert_cmpuint(prefix4_broadcast(p), ==, IP4(192, 168, 122, 255));
	g_assert_cmpint(prefix4_parse("0.0.0.0/0", &p), ==, 0);
	g_assert_true(prefix4_contains(p, IP4(8, 8, 8, 8)));
}

static void malformed_prefixes_are_refused(void)
{
	struct prefix4 p;
	g_assert_cmpint(prefix4_parse("192.168.122.1/24", &p), ==, -EDOM);
	static const char *const bad[] = { "192.168.122.0",     "192.168.122.0/", "192.168.122.0/33",     "192.168.122.0/-1",
					   "192.168.122.0/24x", "x/24",           "1111111111111111111/8" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		g_assert_cmpint(prefix4_parse(bad[i], &p), ==, -EINVAL);
}

static void prefix6_contains_its_addresses(void)
{
	struct prefix6 p;
	struct ip_addr a;
	char text[PREFIX6_TEXT_SIZE];
	g_assert_cmpint(prefix6_parse("fd12:3456:789a:8000::/49", &p), ==, 0);
	g_assert_cmpstr(prefix6_format(&p, text), ==, "fd12:3456:789a:8000::/49");
	g_assert_true(ip_parse("fd12:3456:789a:ffff::1", &a) == 0 && prefix6_contains(&p, &a));
	g_assert_true(ip_parse("fd12:3456:789a:7fff::1", &a) == 0 && !prefix6_contains(&p, &a));
	g_assert_true(ip_parse("fd12:3456:789b:8000::", &a) == 0 && !prefix6_contains(&p, &a));
	g_assert_true(prefix6_parse("::/0", &p) == 0 && prefix6_contains(&p, &a));
	g_assert_true(prefix6_parse("fd00::5/128", &p) == 0 && !prefix6_contains(&p, &a));
	g_assert_true(ip_parse("fd00::5", &a) == 0 && prefix6_contains(&p, &a));
	g_assert_cmpint(prefix6_parse("fd00::1/127", &p), ==, -EDOM);
	static const char *const bad[] = { "",          "/64",       "fd00::",     "fd00::/",   "fd00::/129",
					   "fd00::/6x", "fd00::/-1", "10.0.0.0/8", "fd00:::/64" };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(prefix6_parse(bad[i], &p), ==, -EINVAL);
}

static void ip_text_covers_both_families(void)
{
	struct ip_addr a;
	char text[IP_TEXT_SIZE];
	g_assert_cmpint(ip_parse("10.1.2.3", &a), ==, 0);
	g_assert_true(ip_is_v4(&a));
	g_assert_cmpstr(ip_format(&a, text), ==, "10.1.2.3");
	g_assert_cmpint(ip_parse("fe80::1", &a), ==, 0);
	g_assert_false(ip_is_v4(&a));
	g_assert_cmpstr(ip_format(&a, text), ==, "fe80::1");
	g_assert_cmpint(ip_parse("10.1.2", &a), ==, -EINVAL);
}

static void reader_stays_failed_after_the_end(void)
{
	struct bytes_reader r = bytes_reader("\x01\x02\x03", 3);
	g_assert_cmpuint(bytes_get_be16(&r), ==, 0x0102);
	g_assert_cmpuint(bytes_get_be16(&r), ==, 0);
	g_assert_true(r.failed);
	g_assert_cmpuint(bytes_get_u8(&r), ==, 0);
}

static void writer_never_passes_its_end(void)
{
	uint8_t buf[4] = { 0, 0, 0, 0xee };
	struct bytes_writer w = bytes_writer(buf, 3);
	bytes_put_be16(&w, 0x0102);
	bytes_put_be16(&w, 0x0304);
	g_assert_true(w.failed);
	g_assert_cmpuint(w.len, ==, 2);
	g_assert_cmpuint(buf[3], ==, 0xee);
}

/* The test vector of the SipHash paper, appendix A. */
static void hash_is_siphash_2_4(void)
{
	struct hash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	uint8_t in[15];
	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	g_assert_cmphex(hash_bytes(&key, in, sizeof(in)), ==, 0xa129ca6149be45e5);
}

static void arena_stays_within_its_limit_and_can_be_reset(void)
{
	struct arena a;
	arena_init(&a, 600000);
	for (int turn = 0; turn < 3; turn++) {
		uint8_t *first = arena_alloc(&a, 500000), *second = arena_alloc(&a, 1000);
		g_assert_nonnull(first);
		g_assert_nonnull(second);
		g_assert_cmpuint((uintptr_t)second % 16, ==, 0);
		g_assert_null(arena_alloc(&a, 200000));
		g_assert_null(arena_alloc(&a, SIZE_MAX));
		memset(first, 1, 500000);
		memset(second, 2, 1000);
		g_assert_cmpuint(first[499999], ==, 1);
		arena_reset(&a);
	}
	arena_done(&a);
}

static void list_survives_removal_in_the_loop(void)
{
	struct list head, nodes[3];
	list_init(&head);
	for (int i = 0; i < 3; i++)
		list_append(&head, &nodes[i]);
	int seen = 0;
	list_for_each(n, &head) {
		list_remove(n);
		list_remove(n);
		seen++;
	}
	g_assert_cmpint(seen, ==, 3);
	g_assert_true(list_empty(&head));
}

static void drop_reasons_have_distinct_names(void)
{
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		g_assert_nonnull(drop_name(i));
		g_assert_cmpuint(strlen(drop_explanation(i)), >, 10);
		for (unsigned j = 0; j < i; j++)
			g_assert_cmpstr(drop_name(i), !=, drop_name(j));
	}
}

static void count_line(void *opaque, enum log_level level, const char *line)
{
	g_ptr_array_add(opaque, g_strdup(line));
}

struct log_bench {
	GPtrArray *lines;
	struct log log;
};

static void log_set_up(struct log_bench *b, gconstpointer data)
{
	b->lines = g_ptr_array_new_with_free_func(g_free);
	b->log = (struct log){ .level = LOG_LEVEL_INFO, .write = count_line, .opaque = b->lines };
}

static void log_tear_down(struct log_bench *b, gconstpointer data)
{
	g_ptr_array_free(b->lines, TRUE);
}

/* Writes @n lines at once, and returns how many were written. */
static unsigned log_lines(struct log_bench *b, struct log_limit *limit, usec_t now, unsigned n)
{
	unsigned written = 0;
	for (unsigned i = 0; i < n; i++)
		written += log_limited(&b->log, limit, now, LOG_LEVEL_INFO, "line %u", i);
	return written;
}

static void limited_log_reports_how_many_lines_it_suppressed(struct log_bench *b, gconstpointer data)
{
	struct log_limit limit = { .kind = "port", .name = "web" };
	g_assert_cmpuint(log_lines(b, &limit, USEC_PER_SEC, 100), ==, 5);
	g_assert_cmpuint(b->lines->len, ==, 5);
	g_assert_true(log_limited(&b->log, &limit, 3 * USEC_PER_SEC, LOG_LEVEL_INFO, "later"));
	g_assert_cmpuint(b->lines->len, ==, 7);
	g_assert_cmpstr(b->lines->pdata[5], ==, "port web: 95 more lines were suppressed (rate limit)");
	log_debug(&b->log, "below the level");
	g_assert_false(log_limited(&b->log, &limit, 3 * USEC_PER_SEC, LOG_LEVEL_DEBUG, "below the level, too"));
	g_assert_cmpuint(b->lines->len, ==, 7);
}

static void one_limit_does_not_suppress_the_lines_of_another(struct log_bench *b, gconstpointer data)
{
	struct log_limit noisy = { .kind = "port", .name = "noisy" }, quiet = { .kind = "port", .name = "quiet" };
	log_lines(b, &noisy, USEC_PER_SEC, 1000);
	g_assert_cmpuint(log_lines(b, &quiet, USEC_PER_SEC, 1), ==, 1);
}

static void important_lines_pass_when_ordinary_ones_of_the_same_source_are_suppressed(struct log_bench *b, gconstpointer data)
{
	struct log_limit limit = { .kind = "port", .name = "web" };
	log_lines(b, &limit, USEC_PER_SEC, 1000);
	g_assert_true(log_important(&b->log, &limit, USEC_PER_SEC, LOG_MATTER_SERVER, "another DHCP server"));
	g_assert_cmpstr(b->lines->pdata[b->lines->len - 1], ==, "another DHCP server");
}

static void warnings_about_one_matter_do_not_hide_another(struct log_bench *b, gconstpointer data)
{
	struct log_limit limit = { .kind = "port", .name = "web" };
	for (unsigned i = 0; i < 100; i++)
		log_important(&b->log, &limit, USEC_PER_SEC, LOG_MATTER_CONFLICT, "conflict %u", i);
	g_assert_true(log_important(&b->log, &limit, USEC_PER_SEC, LOG_MATTER_SERVER, "another DHCP server"));
	g_assert_true(log_important(&b->log, &limit, USEC_PER_SEC, LOG_MATTER_LOOP, "a loop"));
}

static void important_lines_are_limited_too_and_do_not_take_from_ordinary_ones(struct log_bench *b, gconstpointer data)
{
	struct log_limit limit = { .kind = "port", .name = "web" };
	unsigned written = 0;
	for (unsigned i = 0; i < 100; i++)
		written += log_important(&b->log, &limit, USEC_PER_SEC, LOG_MATTER_SERVER, "warning %u", i);
	g_assert_cmpuint(written, ==, 5);
	g_assert_cmpuint(log_lines(b, &limit, USEC_PER_SEC, 100), ==, 5);
	unsigned before = b->lines->len;
	g_assert_true(log_important(&b->log, &limit, 2 * USEC_PER_SEC, LOG_MATTER_SERVER, "again"));
	g_assert_cmpuint(b->lines->len, ==, before + 2);
	g_assert_cmpstr(b->lines->pdata[before], ==, "port web: 95 more lines were suppressed (rate limit)");
}

static void suppressed_lines_are_told_when_their_source_goes_away(struct log_bench *b, gconstpointer data)
{
	struct log_limit limit = { .kind = "listener" };
	log_limit_end(&b->log, &limit);
	g_assert_cmpuint(b->lines->len, ==, 0);
	log_lines(b, &limit, USEC_PER_SEC, 7);
	log_limit_end(&b->log, &limit);
	g_assert_cmpuint(b->lines->len, ==, 6);
	g_assert_cmpstr(b->lines->pdata[5], ==, "listener: 2 more lines were suppressed (rate limit)");
	log_limit_end(&b->log, &limit);
	g_assert_cmpuint(b->lines->len, ==, 6);
}

/* At --log-level warning a user must learn of suppressed warnings, and of nothing else. */
static void suppressed_lines_are_told_at_the_level_of_the_worst(struct log_bench *b, gconstpointer data)
{
	struct log_limit limit = { 0 };
	b->log.level = LOG_LEVEL_WARNING;
	for (unsigned i = 0; i < 8; i++) {
		log_limited(&b->log, &limit, USEC_PER_SEC, LOG_LEVEL_WARNING, "warning %u", i);
		log_limited(&b->log, &limit, USEC_PER_SEC, LOG_LEVEL_INFO, "line %u", i);
	}
	log_limit_end(&b->log, &limit);
	g_assert_cmpuint(b->lines->len, ==, 6);
	g_assert_cmpstr(b->lines->pdata[5], ==, "3 more lines were suppressed (rate limit)");
}

static void nothing_is_written_or_counted_without_a_log(void)
{
	struct log_limit limit = { 0 };
	g_assert_false(log_limited(NULL, &limit, USEC_PER_SEC, LOG_LEVEL_INFO, "line"));
	g_assert_false(log_important(NULL, &limit, USEC_PER_SEC, LOG_MATTER_SERVER, "line"));
	log_limit_end(NULL, &limit);
}

#define ADD_LOG(test) g_test_add("/log/" #test, struct log_bench, NULL, log_set_up, test, log_tear_down)

/* What @n users get who come one after another, each taking as much as it may. */
static void take_in_turn(size_t max, unsigned weight, unsigned n, size_t *ret)
{
	size_t used = 0;
	for (unsigned i = 0; i < n; i++) {
		ret[i] = 0;
		while (share_allows(ret[i], 1, used, max, weight)) {
			ret[i]++;
			used++;
		}
	}
}

static void greedy_users_leave_something_for_the_next(void)
{
	size_t of[100];
	take_in_turn(20000, 8, ARRAY_SIZE(of), of);
	g_assert_cmpuint(of[0], ==, 17778); /* eight ninths */
	for (unsigned i = 1; i < 28; i++)
		g_assert_cmpuint(of[i], >=, 1);
	take_in_turn(65536, 1, ARRAY_SIZE(of), of);
	g_assert_cmpuint(of[0], ==, 32768);
	for (unsigned i = 1; i < 28; i++)
		g_assert_cmpuint(of[i], >=, 60);
	g_assert_true(share_allows(0, 1, 65536 - 8, 65536, 1));
	g_assert_false(share_allows(0, 1, 65536, 65536, 15));
	g_assert_false(share_allows(0, 9, 65536 - 8, 65536, 15));
}

struct timed {
	struct heap_node node;
	uint64_t key;
};

static void heap_gives_what_an_array_gives_by_looking_at_all(void)
{
	struct heap h = { 0 };
	struct timed all[50];
	g_assert_null(heap_first(&h));
	g_assert_cmpint(heap_reserve(&h, ARRAY_SIZE(all)), ==, 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		all[i].node.at = HEAP_NOWHERE;
	for (unsigned step = 0; step < 20000; step++) {
		struct timed *t = &all[g_test_rand_int_range(0, ARRAY_SIZE(all))];
		bool is_in = t->node.at != HEAP_NOWHERE;
		uint64_t least = UINT64_MAX;
		size_t n = 0;
		heap_remove(&h, &t->node);
		if (!is_in)
			heap_add(&h, &t->node, t->key = (uint64_t)g_test_rand_int_range(0, 40));
		for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
			if (all[i].node.at == HEAP_NOWHERE)
				continue;
			least = MIN(least, all[i].key);
			n++;
		}
		g_assert_cmpuint(h.n, ==, n);
		g_assert_cmpuint(n > 0 ? heap_first(&h)->key : UINT64_MAX, ==, least);
	}
	heap_done(&h);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/addr/mac_text_round_trips", mac_text_round_trips);
	g_test_add_func("/addr/malformed_macs_are_refused", malformed_macs_are_refused);
	g_test_add_func("/addr/prefix_contains_its_addresses", prefix_contains_its_addresses);
	g_test_add_func("/addr/malformed_prefixes_are_refused", malformed_prefixes_are_refused);
	g_test_add_func("/addr/prefix6_contains_its_addresses", prefix6_contains_its_addresses);
	g_test_add_func("/addr/ip_text_covers_both_families", ip_text_covers_both_families);
	g_test_add_func("/bytes/reader_stays_failed_after_the_end", reader_stays_failed_after_the_end);
	g_test_add_func("/bytes/writer_never_passes_its_end", writer_never_passes_its_end);
	g_test_add_func("/hash/is_siphash_2_4", hash_is_siphash_2_4);
	g_test_add_func("/arena/keeps_to_its_limit_and_starts_over", arena_stays_within_its_limit_and_can_be_reset);
	g_test_add_func("/list/survives_removal_in_the_loop", list_survives_removal_in_the_loop);
	g_test_add_func("/drop/reasons_have_distinct_names", drop_reasons_have_distinct_names);
	ADD_LOG(limited_log_reports_how_many_lines_it_suppressed);
	ADD_LOG(one_limit_does_not_suppress_the_lines_of_another);
	ADD_LOG(important_lines_pass_when_ordinary_ones_of_the_same_source_are_suppressed);
	ADD_LOG(warnings_about_one_matter_do_not_hide_another);
	ADD_LOG(important_lines_are_limited_too_and_do_not_take_from_ordinary_ones);
	ADD_LOG(suppressed_lines_are_told_when_their_source_goes_away);
	ADD_LOG(suppressed_lines_are_told_at_the_level_of_the_worst);
	g_test_add_func("/log/nothing_is_written_or_counted_without_a_log", nothing_is_written_or_counted_without_a_log);
	g_test_add_func("/base/greedy_users_leave_something_for_the_next", greedy_users_leave_something_for_the_next);
	g_test_add_func("/heap/gives_what_an_array_gives_by_looking_at_all", heap_gives_what_an_array_gives_by_looking_at_all);
	return g_test_run();
}
