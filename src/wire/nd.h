/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Neighbour discovery (RFC 4861 §4): ICMPv6 messages about addresses, MACs and routers. */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

enum nd_type {
	ND_ROUTER_SOLICITATION = 133,
	ND_ROUTER_ADVERTISEMENT = 134,
	ND_NEIGHBOUR_SOLICITATION = 135,
	ND_NEIGHBOUR_ADVERTISEMENT = 136,
	ND_REDIRECT = 137,
};

static inline bool nd_is_type(uint8_t icmp6_type)
{
	return icmp6_type >= ND_ROUTER_SOLICITATION && icmp6_type <= ND_REDIRECT;
}

struct nd_message {
	uint8_t type;                        /* enum nd_type */
	uint8_t code;                        /* 0, or receivers discard it */
	bool solicited, overrides;           /* flags of a neighbour advertisement */
	struct ip_addr target;               /* of neighbour messages and redirects; "::" in router messages */
	struct mac source_mac, target_mac;   /* the first source (type 1) and the first target link-layer address option (type 2) */
	bool has_source_mac, has_target_mac; /* whether there are such options */
	bool ambiguous;                      /* two options of one type differ: receivers do not agree which one holds */
};

/*
 * Parses a whole ICMPv6 message.  Its checksum is not verified.  -EPROTONOSUPPORT: another type; -EBADMSG: truncated, or with an option
 * that is empty or too long, which receivers discard (RFC 4861 §6.1, §7.1, §8.1).
 */
int nd_parse(const void *message, size_t len, struct nd_message *ret);

#define ND_NEIGHBOUR_LEN 32 /* bytes of ICMPv6 that the two functions below write */

/* Messages that are not forwarded have this hop limit, so that receivers see that no router has passed them on (RFC 4861 §6.1, §7.1). */
#define ND_HOP_LIMIT 255

/* Writes a neighbour solicitation with its IPv6 header, from @src with @mac to @dst, which is @target itself or its group (RFC 4861
 * §7.2.2). */
void nd_emit_solicitation(struct bytes_writer *w, struct mac mac, const struct ip_addr *src, const struct ip_addr *dst,
			  const struct ip_addr *target);

/*
 * Writes a router's neighbour advertisement with its IPv6 header: @mac has @src, and a cache that says otherwise is wrong (RFC 4861 §4.4).
 * @dst: the address that asked, or IPV6_ALL_NODES.
 */
void nd_emit_router_advertises_itself(struct bytes_writer *w, struct mac mac, const struct ip_addr *src, const struct ip_addr *dst);
