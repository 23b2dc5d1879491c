/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/nd.h"

#include "wire/icmp6.h"
#include "wire/ipv6.h"

#include <errno.h>

enum {
	OPTION_SOURCE_LINK_LAYER = 1,
	OPTION_TARGET_LINK_LAYER = 2,
	OPTION_UNIT = 8, /* of an option's length, in bytes */
	FLAG_ROUTER = 0x80,
	FLAG_SOLICITED = 0x40,
	FLAG_OVERRIDE = 0x20,
	ICMP6_TYPE_AND_CHECKSUM = 4,
	NEIGHBOUR_BODY_LEN = ND_NEIGHBOUR_LEN - ICMP6_HEADER_LEN, /* the target and one option */
};

/* Bytes of a router message between its ICMPv6 type and its options: its flags and timers. */
static size_t router_fields_len(uint8_t type)
{
	return type == ND_ROUTER_ADVERTISEMENT ? 12 : 4;
}

static void parse_neighbour_fields(struct bytes_reader *r, struct nd_message *m)
{
	uint8_t flags = bytes_get_u8(r);
	bytes_skip(r, 3);
	bytes_get(r, m->target.b, sizeof(m->target.b));
	if (m->type == ND_REDIRECT)
		bytes_skip(r, sizeof(struct ip_addr)); /* the destination that is redirected */
	if (m->type == ND_NEIGHBOUR_ADVERTISEMENT) {
		m->solicited = flags & FLAG_SOLICITED;
		m->overrides = flags & FLAG_OVERRIDE;
	}
}

static void take_link_layer(struct bytes_reader *value, struct nd_message *m, bool *has, struct mac *mac)
{
	struct mac seen;
	bytes_get(value, seen.b, sizeof(seen.b));
	if (*has)
		m->ambiguous |= !mac_equal(*mac, seen);
	else
		*mac = seen;
	*has = true;
}

static int parse_options(struct bytes_reader *r, struct nd_message *m)
{
	while (r->left > 0) {
		uint8_t type = bytes_get_u8(r), units = bytes_get_u8(r);
		size_t len = units > 0 ? (size_t)units * OPTION_UNIT - 2 : 0;
		const uint8_t *bytes = bytes_take(r, len);
		if (!bytes || len == 0)
			return -EBADMSG;
		struct bytes_reader value = bytes_reader(bytes, len);
		if (type == OPTION_SOURCE_LINK_LAYER)
			take_link_layer(&value, m, &m->has_source_mac, &m->source_mac);
		else if (type == OPTION_TARGET_LINK_LAYER)
			take_link_layer(&value, m, &m->has_target_mac, &m->target_mac);
	}
	return 0;
}

int nd_parse(const void *message, size_t len, struct nd_message *ret)
{
	struct bytes_reader r = bytes_reader(message, len);
	struct nd_message m = { .type = bytes_get_u8(&r) };
	m.code = bytes_get_u8(&r);
	bytes_skip(&r, ICMP6_TYPE_AND_CHECKSUM - 2);
	if (!r.failed && !nd_is_type(m.type))
		return -EPROTONOSUPPORT;
	if (m.type == ND_ROUTER_SOLICITATION || m.type == ND_ROUTER_ADVERTISEMENT)
		bytes_skip(&r, router_fields_len(m.type));
	else
		parse_neighbour_fields(&r, &m);
	if (r.failed || parse_options(&r, &m) < 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}

/* A neighbour message about @target with one option, which says @mac.  @flags: the header's second word. */
static void emit_neighbour(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, uint8_t type, uint32_t flags,
			   const struct ip_addr *target, uint8_t option, struct mac mac)
{
	uint8_t body[NEIGHBOUR_BODY_LEN];
	struct bytes_writer b = bytes_writer(body, sizeof(body));
	bytes_put(&b, target->b, sizeof(target->b));
	bytes_put_u8(&b, option);
	bytes_put_u8(&b, 1); /* OPTION_UNIT */
	bytes_put(&b, mac.b, sizeof(mac.b));
	ipv6_emit(w, &(struct ipv6_header){ .payload_len = ND_NEIGHBOUR_LEN,
					    .next_header = IPV6_NEXT_ICMP,
					    .hop_limit = ND_HOP_LIMIT,
					    .src = *src,
					    .dst = *dst });
	icmp6_emit(w, src, dst, &(struct icmp6_header){ .type = type, .rest = flags }, body, b.len);
}

void nd_emit_solicitation(struct bytes_writer *w, struct mac mac, const struct ip_addr *src, const struct ip_addr *dst,
			  const struct ip_addr *target)
{
	emit_neighbour(w, src, dst, ND_NEIGHBOUR_SOLICITATION, 0, target, OPTION_SOURCE_LINK_LAYER, mac);
}

void nd_emit_router_advertises_itself(struct bytes_writer *w, struct mac mac, const struct ip_addr *src, const struct ip_addr *dst)
{
	uint32_t flags = FLAG_ROUTER | FLAG_OVERRIDE | (ipv6_is_multicast(dst) ? 0 : FLAG_SOLICITED);
	emit_neighbour(w, src, dst, ND_NEIGHBOUR_ADVERTISEMENT, flags << 24, src, OPTION_TARGET_LINK_LAYER, mac);
}
