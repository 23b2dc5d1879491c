/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address a MAC may have and which one it is given.  Looks, decides, changes nothing.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

struct dhcp;

/* Why @mac may not have @ip, as a few words for the client and the log; NULL: it may. */
const char *dhcp_pool_refusal(const struct dhcp *d, usec_t now, struct mac mac, ip4_t ip);

/* The address reserved for @mac, when it is free for it and not @ip: the guest should ask again to get it.  0: none. */
ip4_t dhcp_pool_reserved_elsewhere(const struct dhcp *d, usec_t now, struct mac mac, ip4_t ip);

struct dhcp_choice {
	ip4_t ip;
	bool known; /* the MAC holds it already: no need to probe */
};

/*
 * The address to offer to @mac, which asks for @wanted (0: nothing particular).  In the order of RFC 2131 §4.3.1, with
 * the reserved one first; among addresses that nobody had, the first choice is a hash of the MAC.  False: none is left.
 */
bool dhcp_pool_choose(const struct dhcp *d, usec_t now, struct mac mac, ip4_t wanted, struct dhcp_choice *ret);
