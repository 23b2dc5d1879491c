/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/lease_file.h"
#include "gateway/ip6.h"
#include "service/dhcp6/dhcp6.h"

#include "base/log.h"
#include "service/dhcp/pool.h"
#include "support/dhcp_bench.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

/* 2026-01-01, a second and a half after it */
#define WALL (1767225601500000ull)

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)

/* A server, its lease file in a directory of its own, and the log. */
struct fixture {
	struct dhcp_bench bench;
	struct lease_file file;
	struct log log;
	char *dir, *path;
	GString *lines;
};

static void keep_line(void *opaque, enum log_level level, const char *line)
{
	g_string_append_printf(opaque, "%d %s\n", level, line);
}

static void open_file(struct fixture *f)
{
	f->log = (struct log){ .level = LOG_LEVEL_DEBUG, .write = keep_line, .opaque = f->lines };
	g_assert_cmpint(lease_file_init(&f->file, f->path, &f->log), ==, 0);
}

static void set_up(struct fixture *f, const void *data)
{
	f->dir = g_dir_make_tmp("lanlet-leases-XXXXXX", NULL);
	g_assert_nonnull(f->dir);
	f->path = g_build_filename(f->dir, "leases", NULL);
	f->lines = g_string_new(NULL);
	bench_init(&f->bench);
	f->bench.config.saves = false; /* the tests do that themselves */
	bench_start(&f->bench);
	open_file(f);
}

static void tear_down(struct fixture *f, const void *data)
{
	static const char *const names[] = { "leases", "leases.tmp", "leases.damaged" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(f->dir, names[i], NULL);
		g_remove(path);
	}
	g_assert_cmpint(g_rmdir(f->dir), ==, 0);
	lease_file_done(&f->file);
	bench_done(&f->bench);
	g_string_free(f->lines, TRUE);
	g_free(f->path);
	g_free(f->dir);
}

static char *contents(const struct fixture *f, const char *suffix)
{
	g_autofree char *path = g_strconcat(f->path, suffix, NULL);
	char *text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void write_contents(const struct fixture *f, const char *text)
{
	g_assert_true(g_file_set_contents(f->path, text, -1, NULL));
}

static void save(struct fixture *f, usec_t wall)
{
	g_assert_cmpint(lease_file_save(&f->file, &f->bench.dhcp, f->bench.now, wall), ==, 0);
}

/* A new server at boot time @now reads the file at @wall. */
static unsigned restart(struct fixture *f, usec_t now, usec_t wall)
{
	bench_done(&f->bench);
	bench_init(&f->bench);
	f->bench.now = now;
	bench_start(&f->bench);
	return lease_file_load(&f->file, &f->bench.dhcp, now, wall);
}

static void bind_as(struct fixture *f, struct mac mac, ip4_t ip, const char *name, const char *client_id)
{
	struct bench_ask ask = { .type = DHCP_REQUEST, .mac = mac, .requested = ip, .name = name, .client_id = client_id };
	bench_send(&f->bench, &ask);
	bench_only_reply(&f->bench, DHCP_ACK);
	bench_forget(&f->bench);
}

static void leases_are_written_as_dnsmasq_does(struct fixture *f, const void *data)
{
	bind_as(f, A, BENCH_IP(6), "web", NULL);
	bind_as(f, B, BENCH_IP(7), NULL, "\1ab");
	save(f, WALL);
	g_autofree char *text = contents(f, "");
	g_assert_cmpstr(text, ==,
			"1767229202 52:54:00:00:00:01 192.168.122.6 web *\n"
			"1767229202 52:54:00:00:00:02 192.168.122.7 * 01:61:62\n");
	g_autofree char *leftover = contents(f, ".tmp");
	g_assert_null(leftover);
	struct stat st;
	g_assert_cmpint(stat(f->path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
}

static const char ipv6_text[] = "1767229202 52:54:00:00:00:01 192.168.122.6 web *\n"
				"duid 00:03:00:01:52:54:00:00:00:09\n"
				"1767229202 77 fd12:3456:789a::7 db 00:03:00:01:52:54:00:00:00:02\n";

static void leases_of_ipv6_follow_the_duid_of_the_server(struct fixture *f, const void *data)
{
	struct prefix6 prefix = { { { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a } }, 64 };
	struct gateway_ip6 ip6 = gateway_ip6_of(&prefix);
	struct dhcp6 dhcp6;
	dhcp6_init(&dhcp6, &(struct dhcp6_config){ .mac = { { 0x52, 0x54, 0, 0, 0, 9 } }, .ip6 = &ip6, .lease_time = 3600, .saves = true });
	f->file.dhcp6 = &dhcp6;
	write_contents(f, ipv6_text);
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 2);
	save(f, WALL);
	g_autofree char *text = contents(f, "");
	g_assert_cmpstr(text, ==, ipv6_text);
	dhcp6_done(&dhcp6);
	f->file.dhcp6 = NULL;
}

static void leases_of_ipv6_are_left_out_without_ipv6(struct fixture *f, const void *data)
{
	write_contents(f, ipv6_text);
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 1);
	g_autofree char *damaged = contents(f, ".damaged");
	g_assert_null(damaged);
}

static void missing_file_is_accepted(struct fixture *f, const void *data)
{
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 0);
	g_assert_cmpstr(f->lines->str, ==, "");
}

