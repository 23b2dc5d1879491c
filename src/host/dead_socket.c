/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/dead_socket.h"

#include "host/unix_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A bound socket of another type returns EPROTOTYPE.  A regular file returns ECONNREFUSED, too, hence lstat(). */
static bool is_dead(const struct sockaddr_un *a)
{
	struct stat st;
	if (lstat(a->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool refused = connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/*
 * Renames the socket and checks it again before it is removed, so that a socket that was bound to the path after the first
 * check is not removed.
 */
void dead_socket_remove(const char *path)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX };
	if (path[0] == '\0' || !unix_path_fits(path))
		return;
	strcpy(here.sun_path, path);
	struct sockaddr_un aside = here;
	aside.sun_path[strlen(path) - 1] = '~'; /* no longer than the path: it fits */
	if (!is_dead(&here) || rename(here.sun_path, aside.sun_path) < 0)
		return;
	if (is_dead(&aside) || renameat2(AT_FDCWD, aside.sun_path, AT_FDCWD, here.sun_path, RENAME_NOREPLACE) < 0)
		unlink(aside.sun_path);
}

void dead_socket_sweep(const char *directory, bool (*matches)(const char *name))
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	DIR *dir = opendir(directory);
	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));)
		if (matches(e->d_name) && snprintf(path, sizeof(path), "%s/%s", directory, e->d_name) < (int)sizeof(path))
			dead_socket_remove(path);
	closedir(dir);
}
