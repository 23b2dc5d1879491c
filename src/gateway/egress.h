/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway's way out to the guests: puts an Ethernet header in front of IP packets, finds the MAC by
 * the neighbour table or lets the packet wait for ARP, and fits it to what the guest takes.
 * Part of struct gateway, which owns it.
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

/* To a guest, as it is now. */
struct egress_way {
	ip4_t guest;
	struct mac mac;
	struct port *port; /* NULL: it is not known, and neither is the MAC */
};

struct egress {
	struct segment *segment;
	struct port *port; /* the gateway's */
	struct mac mac;
	ip4_t ip;
	struct prefix4 subnet;
	struct neighbour_table neighbours;
	uint16_t next_id;       /* of IP packets of our own */
	struct egress_way lent; /* where the rooms that were lent last lead, whoever lent them */
	struct port *lender;    /* whose rooms are lent to the engine; NULL: none */
	uint8_t **lent_heads;   /* of each room: where the Ethernet header goes */
	/* The guest at @ip has been away for so long that its flows should end. */
	void (*gone)(struct egress *e, usec_t now, ip4_t ip);
	/* A guest appeared, or its address moved to another MAC. */
	void (*appeared)(struct egress *e, usec_t now, ip4_t ip, struct mac mac);
};

/* The members above neighbours, gone and appeared are set by the caller.  -ENOMEM. */
int egress_init(struct egress *e, const struct hash_key *key);
void egress_done(struct egress *e);

/* A whole frame of the gateway's own; copied. */
void egress_frame(struct egress *e, usec_t now, const void *bytes, size_t len);
/* An IPv4 packet to the guest with @dst; @dst_mac NULL: by the neighbour table.  @payload is copied. */
void egress_ipv4(struct egress *e, usec_t now, ip4_t src, ip4_t dst, const struct mac *dst_mac, uint8_t protocol, const void *payload,
		 size_t len);
/* A finished packet, borrowed until the end of the turn, to the guest with @dst. */
void egress_packet(struct egress *e, usec_t now, ip4_t dst, const struct engine_packet *p);
/* As egress_packet() for each of @k, all for the guest that egress_reserve() was asked about last. */
void egress_packets(struct egress *e, usec_t now, const struct engine_packet *packets, unsigned k);
/*
 * Room for up to @n packets of @size bytes to @dst in memory of the guest's port; 0 when it lends none, e->lent says which port.  When it
 * did, the packets are sent by egress_commit(), which returns false when nothing is lent.
 */
unsigned egress_reserve(struct egress *e, usec_t now, ip4_t dst, uint32_t flow, unsigned n, size_t size, struct port_room *ret);
bool egress_commit(struct egress *e, usec_t now, const struct engine_packet *packets, unsigned k);
/* A guest's packet @p to its neighbour @dst: its payload, borrowed, behind p->ip as it is now. */
void egress_forward(struct egress *e, usec_t now, ip4_t dst, const struct packet *p);
/* Asks who has @ip; @probe: with no sender address (RFC 5227 §2.1.1). */
void egress_ask(struct egress *e, usec_t now, ip4_t ip, bool probe);
/* Tells everybody that the gateway's address is ours (RFC 5227 §2.4(b)). */
void egress_announce(struct egress *e, usec_t now);
