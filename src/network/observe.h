/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes events (events.h) from what the parts of a network report and from changes of their state. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"
#include "lan/segment.h"
#include "service/dhcp/dhcp.h"

struct guest_address;
struct lanlet_network;
struct lease6;
struct port;

/* The hooks of the gateway, the segment and DHCP. */
void observe_guest(struct lanlet_network *n, usec_t now, const struct guest_address *a);
void observe_port(struct lanlet_network *n, usec_t now, const struct port *p, enum segment_change what);
void observe_lease(struct lanlet_network *n, usec_t now, const struct port *p, const struct lease *l, enum dhcp_lease_event what);
void observe_lease6(struct lanlet_network *n, usec_t now, const struct port *p, const struct lease6 *l, enum dhcp_lease_event what);

/* A claim of port @by to the MAC or address that @other has was refused; @addr "::": to the MAC.  @other may be NULL: it is gone. */
void observe_conflict(struct lanlet_network *n, usec_t now, const struct port *by, const struct port *other, struct mac mac,
		      const struct ip_addr *addr);

/* At the end of a turn: events for new ports and for first drops. */
void observe_turn(struct lanlet_network *n, usec_t now);
