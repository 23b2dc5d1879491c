/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/ra.h"

#include "wire/icmp6.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

#include <errno.h>

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

static void parse_prefix(struct bytes_reader *r, struct router_advertisement *ra)
{
	struct prefix6 prefix = { .length = bytes_get_u8(r) };
	uint8_t flags = bytes_get_u8(r);
	uint32_t valid = bytes_get_be32(r), preferred = bytes_get_be32(r);
	bytes_skip(r, 4);
	bytes_get(r, prefix.network.b, sizeof(prefix.network.b));
	if (r->failed || !(flags & PREFIX_AUTONOMOUS) || ra->prefix.length > 0)
		return;
	ra->prefix = prefix;
	ra->valid = valid;
	ra->preferred = preferred;
}

static void parse_search(struct bytes_reader *r, struct router_advertisement *ra)
{
	struct dns_name name;
	const uint8_t *begin = r->at;
	bytes_skip(r, 6);
	if (dns_name_parse(r, begin, &name) == 0 && ra->search.len <= 1)
		ra->search = name;
}

/* @r: what follows type and length.  An option that is too short for its type is ignored. */
static void parse_option(uint8_t type, struct bytes_reader *r, struct router_advertisement *ra)
{
	struct ip_addr dns;
	switch (type) {
	case OPTION_PREFIX: parse_prefix(r, ra); break;
	case OPTION_MTU:
		bytes_skip(r, 2);
		ra->mtu = bytes_get_be32(r);
		break;
	case OPTION_RDNSS:
		bytes_skip(r, 2);
		ra->dns_lifetime = bytes_get_be32(r);
		bytes_get(r, dns.b, sizeof(dns.b));
		if (!r->failed && ip_is_unspecified(&ra->dns))
			ra->dns = dns;
		break;
	case OPTION_DNSSL: parse_search(r, ra); break;
	default: break;
	}
}

int ra_parse(const void *message, size_t len, struct router_advertisement *ret)
{
	struct bytes_reader r = bytes_reader(message, len);
	struct router_advertisement ra = { .search.len = 1 };
	bytes_skip(&r, 4);
	ra.hop_limit = bytes_get_u8(&r);
	uint8_t flags = bytes_get_u8(&r);
	ra.managed = flags & FLAG_MANAGED;
	ra.other = flags & FLAG_OTHER;
	ra.router_lifetime = bytes_get_be16(&r);
	bytes_skip(&r, 8);
	while (r.left > 0 && !r.failed) {
		uint8_t type = bytes_get_u8(&r), units = bytes_get_u8(&r);
		size_t size = (size_t)units * OPTION_UNIT;
		const uint8_t *value = units > 0 ? bytes_take(&r, size - 2) : NULL;
		if (!value)
			return -EBADMSG;
		struct bytes_reader v = bytes_reader(value, size - 2);
		parse_option(type, &v, &ra);
	}
	if (r.failed)
		return -EBADMSG;
	*ret = ra;
	return 0;
}

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
