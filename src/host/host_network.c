/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/host_network.h"

#include "base/macros.h"
#include "host/socket_address.h"
#include "wire/ipv6.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#define DISCARD_PORT 9

static_assert(HOST_INTERFACE_SIZE == IFNAMSIZ, "a name fits");

static ip4_t ip4_of(const struct sockaddr *a)
{
	return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr);
}

static bool overlaps(struct prefix4 a, struct prefix4 b)
{
	return prefix4_contains(a, b.network) || prefix4_contains(b, a.network);
}

static struct host_network network_of(const struct ifaddrs *i)
{
	struct host_network n = { .address = ip4_of(i->ifa_addr) };
	n.prefix.length = (unsigned)__builtin_popcount(ip4_of(i->ifa_netmask));
	n.prefix.network = n.address & prefix4_mask(n.prefix);
	snprintf(n.interface, sizeof(n.interface), "%s", i->ifa_name);
	return n;
}

int host_network_find_overlap(struct prefix4 prefix, struct host_network *ret)
{
	struct ifaddrs *all;
	if (getifaddrs(&all) < 0)
		return -errno;
	int r = -ENOENT;
	for (const struct ifaddrs *i = all; i && r < 0; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !i->ifa_netmask)
			continue;
		struct host_network n = network_of(i);
		if (overlaps(prefix, n.prefix)) {
			*ret = n;
			r = 0;
		}
	}
	freeifaddrs(all);
	return r;
}

/*
 * The source address of packets to an address of the host is that address.  Whether a socket can be bound to it would not tell on hosts
 * with net.ipv4.ip_nonlocal_bind.
 */
bool host_network_has(const struct ip_addr *a)
{
	union socket_address there;
	struct ip_addr source;
	/* It would have to be known on which interface. */
	if (ipv6_is_link_local(a))
		return true;
	socklen_t len = socket_address_set(&there, &(struct ip_endpoint){ *a, DISCARD_PORT });
	int fd = socket(there.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	bool has = connect(fd, &there.any, len) == 0 && socket_address_of(fd, &source) == 0 && ip_equal(&source, a);
	close(fd);
	return has;
}
