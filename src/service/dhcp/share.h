/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guests behind one port may have of what all ports share: addresses, probes, and addresses that are set aside because a guest said
 * that another one uses them.  A guest can invent MACs, but no ports.
 *
 * A guarded port alone gets seven eighths of the pool, and further greedy ones get less by the square of what is left (base/allowance.h).
 * Uplinks and ports with guard=off lead to other networks, and are not limited.  When no address is left, leases that nobody uses give way
 * to guests behind other ports.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>

/* Messages that wait for a probe of their address; each takes about 1.5 KB.  One port may have seven eighths. */
#define DHCP_PROBES_MAX 4096u

struct dhcp;
struct dhcp_request;
struct lease;
struct payer;
struct port;

/* The configuration or the reservations have changed. */
void dhcp_share_changed(struct dhcp *d);

/* As lease_hold(); reserved addresses are not charged. */
void dhcp_share_hold(struct dhcp *d, usec_t now, struct lease *l, struct payer *payer, usec_t until);

/* Whether the client of @rq, which holds no address, may get one: always when one is reserved for it. */
bool dhcp_share_allows_address(const struct dhcp *d, const struct dhcp_request *rq);
/* Whether one more address may be probed for a guest of @payer, which may be NULL. */
bool dhcp_share_allows_probe(const struct dhcp *d, const struct payer *payer);
/*
 * Whether one more address is set aside because the client of @rq declines it: of a MAC 3 in ten minutes, because a machine that declines
 * all that it gets (another one answers its every probe) would empty the pool; of a guarded port 8.  The server probes addresses before
 * it offers them anyway.
 */
bool dhcp_share_allows_decline(struct dhcp *d, usec_t now, const struct dhcp_request *rq);
/*
 * Likewise because a guest behind @port, of which that was not known, answers the probe: 8 a minute, or one guest could keep all others
 * from getting addresses.
 */
bool dhcp_share_allows_conflict(usec_t now, const struct port *port);

/*
 * The lease that gives way to a client of @payer when no address is free: its address was not used since it was given, which is some
 * seconds ago, or its port was detached.  The oldest one of the payer that has most; of an attached port, more than @payer.  NULL: none
 * among the few hundred that were looked at; the client asks again, and the next ones are looked at then.
 */
struct lease *dhcp_share_least_useful(struct dhcp *d, usec_t now, const struct payer *payer);
