/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A right header checksum, which a mutation rarely hits by itself and without which nothing behind is reached. */
#pragma once

#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
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

/* Where the checksum of a transport header is that IPv6 carries; 0 for other protocols. */
static inline size_t repair_checksum_at(uint8_t protocol)
{
	switch (protocol) {
	case IPV6_NEXT_ICMP: return 2;
	case IP_PROTOCOL_UDP: return UDP_CHECKSUM_AT;
	case IP_PROTOCOL_TCP: return TCP_CHECKSUM_AT;
	default: return 0;
	}
}

/* Of the ICMPv6 message, UDP datagram or TCP segment behind an IPv6 header without extensions, if @frame has them. */
static inline void repair_ipv6_checksum(uint8_t *frame, size_t size)
{
	if (size < ETH_HEADER_LEN + IPV6_HEADER_LEN + 8 || frame[ETH_HEADER_LEN] >> 4 != 6)
		return;
	uint8_t *ip = frame + ETH_HEADER_LEN, *l4 = ip + IPV6_HEADER_LEN, protocol = ip[IPV6_NEXT_HEADER_AT];
	size_t len = (size_t)(ip[4] << 8 | ip[5]), at = repair_checksum_at(protocol);
	if (at == 0 || len < 8 || len < at + CHECKSUM_LEN || len > size - ETH_HEADER_LEN - IPV6_HEADER_LEN)
		return;
	struct ip_addr src, dst;
	struct checksum c = { 0 };
	memcpy(src.b, ip + IPV6_SRC_AT, 16);
	memcpy(dst.b, ip + IPV6_SRC_AT + 16, 16);
	l4[at] = l4[at + 1] = 0;
	checksum_add_pseudo6(&c, &src, &dst, protocol, (uint32_t)len);
	checksum_add(&c, l4, len);
	l4[at] = (uint8_t)(checksum_transport_value(&c, at) >> 8);
	l4[at + 1] = (uint8_t)checksum_transport_value(&c, at);
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
