/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/icmp_error.h"

#include "base/arena.h"
#include "base/macros.h"
#include "gateway/payer.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

#include <errno.h>

/* "The ICMP datagram SHOULD contain as much of the original datagram as possible without … exceeding 576 bytes", RFC 1812 §4.3.2.3. */
#define ANSWER_IP_MAX ((size_t)576)
#define QUOTE_MAX (ANSWER_IP_MAX - IPV4_HEADER_LEN - ICMP4_HEADER_LEN)
/* Internetwork control, RFC 1812 §4.3.2.5. */
#define ANSWER_TOS 0xc0
#define ANSWER_TTL 64

/*
 * A bucket is one number: the time when it will be full.  Taking a token adds @interval to that time.  The bucket is
 * empty when the sum would be more than @burst intervals from now.
 */
static bool bucket_has(usec_t full_at, usec_t now, usec_t interval, unsigned burst)
{
	return full_at <= now || full_at - now <= interval * (burst - 1);
}

/* What the common limit refuses takes a token of the port's own bucket, too: it tells how much the port provokes. */
bool icmp_limit_take(struct icmp_limit *l, usec_t now, struct payer *payer)
{
	usec_t *own = payer ? &payer->icmp_full_at : &l->others;
	bool is_modest = bucket_has(*own, now, ICMP_LIMIT_PORT_INTERVAL, ICMP_LIMIT_PORT_BURST / 2);
	if (!bucket_has(*own, now, ICMP_LIMIT_PORT_INTERVAL, ICMP_LIMIT_PORT_BURST))
		return false;
	*own = MAX(*own, now) + ICMP_LIMIT_PORT_INTERVAL;
	if (!bucket_has(l->all, now, ICMP_LIMIT_INTERVAL, is_modest ? ICMP_LIMIT_BURST : ICMP_LIMIT_BURST / 4 * 3))
		return false;
	l->all = MAX(l->all, now) + ICMP_LIMIT_INTERVAL;
	return true;
}

bool icmp_limit_take_for(struct icmp_limit *l, usec_t now, const struct packet *cause)
{
	return icmp_limit_take(l, now, cause->port ? cause->port->payer : NULL);
}

/* The address of a single host: not "this network", loopback, multicast, class E or broadcast (RFC 1122 §3.2.1.3). */
static bool is_single_host(ip4_t ip)
{
	return ip >> 24 != 0 && ip >> 24 != 127 && ip < IP4(224, 0, 0, 0);
}

static bool is_icmp_error(const struct packet *p)
{
	uint8_t type;
	return p->ip.protocol == IP_PROTOCOL_ICMP && p->l4_len >= 1 && frame_copy(p->frame, p->l4_offset, &type, 1) == 1 &&
	       icmp4_is_error(type);
}

/* RFC 1812 §4.3.2.7 */
static bool may_be_answered(const struct packet *p)
{
	return !is_icmp_error(p) && p->ip.fragment_offset == 0 && !mac_is_group(p->eth.dst) && !mac_is_group(p->eth.src) &&
	       p->ip.dst < IP4(224, 0, 0, 0) && is_single_host(p->ip.src);
}

static int emit_answer(const struct icmp_error *e, const struct packet *cause, struct icmp_answer *ret)
{
	/* The answer has the packet's VLAN tags and ethertype. */
	size_t quote_len = MIN((size_t)cause->ip.total_len, QUOTE_MAX), tags_len = cause->l3_offset - ETH_TYPE_AT;
	const uint8_t *tags = frame_linear(cause->frame, ETH_TYPE_AT, tags_len, cause->arena);
	const uint8_t *quote = frame_linear(cause->frame, cause->l3_offset, quote_len, cause->arena);
	size_t size = cause->l3_offset + ANSWER_IP_MAX;
	struct bytes_writer w = bytes_writer(arena_alloc(cause->arena, size), size);
	if (!tags || !quote || !w.data)
		return -ENOMEM;
	bytes_put(&w, cause->eth.src.b, sizeof(cause->eth.src.b));
	bytes_put(&w, e->src_mac.b, sizeof(e->src_mac.b));
	bytes_put(&w, tags, tags_len);
	struct ipv4_header ip = {
		.tos = ANSWER_TOS,
		.total_len = (uint16_t)(IPV4_HEADER_LEN + ICMP4_HEADER_LEN + quote_len),
		.dont_fragment = true, /* and so no id is needed (RFC 6864 §4.1) */
		.ttl = ANSWER_TTL,
		.protocol = IP_PROTOCOL_ICMP,
		.src = e->from,
		.dst = cause->ip.src,
	};
	ipv4_emit(&w, &ip);
	icmp4_emit(&w, &(struct icmp4_header){ .type = e->type, .code = e->code, .rest = e->info }, quote, quote_len);
	if (w.failed)
		return -ENOMEM;
	*ret = (struct icmp_answer){ .bytes = w.data, .len = w.len };
	return 0;
}

int icmp_error_build(struct icmp_limit *limit, usec_t now, const struct icmp_error *e, const struct packet *cause, struct icmp_answer *ret)
{
	if (!may_be_answered(cause))
		return -EPERM;
	if (limit && !icmp_limit_take_for(limit, now, cause))
		return -EBUSY;
	return emit_answer(e, cause, ret);
}

/* The codes of ICMPv6's destination unreachable, by their numbers (RFC 4443 §3.1). */
static const uint8_t unreachable[] = {
	ICMP4_UNREACHABLE_HOST, ICMP4_UNREACHABLE_ADMIN, ICMP4_UNREACHABLE_HOST,  ICMP4_UNREACHABLE_HOST,
	ICMP4_UNREACHABLE_PORT, ICMP4_UNREACHABLE_ADMIN, ICMP4_UNREACHABLE_ADMIN,
};

bool icmp_error_of_icmp6(uint8_t type, uint8_t code, uint32_t info, struct icmp_error *ret)
{
	*ret = (struct icmp_error){ .type = ICMP4_UNREACHABLE };
	if (type == ICMP6_UNREACHABLE && code < ARRAY_SIZE(unreachable)) {
		ret->code = unreachable[code];
	} else if (type == ICMP6_PACKET_TOO_BIG) {
		ret->code = ICMP4_UNREACHABLE_FRAG_NEEDED;
		ret->info = MIN(info - MIN(info, (uint32_t)(IPV6_HEADER_LEN - IPV4_HEADER_LEN)), (uint32_t)UINT16_MAX);
	} else if (type == ICMP6_TIME_EXCEEDED) {
		ret->type = ICMP4_TIME_EXCEEDED;
		ret->code = code;
	} else {
		return false;
	}
	return true;
}