static void leases_survive_a_restart(struct fixture *f, const void *data)
{
	bind_as(f, A, BENCH_IP(6), "web", "\1ab");
	save(f, WALL);
	g_assert_cmpuint(restart(f, 5 * USEC_PER_SEC, WALL + 600 * USEC_PER_SEC), ==, 1);
	const struct lease *l = lease_find_mac(&f->bench.dhcp.leases, A);
	g_assert_cmpuint(l->ip, ==, BENCH_IP(6));
	g_assert_cmpstr(l->name, ==, "web");
	g_assert_cmpmem(l->client_id, l->client_id_len, "\1ab", 3);
	usec_t left = l->expires - f->bench.now;
	g_assert_cmpuint(left, >, 2999 * USEC_PER_SEC);
	g_assert_cmpuint(left, <=, 3001 * USEC_PER_SEC);
	g_assert_cmpstr(f->lines->str, ==, "");
}

/* Expiry times do not drift when they are read and written again. */
static void saving_what_was_loaded_changes_nothing(struct fixture *f, const void *data)
{
	bind_as(f, A, BENCH_IP(6), "web", NULL);
	bind_as(f, B, BENCH_IP(7), NULL, NULL);
	save(f, WALL);
	g_autofree char *before = contents(f, "");
	for (unsigned i = 1; i < 20; i++) {
		usec_t wall = WALL + i * 123456789;
		g_assert_cmpuint(restart(f, i * 7654321, wall), ==, 2);
		save(f, wall + 77777);
		f->bench.now += 77777;
		save(f, wall + 77777);
		g_autofree char *after = contents(f, "");
		g_assert_cmpstr(after, ==, before);
	}
}

static void ended_leases_are_remembered_over_a_reboot(struct fixture *f, const void *data)
{
	bind_as(f, A, BENCH_IP(66), NULL, NULL);
	save(f, WALL);
	g_assert_cmpuint(restart(f, 5 * USEC_PER_SEC, WALL + 3 * 86400 * USEC_PER_SEC), ==, 1);
	g_assert_false(lease_is_active(lease_find_mac(&f->bench.dhcp.leases, A), f->bench.now));
	g_assert_cmpuint(bench_lease(&f->bench, A, NULL), ==, BENCH_IP(66));
}

static void infinite_leases_are_zero(struct fixture *f, const void *data)
{
	write_contents(f, "0 52:54:00:00:00:01 192.168.122.6 * *\n");
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 1);
	g_assert_cmpuint(lease_find_mac(&f->bench.dhcp.leases, A)->expires, ==, USEC_INFINITY);
	save(f, WALL);
	g_autofree char *text = contents(f, "");
	g_assert_cmpstr(text, ==, "0 52:54:00:00:00:01 192.168.122.6 * *\n");
}

static void distant_ends_do_not_overflow(struct fixture *f, const void *data)
{
	write_contents(f, "18446744073709551000 52:54:00:00:00:01 192.168.122.6 * *\n"
			  "1 52:54:00:00:00:02 192.168.122.7 * *\n");
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 2);
	g_assert_true(lease_is_active(lease_find_mac(&f->bench.dhcp.leases, A), f->bench.now));
	g_assert_false(lease_is_active(lease_find_mac(&f->bench.dhcp.leases, B), f->bench.now));
}

