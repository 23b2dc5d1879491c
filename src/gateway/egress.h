/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets from the gateway to guests: puts an Ethernet header in front of an IP packet, keeps the packet of a guest whose MAC is not
 * known until ARP is answered, and fragments the packet to the guest's MTU.
 * A member of struct gateway.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_packet;
struct guest;
struct guest_address;
struct gateway_ip6;
struct guest_table;
struct packet;
struct port;
struct port_room;
struct segment;

struct egress {
	struct segment *segment;
	struct port *port; /* the gateway's */
	struct mac mac;
	ip4_t ip;
	struct prefix4 subnet;
	const struct gateway_ip6 *ip6;
	struct guest_table *guests;
	uint16_t next_id;      /* IP id of the gateway's own packets */
	uint64_t n_fragmented; /* IPv6 packets of its own that were fragmented */
	struct guest *lent;    /* the guest of the last egress_reserve(), valid until egress_commit() */
	struct port *lender;   /* the port that has lent rooms to the engine; NULL: no loan */
	uint8_t **lent_heads;  /* where each room's Ethernet header goes */
};

/* Sends a copy of a whole frame of the gateway's own. */
void egress_frame(struct egress *e, usec_t now, const void *bytes, size_t len);
/* Sends an IPv4 packet with a copy of @payload to @dst.  @dst_mac NULL: to the guest that has the address. */
void egress_ipv4(struct egress *e, usec_t now, ip4_t src, ip4_t dst, const struct mac *dst_mac, uint8_t protocol, const void *payload,
		 size_t len);
/* The same over IPv6; fragments it to what the guest takes, as its source (RFC 8200 §5). */
void egress_ipv6(struct egress *e, usec_t now, const struct ip_addr *src, const struct ip_addr *dst, const struct mac *dst_mac,
		 uint8_t protocol, const void *payload, size_t len);
/* Sends a finished packet, borrowed until the end of the turn, to @to. */
void egress_packet(struct egress *e, usec_t now, struct guest *to, const struct engine_packet *p);
/* As egress_packet() for @k packets to the guest of the last egress_reserve(). */
void egress_packets(struct egress *e, usec_t now, const struct engine_packet *packets, unsigned k);
/*
 * Borrows room for up to @n packets of @size bytes to @to in memory of the guest's port; @flow is their flow_hash().  Returns the
 * number of rooms, which egress_commit() sends; 0 when the port lends none.  Sets e->lent in both cases.
 */
unsigned egress_reserve(struct egress *e, usec_t now, struct guest *to, uint32_t flow, unsigned n, size_t size, struct port_room *ret);
/* Sends @k packets in the first rooms of the loan.  False when there is no loan. */
bool egress_commit(struct egress *e, usec_t now, const struct engine_packet *packets, unsigned k);
/* Sends a guest's packet @p to @to: p->ip as it is now, and the borrowed payload. */
void egress_forward(struct egress *e, usec_t now, struct guest *to, const struct packet *p);
/* Asks all who has @addr: by ARP, or a neighbour solicitation (RFC 4861 §7.2.2). */
void egress_ask(struct egress *e, usec_t now, const struct ip_addr *addr);
/* Sends an ARP probe for @ip, which has no sender address (RFC 5227 §2.1.1), to @to. */
void egress_probe(struct egress *e, usec_t now, ip4_t ip, struct port *to);
/* Announces the gateway's address by ARP (RFC 5227 §2.4(b)). */
void egress_announce(struct egress *e, usec_t now);
/* Announces @addr, one of the gateway's, to all nodes (RFC 4861 §7.2.6). */
void egress_announce6(struct egress *e, usec_t now, const struct ip_addr *addr);

/* The largest IP packet that @to has shown to take, and its port takes; at least GUEST_MTU_MIN. */
size_t egress_mtu(const struct egress *e, usec_t now, const struct guest *to);

/* Parts of the callbacks of the table of guests (struct guest_ops), by the same names. */
void egress_release(struct egress *e, usec_t now, const struct guest_address *a, const void *frame, size_t len);
void egress_unanswered(struct egress *e, const void *frame, size_t len);
