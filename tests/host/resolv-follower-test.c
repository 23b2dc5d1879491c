/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A resolv.conf in a temporary directory, changed in the ways that programs on a host change it. */
#include "host/loop.h"
#include "host/resolv_conf.h"
#include "host/resolv_follower.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h" /* after glib.h: replaces its MIN and MAX */

struct bench {
	struct loop loop;
	struct resolv_follower *follower;
	char *dir;
	unsigned changes;
};

static void changed(void *opaque, const struct resolv_conf *conf)
{
	struct bench *b = opaque;
	g_assert_true(conf == resolv_follower_conf(b->follower));
	b->changes++;
}

static struct bench *bench_new(void)
{
	struct bench *b = g_new0(struct bench, 1);
	g_assert_cmpint(loop_init(&b->loop), ==, 0);
	b->dir = g_dir_make_tmp("lanlet-XXXXXX", NULL);
	g_assert_nonnull(b->dir);
	return b;
}

static void remove_tree(const char *path)
{
	struct stat st;
	g_assert_cmpint(lstat(path, &st), ==, 0);
	if (S_ISDIR(st.st_mode)) {
		g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
		for (const char *name; (name = g_dir_read_name(dir));) {
			g_autofree char *below = g_build_filename(path, name, NULL);
			remove_tree(below);
		}
	}
	g_assert_cmpint(g_remove(path), ==, 0);
}

static void bench_free(struct bench *b)
{
	resolv_follower_free(b->follower);
	loop_done(&b->loop, 0);
	remove_tree(b->dir);
	g_free(b->dir);
	g_free(b);
}

typedef struct bench bench;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bench, bench_free)

static char *path_of(struct bench *b, const char *name)
{
	return g_build_filename(b->dir, name, NULL);
}

static void follow(struct bench *b)
{
	g_autofree char *path = path_of(b, "resolv.conf");
	struct resolv_follower_config config = { .poller = &b->loop.poller, .path = path, .changed = changed, .opaque = b };
	g_assert_cmpint(resolv_follower_new(&config, &b->follower), ==, 0);
}

