/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame with its headers as checked values.  The segment makes one for each frame that enters, and passes it on: to pinning, snooping and
 * whatever makes it fit a port, to the gateway, its services and the engine.  So every header is parsed once.
 *
 * packet_begin() reads what every frame needs, the Ethernet header and VLAN tags, and ARP.  IP and neighbour discovery are parsed
 * when they are asked for first: many frames between guests need neither.
 *
 * What a packet points to is borrowed like its frame: valid until the end of the flush.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct checksum;
struct frame;
struct guest;
struct port;

/* Frames with more are dropped: no network has them, and receivers that strip tags do so in a loop. */
#define PACKET_TAGS_MAX 16u

struct packet {
	const struct frame *frame;
	struct port *port;   /* that it came from; NULL: the gateway's own, or detached since */
	struct arena *arena; /* memory of this turn */
	struct guest *guest; /* the sender; set by the gateway's guard; NULL: not known */
	const uint8_t *head; /* the frame's first bytes in one piece */
	size_t head_len;
	struct eth_header eth; /* ethertype: the one behind the tags */
	size_t l3_offset;      /* of what follows the Ethernet header and its tags */
	int arp_error;         /* 0: arp is valid; -EPROTOTYPE: this is not ARP; -EBADMSG, -EPROTONOSUPPORT: as arp_parse() */
	int ip_error;          /* PACKET_UNREAD, or what packet_ip() returns; 0: the members below are valid */
	int nd_error;          /* PACKET_UNREAD, or what packet_nd() returns; 0: nd is valid */
	union {
		struct arp_message arp; /* of ETH_TYPE_ARP */
		struct ipv4_header ip;  /* of ETH_TYPE_IPV4: lengths checked against the frame, header checksum right */
		struct ipv6_header ip6; /* of ETH_TYPE_IPV6: lengths checked against the frame */
	};
	struct ip_addr src, dst;
	uint8_t protocol;            /* of the upper layer, behind IPv6 extension headers; IPV6_NEXT_FRAGMENT for a fragment of IPv6 */
	uint16_t src_port, dst_port; /* of TCP and UDP; 0 when they are not there: later fragments, truncated headers */
	size_t l4_offset;            /* of what follows the IP header and its extensions */
	size_t l4_len;               /* without Ethernet padding */
	size_t headers_len;          /* of a super-frame with checked metadata (gso_check()): where its payload begins; else 0 */
	struct nd_message nd;
};

#define PACKET_UNREAD 1

/*
 * Begins @ret, which borrows @frame, @port and @arena.  -EBADMSG with the reason in *@ret_why when the frame is shorter than its Ethernet
 * header and tags, has more than PACKET_TAGS_MAX tags, or there is no memory for a copy of headers in pieces.
 */
int packet_begin(struct packet *ret, const struct frame *frame, struct port *port, struct arena *arena, enum drop_reason *ret_why);

int packet_parse_ip(struct packet *p);
int packet_parse_nd(struct packet *p);

/*
 * Parses IPv4 or IPv6, unless it was.  -EPROTOTYPE when @p is neither, -EBADMSG when its headers are malformed, longer than the frame or,
 * with IPv6 extension headers, than 512 bytes; -ENOMEM.  Fragments parse, too; see packet_is_fragment().
 */
static inline int packet_ip(struct packet *p)
{
	return p->ip_error == PACKET_UNREAD ? packet_parse_ip(p) : p->ip_error;
}

/*
 * Parses neighbour discovery, unless it was.  -EPROTOTYPE when @p is something else; -EBADMSG when it is malformed or in a fragment, which
 * receivers must discard (RFC 6980 §5) but not all do; errors of packet_ip().  Neither checksum nor hop limit is verified.
 */
static inline int packet_nd(struct packet *p)
{
	return p->nd_error == PACKET_UNREAD ? packet_parse_nd(p) : p->nd_error;
}

/*
 * Begins @ret and parses all of it.  -EBADMSG with the reason in *@ret_why, also when ARP or IP is malformed; @ret is then not valid.
 */
int packet_parse(const struct frame *frame, struct port *port, struct arena *arena, struct packet *ret, enum drop_reason *ret_why);

static inline bool packet_is_tagged(const struct packet *p)
{
	return p->l3_offset != ETH_HEADER_LEN;
}

/* The following are about a packet for which packet_ip() returned 0. */

static inline bool packet_is_v4(const struct packet *p)
{
	return p->eth.ethertype == ETH_TYPE_IPV4;
}

/* IPv4: TTL.  Of a parsed packet, as the next two. */
static inline uint8_t packet_hop_limit(const struct packet *p)
{
	return packet_is_v4(p) ? p->ip.ttl : p->ip6.hop_limit;
}

/* IPv4: TOS. */
static inline uint8_t packet_traffic_class(const struct packet *p)
{
	return packet_is_v4(p) ? p->ip.tos : p->ip6.traffic_class;
}

/* Whether nobody may fragment it on its way.  What a source of IPv6 has fragmented itself may be fragmented again for it. */
static inline bool packet_has_df(const struct packet *p)
{
	return packet_is_v4(p) ? p->ip.dont_fragment : !p->ip6.came_in_fragments;
}

static inline bool packet_is_fragment(const struct packet *p)
{
	return packet_is_v4(p) ? ipv4_is_fragment(&p->ip) : p->protocol == IPV6_NEXT_FRAGMENT;
}

/* The end of the IP packet in the frame; padding may follow. */
static inline size_t packet_end(const struct packet *p)
{
	return p->l4_offset + p->l4_len;
}

/* Adds the pseudo-header for @len bytes of layer 4. */
void packet_add_pseudo(const struct packet *p, size_t len, struct checksum *c);

/* Layer 4, header and payload, as l4_len contiguous bytes; NULL when out of memory. */
const uint8_t *packet_l4(const struct packet *p);

/* A UDP datagram with contiguous payload. */
struct udp_view {
	struct ip_endpoint src, dst;
	const uint8_t *payload;
	size_t len;
};

/*
 * The UDP datagram in @p, for which packet_ip() returned 0.  -EPROTOTYPE when @p is not UDP or a fragment, -EBADMSG when it is
 * malformed or its checksum is wrong, which over IPv6 it also is when it has none (RFC 8200 §8.1); -ENOMEM.
 */
int packet_udp(const struct packet *p, struct udp_view *ret);
