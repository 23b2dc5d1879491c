/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMPv6 packet too big (RFC 4443 §3.2).  Only the sender may fragment an IPv6 packet, so a port with a smaller MTU needs this error. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdint.h>

struct icmp_answer;
struct icmp_limit;
struct packet;

/*
 * Makes the frame that tells the sender of @cause, IPv6, the MTU, in its arena.  The answer's source is the destination of @cause: the
 * gateway has no IPv6 address, and hosts validate the message by the packet that it quotes (RFC 8201 §4).  -EPERM when no error may be sent
 * (RFC 4443 §2.4(e)) or @cause went to a multicast address, which cannot be a source; -EBUSY and -ENOMEM as icmp_error_build().
 */
int icmp6_too_big_build(struct icmp_limit *limit, usec_t now, struct mac src_mac, uint32_t mtu, const struct packet *cause,
			struct icmp_answer *ret);
