/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMPv6 (RFC 4443): the eight bytes in front of an error's body, and the checksum over the whole message. */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define ICMP6_HEADER_LEN 8

enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_PACKET_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER_PROBLEM = 4,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_REDIRECT = 137,
};

enum icmp6_code {
	ICMP6_UNREACHABLE_NO_ROUTE = 0,
	ICMP6_UNREACHABLE_ADMIN = 1,
	ICMP6_UNREACHABLE_ADDRESS = 3,
	ICMP6_UNREACHABLE_PORT = 4,
	ICMP6_PARAMETER_NEXT_HEADER = 1, /* unrecognized next header type */
};

struct icmp6_header {
	uint8_t type, code;
	uint32_t rest; /* the MTU for packet too big (RFC 4443 §3.2), the offset for a parameter problem (§3.4) */
};

/*
 * Parses the @len bytes of a whole message from @src to @dst; its body follows ICMP6_HEADER_LEN bytes.  -EBADMSG when it is truncated or
 * its checksum is wrong.
 */
int icmp6_parse(const uint8_t *message, size_t len, const struct ip_addr *src, const struct ip_addr *dst, struct icmp6_header *ret);

static inline bool icmp6_is_error(uint8_t type)
{
	return type < 128;
}

/* Messages that no error may be sent about (RFC 4443 §2.4 (e.1), (e.2)). */
static inline bool icmp6_is_error_or_redirect(uint8_t type)
{
	return icmp6_is_error(type) || type == ICMP6_REDIRECT;
}

/* Writes header and @body with the checksum over the pseudo-header of @src and @dst. */
void icmp6_emit(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, const struct icmp6_header *h,
		const void *body, size_t len);
