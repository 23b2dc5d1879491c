/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/socket_dir.h"

#include "engine/slirp/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int make_own(struct engine *e)
{
	const char *tmp = getenv("TMPDIR");
	char *dir;
	if (asprintf(&dir, "%s/lanlet-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp") < 0)
		return -ENOMEM;
	if (!mkdtemp(dir)) {
		free(dir);
		return -errno;
	}
	e->socket_dir = dir;
	return 0;
}

int socket_dir_path(struct engine *e, const char *name, char ret[static UNIX_PATH_SIZE])
{
	const char *dir = e->config.private_dir;
	if (!dir && !e->socket_dir) {
		int r = make_own(e);
		if (r < 0)
			return r;
	}
	int n = snprintf(ret, UNIX_PATH_SIZE, "%s/%s", dir ? dir : e->socket_dir, name);
	return n < 0 || (size_t)n >= UNIX_PATH_SIZE ? -ENAMETOOLONG : 0;
}

void socket_dir_done(struct engine *e)
{
	if (e->socket_dir)
		rmdir(e->socket_dir);
	free(e->socket_dir);
	e->socket_dir = NULL;
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	return a;
}

static int unix_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

int socket_dir_listen(const char *path, int *ret_fd)
{
	struct sockaddr_un a = address_of(path);
	int fd = unix_socket();
	if (fd < 0)
		return fd;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, SOMAXCONN) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int socket_dir_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un a = address_of(path);
	int fd = unix_socket();
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}
