/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/unix_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 256

/* Whether a process accepts connections at @a. */
static bool is_served(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true; /* unknown: change nothing */
	bool served = connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || (errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return served;
}

/* Removes a stale socket at @a.  0, or a negative errno. */
static int remove_stale(const struct sockaddr_un *a)
{
	struct stat st;
	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (is_served(a))
		return -EADDRINUSE;
	return unlink(a->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_and_listen(int fd, int type, const struct sockaddr_un *a)
{
	int r = remove_stale(a);
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0)
		return -errno;
	if (chmod(a->sun_path, 0600) < 0 || (type != SOCK_DGRAM && listen(fd, BACKLOG) < 0)) {
		r = -errno;
		unlink(a->sun_path);
		return r;
	}
	return 0;
}

static const char *explain(int error)
{
	switch (error) {
	case EADDRINUSE: return "another process listens there";
	case EEXIST: return "a file that is not a socket is there, remove it or choose another path";
	default: return strerror(error);
	}
}

int unix_serve(const char *path, int type, char *error, size_t size)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (!unix_path_fits(path)) {
		snprintf(error, size, "socket %s: the path has %zu bytes, the system takes %zu; choose a shorter directory", path,
			 strlen(path), sizeof(a.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : bind_and_listen(fd, type, &a);
	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(error, size, "socket %s: %s", path, explain(-r));
	return r;
}

int unix_listen(const char *path, char *error, size_t size)
{
	return unix_serve(path, SOCK_STREAM, error, size);
}

bool unix_path_fits(const char *path)
{
	return strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

int unix_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (!unix_path_fits(path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd < 0 ? -errno : fd;
	int r = -errno;
	close(fd);
	return r;
}
