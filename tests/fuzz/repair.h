/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A right header checksum, which a mutation rarely hits by itself and without which nothing behind is reached. */
#pragma once

#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ipv4.h"

/* Of the IPv4 header behind the Ethernet header and its tags, if @frame has one. */
static inline void repair_ipv4_checksum(uint8_t *frame, size_t size)
{
	struct bytes_reader r = bytes_reader(frame, size);
	struct eth_header eth;
	if (eth_parse_tagged(&r, &eth) < 0 || eth.ethertype != ETH_TYPE_IPV4 || r.left < IPV4_HEADER_LEN)
		return;
	uint8_t *ip = frame + (size - r.left);
	size_t header_len = (size_t)(ip[0] & 0x0f) * 4;
	if (header_len < IPV4_HEADER_LEN || header_len > r.left)
		return;
	ip[10] = ip[11] = 0;
	struct checksum c = { 0 };
	checksum_add(&c, ip, header_len);
	ip[10] = (uint8_t)(checksum_value(&c) >> 8);
	ip[11] = (uint8_t)checksum_value(&c);
}
