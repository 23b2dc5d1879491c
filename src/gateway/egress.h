/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets from the gateway to guests: puts an Ethernet header in front of an IP packet, finds the MAC in the
 * neighbour table or keeps the packet until ARP is answered, and fragments the packet to the guest's MTU.
 * A member of struct gateway.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/usec.h"
#include "gateway/neighbour.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_packet;
struct packet;
struct port;
struct port_room;
struct segment;

/* Where a guest is now. */
struct egress_target {
	ip4_t guest;
	struct mac mac;
	struct port *port; /* NULL: neither port nor MAC is known */
};

struct egress {
	struct segment *segment;
	struct port *port; /* the gateway's */
	struct mac mac;
	ip4_t ip;
	struct prefix4 subnet;
	struct neighbour_table neighbours;
	uint16_t next_id;          /* IP id of the gateway's own packets */
	struct egress_target lent; /* the guest of the last egress_reserve() */
	struct port *lender;       /* the port that has lent rooms to the engine; NULL: no loan */
	uint8_t **lent_heads;      /* where each room's Ethernet header goes */
	/* The guest with @ip has been away for so long that its flows should end. */
	void (*gone)(struct egress *e, usec_t now, ip4_t ip);
	/* A guest appeared, or its address moved to another MAC. */
	void (*appeared)(struct egress *e, usec_t now, ip4_t ip, struct mac mac);
};

/* The caller has set the members in front of neighbours, and gone and appeared.  -ENOMEM. */
int egress_init(struct egress *e, const struct hash_key *key);
void egress_done(struct egress *e);

/* Sends a copy of a whole frame of the gateway's own. */
void egress_frame(struct egress *e, usec_t now, const void *bytes, size_t len);
/* Sends an IPv4 packet with a copy of @payload to @dst.  @dst_mac NULL: the MAC is found in the neighbour table. */
void egress_ipv4(struct egress *e, usec_t now, ip4_t src, ip4_t dst, const struct mac *dst_mac, uint8_t protocol, const void *payload,
		 size_t len);
/* Sends a finished packet, borrowed until the end of the turn, to the guest with @dst. */
void egress_packet(struct egress *e, usec_t now, ip4_t dst, const struct engine_packet *p);
/* As egress_packet() for @k packets to the guest of the last egress_reserve(). */
void egress_packets(struct egress *e, usec_t now, const struct engine_packet *packets, unsigned k);
/*
 * Borrows room for up to @n packets of @size bytes to @dst in memory of the guest's port; @flow is their flow_hash().  Returns the
 * number of rooms, which egress_commit() sends; 0 when the port lends none.  Sets e->lent in both cases.
 */
unsigned egress_reserve(struct egress *e, usec_t now, ip4_t dst, uint32_t flow, unsigned n, size_t size, struct port_room *ret);
/* Sends @k packets in the first rooms of the loan.  False when there is no loan. */
bool egress_commit(struct egress *e, usec_t now, const struct engine_packet *packets, unsigned k);
/* Sends a guest's packet @p to the guest with @dst: p->ip as it is now, and the borrowed payload. */
void egress_forward(struct egress *e, usec_t now, ip4_t dst, const struct packet *p);
/* Sends an ARP request for @ip; @probe: without a sender address (RFC 5227 §2.1.1). */
void egress_ask(struct egress *e, usec_t now, ip4_t ip, bool probe);
/* Announces the gateway's address by ARP (RFC 5227 §2.4(b)). */
void egress_announce(struct egress *e, usec_t now);