static void damaged_file_is_renamed_and_its_valid_lines_are_used(struct fixture *f, const void *data)
{
	static const char damaged[] = "1767229202 52:54:00:00:00:01 192.168.122.6 web *\n"
				      "1767229202 52:54:00:00\n"
				      "1767229202 52:54:00:00:00:02 192.168.122.7 * 01:6";
	write_contents(f, damaged);
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 1);
	g_autofree char *aside = contents(f, ".damaged");
	g_assert_cmpstr(aside, ==, damaged);
	g_autofree char *now = contents(f, "");
	g_assert_cmpstr(now, ==, "1767229202 52:54:00:00:00:01 192.168.122.6 web *\n");
	g_assert_nonnull(strstr(f->lines->str, "1 lease file "));
	g_assert_nonnull(strstr(f->lines->str, "2 lines are damaged, the other lines have 1 leases"));
}

static void last_line_of_a_mac_or_an_address_counts(struct fixture *f, const void *data)
{
	write_contents(f, "1767229202 52:54:00:00:00:01 192.168.122.6 web *\n"
			  "1767229202 52:54:00:00:00:03 192.168.122.8 db *\n"
			  "1767229202 52:54:00:00:00:02 192.168.122.6 * *\n"
			  "1767229999 52:54:00:00:00:03 192.168.122.9 mail *\n");
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 2);
	g_autofree char *aside = contents(f, ".damaged");
	g_assert_null(aside);
	save(f, WALL);
	g_autofree char *text = contents(f, "");
	g_assert_cmpstr(text, ==,
			"1767229202 52:54:00:00:00:02 192.168.122.6 * *\n"
			"1767229999 52:54:00:00:00:03 192.168.122.9 mail *\n");
}

/* As an editor may leave it. */
static void last_line_counts_without_a_line_feed(struct fixture *f, const void *data)
{
	write_contents(f, "1767229202 52:54:00:00:00:01 192.168.122.6 web *\n"
			  "1767229202 52:54:00:00:00:02 192.168.122.7 db 01:52:54:00:00:00:02");
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 2);
	g_autofree char *aside = contents(f, ".damaged");
	g_assert_null(aside);
	save(f, WALL);
	g_autofree char *text = contents(f, "");
	g_assert_cmpstr(text, ==,
			"1767229202 52:54:00:00:00:01 192.168.122.6 web *\n"
			"1767229202 52:54:00:00:00:02 192.168.122.7 db 01:52:54:00:00:00:02\n");
}

static void leases_that_no_longer_fit_do_not_count_as_damage(struct fixture *f, const void *data)
{
	write_contents(f, "1767229202 52:54:00:00:00:01 10.0.0.6 web *\n"
			  "1767229202 52:54:00:00:00:02 192.168.122.7 * *\n");
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 1);
	g_autofree char *aside = contents(f, ".damaged");
	g_assert_null(aside);
	g_assert_nonnull(strstr(f->lines->str, "1 leases are dropped, because they do not fit"));
}

static void path_that_is_not_a_file_is_renamed(struct fixture *f, const void *data)
{
	g_assert_cmpint(g_mkdir(f->path, 0700), ==, 0);
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 0);
	g_autofree char *aside = g_strconcat(f->path, ".damaged", NULL);
	g_assert_true(g_file_test(aside, G_FILE_TEST_IS_DIR));
	save(f, WALL);
}

