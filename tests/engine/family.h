/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The families in which tests of the engine contract run.  Tests speak IPv4, of addresses, packets and errors; this translates what an
 * engine gets and sends, so that one text serves all.
 */
#pragma once

#include "base/addr.h"
#include "gateway/ip6.h"
#include "wire/ipv4.h"

#include <stddef.h>
#include <stdint.h>

enum family {
	FAMILY_IPV4,
	FAMILY_IPV6,  /* of guests and of the host */
	FAMILY_NAT64, /* guests speak IPv6, the host IPv4 */
};

/* An address of the segment, or outside as a guest sees it. */
struct ip_addr family_address(enum family f, ip4_t ip);
/* The address of the host's network that stands for @ip. */
struct ip_addr family_outside(enum family f, ip4_t ip);
/* What the address, of a guest or outside, stands for. */
ip4_t family_ip4(const struct ip_addr *a);
/* The gateway's IPv6, off with FAMILY_IPV4. */
struct gateway_ip6 family_gateway(enum family f);
/* Of the text: protocol ICMP is ICMPv6 among packets of IPv6. */
uint8_t family_protocol(enum family f, uint8_t protocol);

/*
 * Changes the @len bytes of layer 4, between @src and @dst, from IPv4 into IPv6: checksums that were right are right afterwards, wrong
 * ones stay wrong, and an echo request is one of ICMPv6.
 */
void family_l4_to_ipv6(uint8_t *l4, size_t len, uint8_t protocol, const struct ip_addr *src, const struct ip_addr *dst);
/*
 * The @len bytes of an IPv6 packet, its checksum complete and right, as one of IPv4: *@ret_ip is its header.  Returns layer 4, which the
 * caller frees, of *@ret_len bytes.  ICMPv6 errors become those of ICMP.
 */
uint8_t *family_from_ipv6(const uint8_t *packet, size_t len, struct ipv4_header *ret_ip, size_t *ret_len);
