/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 header (RFC 791 §3.1). */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define IPV4_HEADER_LEN 20
#define IPV4_HEADER_MAX 60
#define IPV4_PACKET_MAX 65535

/* Offsets of fields in the header. */
#define IPV4_TOTAL_LEN_AT 2
#define IPV4_FRAGMENT_AT 6 /* flags and fragment offset */
#define IPV4_PROTOCOL_AT 9
#define IPV4_CHECKSUM_AT 10
#define IPV4_SRC_AT 12
#define IPV4_DST_AT 16

enum ip_protocol {
	IP_PROTOCOL_ICMP = 1,
	IP_PROTOCOL_IGMP = 2,
	IP_PROTOCOL_IPV4 = 4, /* encapsulated (RFC 2003) */
	IP_PROTOCOL_TCP = 6,
	IP_PROTOCOL_UDP = 17,
	IP_PROTOCOL_IPV6 = 41, /* encapsulated (RFC 4213) */
	IP_PROTOCOL_GRE = 47,  /* RFC 2784 */
};

struct ipv4_header {
	uint8_t tos;
	uint16_t total_len; /* header and payload */
	uint16_t id;
	bool dont_fragment;
	bool more_fragments;
	uint16_t fragment_offset; /* bytes, a multiple of 8 */
	uint8_t ttl;
	uint8_t protocol;
	ip4_t src, dst;
	uint8_t options_len; /* bytes, a multiple of 4 */
	uint8_t options[IPV4_HEADER_MAX - IPV4_HEADER_LEN];
};

static inline size_t ipv4_header_len(const struct ipv4_header *h)
{
	return IPV4_HEADER_LEN + (size_t)h->options_len;
}

/* The length in bytes that the first byte of a header, which may be invalid, gives it. */
static inline size_t ipv4_header_len_at(const uint8_t *header)
{
	return (size_t)(header[0] & 0x0f) * 4;
}

static inline bool ipv4_is_fragment(const struct ipv4_header *h)
{
	return h->more_fragments || h->fragment_offset > 0;
}

/*
 * -EBADMSG when truncated, not version 4, total length below header length, or header checksum
 * wrong.  The caller checks that total_len bytes are there.
 */
int ipv4_parse(struct bytes_reader *r, struct ipv4_header *ret);
/* Writes the header with its checksum. */
void ipv4_emit(struct bytes_writer *w, const struct ipv4_header *h);
/*
 * Sets total length and id in a copy of a super-frame's header (TSO) and updates its checksum, which must be right.  @header has at
 * least IPV4_HEADER_LEN bytes.
 */
void ipv4_set_segment(uint8_t *header, uint16_t total_len, uint16_t id);