static void a_fifo_does_not_hang_the_start(struct fixture *f, const void *data)
{
	g_assert_cmpint(mkfifo(f->path, 0600), ==, 0);
	g_assert_cmpuint(lease_file_load(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, 0);
	save(f, WALL);
	g_assert_true(g_file_test(f->path, G_FILE_TEST_IS_REGULAR));
}

static void leftover_of_a_killed_process_is_overwritten(struct fixture *f, const void *data)
{
	g_autofree char *temporary = g_strconcat(f->path, ".tmp", NULL);
	g_assert_true(g_file_set_contents(temporary, "half of a very long line that is longer than what will be written", -1, NULL));
	save(f, WALL);
	g_autofree char *text = contents(f, "");
	g_assert_cmpstr(text, ==, "");
}

static void failure_to_write_is_logged_once_and_leaves_the_old_file(struct fixture *f, const void *data)
{
	bind_as(f, A, BENCH_IP(6), NULL, NULL);
	save(f, WALL);
	g_autofree char *before = contents(f, "");
	g_autofree char *temporary = g_strconcat(f->path, ".tmp", NULL);
	g_assert_cmpint(g_mkdir(temporary, 0700), ==, 0);
	bind_as(f, B, BENCH_IP(7), NULL, NULL);
	for (int i = 0; i < 3; i++)
		g_assert_cmpint(lease_file_save(&f->file, &f->bench.dhcp, f->bench.now, WALL), ==, -EISDIR);
	g_autofree char *after = contents(f, "");
	g_assert_cmpstr(after, ==, before);
	const char *said = strstr(f->lines->str, "leases do not outlive a restart until");
	g_assert_nonnull(said);
	g_assert_null(strstr(said + 1, "leases do not outlive a restart until"));
	g_rmdir(temporary);
	save(f, WALL);
	g_assert_nonnull(strstr(f->lines->str, "written again"));
}

static void many_leases_fit_the_file(struct fixture *f, const void *data)
{
	for (unsigned i = 2; i <= 254; i++)
		bind_as(f, BENCH_MAC(i), BENCH_IP(i), "a-rather-long-name-of-a-guest", "a client id of some length too");
	save(f, WALL);
	g_assert_cmpuint(restart(f, USEC_PER_SEC, WALL), ==, 253);
}

/* --- a large network --- */

#define LARGE 200u

static void save_to_file(struct dhcp_env *env, usec_t now)
{
	struct fixture *f = container_of(container_of(env, struct dhcp_bench, env), struct fixture, bench);
	lease_file_save(&f->file, &f->bench.dhcp, now, WALL);
}

/* The server saves by itself, and has LARGE leases: BENCH_MAC(n) has .n from 2 on. */
static void become_large(struct fixture *f, struct dhcp_env_ops *ops)
{
	*ops = *f->bench.env.ops;
	ops->save = save_to_file;
	f->bench.env.ops = ops;
	f->bench.dhcp.config.saves = true;
	for (unsigned i = 0; i < LARGE; i++) {
		bind_as(f, BENCH_MAC(i + 2), BENCH_IP(i + 2), NULL, NULL);
		f->bench.now += USEC_PER_SEC;
	}
}

static unsigned lines_of(struct fixture *f)
{
	g_autofree char *text = contents(f, "");
	unsigned n = 0;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static ino_t inode_of(struct fixture *f)
{
	struct stat st;
	g_assert_cmpint(stat(f->path, &st), ==, 0);
	return st.st_ino;
}

static void release(struct fixture *f, unsigned n)
{
	bench_send(&f->bench,
		   &(struct bench_ask){
			   .type = DHCP_RELEASE, .mac = BENCH_MAC(n), .ciaddr = BENCH_IP(n), .src = BENCH_IP(n), .dst = BENCH_GATEWAY });
	f->bench.now += USEC_PER_SEC;
}

static void changed_leases_of_a_large_network_are_appended(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	ino_t before = inode_of(f);
	g_assert_cmpuint(lines_of(f), ==, LARGE);
	bind_as(f, BENCH_MAC(250), BENCH_IP(250), "late", NULL);
	g_assert_cmpuint(lines_of(f), ==, LARGE + 1);
	g_assert_true(inode_of(f) == before);
	bind_as(f, BENCH_MAC(250), BENCH_IP(250), "renamed", NULL);
	g_assert_cmpuint(restart(f, f->bench.now, WALL), ==, LARGE + 1);
	g_assert_cmpstr(lease_find_mac(&f->bench.dhcp.leases, BENCH_MAC(250))->name, ==, "renamed");
	g_assert_true(lease_is_active(lease_find_mac(&f->bench.dhcp.leases, BENCH_MAC(2)), f->bench.now));
	g_assert_cmpstr(f->lines->str, ==, "");
}

static void released_lease_of_a_large_network_has_ended_after_a_restart(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	ino_t before = inode_of(f);
	release(f, 7);
	g_assert_true(inode_of(f) == before);
	restart(f, f->bench.now, WALL + USEC_PER_SEC);
	g_assert_false(lease_is_held(lease_find_mac(&f->bench.dhcp.leases, BENCH_MAC(7)), f->bench.now));
	g_assert_null(dhcp_pool_refusal(&f->bench.dhcp, f->bench.now, A, BENCH_IP(7)));
}

static void address_that_another_guest_has_got_is_its_after_a_restart(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	release(f, 7);
	bind_as(f, BENCH_MAC(250), BENCH_IP(7), NULL, NULL);
	restart(f, f->bench.now, WALL + USEC_PER_SEC);
	g_assert_null(lease_find_mac(&f->bench.dhcp.leases, BENCH_MAC(7)));
	g_assert_true(mac_equal(lease_find_ip(&f->bench.dhcp.leases, BENCH_IP(7))->mac, BENCH_MAC(250)));
}

static void declined_lease_of_a_large_network_has_ended_after_a_restart(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	bench_send(&f->bench, &(struct bench_ask){ .type = DHCP_DECLINE, .mac = BENCH_MAC(7), .requested = BENCH_IP(7) });
	restart(f, f->bench.now, WALL);
	g_assert_false(lease_is_held(lease_find_mac(&f->bench.dhcp.leases, BENCH_MAC(7)), f->bench.now));
}

/* The saves of a busy second make the next one wait for 100 ms; what happens until then is saved together. */
static void end_lease_before_the_next_save(struct fixture *f, unsigned n)
{
	f->bench.dhcp.saving.pace = f->bench.now + USEC_PER_SEC;
	bench_send(&f->bench,
		   &(struct bench_ask){
			   .type = DHCP_RELEASE, .mac = BENCH_MAC(n), .ciaddr = BENCH_IP(n), .src = BENCH_IP(n), .dst = BENCH_GATEWAY });
	g_assert_true(dhcp_is_unsaved(&f->bench.dhcp));
}

static void check_address_is_free_after_a_restart(struct fixture *f, unsigned n)
{
	ino_t before = inode_of(f);
	bench_sleep(&f->bench, USEC_PER_SEC);
	g_assert_false(dhcp_is_unsaved(&f->bench.dhcp));
	g_assert_true(inode_of(f) == before);
	restart(f, f->bench.now, WALL + USEC_PER_SEC);
	const struct lease *l = lease_find_ip(&f->bench.dhcp.leases, BENCH_IP(n));
	g_assert_false(l && lease_is_held(l, f->bench.now));
}

static void lease_that_was_released_before_a_new_offer_has_ended_after_a_restart(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	end_lease_before_the_next_save(f, 7);
	bench_send(&f->bench, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(7) });
	check_address_is_free_after_a_restart(f, 7);
}

static void lease_of_a_client_that_has_gone_to_another_server_has_ended_after_a_restart(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	end_lease_before_the_next_save(f, 7);
	bench_send(&f->bench, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(7) });
	bench_send(&f->bench,
		   &(struct bench_ask){ .type = DHCP_REQUEST, .mac = BENCH_MAC(7), .requested = BENCH_IP(9), .server_id = BENCH_IP(8) });
	g_assert_null(lease_find_mac(&f->bench.dhcp.leases, BENCH_MAC(7)));
	check_address_is_free_after_a_restart(f, 7);
}

