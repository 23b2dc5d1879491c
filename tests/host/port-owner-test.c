/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/port_owner.h"

#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int bound(int family, int type, uint16_t *ret_port)
{
	struct sockaddr_storage a = { .ss_family = (sa_family_t)family };
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || (type == SOCK_STREAM && listen(fd, 1) < 0) ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	/* The port is at the same place in both. */
	*ret_port = ntohs(((struct sockaddr_in *)&a)->sin_port);
	return fd;
}

static void owner_of_a_port_is_named(void)
{
	static const int families[] = { AF_INET, AF_INET6 }, types[] = { SOCK_STREAM, SOCK_DGRAM };
	for (unsigned i = 0; i < 4; i++) {
		uint16_t port;
		char owner[96] = "", want[32];
		int fd = bound(families[i % 2], types[i / 2], &port);
		if (fd < 0) {
			g_assert_cmpint(families[i % 2], ==, AF_INET6); /* IPv6 may be missing */
			continue;
		}
		g_snprintf(want, sizeof(want), "(process %d)", (int)getpid());
		g_assert_cmpint(port_owner_find(types[i / 2] == SOCK_DGRAM, port, owner, sizeof(owner)), ==, 0);
		g_assert_nonnull(strstr(owner, want));
		close(fd);
		g_assert_cmpint(port_owner_find(types[i / 2] == SOCK_DGRAM, port, owner, sizeof(owner)), ==, -ENOENT);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/port-owner/owner_of_a_port_is_named", owner_of_a_port_is_named);
	return g_test_run();
}
