/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/too_big.h"

#include "gateway/icmp6_error.h"
#include "gateway/icmp_error.h"
#include "lan/frame.h"
#include "lan/layers.h"
#include "lan/packet.h"
#include "wire/icmp4.h"

int too_big_build(const struct frame *f, size_t mtu, struct mac gateway_mac, ip4_t gateway_ip, struct icmp_limit *limit, usec_t now,
		  struct arena *arena, struct icmp_answer *ret)
{
	struct layers l;
	int error = layers_parse(f, arena, &l);
	if (error < 0)
		return error;
	if (!layers_is_v4(&l))
		return icmp6_too_big_build(limit, now, gateway_mac, (uint32_t)mtu, f, &l, arena, ret);
	struct packet cause = {
		.frame = f,
		.port = f->ingress,
		.arena = arena,
		.eth = l.eth,
		.ip = l.ip4,
		.l3_offset = l.l3_offset,
		.l4_offset = l.l4_offset,
		.l4_len = l.end - l.l4_offset,
	};
	struct icmp_error e = {
		.src_mac = gateway_mac,
		.from = gateway_ip,
		.type = ICMP4_UNREACHABLE,
		.code = ICMP4_UNREACHABLE_FRAG_NEEDED,
		.info = (uint32_t)mtu,
	};
	return icmp_error_build(limit, now, &e, &cause, ret);
}
