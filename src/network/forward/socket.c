/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/socket.h"

#include "host/port_owner.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define PORT_RESERVED 1024 /* the default of net.ipv4.ip_unprivileged_port_start */

static socklen_t to_sockaddr(const struct ip_endpoint *at, struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){ 0 };
	if (ip_is_v4(&at->addr)) {
		struct sockaddr_in in = { .sin_family = AF_INET,
					  .sin_port = htons(at->port),
					  .sin_addr.s_addr = htonl(ip_to_ip4(&at->addr)) };
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(at->port) };
	memcpy(&in6.sin6_addr, at->addr.b, sizeof(in6.sin6_addr));
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}

struct ip_endpoint forward_socket_endpoint(const struct sockaddr_storage *from)
{
	struct ip_endpoint e = { 0 };
	if (from->ss_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, from, sizeof(in));
		e.addr = ip_from_ip4(ntohl(in.sin_addr.s_addr));
		e.port = ntohs(in.sin_port);
	} else if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, from, sizeof(in6));
		memcpy(e.addr.b, &in6.sin6_addr, sizeof(e.addr.b));
		e.port = ntohs(in6.sin6_port);
	}
	return e;
}

/* Binds to a port that other sockets with SO_REUSEADDR may have. */
static int bind_beside(int fd, const struct sockaddr_storage *here, socklen_t len)
{
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	return bind(fd, (const struct sockaddr *)here, len) < 0 ? -errno : 0;
}

/*
 * Flows of a removed forward stay open, each with a socket connected to its peer, and have the port still: a new forward binds beside them.
 * Once it has, no other process can take the port.
 */
static int bind_datagram(int fd, const struct sockaddr_storage *here, socklen_t len, uint16_t port)
{
	char owner[1];
	int r = bind(fd, (const struct sockaddr *)here, len) < 0 ? -errno : 0;
	if (r != -EADDRINUSE || port_owner_find(true, port, owner, sizeof(owner)) != -ENOENT)
		return r;
	r = bind_beside(fd, here, len);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 0 }, sizeof(int));
	return r;
}

/* Connections of a removed forward may have the port still. */
static int bind_listener(int fd, const struct sockaddr_storage *here, socklen_t len)
{
	int r = bind_beside(fd, here, len);
	return r == 0 && listen(fd, BACKLOG) < 0 ? -errno : r;
}

static int bound_socket(bool udp, const struct ip_endpoint *at)
{
	struct sockaddr_storage address;
	socklen_t len = to_sockaddr(at, &address);
	int fd = socket(address.ss_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
	int r = udp ? bind_datagram(fd, &address, len, at->port) : bind_listener(fd, &address, len);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static void explain(int r, bool udp, const struct ip_endpoint *at, char *error, size_t size)
{
	char address[IP_TEXT_SIZE], owner[96];
	ip_format(&at->addr, address);
	int n = snprintf(error, size, "cannot listen on %s port %u of %s: ", udp ? "UDP" : "TCP", at->port, address);
	if (n < 0 || (size_t)n >= size)
		return;
	error += n;
	size -= (size_t)n;
	if (r == -EADDRINUSE && port_owner_find(udp, at->port, owner, sizeof(owner)) == 0)
		snprintf(error, size, "%s has the port", owner);
	else if (r == -EACCES && at->port < PORT_RESERVED)
		snprintf(error, size, "to allow ports below 1024: sudo sysctl net.ipv4.ip_unprivileged_port_start=%u", at->port);
	else if (r == -EADDRNOTAVAIL)
		snprintf(error, size, "this machine does not have the address");
	else
		snprintf(error, size, "%s", strerror(-r));
}

int forward_socket_open(bool udp, const struct ip_endpoint *at, char *error, size_t size)
{
	int fd = bound_socket(udp, at);
	if (fd < 0)
		explain(fd, udp, at, error, size);
	return fd;
}

static int bind_beside_shared(int shared, int fd, const struct sockaddr_storage *here, socklen_t len)
{
	/* Only for this moment, because another process could bind to the port in the same way. */
	setsockopt(shared, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	int r = bind_beside(fd, here, len);
	setsockopt(shared, SOL_SOCKET, SO_REUSEADDR, &(int){ 0 }, sizeof(int));
	return r;
}

int forward_socket_connect(int shared, const struct ip_endpoint *peer)
{
	struct sockaddr_storage here, there;
	socklen_t here_len = sizeof(here), there_len = to_sockaddr(peer, &there);
	if (getsockname(shared, (struct sockaddr *)&here, &here_len) < 0)
		return -errno;
	int fd = socket(here.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : bind_beside_shared(shared, fd, &here, here_len);
	if (r == 0 && connect(fd, (struct sockaddr *)&there, there_len) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return r;
}
