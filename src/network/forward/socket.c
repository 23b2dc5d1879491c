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

/* Connections of a removed forward may have the port still. */
static int bind_listener(int fd, const union socket_address *here, socklen_t len)
{
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	return bind(fd, &here->any, len) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

/* Without SO_REUSEADDR, so that no other program can bind to the port, too, and receive its datagrams. */
static int bind_datagram(int fd, const union socket_address *here, socklen_t len)
{
	return bind(fd, &here->any, len) < 0 ? -errno : 0;
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
	int r = udp ? bind_datagram(fd, &address, len) : bind_listener(fd, &address, len);
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
