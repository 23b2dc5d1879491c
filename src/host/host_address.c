/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect() on a UDP socket looks up the route and selects the source address, which getsockname() returns.  The
 * destinations are documentation addresses (RFC 5737, RFC 3849), which have no route of their own, so that the look-up
 * finds the default route.
 */
#include "host/host_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define GOOD_FOR USEC_PER_SEC
#define DISCARD_PORT 9
#define OUTSIDE4 IP4(192, 0, 2, 1)

/* The source address of packets to @to; @ret_from has room for @len bytes. */
static int source_towards(const struct sockaddr *to, struct sockaddr *ret_from, socklen_t len)
{
	int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -ENETUNREACH;
	bool found = connect(fd, to, len) == 0 && getsockname(fd, ret_from, &len) == 0;
	close(fd);
	return found ? 0 : -ENETUNREACH;
}

static int look_up4(struct ip_addr *ret)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(DISCARD_PORT), .sin_addr.s_addr = htonl(OUTSIDE4) };
	struct sockaddr_in from;
	int r = source_towards((struct sockaddr *)&to, (struct sockaddr *)&from, sizeof(from));
	if (r < 0)
		return r;
	ip4_t ip = ntohl(from.sin_addr.s_addr);
	/* 127.0.0.0/8 and 0.0.0.0/8: connecting there reaches services that listen on loopback only. */
	if (ip >> 24 == 127 || ip >> 24 == 0)
		return -ENETUNREACH;
	*ret = ip_from_ip4(ip);
	return 0;
}

static int look_up6(struct ip_addr *ret)
{
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(DISCARD_PORT),
		.sin6_addr.s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
	};
	struct sockaddr_in6 from;
	int r = source_towards((struct sockaddr *)&to, (struct sockaddr *)&from, sizeof(from));
	if (r < 0)
		return r;
	const struct in6_addr *ip = &from.sin6_addr;
	if (IN6_IS_ADDR_LOOPBACK(ip) || IN6_IS_ADDR_UNSPECIFIED(ip) || IN6_IS_ADDR_V4MAPPED(ip) || IN6_IS_ADDR_LINKLOCAL(ip))
		return -ENETUNREACH;
	memcpy(ret->b, ip->s6_addr, sizeof(ret->b));
	return 0;
}

void host_address_init(struct host_address *h)
{
	*h = (struct host_address){ 0 };
}

int host_address_get(struct host_address *h, usec_t now, bool v6, struct ip_addr *ret)
{
	struct host_address_entry *e = v6 ? &h->v6 : &h->v4;
	if (e->until == 0 || now >= e->until) {
		e->result = v6 ? look_up6(&e->addr) : look_up4(&e->addr);
		e->until = usec_add(now, GOOD_FOR);
	}
	if (e->result == 0)
		*ret = e->addr;
	return e->result;
}
