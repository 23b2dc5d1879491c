/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMPv6 packet too big (RFC 4443 §3.2), the one error that a switch owes IPv6 hosts, whose packets nobody may
 * fragment on the way.
 */
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
 * The frame that tells the sender of @f about @mtu, in @arena.  Its source is the destination of @f: the segment has no IPv6
 * address of its own, and hosts judge the message by the packet inside (RFC 8201 §4).  -EPERM when none may be sent (RFC 4443
 * §2.4(e)) or @f went to a multicast address, which is no source; -EBUSY and -ENOMEM as icmp_error_build().
 */
int icmp6_too_big_build(struct icmp_limit *limit, usec_t now, struct mac src_mac, uint32_t mtu, const struct frame *f,
			const struct layers *l, struct arena *arena, struct icmp_answer *ret);
