/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `lanlet status`: prints what the status socket sends. */
#include "app/arguments.h"
#include "app/command.h"
#include "app/failure.h"
#include "app/paths.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Guests choose their names, and a terminal obeys control characters. */
static void disarm(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (g_ascii_iscntrl(text[i]) && text[i] != '\n' && text[i] != '\t')
			text[i] = '?';
}

static bool print_all(int fd, GError **error)
{
	char buffer[4096];
	ssize_t n;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		disarm(buffer, (size_t)n);
		fwrite(buffer, 1, (size_t)n, stdout);
	}
	if (n < 0)
		return fail(error, FAILURE_GENERAL, "the status socket: %s", g_strerror(errno));
	return fflush(stdout) == 0 || fail(error, FAILURE_GENERAL, "standard output: %s", g_strerror(errno));
}

bool command_status(const struct arguments *a, GError **error)
{
	g_autofree char *dir = a->runtime_dir ? g_strdup(a->runtime_dir) : path_default_runtime_dir(a->network);
	g_autofree char *path = path_socket(dir, STATUS_SOCKET, error);
	if (!path)
		return false;
	int fd = connect_to(path);
	if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
		return fail(error, FAILURE_GENERAL, "network %s is not running (%s)", a->network, dir);
	if (fd < 0)
		return fail(error, FAILURE_GENERAL, "%s: %s", path, g_strerror(errno));
	bool good = print_all(fd, error);
	close(fd);
	return good;
}
