/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 reassembly (RFC 791 §3.2, RFC 1122 §3.3.2) of what guests send to the gateway, so that
 * services and engines see whole datagrams only.
 *
 * Bounded in every direction: bytes and datagrams in all, bytes and datagrams of one port, fragments of one datagram. A
 * guest at its own limit loses its own oldest datagram; at the common limit the port that holds most loses its oldest one.
 * So a guest that never finishes what it starts takes nothing from the others.
 *
 * Fragments that overlap kill their datagram, those still to come included (as RFC 5722 asks for IPv6): whoever overlaps wants two
 * readers to see two packets.  An exact duplicate, which networks make, is ignored.
 *
 * Fragments are kept apart by ingress port as well as by the four values of RFC 791, so that no guest can
 * complete another's datagram.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"

#include <stddef.h>

struct arena;
struct packet;

#define REASSEMBLY_BYTES ((size_t)4 << 20) /* held in all, bookkeeping included */
#define REASSEMBLY_BYTES_PER_PORT ((size_t)512 << 10)
#define REASSEMBLY_DATAGRAMS 512u
#define REASSEMBLY_DATAGRAMS_PER_PORT 64u
#define REASSEMBLY_FRAGMENTS 128u /* of one datagram: 64 KiB at an MTU of 576 */
/* As Linux.  RFC 1122 §3.3.2 recommends 60–120 s, from a time when ids did not wrap within seconds. */
#define REASSEMBLY_TIMEOUT (30 * USEC_PER_SEC)

struct reassembly {
	struct list by_age; /* datagrams, oldest first: all live equally long */
	struct list owners; /* ports that have datagrams here */
	size_t bytes;
	unsigned datagrams;
	unsigned evicted; /* not yet reported */
};

void reassembly_init(struct reassembly *r);
void reassembly_done(struct reassembly *r);

/*
 * Takes the fragment @p.  1: @ret_whole is the datagram it completed, with its bytes in p->arena and the port and
 * arena of @p; 0: kept for later.  Negative when it was dropped, to be counted as DROP_REASSEMBLY:
 * -EBADMSG for one that cannot be or overlaps, -ENOBUFS at a limit or without memory.
 */
int reassembly_input(struct reassembly *r, usec_t now, const struct packet *p, struct packet *ret_whole);

/* When reassembly_expire() wants to be called; USEC_INFINITY for never. */
usec_t reassembly_deadline(const struct reassembly *r);

enum reassembly_expired {
	REASSEMBLY_NOTHING_DUE,
	REASSEMBLY_EXPIRED,            /* one datagram was given up */
	REASSEMBLY_EXPIRED_ANSWERABLE, /* and its first fragment had come: the sender is told (RFC 792, type 11 code 1) */
};

/*
 * Gives up one datagram that was not completed in time; call until nothing is due, count each as DROP_REASSEMBLY.
 * For an answerable one @ret_first is its first fragment, bytes in @arena, without a port (it may be gone).
 */
enum reassembly_expired reassembly_expire(struct reassembly *r, usec_t now, struct arena *arena, struct packet *ret_first);

/* Datagrams given up early to make room, since the last call: to be counted as DROP_REASSEMBLY too. */
unsigned reassembly_take_evicted(struct reassembly *r);
