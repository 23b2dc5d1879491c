/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors of the gateway: when one may be sent (RFC 1812 §4.3.2.7, RFC 1122 §3.2.2), how
 * often, and what it looks like.  The answer goes back the way the packet came: to the MAC and behind the
 * VLAN tags of the frame it is about, so it needs no neighbour lookup.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct packet;
struct arena;

#define ICMP_LIMIT_SLOTS 256u

/*
 * Token buckets, one for all and one for each port.  Ports share a slot only when their ids are
 * ICMP_LIMIT_SLOTS apart.  The limits leave traceroute and port scans of a well-behaved guest alone.
 */
struct icmp_limit {
	usec_t all; /* when the bucket will be full again */
	usec_t of_port[ICMP_LIMIT_SLOTS];
};

#define ICMP_LIMIT_INTERVAL (1 * USEC_PER_MSEC) /* one error a millisecond in all … */
#define ICMP_LIMIT_BURST 200u
#define ICMP_LIMIT_PORT_INTERVAL (10 * USEC_PER_MSEC) /* … and one in ten to each port, in the long run */
#define ICMP_LIMIT_PORT_BURST 50u

/* One more error to port @port_id (0: none known) at @now?  Takes a token when true.  A zeroed struct is full. */
bool icmp_limit_take(struct icmp_limit *l, usec_t now, unsigned port_id);

struct icmp_error {
	struct mac src_mac; /* the gateway's */
	ip4_t from;
	uint8_t type, code;
	uint32_t info; /* second word: the MTU for fragmentation needed */
};

/* Bytes of one Ethernet frame, in an arena. */
struct icmp_answer {
	const void *bytes;
	size_t len;
};

/*
 * The frame that answers @cause, in cause->arena.  -EPERM when no error may be sent about it; -EBUSY when the
 * limit (NULL: none) holds it back, to be counted as DROP_ICMP_RATE; -ENOMEM.
 */
int icmp_error_build(struct icmp_limit *limit, usec_t now, const struct icmp_error *e, const struct packet *cause, struct icmp_answer *ret);
