/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/run/directory.h"

#include "app/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool check_private(const char *path, GError **error)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return fail(error, FAILURE_GENERAL, "%s: %s", path, g_strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(error, FAILURE_GENERAL, "%s: not a directory", path);
	if (st.st_uid != geteuid())
		return fail(error, FAILURE_GENERAL, "%s belongs to user %u, expected your own", path, (unsigned)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return fail(error, FAILURE_GENERAL, "%s is writable by others: remove that with chmod go-w", path);
	return true;
}

bool directory_make_private(const char *path, bool parent_too, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(path);
	if (g_mkdir_with_parents(path, 0700) < 0)
		return fail(error, FAILURE_GENERAL, "cannot make the directory %s: %s", path, g_strerror(errno));
	/* Parents first: their owner could replace what is below them. */
	return (!parent_too || check_private(parent, error)) && check_private(path, error);
}

/* The process id in the lock file; 0 if it is not written yet. */
static int read_pid(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	return n > 0 ? (int)g_ascii_strtoll(text, NULL, 10) : 0;
}

static bool write_pid(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

int directory_claim(const char *dir, const char *lock_name, const char *what, GError **error)
{
	g_autofree char *path = g_build_filename(dir, lock_name, NULL);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0) {
		fail(error, FAILURE_GENERAL, "%s: %s", path, g_strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && write_pid(fd))
		return fd;
	if (errno == EWOULDBLOCK)
		fail(error, FAILURE_RUNNING, "%s already, by process %d (%s)", what, read_pid(fd), dir);
	else
		fail(error, FAILURE_GENERAL, "%s: %s", path, g_strerror(errno));
	close(fd);
	return -1;
}
