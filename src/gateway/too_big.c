/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/too_big.h"

#include "gateway/icmp6_error.h"
#include "gateway/icmp_error.h"
#include "gateway/ip6.h"
#include "lan/packet.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

int too_big_build(struct packet *cause, size_t mtu, struct mac gateway_mac, ip4_t gateway_ip, const struct gateway_ip6 *gateway_ip6,
		  struct icmp_limit *limit, usec_t now, struct icmp_answer *ret)
{
	int error = packet_ip(cause);
	if (error < 0)
		return error;
	if (!packet_is_v4(cause)) {
		struct icmp6_error e = { .src_mac = gateway_mac, .type = ICMP6_PACKET_TOO_BIG, .info = (uint32_t)mtu };
		if (gateway_ip6->on)
			e.from = *gateway_ip6_towards(gateway_ip6, &cause->src);
		return icmp6_error_build(limit, now, &e, cause, ret);
	}
	struct icmp_error e = {
		.src_mac = gateway_mac,
		.from = gateway_ip,
		.type = ICMP4_UNREACHABLE,
		.code = ICMP4_UNREACHABLE_FRAG_NEEDED,
		.info = (uint32_t)mtu,
	};
	return icmp_error_build(limit, now, &e, cause, ret);
}