/* In place, as an editor or a shell does it. */
static void write_file(struct bench *b, const char *name, const char *text)
{
	g_autofree char *path = path_of(b, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
	close(fd);
}

static void rename_file(struct bench *b, const char *from, const char *to)
{
	g_autofree char *old = path_of(b, from), *new = path_of(b, to);
	g_assert_cmpint(rename(old, new), ==, 0);
}

static void link_file(struct bench *b, const char *target, const char *name)
{
	g_autofree char *path = path_of(b, name);
	g_assert_cmpint(symlink(target, path), ==, 0);
}

static void make_directory(struct bench *b, const char *name)
{
	g_autofree char *path = path_of(b, name);
	g_assert_cmpint(mkdir(path, 0755), ==, 0);
}

static void unlink_file(struct bench *b, const char *name)
{
	g_autofree char *path = path_of(b, name);
	g_assert_cmpint(unlink(path), ==, 0);
}

/* inotify events are there at once: no need to wait. */
static void turn(struct bench *b)
{
	while (loop_dispatch(&b->loop, 0) > 0)
		;
}

static void check_servers(struct bench *b, const char *want)
{
	turn(b);
	const struct dns_server_list *list = &resolv_follower_conf(b->follower)->servers;
	g_autoptr(GString) got = g_string_new(NULL);
	char text[DNS_SERVER_TEXT_SIZE];
	for (unsigned i = 0; i < list->count; i++)
		g_string_append_printf(got, "%s%s", i > 0 ? " " : "", dns_server_format(&list->server[i], text));
	g_assert_cmpstr(got->str, ==, want);
}

static void file_is_read_at_start(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\nnameserver fe80::1%eth0\n");
	follow(b);
	check_servers(b, "10.0.0.1 fe80::1%eth0");
	g_assert_cmpuint(b->changes, ==, 0);
}

static void file_written_in_place_is_read_again(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	follow(b);
	write_file(b, "resolv.conf", "nameserver 10.0.0.2\n");
	check_servers(b, "10.0.0.2");
	g_assert_cmpuint(b->changes, ==, 1);
}

static void replaced_file_is_read_again_and_again(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	follow(b);
	for (unsigned i = 2; i < 40; i++) {
		g_autofree char *text = g_strdup_printf("nameserver 10.0.0.%u\n", i);
		write_file(b, "new", text);
		rename_file(b, "new", "resolv.conf");
		check_servers(b, g_strchomp(text) + strlen("nameserver "));
		g_assert_cmpuint(b->changes, ==, i - 1);
	}
}

static void missing_file_is_read_when_it_appears(void)
{
	g_autoptr(bench) b = bench_new();
	follow(b);
	check_servers(b, "127.0.0.1");
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	check_servers(b, "10.0.0.1");
}

static void servers_of_a_removed_file_stay_until_there_is_another(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	follow(b);
	unlink_file(b, "resolv.conf");
	check_servers(b, "10.0.0.1");
	write_file(b, "resolv.conf", "nameserver 10.0.0.2\n");
	check_servers(b, "10.0.0.2");
}

static void file_without_servers_means_the_host_itself(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	follow(b);
	write_file(b, "resolv.conf", "# offline\n");
	check_servers(b, "127.0.0.1");
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	check_servers(b, "10.0.0.1");
	write_file(b, "resolv.conf", "");
	check_servers(b, "127.0.0.1");
	g_assert_cmpuint(b->changes, ==, 3);
}

/* A writer that has truncated the file and not written yet. */
static void file_being_written_is_not_taken_as_empty(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	follow(b);
	g_autofree char *path = path_of(b, "resolv.conf");
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	check_servers(b, "10.0.0.1");
	g_assert_cmpint(write(fd, "nameserver 10.0.0.2\n", 20), ==, 20);
	check_servers(b, "10.0.0.2");
	close(fd);
	check_servers(b, "10.0.0.2");
	g_assert_cmpuint(b->changes, ==, 1);
}

/* As with systemd-resolved at boot: the link exists before its target. */
static void links_into_a_missing_directory_are_followed(void)
{
	g_autoptr(bench) b = bench_new();
	make_directory(b, "etc");
	link_file(b, "etc/resolv.conf", "resolv.conf");
	link_file(b, "../run/systemd/resolve/stub-resolv.conf", "etc/resolv.conf");
	follow(b);
	check_servers(b, "127.0.0.1");
	make_directory(b, "run");
	turn(b);
	make_directory(b, "run/systemd");
	make_directory(b, "run/systemd/resolve"); /* before the event of its parent was read */
	turn(b);
	write_file(b, "run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\n");
	check_servers(b, "127.0.0.53");
	write_file(b, "run/systemd/resolve/new", "nameserver 127.0.0.54\n");
	rename_file(b, "run/systemd/resolve/new", "run/systemd/resolve/stub-resolv.conf");
	check_servers(b, "127.0.0.54");
}

static void link_with_a_new_target_is_followed(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "home", "nameserver 10.0.0.1\n");
	write_file(b, "work", "nameserver 10.9.9.9\n");
	link_file(b, "home", "resolv.conf");
	follow(b);
	check_servers(b, "10.0.0.1");
	link_file(b, "work", "new");
	rename_file(b, "new", "resolv.conf");
	check_servers(b, "10.9.9.9");
	write_file(b, "home", "nameserver 10.0.0.2\n"); /* not followed any more */
	check_servers(b, "10.9.9.9");
	write_file(b, "work", "nameserver 10.9.9.8\n");
	check_servers(b, "10.9.9.8");
	g_assert_cmpuint(b->changes, ==, 2);
}

/* As with a bind mount: there is no event for the directory. */
static void file_written_through_another_name_is_read_again(void)
{
	g_autoptr(bench) b = bench_new();
	make_directory(b, "elsewhere");
	write_file(b, "elsewhere/conf", "nameserver 10.0.0.1\n");
	g_autofree char *old = path_of(b, "elsewhere/conf"), *new = path_of(b, "resolv.conf");
	g_assert_cmpint(link(old, new), ==, 0);
	follow(b);
	write_file(b, "elsewhere/conf", "nameserver 10.0.0.2\n");
	check_servers(b, "10.0.0.2");
}

