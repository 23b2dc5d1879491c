/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMPv6 (RFC 4443): the eight bytes in front of an error's body, and the checksum over the whole message. */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

#define ICMP6_HEADER_LEN 8

enum icmp6_type {
	ICMP6_PACKET_TOO_BIG = 2,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_REDIRECT = 137,
};

struct icmp6_header {
	uint8_t type, code;
	uint32_t rest; /* the MTU for packet too big (RFC 4443 §3.2) */
};

/* Messages that no error may be sent about (RFC 4443 §2.4 (e.1), (e.2)). */
static inline bool icmp6_is_error_or_redirect(uint8_t type)
{
	return type < 128 || type == ICMP6_REDIRECT;
}

/* Writes header and @body with the checksum over the pseudo-header of @src and @dst. */
void icmp6_emit(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, const struct icmp6_header *h,
		const void *body, size_t len);
