/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ICMP error about a frame that is too large for its destination port and must not be fragmented. */
#pragma once

#include "base/addr.h"
#include "base/usec.h"

#include <stddef.h>

struct gateway_ip6;
struct icmp_answer;
struct icmp_limit;
struct packet;

/*
 * Makes the frame that tells the sender of @cause that IP packets up to @mtu bytes fit: fragmentation needed from @gateway_ip (RFC 1191),
 * or ICMPv6 packet too big from one of @gateway_ip6 (icmp6_error.h).  Not for flooded frames: the port with the small MTU is unlikely to be
 * their destination.  -EPERM, -EBUSY and -ENOMEM as icmp_error_build(); -EPROTOTYPE when @cause is not IP.
 */
int too_big_build(struct packet *cause, size_t mtu, struct mac gateway_mac, ip4_t gateway_ip, const struct gateway_ip6 *gateway_ip6,
		  struct icmp_limit *limit, usec_t now, struct icmp_answer *ret);
