/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which address a client of DHCPv6 has. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>

struct dhcp6;
struct dhcp6_ia;
struct dhcp6_message;

/*
 * The address of identity association @index of @m, an IA_NA, whose client has @mac (zero: it is not known).  The first one gets what is
 * reserved for the MAC.
 */
struct ip_addr dhcp6_address_of(const struct dhcp6 *d, const struct dhcp6_message *m, unsigned index, struct mac mac);
/* The client has found that another machine has the address of @ia: it gets another one.  False: its port has declined too many. */
bool dhcp6_address_declined(struct dhcp6 *d, const struct dhcp6_message *m, const struct dhcp6_ia *ia, unsigned port_id);
