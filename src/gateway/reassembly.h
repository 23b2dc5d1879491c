/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reassembly (RFC 791 §3.2, RFC 1122 §3.3.2, RFC 8200 §4.5) of packets to the gateway, so that services and engines
 * get whole datagrams only.
 *
 * Bounded: bytes and datagrams in all, bytes and datagrams of one port, fragments of one datagram.  A port at its own limit
 * loses its oldest datagram; at the common limit the port that holds most bytes loses its oldest one.  So a guest that sends
 * incomplete datagrams takes no room from the others.
 *
 * Overlapping fragments kill their datagram, later fragments included (RFC 5722 §4): an attacker uses
 * overlaps to make two receivers see two different packets.  An exact duplicate, which networks make, is ignored.
 *
 * The key of a datagram is the ingress port and the values of RFC 791 or RFC 8200, so that no guest can complete
 * another guest's datagram.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"

#include <stddef.h>

struct arena;
struct packet;

#define REASSEMBLY_BYTES ((size_t)4 << 20) /* in all, bookkeeping included */
#define REASSEMBLY_BYTES_PER_PORT ((size_t)512 << 10)
#define REASSEMBLY_DATAGRAMS 512u
#define REASSEMBLY_DATAGRAMS_PER_PORT 64u
#define REASSEMBLY_FRAGMENTS 128u /* of one datagram: 64 KiB at an MTU of 576 */
/* As Linux.  RFC 1122 §3.3.2 recommends 60–120 s, but ids wrap within seconds today. */
#define REASSEMBLY_TIMEOUT (30 * USEC_PER_SEC)

struct reassembly {
	struct list by_age; /* datagrams, oldest first, which is the order of their deadlines */
	struct list owners; /* ports with datagrams */
	size_t bytes;
	unsigned datagrams;
	unsigned evicted; /* since reassembly_take_evicted() */
};

void reassembly_init(struct reassembly *r);
void reassembly_done(struct reassembly *r);

/*
 * Takes the fragment @p.  1: it completed the datagram *@ret_whole, which has its bytes in p->arena and the port and arena
 * of @p.  0: a copy is kept.  Negative: dropped, which the caller counts as DROP_REASSEMBLY: -EBADMSG for an impossible or
 * overlapping fragment, -ENOBUFS at a limit or out of memory.
 */
int reassembly_input(struct reassembly *r, usec_t now, const struct packet *p, struct packet *ret_whole);

/* When reassembly_expire() wants to be called; USEC_INFINITY for never. */
usec_t reassembly_deadline(const struct reassembly *r);

enum reassembly_expired {
	REASSEMBLY_NOTHING_DUE,
	REASSEMBLY_EXPIRED,            /* one datagram timed out */
	REASSEMBLY_EXPIRED_ANSWERABLE, /* and its first fragment is there: answer it (RFC 792, type 11 code 1) */
};

/*
 * Frees one datagram that was not completed in time.  Call until nothing is due, and count each as DROP_REASSEMBLY.  For an
 * answerable one *@ret_first is its first fragment, with bytes in @arena and without a port, which may be detached.
 */
enum reassembly_expired reassembly_expire(struct reassembly *r, usec_t now, struct arena *arena, struct packet *ret_first);

/* The number of datagrams evicted since the last call, which the caller counts as DROP_REASSEMBLY. */
unsigned reassembly_take_evicted(struct reassembly *r);
