/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet II header (IEEE 802.3 clause 3, without FCS). */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define ETH_HEADER_LEN 14
#define ETH_TYPE_AT 12 /* offset of the ethertype, or of the first 802.1Q tag */
#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_ARP 0x0806
#define ETH_TYPE_VLAN 0x8100
#define ETH_TYPE_IPV6 0x86dd
#define ETH_TYPE_VLAN_SERVICE 0x88a8 /* outer tag of two (IEEE 802.1Q-2018 §9.6) */
#define ETH_TAG_LEN 4
#define ETH_TAGS_MAX 2

struct eth_header {
	struct mac dst, src;
	uint16_t ethertype;
};

/* -EBADMSG when truncated. */
int eth_parse(struct bytes_reader *r, struct eth_header *ret);
/* The same, and skips up to ETH_TAGS_MAX 802.1Q tags: ethertype is the one behind them. */
int eth_parse_tagged(struct bytes_reader *r, struct eth_header *ret);
void eth_emit(struct bytes_writer *w, const struct eth_header *h);
