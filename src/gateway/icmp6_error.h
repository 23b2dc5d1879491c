/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMPv6 errors of the gateway: when one may be sent (RFC 4443 §2.4(e)), how often, and its bytes.  As icmp_error.h does for IPv4, an error
 * goes to the source MAC of the frame it is about, with the same VLAN tags.
 */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

struct icmp_answer;
struct icmp_limit;
struct packet;

struct icmp6_error {
	struct mac src_mac;  /* the gateway's */
	struct ip_addr from; /* "::": the destination of the cause, when the gateway has no IPv6 address */
	uint8_t type, code;
	uint32_t info; /* second word: the MTU for packet too big */
};

/*
 * Finds the ICMPv6 error that means the same as ICMP's @type, @code and @info, which is the MTU of fragmentation needed or the pointer of a
 * parameter problem; false when no error does (RFC 7915 §4.2).
 */
bool icmp6_error_of_icmp4(uint8_t type, uint8_t code, uint32_t info, struct icmp6_error *ret);

/*
 * Makes the frame that answers @cause, IPv6, in cause->arena.  -EPERM when no error may be sent about @cause; -EBUSY when @limit (NULL: no
 * limit) forbids it, which the caller counts as DROP_ICMP_RATE; -ENOMEM.  An error from the destination of its cause is accepted: hosts
 * validate it by the packet that it quotes (RFC 8201 §4).
 */
int icmp6_error_build(struct icmp_limit *limit, usec_t now, const struct icmp6_error *e, const struct packet *cause,
		      struct icmp_answer *ret);
