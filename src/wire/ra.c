/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/ra.h"

#include "wire/icmp6.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

enum {
	OPTION_SOURCE_LINK_LAYER = 1,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
	OPTION_RDNSS = 25,
	OPTION_DNSSL = 31,
	OPTION_PREF64 = 38,
	OPTION_UNIT = 8,
	FLAG_MANAGED = 0x80,
	FLAG_OTHER = 0x40,
	PREFIX_ON_LINK = 0x80,
	PREFIX_AUTONOMOUS = 0x40,
};

static void put_mac(struct bytes_writer *w, struct mac mac)
{
	bytes_put_u8(w, OPTION_SOURCE_LINK_LAYER);
	bytes_put_u8(w, 1);
	bytes_put(w, mac.b, sizeof(mac.b));
}

static void put_mtu(struct bytes_writer *w, uint32_t mtu)
{
	bytes_put_u8(w, OPTION_MTU);
	bytes_put_u8(w, 1);
	bytes_put_be16(w, 0);
	bytes_put_be32(w, mtu);
}

static void put_prefix(struct bytes_writer *w, const struct router_advertisement *ra)
{
	bytes_put_u8(w, OPTION_PREFIX);
	bytes_put_u8(w, 4);
	bytes_put_u8(w, (uint8_t)ra->prefix.length);
	bytes_put_u8(w, PREFIX_ON_LINK | PREFIX_AUTONOMOUS);
	bytes_put_be32(w, ra->valid);
	bytes_put_be32(w, ra->preferred);
	bytes_put_be32(w, 0);
	bytes_put(w, ra->prefix.network.b, sizeof(ra->prefix.network.b));
}

static void put_dns(struct bytes_writer *w, const struct router_advertisement *ra)
{
	bytes_put_u8(w, OPTION_RDNSS);
	bytes_put_u8(w, 3);
	bytes_put_be16(w, 0);
	bytes_put_be32(w, ra->dns_lifetime);
	bytes_put(w, ra->dns.b, sizeof(ra->dns.b));
}

/* Padded with zeros to whole units (RFC 8106 §5.2). */
static void put_search(struct bytes_writer *w, const struct router_advertisement *ra)
{
	size_t len = 8 + (size_t)ra->search.len, units = (len + OPTION_UNIT - 1) / OPTION_UNIT;
	bytes_put_u8(w, OPTION_DNSSL);
	bytes_put_u8(w, (uint8_t)units);
	bytes_put_be16(w, 0);
	bytes_put_be32(w, ra->dns_lifetime);
	dns_name_emit(w, &ra->search);
	bytes_put_zeros(w, units * OPTION_UNIT - len);
}

/* The last three bits of the lifetime, which counts in 8 seconds, say how long the prefix is: 0 means 96 bits (RFC 8781 §4). */
static void put_nat64(struct bytes_writer *w, const struct router_advertisement *ra)
{
	bytes_put_u8(w, OPTION_PREF64);
	bytes_put_u8(w, 2);
	bytes_put_be16(w, ra->nat64_lifetime & 0xfff8);
	bytes_put(w, ra->nat64.network.b, 12);
}

void ra_emit(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, const struct router_advertisement *ra)
{
	uint8_t body[RA_PACKET_MAX];
	struct bytes_writer b = bytes_writer(body, sizeof(body));
	bytes_put_be32(&b, 0); /* reachable time and retransmission timer: hosts use their own */
	bytes_put_be32(&b, 0);
	put_mac(&b, ra->mac);
	if (ra->mtu)
		put_mtu(&b, ra->mtu);
	put_prefix(&b, ra);
	if (!ip_is_unspecified(&ra->dns))
		put_dns(&b, ra);
	if (ra->search.len > 1)
		put_search(&b, ra);
	if (ra->nat64.length > 0)
		put_nat64(&b, ra);
	uint8_t flags = (uint8_t)((ra->managed ? FLAG_MANAGED : 0) | (ra->other ? FLAG_OTHER : 0));
	ipv6_emit(w, &(struct ipv6_header){ .payload_len = (uint16_t)(ICMP6_HEADER_LEN + b.len),
					    .next_header = IPV6_NEXT_ICMP,
					    .hop_limit = ND_HOP_LIMIT,
					    .src = *src,
					    .dst = *dst });
	icmp6_emit(w, src, dst,
		   &(struct icmp6_header){ .type = ND_ROUTER_ADVERTISEMENT,
					   .rest = (uint32_t)ra->hop_limit << 24 | (uint32_t)flags << 16 | ra->router_lifetime },
		   body, b.len);
}