static void released_address_that_was_offered_to_another_guest_is_free_after_a_restart(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	struct reservation r = { .mac = BENCH_MAC(250), .ip = BENCH_IP(7) };
	become_large(f, &ops);
	end_lease_before_the_next_save(f, 7);
	g_assert_cmpint(dhcp_set_reservations(&f->bench.dhcp, &r, 1), ==, 0);
	bench_send(&f->bench, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(250) });
	g_assert_true(mac_equal(lease_find_ip(&f->bench.dhcp.leases, BENCH_IP(7))->mac, BENCH_MAC(250)));
	check_address_is_free_after_a_restart(f, 7);
}

static void lease_that_a_reservation_has_moved_has_ended_after_a_restart(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	struct reservation r = { .mac = BENCH_MAC(7), .ip = BENCH_IP(250) };
	become_large(f, &ops);
	g_assert_cmpint(dhcp_set_reservations(&f->bench.dhcp, &r, 1), ==, 0);
	bench_send(&f->bench, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = BENCH_MAC(7) });
	check_address_is_free_after_a_restart(f, 7);
}

/* More than the server notes. */
static void many_leases_that_are_gone_in_one_turn_leave_the_file(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	for (unsigned i = 0; i < DHCP_GONE_MAX + 1; i++)
		dhcp_saving_gone(&f->bench.dhcp, f->bench.now, BENCH_MAC(i + 2), BENCH_IP(i + 2));
	g_assert_false(dhcp_can_save_changes(&f->bench.dhcp));
	bind_as(f, BENCH_MAC(250), BENCH_IP(250), NULL, NULL);
	g_assert_true(dhcp_can_save_changes(&f->bench.dhcp));
	g_assert_cmpuint(lines_of(f), ==, LARGE + 1);
}

