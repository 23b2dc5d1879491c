/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMPv6 packet too big (RFC 4443 §3.2).  Only the sender may fragment an IPv6 packet, so a port with a smaller MTU needs this error. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stdint.h>

struct arena;
struct frame;
struct icmp_answer;
struct icmp_limit;
struct layers;

/*
 * Makes the frame that tells the sender of @f the MTU, in @arena.  Its source is the destination of @f: the gateway has no IPv6
 * address, and hosts validate the message by the packet that it quotes (RFC 8201 §4).  -EPERM when no error may be sent (RFC 4443
 * §2.4(e)) or @f went to a multicast address, which cannot be a source; -EBUSY and -ENOMEM as icmp_error_build().
 */
int icmp6_too_big_build(struct icmp_limit *limit, usec_t now, struct mac src_mac, uint32_t mtu, const struct frame *f,
			const struct layers *l, struct arena *arena, struct icmp_answer *ret);
