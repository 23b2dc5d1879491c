/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/forward/socket.h"

#include "host/port_owner.h"
#include "host/socket_address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 1024
#define PORT_RESERVED 1024 /* the default of net.ipv4.ip_unprivileged_port_start */

/* Binds to a port that other sockets with SO_REUSEADDR may have. */
static int bind_beside(int fd, const union socket_address *here, socklen_t len)
{
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	return bind(fd, &here->any, len) < 0 ? -errno : 0;
}

/*
 * Flows of a removed forward stay open, each with a socket connected to its peer, and have the port still: a new forward binds beside them.
 * Once it has, no other process can take the port.
 */
static int bind_datagram(int fd, const union socket_address *here, socklen_t len, uint16_t port)
{
	char owner[1];
	int r = bind(fd, &here->any, len) < 0 ? -errno : 0;
	if (r != -EADDRINUSE || port_owner_find(true, port, owner, sizeof(owner)) != -ENOENT)
		return r;
	r = bind_beside(fd, here, len);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 0 }, sizeof(int));
	return r;
}

/* Connections of a removed forward may have the port still. */
static int bind_listener(int fd, const union socket_address *here, socklen_t len)
{
	int r = bind_beside(fd, here, len);
	return r == 0 && listen(fd, BACKLOG) < 0 ? -errno : r;
}

static int bound_socket(bool udp, const struct ip_endpoint *at)
{
	union socket_address address;
	socklen_t len = socket_address_set(&address, at);
	int fd = socket(address.any.sa_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (address.any.sa_family == AF_INET6)
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

static int bind_beside_shared(int shared, int fd, const union socket_address *here, socklen_t len)
{
	/* Only for this moment, because another process could bind to the port in the same way. */
	setsockopt(shared, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	int r = bind_beside(fd, here, len);
	setsockopt(shared, SOL_SOCKET, SO_REUSEADDR, &(int){ 0 }, sizeof(int));
	return r;
}

int forward_socket_connect(int shared, const struct ip_endpoint *peer)
{
	union socket_address here, there;
	socklen_t here_len = sizeof(here), there_len = socket_address_set(&there, peer);
	if (getsockname(shared, &here.any, &here_len) < 0)
		return -errno;
	int fd = socket(here.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : bind_beside_shared(shared, fd, &here, here_len);
	if (r == 0 && connect(fd, &there.any, there_len) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return r;
}
