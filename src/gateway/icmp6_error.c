/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/icmp6_error.h"

#include "base/arena.h"
#include "base/macros.h"
#include "gateway/icmp_error.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ipv6.h"

#include <errno.h>

/* RFC 4443 §2.4(c) */
#define QUOTE_MAX ((size_t)IPV6_MTU_MIN - IPV6_HEADER_LEN - ICMP6_HEADER_LEN)
#define ANSWER_HOP_LIMIT 64

/* A fragment header begins with the upper layer's protocol.  Later fragments do not show the ICMPv6 type, so all count as errors. */
static bool is_icmp_error(const struct packet *p)
{
	uint8_t first = 0;
	if (p->l4_len > 0)
		frame_copy(p->frame, p->l4_offset, &first, 1);
	if (p->protocol == IPV6_NEXT_FRAGMENT)
		return first == IPV6_NEXT_ICMP;
	return p->protocol == IPV6_NEXT_ICMP && icmp6_is_error_or_redirect(first);
}

static bool is_single_host(const struct ip_addr *a)
{
	return !ipv6_is_multicast(a) && !ip_is_unspecified(a) && !ip_equal(a, &IP6_LOOPBACK);
}

static bool may_be_answered(const struct packet *p)
{
	return !is_icmp_error(p) && !mac_is_group(p->eth.src) && !mac_is_group(p->eth.dst) && is_single_host(&p->src) &&
	       is_single_host(&p->dst);
}

static int emit_answer(const struct icmp6_error *e, const struct packet *cause, struct icmp_answer *ret)
{
	/* The answer has the packet's VLAN tags and ethertype. */
	size_t quote_len = MIN(packet_end(cause) - cause->l3_offset, QUOTE_MAX), tags_len = cause->l3_offset - ETH_TYPE_AT;
	const uint8_t *tags = frame_linear(cause->frame, ETH_TYPE_AT, tags_len, cause->arena);
	const uint8_t *quote = frame_linear(cause->frame, cause->l3_offset, quote_len, cause->arena);
	size_t size = cause->l3_offset + IPV6_HEADER_LEN + ICMP6_HEADER_LEN + quote_len;
	struct bytes_writer w = bytes_writer(arena_alloc(cause->arena, size), size);
	if (!tags || !quote || !w.data)
		return -ENOMEM;
	bytes_put(&w, cause->eth.src.b, sizeof(cause->eth.src.b));
	bytes_put(&w, e->src_mac.b, sizeof(e->src_mac.b));
	bytes_put(&w, tags, tags_len);
	struct ipv6_header ip = {
		.payload_len = (uint16_t)(ICMP6_HEADER_LEN + quote_len),
		.next_header = IPV6_NEXT_ICMP,
		.hop_limit = ANSWER_HOP_LIMIT,
		.src = ip_is_unspecified(&e->from) ? cause->dst : e->from,
		.dst = cause->src,
	};
	ipv6_emit(&w, &ip);
	icmp6_emit(&w, &ip.src, &ip.dst, &(struct icmp6_header){ .type = e->type, .code = e->code, .rest = e->info }, quote, quote_len);
	*ret = (struct icmp_answer){ .bytes = w.data, .len = w.len };
	return 0;
}

int icmp6_error_build(struct icmp_limit *limit, usec_t now, const struct icmp6_error *e, const struct packet *cause,
		      struct icmp_answer *ret)
{
	if (!may_be_answered(cause))
		return -EPERM;
	if (limit && !icmp_limit_take_for(limit, now, cause))
		return -EBUSY;
	return emit_answer(e, cause, ret);
}

/* The codes of ICMP's destination unreachable, by their numbers (RFC 792, RFC 1812 §5.2.7.1). */
static const struct {
	uint8_t type, code;
} unreachable[] = {
	[0] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	[1] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	[2] = { ICMP6_PARAMETER_PROBLEM, ICMP6_PARAMETER_NEXT_HEADER },
	[3] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_PORT },
	[4] = { ICMP6_PACKET_TOO_BIG, 0 },
	[5] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	[6] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	[7] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	[8] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	[9] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN },
	[10] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN },
	[11] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	[12] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE },
	[13] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN },
	[14] = { 0, 0 }, /* host precedence violation */
	[15] = { ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ADMIN },
};

#define POINTER_NONE 0xff

/* Where the field of an IPv4 header at each offset is in one of IPv6 (RFC 7915 §4.2, figure 3). */
static const uint8_t pointers[IPV4_HEADER_LEN] = {
	[0] = 0,                    /* version and header length */
	[1] = 1,                    /* type of service */
	[2 ... 3] = 4,              /* total length */
	[4 ... 7] = POINTER_NONE,   /* identification, flags, fragment offset */
	[8] = 7,                    /* TTL */
	[9] = 6,                    /* protocol */
	[10 ... 11] = POINTER_NONE, /* checksum */
	[12 ... 15] = 8,            /* source */
	[16 ... 19] = 24,           /* destination */
};

/* @code 0: @pointer, of the ICMP message, tells the field; 2: bad length (RFC 7915 §4.2). */
static bool parameter_problem_of_icmp4(uint8_t code, uint32_t pointer, struct icmp6_error *ret)
{
	if ((code != 0 && code != 2) || pointer >= ARRAY_SIZE(pointers) || pointers[pointer] == POINTER_NONE)
		return false;
	*ret = (struct icmp6_error){ .type = ICMP6_PARAMETER_PROBLEM, .info = pointers[pointer] };
	return true;
}

bool icmp6_error_of_icmp4(uint8_t type, uint8_t code, uint32_t info, struct icmp6_error *ret)
{
	*ret = (struct icmp6_error){ 0 };
	if (type == ICMP4_TIME_EXCEEDED) {
		ret->type = ICMP6_TIME_EXCEEDED;
		ret->code = code;
		return true;
	}
	if (type == ICMP4_PARAMETER_PROBLEM)
		return parameter_problem_of_icmp4(code, info, ret);
	if (type != ICMP4_UNREACHABLE || code >= ARRAY_SIZE(unreachable) || unreachable[code].type == 0)
		return false;
	ret->type = unreachable[code].type;
	ret->code = unreachable[code].code;
	if (ret->type == ICMP6_PACKET_TOO_BIG)
		ret->info = MAX(info, (uint32_t)IPV6_MTU_MIN);
	else if (ret->type == ICMP6_PARAMETER_PROBLEM)
		ret->info = IPV6_NEXT_HEADER_AT;
	return true;
}
