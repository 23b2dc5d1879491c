/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "family.h"

#include "base/macros.h"
#include "gateway/nat64.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <glib.h>

#define PREFIX ((struct prefix6){ { { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a } }, 64 })
#define SUBNET ((struct prefix4){ IP4(192, 168, 122, 0), 24 }) /* with GATEWAY */
#define GATEWAY_IP IP4(192, 168, 122, 1)
/* Of the host's network, see netns.h. */
#define OUTSIDE ((struct ip_addr){ { 0x2a, 0x00, 0x14, 0x50, 0x40, 0x01, 0, 5 } })
#define ICMP_CHECKSUM_AT 2

static struct ip_addr embed(struct ip_addr network, ip4_t ip)
{
	for (unsigned i = 0; i < 4; i++)
		network.b[12 + i] = (uint8_t)(ip >> (24 - 8 * i));
	return network;
}

struct gateway_ip6 family_gateway(enum family f)
{
	if (f == FAMILY_IPV4)
		return (struct gateway_ip6){ 0 };
	struct prefix6 prefix = PREFIX;
	struct gateway_ip6 ip6 = gateway_ip6_of(&prefix);
	ip6.nat64 = f == FAMILY_NAT64;
	return ip6;
}

struct ip_addr family_outside(enum family f, ip4_t ip)
{
	if (f != FAMILY_IPV6)
		return ip_from_ip4(ip);
	if (ip == 0)
		return (struct ip_addr){ 0 };
	if (ip == IP4(127, 0, 0, 1))
		return IP6_LOOPBACK;
	return embed(OUTSIDE, ip);
}

struct ip_addr family_address(enum family f, ip4_t ip)
{
	if (f == FAMILY_IPV4)
		return ip_from_ip4(ip);
	if (ip == GATEWAY_IP)
		return family_gateway(f).address;
	if (prefix4_contains(SUBNET, ip))
		return embed(PREFIX.network, ip);
	return f == FAMILY_NAT64 ? nat64_embed(ip) : family_outside(f, ip);
}

ip4_t family_ip4(const struct ip_addr *a)
{
	static const struct ip_addr loopback = { { [15] = 1 } };
	struct gateway_ip6 ip6 = family_gateway(FAMILY_IPV6);
	if (ip_is_v4(a))
		return ip_to_ip4(a);
	if (gateway_ip6_has(&ip6, a))
		return GATEWAY_IP;
	if (ip_equal(a, &loopback))
		return IP4(127, 0, 0, 1);
	return IP4(a->b[12], a->b[13], a->b[14], a->b[15]);
}

uint8_t family_protocol(enum family f, uint8_t protocol)
{
	return f != FAMILY_IPV4 && protocol == IP_PROTOCOL_ICMP ? IPV6_NEXT_ICMP : protocol;
}

/* --- checksums --- */

/* The offset of the checksum in the transport header; 0: the protocol has no checksum. */
static size_t checksum_at(uint8_t protocol)
{
	switch (protocol) {
	case IP_PROTOCOL_TCP: return TCP_CHECKSUM_AT;
	case IP_PROTOCOL_UDP: return UDP_CHECKSUM_AT;
	case IP_PROTOCOL_ICMP:
	case IPV6_NEXT_ICMP: return ICMP_CHECKSUM_AT;
	default: return 0;
	}
}

/* Bytes that the checksum covers: those of the datagram, not what follows it (RFC 9868). */
static size_t covered(const uint8_t *l4, size_t len, uint8_t protocol)
{
	size_t said = protocol == IP_PROTOCOL_UDP && len >= UDP_HEADER_LEN ? (size_t)(l4[4] << 8 | l4[5]) : len;
	return MIN(said, len);
}

static struct checksum sum_of(const uint8_t *l4, size_t len, uint8_t protocol, const struct ip_addr *src, const struct ip_addr *dst)
{
	struct checksum c = { 0 };
	size_t n = covered(l4, len, protocol);
	if (protocol != IP_PROTOCOL_ICMP)
		checksum_add_pseudo(&c, src, dst, protocol, n);
	checksum_add(&c, l4, n);
	return c;
}

static bool is_right(const uint8_t *l4, size_t len, uint8_t protocol, const struct ip_addr *src, const struct ip_addr *dst)
{
	struct checksum c = sum_of(l4, len, protocol, src, dst);
	return checksum_is_right(&c);
}

static void put_checksum(uint8_t *l4, uint16_t value, size_t at)
{
	l4[at] = (uint8_t)(value >> 8);
	l4[at + 1] = (uint8_t)value;
}

static void set_checksum(uint8_t *l4, size_t len, uint8_t protocol, const struct ip_addr *src, const struct ip_addr *dst, bool right)
{
	size_t at = checksum_at(protocol);
	put_checksum(l4, 0, at);
	struct checksum c = sum_of(l4, len, protocol, src, dst);
	uint16_t value = checksum_value(&c);
	value = right ? value : (uint16_t)(value ^ 0x5555);
	put_checksum(l4, value == 0 && protocol == IP_PROTOCOL_UDP ? 0xffff : value, at);
}

static bool has_checksum(size_t len, uint8_t protocol)
{
	size_t at = checksum_at(protocol);
	return at > 0 && len >= at + CHECKSUM_LEN;
}

/* --- to IPv6 --- */

