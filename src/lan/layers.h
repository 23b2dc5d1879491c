/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the IP packet (IPv4 or IPv6, behind up to two VLAN tags) and its upper layer lie in a frame.  The switch uses this for frames
 * between guests; the gateway has struct packet (packet.h).
 */
#pragma once

#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

struct arena;
struct checksum;
struct frame;

struct layers {
	struct eth_header eth; /* ethertype: the one behind the tags */
	/* eth.ethertype says which one is valid. */
	struct ipv4_header ip4;
	struct ipv6_header ip6;
	uint8_t protocol; /* of the upper layer; IPV6_NEXT_FRAGMENT for a fragment of IPv6 */
	size_t l3_offset;
	size_t l4_offset;
	size_t end; /* of the IP packet; padding may follow */
};

static inline bool layers_is_v4(const struct layers *l)
{
	return l->eth.ethertype == ETH_TYPE_IPV4;
}

/* -EPROTOTYPE when @f is not IP, -EBADMSG when its headers are malformed or longer than the frame, -ENOMEM. */
int layers_parse(const struct frame *f, struct arena *arena, struct layers *ret);

/* Adds the pseudo-header for @len bytes of layer 4. */
void layers_add_pseudo(const struct layers *l, size_t len, struct checksum *c);
