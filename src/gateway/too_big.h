/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ICMP error for a frame that does not fit into its destination port and must not be fragmented. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stddef.h>

struct arena;
struct frame;
struct icmp_answer;
struct icmp_limit;

/*
 * Builds the frame that tells the sender of @f that IP packets up to @mtu bytes fit: fragmentation needed from @gateway_ip
 * (RFC 1191), or ICMPv6 packet too big (RFC 4443 §3.2) from the packet's own destination, because the segment has no IPv6 address
 * of its own yet and hosts judge the message by the packet inside.  Not for flooded frames: the port that is too small is then
 * hardly the frame's destination.  -EPERM, -EBUSY and -ENOMEM as icmp_error_build(); -EPROTOTYPE when @f is not IP.
 */
int too_big_build(const struct frame *f, size_t mtu, struct mac gateway_mac, ip4_t gateway_ip, struct icmp_limit *limit, usec_t now,
		  struct arena *arena, struct icmp_answer *ret);
