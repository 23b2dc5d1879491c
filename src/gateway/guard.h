/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard: decides whether a frame of a guarded port may enter, by the MAC and the address that it shows.
 *
 * A MAC or an address belongs to a port by rank: declared (`mac=`, a reservation), leased, seen.  What another port claims by a frame, ARP,
 * neighbour discovery or an IP packet
 *
 *     was declared                                     is refused
 *     was leased, and the MAC is another one           is refused
 *     was leased or seen, and its port is heard        is refused (claim.h)
 *     was seen, and its port is silent                 moves; what was leased moves only together with its MAC
 *
 * An unguarded port, such as an uplink, may claim everything but the gateway's MAC and address.  On tagged frames with a VLAN only
 * the MAC and the gateway's address are checked: addresses in VLANs are those of other networks.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/usec.h"
#include "gateway/claim.h"
#include "lan/port.h"

#include <stdbool.h>

struct gateway;
struct packet;

/* Two ports use one MAC or one address. */
struct guard_conflict {
	usec_t when;
	struct mac mac;      /* with which the claim was made */
	struct ip_addr addr; /* that was claimed; "::": the MAC was */
	unsigned other_id;   /* the other port; 0: it is not attached */
	char other[PORT_NAME_SIZE];
};

/* A conflict is over when it has not been seen again for this long. */
#define GUARD_CONFLICT_TIME (60 * USEC_PER_SEC)

/* The latest conflict of @port, in which it claimed or held; false when it is over, or there was none. */
bool guard_conflict_of(const struct port *port, usec_t now, struct guard_conflict *ret);

/* Members of struct gateway. */
struct guard {
	struct claims claims;
	/* No announcement against another claimant of the gateway's IPv4 address, or one of its IPv6 addresses, before these. */
	usec_t defend_after, defend6_after;
};

void guard_init(struct gateway *g);
void guard_done(struct gateway *g);
/* As segment_guard.admits, with the gateway as @opaque.  Sets p->guest. */
bool guard_admits(void *opaque, usec_t now, struct packet *p, enum drop_reason *ret_why);
/* Before guest_port_gone(). */
void guard_port_gone(struct gateway *g, usec_t now, const struct port *port);
usec_t guard_deadline(const struct gateway *g);
void guard_expire(struct gateway *g, usec_t now);
