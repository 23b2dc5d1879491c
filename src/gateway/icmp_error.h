/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors of the gateway: when one may be sent (RFC 1812 §4.3.2.7, RFC 1122 §3.2.2), how often, and its
 * bytes.  An error goes to the source MAC of the frame it is about, with the same VLAN tags, so it needs no
 * look-up in the neighbour table.
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
 * Token buckets, one for all ports and one for each port.  Two ports share a bucket only when their ids differ by a
 * multiple of ICMP_LIMIT_SLOTS.  The limits do not affect traceroute or a port scan at usual speed.
 */
struct icmp_limit {
	usec_t all; /* when the bucket will be full again */
	usec_t of_port[ICMP_LIMIT_SLOTS];
};

#define ICMP_LIMIT_INTERVAL (1 * USEC_PER_MSEC) /* on average: one error a millisecond in all */
#define ICMP_LIMIT_BURST 200u
#define ICMP_LIMIT_PORT_INTERVAL (10 * USEC_PER_MSEC) /* and one in ten milliseconds to each port */
#define ICMP_LIMIT_PORT_BURST 50u

/* Whether an error to port @port_id (0: unknown) may be sent at @now; if so, takes a token.  In a zeroed struct all buckets are full. */
bool icmp_limit_take(struct icmp_limit *l, usec_t now, unsigned port_id);

struct icmp_error {
	struct mac src_mac; /* the gateway's */
	ip4_t from;
	uint8_t type, code;
	uint32_t info; /* second word: the MTU for fragmentation needed */
};

/* An Ethernet frame in an arena. */
struct icmp_answer {
	const void *bytes;
	size_t len;
};

/*
 * Makes the frame that answers @cause, in cause->arena.  -EPERM when no error may be sent about @cause; -EBUSY when
 * @limit (NULL: no limit) forbids it, which the caller counts as DROP_ICMP_RATE; -ENOMEM.
 */
int icmp_error_build(struct icmp_limit *limit, usec_t now, const struct icmp_error *e, const struct packet *cause, struct icmp_answer *ret);
