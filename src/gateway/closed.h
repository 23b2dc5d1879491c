/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destinations that are closed to guests unless an option opens them, because the host is trusted there and guests are not:
 *
 * - Link-local addresses (RFC 3927, RFC 4291 §2.5.6).  Those of the host's networks belong to management controllers, printers and
 *   other machines that trust their neighbours.
 * - The metadata services of clouds.  They give the host's credentials to every program that asks.  A link-local address that is such a
 *   service is metadata, and opened as such only.
 *
 * This is about packets of guests: lanlet's own sockets, such as the resolver's, may use all of them.  Asked by the gateway for each
 * packet that it routes, and by engines when they open a host socket.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"

enum closed_group {
	CLOSED_LINK_LOCAL = 1 << 0,
	CLOSED_METADATA = 1 << 1,
};

/* 0 when @ip is not closed, or of a group in @opened (enum closed_group).  -EACCES with the reason in *@ret_why. */
int closed_check4(ip4_t ip, unsigned opened, enum drop_reason *ret_why);
/* The same for both families. */
int closed_check(const struct ip_addr *addr, unsigned opened, enum drop_reason *ret_why);
