/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/udp_socket.h"

#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t to_address(const struct ip_endpoint *e, union address *ret)
{
	*ret = (union address){ 0 };
	if (ip_is_v4(&e->addr)) {
		ret->in = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(e->port),
			.sin_addr.s_addr = htonl(ip_to_ip4(&e->addr)),
		};
		return sizeof(ret->in);
	}
	ret->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(e->port) };
	memcpy(&ret->in6.sin6_addr, e->addr.b, sizeof(e->addr.b));
	return sizeof(ret->in6);
}

int udp_open(const struct ip_endpoint *local, const struct ip_endpoint *peer)
{
	union address here, there;
	socklen_t here_len = to_address(local, &here), there_len = to_address(peer, &there);
	int fd = socket(here.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, &here.any, here_len) == 0 && connect(fd, &there.any, there_len) == 0)
		return fd;
	int r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}
