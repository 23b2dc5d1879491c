/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's form of an address and port of either family. */
#pragma once

#include "base/addr.h"

#include <netinet/in.h>
#include <sys/socket.h>

union socket_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Writes @at, without a scope, to @ret; returns its size in bytes. */
socklen_t socket_address_set(union socket_address *ret, const struct ip_endpoint *at);
/* The same for a socket of IPv6: an IPv4 address is written as an IPv4-mapped one. */
socklen_t socket_address_set_v6(union socket_address *ret, const struct ip_endpoint *at);
/* All zeroes for an address of another family than IPv4 and IPv6. */
struct ip_endpoint socket_address_get(const union socket_address *a);
/* The address that a socket is bound to, "::" or 0.0.0.0 for all.  -EAFNOSUPPORT: it is no IP socket; or another negative errno. */
int socket_address_of(int fd, struct ip_addr *ret);