void family_l4_to_ipv6(uint8_t *l4, size_t len, uint8_t protocol, const struct ip_addr *src, const struct ip_addr *dst)
{
	if (!has_checksum(len, protocol) || protocol == IPV6_NEXT_ICMP)
		return;
	struct ip_addr src4 = ip_from_ip4(family_ip4(src)), dst4 = ip_from_ip4(family_ip4(dst));
	bool none = protocol == IP_PROTOCOL_UDP && l4[UDP_CHECKSUM_AT] == 0 && l4[UDP_CHECKSUM_AT + 1] == 0;
	bool right = none || is_right(l4, len, protocol, &src4, &dst4);
	if (protocol == IP_PROTOCOL_ICMP && l4[0] == ICMP4_ECHO_REQUEST)
		l4[0] = ICMP6_ECHO_REQUEST;
	set_checksum(l4, len, protocol == IP_PROTOCOL_ICMP ? IPV6_NEXT_ICMP : protocol, src, dst, right);
}

/* --- from IPv6 --- */

static const struct {
	uint8_t type6, code6, type, code;
} errors[] = {
	{ ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_NET },
	{ ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_ADMIN },
	{ ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADDRESS, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_HOST },
	{ ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_PORT, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT },
	{ ICMP6_PACKET_TOO_BIG, 0, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_FRAG_NEEDED },
	{ ICMP6_TIME_EXCEEDED, 0, ICMP4_TIME_EXCEEDED, 0 },
	{ ICMP6_TIME_EXCEEDED, 1, ICMP4_TIME_EXCEEDED, 1 },
	{ ICMP6_ECHO_REPLY, 0, ICMP4_ECHO_REPLY, 0 },
	{ ICMP6_ECHO_REQUEST, 0, ICMP4_ECHO_REQUEST, 0 },
};

static struct ipv4_header header_from(const struct ipv6_header *ip6, uint8_t protocol, size_t l4_len)
{
	return (struct ipv4_header){
		.tos = ip6->traffic_class,
		.total_len = (uint16_t)(IPV4_HEADER_LEN + l4_len),
		.ttl = ip6->hop_limit,
		.protocol = protocol == IPV6_NEXT_ICMP ? IP_PROTOCOL_ICMP : protocol,
		.src = family_ip4(&ip6->src),
		.dst = family_ip4(&ip6->dst),
	};
}

static void l4_from_ipv6(uint8_t *l4, size_t len, const struct ipv6_header *ip6, const struct ipv4_header *ip)
{
	if (!has_checksum(len, ip->protocol))
		return;
	struct ip_addr src = ip_from_ip4(ip->src), dst = ip_from_ip4(ip->dst);
	bool none = ip->protocol == IP_PROTOCOL_UDP && l4[UDP_CHECKSUM_AT] == 0 && l4[UDP_CHECKSUM_AT + 1] == 0;
	bool right = none || is_right(l4, len, ip6->next_header, &ip6->src, &ip6->dst);
	for (size_t i = 0; ip->protocol == IP_PROTOCOL_ICMP && i < G_N_ELEMENTS(errors); i++) {
		if (l4[0] == errors[i].type6 && l4[1] == errors[i].code6) {
			l4[0] = errors[i].type;
			l4[1] = errors[i].code;
			break;
		}
	}
	set_checksum(l4, len, ip->protocol, &src, &dst, right);
}

/* The packet quoted by an ICMPv6 error, of which @len bytes are there, becomes one of IPv4, which is shorter; returns its length. */
static size_t quote_from_ipv6(uint8_t *quote, size_t len)
{
	struct bytes_reader r = bytes_reader(quote, len);
	struct ipv6_header ip6;
	g_assert_cmpint(ipv6_parse(&r, &ip6), ==, 0);
	struct ipv4_header ip = header_from(&ip6, ip6.next_header, ip6.payload_len);
	size_t left = r.left;
	l4_from_ipv6(quote + IPV6_HEADER_LEN, left, &ip6, &ip);
	memmove(quote + IPV4_HEADER_LEN, quote + IPV6_HEADER_LEN, left);
	struct bytes_writer w = bytes_writer(quote, IPV4_HEADER_LEN);
	ipv4_emit(&w, &ip);
	return IPV4_HEADER_LEN + left;
}

uint8_t *family_from_ipv6(const uint8_t *packet, size_t len, struct ipv4_header *ret_ip, size_t *ret_len)
{
	struct bytes_reader r = bytes_reader(packet, len);
	struct ipv6_header ip6;
	g_assert_cmpint(ipv6_parse(&r, &ip6), ==, 0);
	g_assert_cmpuint(ip6.payload_len, ==, r.left);
	g_assert_true(is_right(r.at, r.left, ip6.next_header, &ip6.src, &ip6.dst));
	uint8_t *l4 = g_memdup2(r.at, r.left);
	size_t l4_len = r.left;
	bool is_error = ip6.next_header == IPV6_NEXT_ICMP && icmp6_is_error(l4[0]);
	struct ipv4_header ip = header_from(&ip6, ip6.next_header, l4_len);
	l4_from_ipv6(l4, l4_len, &ip6, &ip);
	if (is_error) {
		struct ip_addr src = ip_from_ip4(ip.src), dst = ip_from_ip4(ip.dst);
		l4_len = ICMP6_HEADER_LEN + quote_from_ipv6(l4 + ICMP6_HEADER_LEN, l4_len - ICMP6_HEADER_LEN);
		ip.total_len = (uint16_t)(IPV4_HEADER_LEN + l4_len);
		set_checksum(l4, l4_len, IP_PROTOCOL_ICMP, &src, &dst, true);
	}
	*ret_ip = ip;
	*ret_len = l4_len;
	return l4;
}
