/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of a directory can be opened for network boot. */
#include "host/boot_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char *base, *root;
	struct boot_directory d;
};

static void write_file(const char *dir, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void link_to(struct fixture *f, const char *target, const char *name)
{
	g_autofree char *path = g_build_filename(f->root, name, NULL);
	g_assert_cmpint(symlink(target, path), ==, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	f->base = g_dir_make_tmp("lanlet-boot-XXXXXX", NULL);
	f->root = g_build_filename(f->base, "root", NULL);
	g_autofree char *sub = g_build_filename(f->root, "sub", NULL), *fifo = g_build_filename(f->root, "fifo", NULL);
	g_assert_cmpint(g_mkdir_with_parents(sub, 0700), ==, 0);
	write_file(f->base, "secret", "secret");
	write_file(f->root, "kernel", "kernel");
	write_file(sub, "initrd", "initrd");
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	link_to(f, "sub/initrd", "inside");
	link_to(f, "../secret", "outside");
	link_to(f, "/etc/passwd", "absolute");
	link_to(f, "..", "up");
	link_to(f, "loop", "loop");
	link_to(f, "/proc/self/exe", "magic");
	g_assert_cmpint(boot_directory_init(&f->d, f->root), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	boot_directory_done(&f->d);
	g_autofree char *command = g_strdup_printf("rm -r '%s'", f->base);
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	g_free(f->base);
	g_free(f->root);
}

static void assert_reads(struct fixture *f, const char *path, const char *text)
{
	struct boot_file *file;
	uint64_t size;
	char bytes[100];
	g_assert_cmpint(f->d.files.ops->open(&f->d.files, path, &file, &size), ==, 0);
	g_assert_cmpuint(size, ==, strlen(text));
	g_assert_cmpint(f->d.files.ops->read(file, 0, bytes, sizeof(bytes)), ==, strlen(text));
	g_assert_cmpmem(bytes, strlen(text), text, strlen(text));
	g_assert_cmpint(f->d.files.ops->read(file, 2, bytes, 2), ==, 2);
	g_assert_cmpint(f->d.files.ops->read(file, 100, bytes, 2), ==, 0);
	f->d.files.ops->close(file);
}

static void assert_refused(struct fixture *f, const char *path, int error)
{
	struct boot_file *file;
	uint64_t size;
	if (f->d.files.ops->open(&f->d.files, path, &file, &size) != error)
		g_error("%s is not refused with %s", path, strerror(-error));
}

static void files_of_the_directory_are_read(struct fixture *f, gconstpointer data)
{
	assert_reads(f, "kernel", "kernel");
	assert_reads(f, "/kernel", "kernel");
	assert_reads(f, "//sub/../sub/./initrd", "initrd");
	assert_reads(f, "inside", "initrd");
}

static void nothing_outside_is_opened(struct fixture *f, gconstpointer data)
{
	static const char *const outside[] = {
		"../secret", "sub/../../secret", "/../secret", "outside", "absolute", "up/secret", "magic", "loop", "..", ".", "", "sub",
		"fifo",      "up/root/kernel"
	};
	for (size_t i = 0; i < G_N_ELEMENTS(outside); i++)
		assert_refused(f, outside[i], outside[i][0] == '\0' ? -ENOENT : -EACCES);
	assert_refused(f, "nothing", -ENOENT);
	assert_refused(f, "kernel/nothing", -ENOENT);
	assert_refused(f, "/etc/passwd", -ENOENT);
}

static void unreadable_file_is_refused(struct fixture *f, gconstpointer data)
{
	g_autofree char *path = g_build_filename(f->root, "kernel", NULL);
	if (geteuid() == 0) {
		g_test_skip("root may read everything");
		return;
	}
	g_assert_cmpint(chmod(path, 0), ==, 0);
	assert_refused(f, "kernel", -EACCES);
}

static void what_is_no_directory_is_refused(struct fixture *f, gconstpointer data)
{
	struct boot_directory d;
	g_autofree char *path = g_build_filename(f->root, "kernel", NULL);
	g_autofree char *missing = g_build_filename(f->root, "missing", NULL);
	g_assert_cmpint(boot_directory_init(&d, path), ==, -ENOTDIR);
	g_assert_cmpint(boot_directory_init(&d, missing), ==, -ENOENT);
}

/* Files of a directory that cannot be listed can be read, when their names are known. */
static void directory_that_cannot_be_searched_is_refused(struct fixture *f, gconstpointer data)
{
	struct boot_directory d;
	if (geteuid() == 0) {
		g_test_skip("root may search every directory");
		return;
	}
	g_assert_cmpint(chmod(f->root, 0600), ==, 0);
	g_assert_cmpint(boot_directory_init(&d, f->root), ==, -EACCES);
	g_assert_cmpint(chmod(f->root, 0100), ==, 0);
	g_assert_cmpint(boot_directory_init(&d, f->root), ==, 0);
	boot_directory_done(&d);
	assert_reads(f, "kernel", "kernel");
	g_assert_cmpint(chmod(f->root, 0700), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/boot-directory/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(files_of_the_directory_are_read);
	TEST(nothing_outside_is_opened);
	TEST(unreadable_file_is_refused);
	TEST(what_is_no_directory_is_refused);
	TEST(directory_that_cannot_be_searched_is_refused);
	return g_test_run();
}
