/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame to the gateway after parsing: Ethernet and IPv4 headers as checked values.  Services and
 * engines get this instead of raw bytes.
 *
 * What a packet points to is borrowed like its frame: valid until the end of the flush.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"
#include "wire/eth.h"
#include "wire/ipv4.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct frame;
struct guest;
struct port;

struct packet {
	const struct frame *frame;
	struct port *port;   /* that it came from; NULL: detached since */
	struct arena *arena; /* memory of this turn */
	struct guest *guest; /* the sender; set by the gateway, NULL: not known */
	struct eth_header eth;

	/* The rest is set for IPv4 only (eth.ethertype == ETH_TYPE_IPV4). */
	struct ipv4_header ip; /* lengths checked against the frame, header checksum right */
	size_t l3_offset;      /* of the IP header in the frame */
	size_t l4_offset;      /* of what follows the IP header */
	size_t l4_len;         /* without Ethernet padding */
	struct ip_addr src, dst;
};

/*
 * Parses @frame.  -EBADMSG with the reason in *@ret_why.  *@ret borrows @frame, @port and @arena.
 * Fragments parse, too; see ipv4_is_fragment().
 */
int packet_parse(const struct frame *frame, struct port *port, struct arena *arena, struct packet *ret, enum drop_reason *ret_why);

/* Layer 4, header and payload, as l4_len contiguous bytes; NULL when out of memory. */
const uint8_t *packet_l4(const struct packet *p);

/* A UDP datagram with contiguous payload. */
struct udp_view {
	struct ip_endpoint src, dst;
	const uint8_t *payload;
	size_t len;
};

/*
 * The UDP datagram in @p.  -EPROTOTYPE when @p is not IPv4 UDP or a fragment, -EBADMSG when it is
 * malformed or its checksum is wrong, -ENOMEM.
 */
int packet_udp(const struct packet *p, struct udp_view *ret);
