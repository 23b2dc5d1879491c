/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMPv6 messages of guests: errors about segments of TCP flows. */
#include "engine/native/state.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/icmp6.h"

#define MESSAGE_MAX 1280 /* an error has no more (RFC 4443 §2.4 (c)) */

void native_icmp6_input(struct engine *e, usec_t now, const struct packet *p)
{
	struct engine_env *env = e->config.env;
	struct icmp6_header h;
	const uint8_t *message = p->l4_len <= MESSAGE_MAX ? frame_linear(p->frame, p->l4_offset, p->l4_len, p->arena) : NULL;
	if (!message || icmp6_parse(message, p->l4_len, &p->src, &p->dst, &h) < 0) {
		env->ops->drop(env, DROP_ICMP_MALFORMED, p);
		return;
	}
	if (!native_tcp_error6(e, p, &h, message + ICMP6_HEADER_LEN, p->l4_len - ICMP6_HEADER_LEN))
		env->ops->drop(env, DROP_ICMP_TYPE, p);
}
