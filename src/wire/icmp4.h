/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP for IPv4 (RFC 792): the header of eight bytes, and the checksum over the whole message. */
#pragma once

#include "base/bytes.h"

#define ICMP4_HEADER_LEN 8

/* Offsets of fields in the header. */
#define ICMP4_CHECKSUM_AT 2
#define ICMP4_ID_AT 4 /* of an echo message */

enum icmp4_type {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_REDIRECT = 5,
	ICMP4_ECHO_REQUEST = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER_PROBLEM = 12,
};

enum icmp4_unreachable_code {
	ICMP4_UNREACHABLE_NET = 0,
	ICMP4_UNREACHABLE_HOST = 1,
	ICMP4_UNREACHABLE_PROTOCOL = 2,
	ICMP4_UNREACHABLE_PORT = 3,
	ICMP4_UNREACHABLE_FRAG_NEEDED = 4,
	ICMP4_UNREACHABLE_ADMIN = 13, /* RFC 1812 §5.2.7.1 */
};

struct icmp4_header {
	uint8_t type, code;
	uint32_t rest; /* id << 16 | sequence for echo; next-hop MTU for frag needed (RFC 1191 §4) */
};

/* Error messages, which quote the start of the packet they are about (RFC 1122 §3.2.2). */
static inline bool icmp4_is_error(uint8_t type)
{
	return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT || type == ICMP4_TIME_EXCEEDED ||
	       type == ICMP4_PARAMETER_PROBLEM;
}

/* Parses a whole message of @len bytes.  -EBADMSG when it is truncated or its checksum is wrong. */
int icmp4_parse(const uint8_t *message, size_t len, struct icmp4_header *ret);
/* Writes header and @body with the checksum. */
void icmp4_emit(struct bytes_writer *w, const struct icmp4_header *h, const void *body, size_t len);
