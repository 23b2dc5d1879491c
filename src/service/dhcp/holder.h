/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which port a client is behind, and so which messages may touch its lease.
 *
 * A client is behind the port where its MAC was seen.  Of a client behind a relay, or behind a bridge that translates MACs, the segment
 * sees another MAC; it is behind the port through which its lease was made or last renewed.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>

struct dhcp;
struct dhcp_request;
struct port;

/* The port of the client with @mac; NULL when it is not known, or was detached. */
struct port *dhcp_holder_port(const struct dhcp *d, usec_t now, struct mac mac);

/*
 * Whether @rq may be processed.  Not when it came through a guarded port and its client is behind another port, or its relay (giaddr) is
 * not behind this port: one guest could release, decline, rename or take over the lease of another.  A client that is behind no port now
 * can only end its lease from its own MAC.  Logs what is refused.
 */
bool dhcp_holder_admits(struct dhcp *d, usec_t now, const struct dhcp_request *rq);
