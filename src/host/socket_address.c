/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/socket_address.h"

#include <errno.h>
#include <string.h>

socklen_t socket_address_set(union socket_address *ret, const struct ip_endpoint *at)
{
	*ret = (union socket_address){ 0 };
	if (ip_is_v4(&at->addr)) {
		ret->in = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(at->port),
			.sin_addr.s_addr = htonl(ip_to_ip4(&at->addr)),
		};
		return sizeof(ret->in);
	}
	return socket_address_set_v6(ret, at);
}

/* struct ip_addr has IPv4 addresses in this form. */
socklen_t socket_address_set_v6(union socket_address *ret, const struct ip_endpoint *at)
{
	*ret = (union socket_address){ .in6 = { .sin6_family = AF_INET6, .sin6_port = htons(at->port) } };
	memcpy(&ret->in6.sin6_addr, at->addr.b, sizeof(at->addr.b));
	return sizeof(ret->in6);
}

struct ip_endpoint socket_address_get(const union socket_address *a)
{
	struct ip_endpoint e = { 0 };
	if (a->any.sa_family == AF_INET) {
		e.addr = ip_from_ip4(ntohl(a->in.sin_addr.s_addr));
		e.port = ntohs(a->in.sin_port);
	} else if (a->any.sa_family == AF_INET6) {
		memcpy(e.addr.b, &a->in6.sin6_addr, sizeof(e.addr.b));
		e.port = ntohs(a->in6.sin6_port);
	}
	return e;
}

int socket_address_of(int fd, struct ip_addr *ret)
{
	union socket_address a;
	socklen_t len = sizeof(a);
	if (getsockname(fd, &a.any, &len) < 0)
		return -errno;
	if (a.any.sa_family != AF_INET && a.any.sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	*ret = socket_address_get(&a).addr;
	return 0;
}
