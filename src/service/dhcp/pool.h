/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses a MAC may have, and which one it is offered.  Changes nothing. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

struct dhcp;
struct dhcp_config;
struct dhcp_range;

/* Why @mac may not have @ip, as a short text for the NAK and the log; NULL when it may. */
const char *dhcp_pool_refusal(const struct dhcp *d, usec_t now, struct mac mac, ip4_t ip);

/* The address reserved for @mac, if it is free and not @ip: the guest should then ask again to get it.  0: none. */
ip4_t dhcp_pool_reserved_elsewhere(const struct dhcp *d, usec_t now, struct mac mac, ip4_t ip);

/* The range of @ip; NULL: it is in none, or there are none. */
const struct dhcp_range *dhcp_pool_range(const struct dhcp_config *c, ip4_t ip);
/* Whether any guest may get @ip: it is in the pool and not reserved. */
bool dhcp_pool_is_for_all(const struct dhcp *d, ip4_t ip);
/* How many addresses any guest may get, when nobody has one. */
unsigned dhcp_pool_size(const struct dhcp *d);

struct dhcp_choice {
	ip4_t ip;
	bool known; /* the MAC holds it already: no ARP probe needed */
};

/*
 * Chooses the address to offer to @mac, which asks for @wanted (0: any).  In the order of RFC 2131 §4.3.1, with the
 * reserved address first.  Among addresses that no guest has had, the search begins at a hash of the MAC.  False when no address
 * is free.
 */
bool dhcp_pool_choose(const struct dhcp *d, usec_t now, struct mac mac, ip4_t wanted, struct dhcp_choice *ret);
