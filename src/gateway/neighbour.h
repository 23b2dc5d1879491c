/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours: which MAC an IPv4 address of the segment belongs to, learned from ARP and from what guests
 * send to the gateway, and asked for by ARP when not known (RFC 826, RFC 1122 §2.3.2).
 *
 * Bounded, with a share per port.  An IP packet can make an entry or confirm it, but only ARP can
 * move an address to another MAC.  Frames that wait for an answer are copies, few per address.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct neighbour;

#define NEIGHBOURS_MAX 4096u
#define NEIGHBOURS_PER_PORT 512u
/* What everybody takes who has not shown that it takes more: Ethernet's MTU. */
#define NEIGHBOUR_MTU_MIN 1500u

/* What the table asks of the gateway. */
struct neighbour_ops {
	/* Asks the segment who has @ip. */
	void (*ask)(void *opaque, usec_t now, ip4_t ip);
	/* A frame that waited may go to @mac now: everything behind the destination MAC, copied by the callee. */
	void (*release)(void *opaque, usec_t now, struct mac mac, const void *frame, size_t len);
	/* Nobody answered for a frame that waited. */
	void (*unanswered)(void *opaque, usec_t now, const void *frame, size_t len);
	/* The guest at @ip has been away for so long that its flows should end. */
	void (*gone)(void *opaque, usec_t now, ip4_t ip);
	/* Optional.  @mac was not known to use @ip. */
	void (*appeared)(void *opaque, usec_t now, ip4_t ip, struct mac mac);
};

#define NEIGHBOUR_SLOTS (NEIGHBOURS_MAX * 2)

struct neighbour_table {
	struct neighbour *slots;
	uint64_t taken[NEIGHBOUR_SLOTS / 64]; /* a bit for each slot that is not free: walks touch nothing else */
	unsigned used;
	unsigned last; /* the slot found last: packets come in runs */
	size_t waiting_bytes;
	usec_t next_deadline;
	struct hash_key key;
	const struct neighbour_ops *ops;
	void *opaque;
};

/* -ENOMEM. */
int neighbour_init(struct neighbour_table *t, const struct hash_key *key, const struct neighbour_ops *ops, void *opaque);
void neighbour_done(struct neighbour_table *t);

enum neighbour_source {
	NEIGHBOUR_BY_IP, /* it sent an IP packet to the gateway */
	NEIGHBOUR_BY_ARP,
};

/*
 * @mac on port @port_id uses @ip.  False when the table is full.  @ip_len: size of the IP packet that shows
 * it, 0 for ARP: a guest that sends more than 1500 bytes takes as much.
 */
bool neighbour_learn(struct neighbour_table *t, usec_t now, ip4_t ip, struct mac mac, unsigned port_id, enum neighbour_source how,
		     size_t ip_len);

/* The MAC of @ip; false when it is not known (or is only being asked for). */
bool neighbour_find(struct neighbour_table *t, ip4_t ip, struct mac *ret);
/* Whether frames go to @ip without asking, and it has not lost its port. */
bool neighbour_is_known(struct neighbour_table *t, ip4_t ip);
/* Like neighbour_find(), but only for who has shown itself in the last minute and still has a port. */
bool neighbour_is_present(struct neighbour_table *t, usec_t now, ip4_t ip, struct mac *ret);
/* The largest IP packet that @ip is known to take: 1500 until it has shown more. */
size_t neighbour_mtu(struct neighbour_table *t, ip4_t ip);
/*
 * Holds a copy of @frame until @ip has answered; asks for it.  False when there is no room.
 */
bool neighbour_wait(struct neighbour_table *t, usec_t now, ip4_t ip, const struct frame *frame);
/* The guests behind @port_id lost their port. */
void neighbour_port_gone(struct neighbour_table *t, usec_t now, unsigned port_id);
/* Calls @each for every known address behind @port_id. */
void neighbour_for_each_on_port(struct neighbour_table *t, usec_t now, unsigned port_id, void (*each)(void *opaque, usec_t now, ip4_t ip),
				void *opaque);

/* Who is known, for those who want to see. */
struct neighbour_view {
	ip4_t ip;
	struct mac mac;
	unsigned port_id; /* 0: it has lost its port */
	usec_t seen;
};

/* Up to @max of the entries from slot *@slot on, which is moved on: NEIGHBOUR_SLOTS behind the last one.  How many. */
unsigned neighbour_view(const struct neighbour_table *t, unsigned *slot, struct neighbour_view *ret, unsigned max);

usec_t neighbour_deadline(const struct neighbour_table *t);
void neighbour_expire(struct neighbour_table *t, usec_t now);
