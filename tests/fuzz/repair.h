/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A right header checksum, which a mutation rarely hits by itself and without which nothing behind is reached. */
#pragma once

#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

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

/* Of the TCP segment behind an IPv4 header without options, if @frame has them. */
static inline void repair_tcp4_checksum(uint8_t *frame, size_t size)
{
	if (size < ETH_HEADER_LEN + IPV4_HEADER_LEN + TCP_HEADER_LEN || frame[ETH_HEADER_LEN] != 0x45)
		return;
	uint8_t *ip = frame + ETH_HEADER_LEN, *tcp = ip + IPV4_HEADER_LEN;
	size_t len = size - ETH_HEADER_LEN - IPV4_HEADER_LEN;
	struct checksum c = { 0 };
	tcp[TCP_CHECKSUM_AT] = tcp[TCP_CHECKSUM_AT + 1] = 0;
	checksum_add(&c, ip + IPV4_SRC_AT, 8);
	checksum_add(&c, (uint8_t[]){ 0, ip[IPV4_PROTOCOL_AT], (uint8_t)(len >> 8), (uint8_t)len }, 4);
	checksum_add(&c, tcp, len);
	tcp[TCP_CHECKSUM_AT] = (uint8_t)(checksum_value(&c) >> 8);
	tcp[TCP_CHECKSUM_AT + 1] = (uint8_t)checksum_value(&c);
}
