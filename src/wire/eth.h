/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet II header (IEEE 802.3 clause 3, without FCS). */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ETH_HEADER_LEN 14
#define ETH_MTU 1500     /* bytes of the longest packet in a frame (IEEE 802.3 §3.2.7) */
#define ETH_FRAME_MIN 60 /* bytes of the shortest frame, minFrameSize without the FCS (IEEE 802.3 §4.4.2) */
#define ETH_TYPE_AT 12   /* offset of the ethertype, or of the first 802.1Q tag */
#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_ARP 0x0806
#define ETH_TYPE_VLAN 0x8100
#define ETH_TYPE_IPV6 0x86dd
#define ETH_TYPE_VLAN_SERVICE 0x88a8 /* outer tag of two (IEEE 802.1Q-2018 §9.6) */
#define ETH_TAG_LEN 4
#define ETH_TAGS_MAX 2

/* Whether @ethertype is that of a VLAN tag. */
static inline bool eth_is_tag(uint16_t ethertype)
{
	return ethertype == ETH_TYPE_VLAN || ethertype == ETH_TYPE_VLAN_SERVICE;
}

struct eth_header {
	struct mac dst, src;
	uint16_t ethertype;
};

/* Of the header at @bytes, ETH_HEADER_LEN of them. */
static inline struct mac eth_source(const uint8_t *bytes)
{
	struct mac src;
	memcpy(src.b, bytes + sizeof(src.b), sizeof(src.b));
	return src;
}

/* Whether that header is untagged and has this destination and type. */
static inline bool eth_is(const uint8_t *bytes, struct mac dst, uint16_t ethertype)
{
	struct mac to;
	memcpy(to.b, bytes, sizeof(to.b));
	return mac_equal(to, dst) && bytes[ETH_TYPE_AT] == ethertype >> 8 && bytes[ETH_TYPE_AT + 1] == (ethertype & 0xff);
}

/* The header at @bytes, ETH_HEADER_LEN of them. */
static inline struct eth_header eth_header_at(const uint8_t *bytes)
{
	struct eth_header h;
	memcpy(h.dst.b, bytes, sizeof(h.dst.b));
	memcpy(h.src.b, bytes + sizeof(h.dst.b), sizeof(h.src.b));
	h.ethertype = (uint16_t)(bytes[ETH_TYPE_AT] << 8 | bytes[ETH_TYPE_AT + 1]);
	return h;
}

/* -EBADMSG when truncated. */
int eth_parse(struct bytes_reader *r, struct eth_header *ret);
/* The same, and skips up to ETH_TAGS_MAX 802.1Q tags: ethertype is the one behind them. */
int eth_parse_tagged(struct bytes_reader *r, struct eth_header *ret);
void eth_emit(struct bytes_writer *w, const struct eth_header *h);
