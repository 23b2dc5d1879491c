/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/udp_socket.h"

#include "host/socket_address.h"

#include <errno.h>
#include <unistd.h>

int udp_open(const struct ip_endpoint *local, const struct ip_endpoint *peer)
{
	union socket_address here, there;
	socklen_t here_len = socket_address_set(&here, local), there_len = socket_address_set(&there, peer);
	int fd = socket(here.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, &here.any, here_len) == 0 && connect(fd, &there.any, there_len) == 0)
		return fd;
	int r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}
