/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/flow_hash.h"

#include "base/addr.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#include <string.h>

/* Ethernet with tags, the longest IPv4 header, and the ports.  Ports behind IPv6 extension headers do not count. */
#define HEAD_MAX (ETH_HEADER_LEN + ETH_TAGS_MAX * ETH_TAG_LEN + IPV4_HEADER_MAX + 4)

/* An odd number without pattern: 2^64 divided by the golden ratio. */
#define MIX UINT64_C(0x9e3779b97f4a7c15)

static uint64_t hash_end(const struct ip_endpoint *e)
{
	uint64_t high, low;
	memcpy(&high, e->addr.b, sizeof(high));
	memcpy(&low, e->addr.b + sizeof(high), sizeof(low));
	uint64_t x = (high * MIX) ^ low ^ e->port;
	x *= MIX;
	return x ^ x >> 32;
}

uint32_t flow_hash(const struct ip_endpoint *guest, const struct ip_endpoint *other)
{
	uint64_t x = hash_end(guest) * MIX + (other ? hash_end(other) : 0);
	return (uint32_t)(x * MIX >> 32);
}

/* Reads the IP header.  Returns the upper layer's protocol, 0 when its ports are out of reach. */
static int parse_ip(struct bytes_reader *r, uint16_t ethertype, struct ip_endpoint *src, struct ip_endpoint *dst)
{
	if (ethertype == ETH_TYPE_IPV4) {
		struct ipv4_header h;
		if (ipv4_parse(r, &h) < 0)
			return -1;
		src->addr = ip_from_ip4(h.src);
		dst->addr = ip_from_ip4(h.dst);
		return ipv4_is_fragment(&h) ? 0 : h.protocol;
	}
	struct ipv6_header h;
	if (ethertype != ETH_TYPE_IPV6 || ipv6_parse(r, &h) < 0)
		return -1;
	src->addr = h.src;
	dst->addr = h.dst;
	return h.next_header;
}

uint32_t flow_hash_frame(const struct frame *f, enum flow_end guest)
{
	uint8_t head[HEAD_MAX];
	struct bytes_reader r = bytes_reader(head, frame_copy(f, 0, head, sizeof(head)));
	struct eth_header eth;
	struct ip_endpoint ends[2] = { 0 };
	if (eth_parse_tagged(&r, &eth) < 0)
		return 0;
	int protocol = parse_ip(&r, eth.ethertype, &ends[FLOW_END_SOURCE], &ends[FLOW_END_DESTINATION]);
	if (protocol < 0)
		return 0;
	bool has_ports = (protocol == IP_PROTOCOL_TCP || protocol == IP_PROTOCOL_UDP) && r.left >= 2 * sizeof(uint16_t);
	for (unsigned i = 0; has_ports && i < ARRAY_SIZE(ends); i++)
		ends[i].port = bytes_get_be16(&r);
	return flow_hash(&ends[guest], has_ports && protocol == IP_PROTOCOL_UDP ? NULL : &ends[!guest]);
}