static void directory_that_is_replaced_is_followed(void)
{
	g_autoptr(bench) b = bench_new();
	make_directory(b, "run");
	write_file(b, "run/conf", "nameserver 10.0.0.1\n");
	link_file(b, "run/conf", "resolv.conf");
	follow(b);
	rename_file(b, "run", "gone");
	turn(b);
	make_directory(b, "run");
	turn(b);
	write_file(b, "run/conf", "nameserver 10.0.0.2\n");
	check_servers(b, "10.0.0.2");
}

static void other_files_in_the_directory_change_nothing(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	follow(b);
	write_file(b, "resolv.conf.bak", "nameserver 10.0.0.2\n");
	write_file(b, "hosts", "");
	check_servers(b, "10.0.0.1");
	g_assert_cmpuint(b->changes, ==, 0);
}

static void same_servers_are_not_reported_as_a_change(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	follow(b);
	write_file(b, "resolv.conf", "# again\nnameserver 10.0.0.1\noptions timeout:3\n");
	check_servers(b, "10.0.0.1");
	g_assert_cmpuint(b->changes, ==, 0);
}

static void search_list_and_options_are_reported_as_a_change(void)
{
	g_autoptr(bench) b = bench_new();
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	follow(b);
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\nsearch example.com\n");
	check_servers(b, "10.0.0.1");
	g_assert_cmpuint(b->changes, ==, 1);
	g_assert_cmpstr(resolv_follower_conf(b->follower)->search[0], ==, "example.com");
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\nsearch example.com\noptions rotate\n");
	check_servers(b, "10.0.0.1");
	g_assert_cmpuint(b->changes, ==, 2);
}

static void path_that_is_not_a_file_is_as_an_empty_one(void)
{
	g_autoptr(bench) b = bench_new();
	link_file(b, "resolv.conf", "resolv.conf"); /* to itself */
	follow(b);
	check_servers(b, "127.0.0.1");
	unlink_file(b, "resolv.conf");
	make_directory(b, "resolv.conf");
	check_servers(b, "127.0.0.1");
	g_autofree char *path = path_of(b, "resolv.conf");
	g_assert_cmpint(rmdir(path), ==, 0);
	g_assert_cmpint(mkfifo(path, 0600), ==, 0); /* must not hang */
	check_servers(b, "127.0.0.1");
	unlink_file(b, "resolv.conf");
	write_file(b, "resolv.conf", "nameserver 10.0.0.1\n");
	check_servers(b, "10.0.0.1");
}

static void relative_path_is_refused(void)
{
	struct resolv_follower *f = NULL;
	g_assert_cmpint(resolv_follower_new(&(struct resolv_follower_config){ .path = "resolv.conf" }, &f), ==, -EINVAL);
	g_assert_null(f);
	resolv_follower_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(f) g_test_add_func("/resolv-follower/" #f, f)
	ADD(file_is_read_at_start);
	ADD(file_written_in_place_is_read_again);
	ADD(replaced_file_is_read_again_and_again);
	ADD(missing_file_is_read_when_it_appears);
	ADD(servers_of_a_removed_file_stay_until_there_is_another);
	ADD(file_without_servers_means_the_host_itself);
	ADD(file_being_written_is_not_taken_as_empty);
	ADD(links_into_a_missing_directory_are_followed);
	ADD(link_with_a_new_target_is_followed);
	ADD(file_written_through_another_name_is_read_again);
	ADD(directory_that_is_replaced_is_followed);
	ADD(other_files_in_the_directory_change_nothing);
	ADD(same_servers_are_not_reported_as_a_change);
	ADD(search_list_and_options_are_reported_as_a_change);
	ADD(path_that_is_not_a_file_is_as_an_empty_one);
	ADD(relative_path_is_refused);
	return g_test_run();
}
