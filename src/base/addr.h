/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses as values.
 *
 * An IPv4 address on its own is an ip4_t in host order, because pools and prefixes do
 * arithmetic with it.  An address of either family is a struct ip_addr: 16 bytes, IPv4 as
 * ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), so that flows, engines and DNS have one code path.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mac {
	uint8_t b[6];
};

#define MAC_BROADCAST ((struct mac){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } })
#define MAC_TEXT_SIZE 18

static inline bool mac_equal(struct mac a, struct mac b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

/* Broadcast or multicast: the group bit of the first octet (IEEE 802-2014 §8.2.2). */
static inline bool mac_is_group(struct mac m)
{
	return m.b[0] & 1;
}

static inline bool mac_is_zero(struct mac m)
{
	return mac_equal(m, (struct mac){ { 0 } });
}

/* Writes "52:54:00:12:34:56" to @buf and returns @buf. */
const char *mac_format(struct mac m, char buf[static MAC_TEXT_SIZE]);
/* Parses six hexadecimal octets of one or two digits between colons.  -EINVAL. */
int mac_parse(const char *text, struct mac *ret);

typedef uint32_t ip4_t;

#define IP4(a, b, c, d) ((ip4_t)(a) << 24 | (ip4_t)(b) << 16 | (ip4_t)(c) << 8 | (ip4_t)(d))
#define IP4_TEXT_SIZE 16
#define IP4_BROADCAST ((ip4_t)0xffffffff) /* limited broadcast (RFC 919 §7) */

/* Writes a dotted quad to @buf and returns @buf. */
const char *ip4_format(ip4_t ip, char buf[static IP4_TEXT_SIZE]);
/* Parses a dotted quad with nothing behind it.  -EINVAL. */
int ip4_parse(const char *text, ip4_t *ret);

struct prefix4 {
	ip4_t network;   /* host bits are 0 */
	unsigned length; /* 0–32 */
};

static inline ip4_t prefix4_mask(struct prefix4 p)
{
	return p.length == 0 ? 0 : (ip4_t)0xffffffff << (32 - p.length);
}

static inline bool prefix4_contains(struct prefix4 p, ip4_t ip)
{
	return (ip & prefix4_mask(p)) == p.network;
}

/* The last address; for a prefix of 31 or 32 bits there is no broadcast (RFC 3021). */
static inline ip4_t prefix4_broadcast(struct prefix4 p)
{
	return p.network | ~prefix4_mask(p);
}

/* Whether no host of the internet has an address of @p: private use (RFC 1918 §3), or the shared space of carriers (RFC 6598 §4). */
bool prefix4_is_private(struct prefix4 p);
/* Parses "a.b.c.d/n".  -EINVAL when malformed, -EDOM when host bits are set. */
int prefix4_parse(const char *text, struct prefix4 *ret);

struct ip_addr {
	uint8_t b[16];
};

#define IP_TEXT_SIZE 46

static inline struct ip_addr ip_from_ip4(ip4_t ip)
{
	return (struct ip_addr){ { [10] = 0xff, 0xff, (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip } };
}

static inline bool ip_is_v4(const struct ip_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, 0xff };
	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

/* The IPv4 address in @a; only meaningful when ip_is_v4(@a). */
static inline ip4_t ip_to_ip4(const struct ip_addr *a)
{
	return IP4(a->b[12], a->b[13], a->b[14], a->b[15]);
}

static inline bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* RFC 4291 §2.5.3 */
#define IP6_LOOPBACK ((struct ip_addr){ { [15] = 1 } })

/* True for ::, which means no address, or all addresses of both families. */
static inline bool ip_is_unspecified(const struct ip_addr *a)
{
	return ip_equal(a, &(struct ip_addr){ 0 });
}

/* Writes "10.0.0.1" or "fe80::1" to @buf and returns @buf. */
const char *ip_format(const struct ip_addr *a, char buf[static IP_TEXT_SIZE]);
/* Parses an address of either family, without scope and port.  -EINVAL. */
int ip_parse(const char *text, struct ip_addr *ret);

/* An IPv6 prefix. */
struct prefix6 {
	struct ip_addr network; /* host bits are 0 */
	unsigned length;        /* 0–128 */
};

static inline bool prefix6_contains(const struct prefix6 *p, const struct ip_addr *a)
{
	size_t whole = p->length / 8;
	uint8_t mask = (uint8_t)(0xff00 >> p->length % 8);
	return memcmp(p->network.b, a->b, whole) == 0 && (whole == 16 || (p->network.b[whole] & mask) == (a->b[whole] & mask));
}

/* Parses "fd00:1:2:3::/64".  -EINVAL when malformed or an IPv4 address, -EDOM when host bits are set. */
int prefix6_parse(const char *text, struct prefix6 *ret);

#define PREFIX6_TEXT_SIZE (IP_TEXT_SIZE + 4)

/* Writes "fd00:1:2:3::/64" to @buf and returns @buf. */
const char *prefix6_format(const struct prefix6 *p, char buf[static PREFIX6_TEXT_SIZE]);

/* One end of a UDP or TCP flow. */
struct ip_endpoint {
	struct ip_addr addr;
	uint16_t port;
};

static inline bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return a->port == b->port && ip_equal(&a->addr, &b->addr);
}
