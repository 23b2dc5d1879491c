/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 header (RFC 8200 §3), and how to skip its extension headers. */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>

#define IPV6_HEADER_LEN 40
/* Offsets of fields in the header. */
#define IPV6_PAYLOAD_LEN_AT 4
#define IPV6_NEXT_HEADER_AT 6
#define IPV6_SRC_AT 8
/* Every link carries packets of this size (RFC 8200 §5). */
#define IPV6_MTU_MIN 1280

enum {
	IPV6_NEXT_FRAGMENT = 44,
	IPV6_NEXT_ICMP = 58,
};

struct ipv6_header {
	uint8_t traffic_class;
	uint32_t flow_label; /* 20 bits */
	uint16_t payload_len;
	uint8_t next_header;
	uint8_t hop_limit;
	struct ip_addr src, dst;
	bool came_in_fragments; /* not of the header: its source fragmented the packet, which was put together since */
};

/* -EBADMSG when truncated or not version 6.  The caller checks that payload_len bytes are there. */
int ipv6_parse(struct bytes_reader *r, struct ipv6_header *ret);
void ipv6_emit(struct bytes_writer *w, const struct ipv6_header *h);
/* Sets the length in a copy of a super-frame's header (TSO) of at least IPV6_HEADER_LEN bytes. */
void ipv6_set_payload_len(uint8_t *header, uint16_t payload_len);

/*
 * Skips hop-by-hop options, routing and destination options headers.  Returns the protocol that follows, which is
 * IPV6_NEXT_FRAGMENT for a fragment.  @r fails when they are truncated.
 */
uint8_t ipv6_skip_extensions(struct bytes_reader *r, uint8_t next_header);

/*
 * Reads a fragment header (RFC 8200 §4.5).  Returns whether the fragment is the first of its packet; *@ret_protocol is then what follows
 * the extension headers behind it, which is IPV6_NEXT_FRAGMENT for a second fragment header.  @r fails when they are truncated.
 */
bool ipv6_take_first_fragment(struct bytes_reader *r, uint8_t *ret_protocol);

#define IPV6_FRAGMENT_HEADER_LEN 8

/* Writes a fragment header (RFC 8200 §4.5); @offset is in bytes, a multiple of 8. */
void ipv6_emit_fragment_header(struct bytes_writer *w, uint8_t next_header, uint16_t offset, bool more, uint32_t id);

/* Whether extension headers that ipv6_skip_extensions() skips follow @header, IPV6_HEADER_LEN bytes. */
bool ipv6_has_extensions(const uint8_t *header);

/* The link-local address with the interface identifier of @mac (RFC 4291 §2.5.6, appendix A). */
static inline struct ip_addr ipv6_link_local(struct mac mac)
{
	const uint8_t *m = mac.b;
	return (struct ip_addr){ { 0xfe, 0x80, [8] = m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] } };
}

static inline bool ipv6_is_multicast(const struct ip_addr *a)
{
	return a->b[0] == 0xff;
}

/* fe80::/10 (RFC 4291 §2.5.6) */
static inline bool ipv6_is_link_local(const struct ip_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* All nodes, and all routers, of the link (RFC 4291 §2.7.1). */
#define IPV6_ALL_NODES ((struct ip_addr){ { 0xff, 2, [15] = 1 } })
#define IPV6_ALL_ROUTERS ((struct ip_addr){ { 0xff, 2, [15] = 2 } })

/* The group in which the machine with @a is asked for its MAC (RFC 4291 §2.7.1). */
static inline struct ip_addr ipv6_solicited_node(const struct ip_addr *a)
{
	return (struct ip_addr){ { 0xff, 2, [11] = 1, 0xff, a->b[13], a->b[14], a->b[15] } };
}

/* The MAC of the group @a (RFC 2464 §7). */
static inline struct mac ipv6_group_mac(const struct ip_addr *a)
{
	return (struct mac){ { 0x33, 0x33, a->b[12], a->b[13], a->b[14], a->b[15] } };
}
