/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router advertisements (RFC 4861 §4.2, RFC 8106, RFC 8781). */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"
#include "wire/dns_name.h"

#include <stdbool.h>

struct router_advertisement {
	uint8_t hop_limit;         /* for packets of hosts; 0: unspecified */
	bool managed, other;       /* addresses, and everything else, are available by DHCPv6 */
	uint16_t router_lifetime;  /* seconds; 0: not a default router */
	struct mac mac;            /* of the router */
	uint32_t mtu;              /* 0: none is advertised */
	struct prefix6 prefix;     /* on the link, and for addresses that hosts make themselves (RFC 4862) */
	uint32_t valid, preferred; /* seconds, of those addresses */
	struct ip_addr dns;        /* "::": none */
	struct dns_name search;    /* the root: none */
	uint32_t dns_lifetime;     /* seconds, of the two above */
	struct prefix6 nat64;      /* of 96 bits: IPv4 destinations are reached there (RFC 8781); of no bits: nowhere */
	uint16_t nat64_lifetime;   /* seconds, a multiple of 8 */
};

/* Bytes of the longest advertisement, with its IPv6 header. */
#define RA_PACKET_MAX (40 + 16 + 8 + 8 + 32 + 24 + 8 + 256 + 16)

/*
 * Parses an advertisement, a whole ICMPv6 message whose checksum is right: of the first prefix for addresses, name server and search
 * domain, and MTU.  -EBADMSG: it is truncated, or an option is empty or too long (RFC 4861 §6.1.2).
 */
int ra_parse(const void *message, size_t len, struct router_advertisement *ret);
/* Writes the advertisement from @src to @dst with its IPv6 header. */
void ra_emit(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, const struct router_advertisement *ra);
