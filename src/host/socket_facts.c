/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/socket_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int get_option(int fd, int option, int *ret)
{
	socklen_t len = sizeof(*ret);
	return getsockopt(fd, SOL_SOCKET, option, ret, &len) < 0 ? -errno : 0;
}

/* An unbound unix socket has an address of the family only; internet sockets always have a port, which may be 0. */
static bool is_bound(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a = { 0 };
	socklen_t len = sizeof(a);
	if (getsockname(fd, &a.any, &len) < 0)
		return false;
	switch (a.any.sa_family) {
	case AF_UNIX: return len > offsetof(struct sockaddr_un, sun_path);
	case AF_INET: return a.in.sin_port != 0;
	case AF_INET6: return a.in6.sin6_port != 0;
	default: return false;
	}
}

static bool is_connected(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	return getpeername(fd, (struct sockaddr *)&a, &len) == 0;
}

int socket_facts_get(int fd, struct socket_facts *ret)
{
	struct socket_facts f = { 0 };
	int listens = 0;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	int r = get_option(fd, SO_DOMAIN, &f.domain);
	if (r == 0)
		r = get_option(fd, SO_TYPE, &f.type);
	if (r == 0)
		r = get_option(fd, SO_ACCEPTCONN, &listens);
	if (r < 0)
		return r;
	f.listens = listens;
	f.is_connected = is_connected(fd);
	f.is_bound = is_bound(fd);
	*ret = f;
	return 0;
}

const char *socket_facts_explain(int error)
{
	switch (error) {
	case EBADF: return "it is not open";
	case ENOTSOCK: return "it is not a socket";
	default: return strerror(error);
	}
}
