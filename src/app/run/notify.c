/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/run/notify.h"

#include "app/failure.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or "@name" for a socket in the abstract namespace (unix(7)). 0 if it is neither. */
static socklen_t manager_address(const char *name, struct sockaddr_un *ret)
{
	size_t len = strlen(name);
	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(ret->sun_path))
		return 0;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, name, len);
	if (name[0] == '/')
		return sizeof(*ret);
	ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

bool notify_manager(const char *state, GError **error)
{
	const char *name = g_getenv("NOTIFY_SOCKET");
	if (!name || name[0] == '\0')
		return true;
	struct sockaddr_un address;
	socklen_t address_len = manager_address(name, &address);
	if (address_len == 0)
		return fail(error, FAILURE_GENERAL, "NOTIFY_SOCKET=%s: expected a path or @NAME", name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(state);
	bool sent = fd >= 0 && sendto(fd, state, len, MSG_NOSIGNAL, (struct sockaddr *)&address, address_len) == (ssize_t)len;
	if (!sent)
		fail(error, FAILURE_GENERAL, "NOTIFY_SOCKET=%s: %s", name, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return sent;
}

bool notify_ready_fd(int fd, const char *line, GError **error)
{
	g_autofree char *text = g_strconcat(line, "\n", NULL);
	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);
	int saved = errno;
	close(fd);
	if (n < 0)
		return fail(error, FAILURE_GENERAL, "--ready-fd %d: %s", fd, g_strerror(saved));
	return (size_t)n == len || fail(error, FAILURE_GENERAL, "--ready-fd %d: only a part could be written", fd);
}