static void file_of_a_large_network_has_at_most_twice_the_lines_that_it_needs(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	unsigned most = 0, least = UINT_MAX;
	for (unsigned i = 0; i < 3 * LARGE; i++) {
		bind_as(f, BENCH_MAC(7), BENCH_IP(7), i % 2 ? "a" : "b", NULL);
		f->bench.now += USEC_PER_SEC;
		most = MAX(most, lines_of(f));
		least = MIN(least, lines_of(f));
	}
	g_assert_cmpuint(least, ==, LARGE);
	g_assert_cmpuint(most, >, 2 * LARGE - 5);
	g_assert_cmpuint(most, <=, 2 * LARGE + 2);
}

static void file_that_another_program_has_changed_is_replaced(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	become_large(f, &ops);
	write_contents(f, "half a li");
	bind_as(f, BENCH_MAC(250), BENCH_IP(250), NULL, NULL);
	g_assert_cmpuint(lines_of(f), ==, LARGE + 1);
	g_remove(f->path);
	bind_as(f, BENCH_MAC(251), BENCH_IP(251), NULL, NULL);
	g_assert_cmpuint(lines_of(f), ==, LARGE + 2);
}

/* As on a full disk: some bytes of the line fit. */
static void line_that_does_not_fit_the_disk_is_taken_back(struct fixture *f, const void *data)
{
	struct dhcp_env_ops ops;
	struct rlimit before, limit;
	become_large(f, &ops);
	g_autofree char *full = contents(f, "");
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	limit = (struct rlimit){ strlen(full) + 10, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	bind_as(f, BENCH_MAC(250), BENCH_IP(250), NULL, NULL);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
	signal(SIGXFSZ, SIG_DFL);
	g_autofree char *after = contents(f, "");
	g_assert_cmpstr(after, ==, full);
	g_assert_nonnull(strstr(f->lines->str, "leases do not outlive a restart until"));
	bind_as(f, BENCH_MAC(251), BENCH_IP(251), NULL, NULL);
	g_assert_cmpuint(lines_of(f), ==, LARGE + 2);
	g_assert_nonnull(strstr(f->lines->str, "written again"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/lease-file/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(leases_are_written_as_dnsmasq_does);
	TEST(leases_of_ipv6_follow_the_duid_of_the_server);
	TEST(leases_of_ipv6_are_left_out_without_ipv6);
	TEST(missing_file_is_accepted);
	TEST(leases_survive_a_restart);
	TEST(saving_what_was_loaded_changes_nothing);
	TEST(ended_leases_are_remembered_over_a_reboot);
	TEST(infinite_leases_are_zero);
	TEST(distant_ends_do_not_overflow);
	TEST(damaged_file_is_renamed_and_its_valid_lines_are_used);
	TEST(last_line_of_a_mac_or_an_address_counts);
	TEST(last_line_counts_without_a_line_feed);
	TEST(leases_that_no_longer_fit_do_not_count_as_damage);
	TEST(path_that_is_not_a_file_is_renamed);
	TEST(a_fifo_does_not_hang_the_start);
	TEST(leftover_of_a_killed_process_is_overwritten);
	TEST(failure_to_write_is_logged_once_and_leaves_the_old_file);
	TEST(many_leases_fit_the_file);
	TEST(changed_leases_of_a_large_network_are_appended);
	TEST(released_lease_of_a_large_network_has_ended_after_a_restart);
	TEST(address_that_another_guest_has_got_is_its_after_a_restart);
	TEST(declined_lease_of_a_large_network_has_ended_after_a_restart);
	TEST(lease_that_was_released_before_a_new_offer_has_ended_after_a_restart);
	TEST(lease_of_a_client_that_has_gone_to_another_server_has_ended_after_a_restart);
	TEST(released_address_that_was_offered_to_another_guest_is_free_after_a_restart);
	TEST(lease_that_a_reservation_has_moved_has_ended_after_a_restart);
	TEST(many_leases_that_are_gone_in_one_turn_leave_the_file);
	TEST(file_of_a_large_network_has_at_most_twice_the_lines_that_it_needs);
	TEST(file_that_another_program_has_changed_is_replaced);
	TEST(line_that_does_not_fit_the_disk_is_taken_back);
	return g_test_run();
}
