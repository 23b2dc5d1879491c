/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the leases of the DHCPv6 server begin and end. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "service/dhcp/dhcp.h"

#include <stdbool.h>

struct dhcp6;
struct dhcp6_ia;
struct dhcp6_message;
struct lease6;
struct port;

/* The active lease of the client of @m with @mac (zero: it is not known) for @ia; NULL: it has none. */
struct lease6 *dhcp6_binding_of(const struct dhcp6 *d, usec_t now, const struct dhcp6_message *m, const struct dhcp6_ia *ia,
				struct mac mac);
/* Whether a client with another MAC than @mac has @addr. */
bool dhcp6_binding_is_of_another(const struct dhcp6 *d, usec_t now, const struct ip_addr *addr, struct mac mac);
/*
 * The client of @m, which comes from @port, has @addr from now on, for @ia.  NULL: the lease is not recorded, for want of memory; the
 * client has the address all the same.
 */
const struct lease6 *dhcp6_binding_give(struct dhcp6 *d, usec_t now, struct port *port, const struct dhcp6_message *m,
					const struct dhcp6_ia *ia, struct mac mac, const struct ip_addr *addr);
/* The client releases or declines what it lists in @ia.  False: it has no lease there. */
bool dhcp6_binding_end(struct dhcp6 *d, usec_t now, const struct port *port, const struct dhcp6_message *m, const struct dhcp6_ia *ia,
		       struct mac mac, enum dhcp_lease_event what);
/* The leases whose time is over end. */
void dhcp6_binding_expire(struct dhcp6 *d, usec_t now);
/* The name of the client with @l, whatever protocol it told it by; "": none. */
const char *dhcp6_binding_name(const struct dhcp6 *d, usec_t now, const struct lease6 *l);
