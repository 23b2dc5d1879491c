/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbour table (ARP cache): the MAC and port of each IPv4 address on the segment, learned from ARP and from IP packets
 * to the gateway, and asked for by ARP when unknown (RFC 826, RFC 1122 §2.3.2).
 *
 * The table is bounded, with a share for each port.  An IP packet can make or confirm an entry, but only ARP can move
 * an address to another MAC.  Frames that wait for an ARP answer are copies, few for each address.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/usec.h"
#include "wire/eth.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct neighbour;

#define NEIGHBOURS_MAX 4096u
#define NEIGHBOURS_PER_PORT 512u
/* The MTU of a guest that has not sent larger packets: Ethernet's. */
#define NEIGHBOUR_MTU_MIN ETH_MTU

/* Callbacks of the table, implemented by egress.c. */
struct neighbour_ops {
	/* Send an ARP request for @ip. */
	void (*ask)(void *opaque, usec_t now, ip4_t ip);
	/* Send a copy of @frame, which waited, to @mac; the callee writes the destination MAC. */
	void (*release)(void *opaque, usec_t now, struct mac mac, const void *frame, size_t len);
	/* @frame waited, but ARP was not answered. */
	void (*unanswered)(void *opaque, usec_t now, const void *frame, size_t len);
	/* The guest with @ip has been away for so long that its flows should end. */
	void (*gone)(void *opaque, usec_t now, ip4_t ip);
	/* Optional: @mac uses @ip, which was not known. */
	void (*appeared)(void *opaque, usec_t now, ip4_t ip, struct mac mac);
};

#define NEIGHBOUR_SLOTS (NEIGHBOURS_MAX * 2)

struct neighbour_table {
	struct neighbour *slots;
	uint64_t taken[NEIGHBOUR_SLOTS / 64]; /* one bit for each slot that is not free, for fast walks */
	unsigned used;
	unsigned last; /* slot of the last look-up: packets of one guest come in runs */
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
	NEIGHBOUR_BY_IP, /* an IP packet to the gateway */
	NEIGHBOUR_BY_ARP,
};

/*
 * @mac on port @port_id uses @ip.  False when the table is full.  @ip_len: bytes of the IP packet, 0 for ARP.  A guest
 * that sends packets of more than 1500 bytes is taken to receive packets of that size, too.
 */
bool neighbour_learn(struct neighbour_table *t, usec_t now, ip4_t ip, struct mac mac, unsigned port_id, enum neighbour_source how,
		     size_t ip_len);

/* The MAC of @ip; false when it is unknown or ARP has not been answered yet. */
bool neighbour_find(struct neighbour_table *t, ip4_t ip, struct mac *ret);
/* Whether the MAC of @ip is known and its port is still attached. */
bool neighbour_is_known(struct neighbour_table *t, ip4_t ip);
/* As neighbour_find(), but only for a guest that was heard in the last minute and whose port is still attached. */
bool neighbour_is_present(struct neighbour_table *t, usec_t now, ip4_t ip, struct mac *ret);
/* The largest IP packet in bytes that the guest with @ip is known to receive, at least NEIGHBOUR_MTU_MIN. */
size_t neighbour_mtu(struct neighbour_table *t, ip4_t ip);
/* Keeps a copy of @frame until @ip answers ARP, and sends a request if none is open.  False when there is no room. */
bool neighbour_wait(struct neighbour_table *t, usec_t now, ip4_t ip, const struct frame *frame);
/* The port @port_id was detached: its guests are away. */
void neighbour_port_gone(struct neighbour_table *t, usec_t now, unsigned port_id);
/* Calls @each for every known address behind the port. */
void neighbour_for_each_on_port(struct neighbour_table *t, usec_t now, unsigned port_id, void (*each)(void *opaque, usec_t now, ip4_t ip),
				void *opaque);

/* An entry, for snapshots. */
struct neighbour_view {
	ip4_t ip;
	struct mac mac;
	unsigned port_id; /* 0: its port was detached */
	usec_t seen;
};

/*
 * Copies up to @max entries from slot *@slot on and returns their number.  Advances *@slot, to NEIGHBOUR_SLOTS when there are no
 * more.
 */
unsigned neighbour_view(const struct neighbour_table *t, unsigned *slot, struct neighbour_view *ret, unsigned max);

usec_t neighbour_deadline(const struct neighbour_table *t);
void neighbour_expire(struct neighbour_table *t, usec_t now);
