/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP headers of either family, for code that knows none: the family is that of the addresses, which are of one. */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#define IP_HEADER_ROOM IPV6_HEADER_LEN /* room for either, without options and extension headers */

/* A header without options and extension headers. */
struct ip_header {
	struct ip_addr src, dst;
	uint8_t protocol;      /* IPv6: next header */
	uint8_t hop_limit;     /* IPv4: TTL */
	uint8_t traffic_class; /* IPv4: TOS */
	bool dont_fragment;    /* IPv4 only: no IPv6 packet is fragmented on its way */
	uint16_t id;           /* IPv4 only */
};

static inline size_t ip_header_len(const struct ip_addr *a)
{
	return ip_is_v4(a) ? IPV4_HEADER_LEN : IPV6_HEADER_LEN;
}

/* Writes the header of a packet with @payload_len bytes behind it. */
void ip_emit(struct bytes_writer *w, const struct ip_header *h, size_t payload_len);

/* Adds the pseudo-header; @len: bytes of layer 4. */
static inline void checksum_add_pseudo(struct checksum *c, const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
				       size_t len)
{
	if (ip_is_v4(dst))
		checksum_add_pseudo4(c, ip_to_ip4(src), ip_to_ip4(dst), protocol, (uint16_t)len);
	else
		checksum_add_pseudo6(c, src, dst, protocol, (uint32_t)len);
}
