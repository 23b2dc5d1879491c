/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which address a client of DHCPv6 has. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

struct dhcp6;
struct dhcp6_ia;
struct dhcp6_message;

/* The IPv4 address whose reservation reserves @addr in @prefix; 0: none would. */
ip4_t dhcp6_reserved_by(const struct prefix6 *prefix, const struct ip_addr *addr);
/*
 * The address of identity association @index of @m, an IA_NA, whose client has @mac (zero: it is not known).  The first one gets what is
 * reserved for the MAC; others what they have, or what follows from the client's DUID.  @sender: the MAC that sent @m, the client's or its
 * relay's.
 */
struct ip_addr dhcp6_address_of(const struct dhcp6 *d, usec_t now, const struct dhcp6_message *m, unsigned index, struct mac mac,
				struct mac sender);
/*
 * The client has found that another machine has the address of @ia: from now on it gets another one, as long as @sender sends its messages.
 * A DUID can be guessed, but the switch lets no guest send from a MAC of another port.  False: the port has declined too many.
 */
bool dhcp6_address_declined(struct dhcp6 *d, const struct dhcp6_message *m, const struct dhcp6_ia *ia, struct mac sender, unsigned port_id);
