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
struct payer;
struct arena;

/*
 * Token buckets, one for all ports and one for each port, which is in its payer.  A quarter of the common one is for ports that have used
 * less than half of their own, so that many ports that provoke errors leave some for the others.  The limits do not affect traceroute or
 * a port scan at usual speed.
 */
struct icmp_limit {
	usec_t all;    /* when the bucket will be full again */
	usec_t others; /* likewise, of errors that belong to no port */
};

#define ICMP_LIMIT_INTERVAL (1 * USEC_PER_MSEC) /* on average: one error a millisecond in all */
#define ICMP_LIMIT_BURST 200u
#define ICMP_LIMIT_PORT_INTERVAL (10 * USEC_PER_MSEC) /* and one in ten milliseconds to each port */
#define ICMP_LIMIT_PORT_BURST 50u

/* Whether an error at the expense of @payer (NULL: of no port) may be sent at @now; if so, takes a token.  A zeroed bucket is full. */
bool icmp_limit_take(struct icmp_limit *l, usec_t now, struct payer *payer);
/* The same for an answer to @cause. */
bool icmp_limit_take_for(struct icmp_limit *l, usec_t now, const struct packet *cause);

struct icmp_error {
	struct mac src_mac; /* the gateway's */
	ip4_t from;
	uint8_t type, code;
	uint32_t info; /* second word: the MTU for fragmentation needed */
};

/* Finds the ICMP error that means the same as ICMPv6's @type, @code and @info; false when no error does (RFC 7915 §5.2). */
bool icmp_error_of_icmp6(uint8_t type, uint8_t code, uint32_t info, struct icmp_error *ret);

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
