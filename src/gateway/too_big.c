/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/too_big.h"

#include "gateway/icmp6_error.h"
#include "gateway/icmp_error.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

int too_big_build(struct packet *cause, size_t mtu, struct mac gateway_mac, ip4_t gateway_ip, struct icmp_limit *limit, usec_t now,
		  struct icmp_answer *ret)
{
	int error = packet_ip(cause);
	if (error < 0)
		return error;
	if (!packet_is_v4(cause))
		return icmp6_too_big_build(limit, now, gateway_mac, (uint32_t)mtu, cause, ret);
	struct icmp_error e = {
		.src_mac = gateway_mac,
		.from = gateway_ip,
		.type = ICMP4_UNREACHABLE,
		.code = ICMP4_UNREACHABLE_FRAG_NEEDED,
		.info = (uint32_t)mtu,
	};
	return icmp_error_build(limit, now, &e, cause, ret);
}
