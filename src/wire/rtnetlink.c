/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/rtnetlink.h"

#include "base/macros.h"

/* linux/netlink.h, linux/rtnetlink.h */
#define NETLINK_HEADER_LEN 16
#define ADDRESS_HEADER_LEN 8 /* struct ifaddrmsg */
#define ROUTE_HEADER_LEN 12  /* struct rtmsg */
#define ATTRIBUTE_HEADER_LEN 4
#define ATTRIBUTE_TYPE_MASK 0x3fff /* less NLA_F_NESTED and NLA_F_NET_BYTEORDER */
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10

enum {
	MESSAGE_OVERRUN = 4,
	MESSAGE_NEW_ADDRESS = 20,
	MESSAGE_DELETE_ADDRESS = 21,
	MESSAGE_NEW_ROUTE = 24,
	MESSAGE_DELETE_ROUTE = 25,
};
enum {
	ADDRESS_ADDRESS = 1, /* of the peer, if the interface is point-to-point */
	ADDRESS_LOCAL = 2,
	ROUTE_DESTINATION = 1,
};

static uint16_t get_u16(struct bytes_reader *r)
{
	uint16_t v;
	bytes_get(r, &v, sizeof(v));
	return v;
}

static uint32_t get_u32(struct bytes_reader *r)
{
	uint32_t v;
	bytes_get(r, &v, sizeof(v));
	return v;
}

/* Messages and attributes begin at multiples of four; the last one may lack its padding. */
static struct bytes_reader take_padded(struct bytes_reader *r, size_t len)
{
	struct bytes_reader part = bytes_reader(r->at, len);
	part.failed = len > r->left;
	bytes_skip(r, MIN((len + 3) & ~(size_t)3, MAX(r->left, len)));
	return part;
}

static bool get_address(struct bytes_reader r, bool v6, struct ip_addr *ret)
{
	if (r.left != (v6 ? 16u : 4u))
		return false;
	if (v6)
		bytes_get(&r, ret->b, sizeof(ret->b));
	else
		*ret = ip_from_ip4(bytes_get_be32(&r));
	return true;
}

/* The address in the attribute @type; false when it is not there or malformed. */
static bool find_address(struct bytes_reader r, unsigned type, bool v6, struct ip_addr *ret)
{
	while (r.left >= ATTRIBUTE_HEADER_LEN) {
		struct bytes_reader head = r;
		size_t len = get_u16(&head);
		unsigned found = get_u16(&head) & ATTRIBUTE_TYPE_MASK;
		if (len < ATTRIBUTE_HEADER_LEN)
			return false;
		struct bytes_reader value = take_padded(&r, len);
		if (value.failed)
			return false;
		bytes_skip(&value, ATTRIBUTE_HEADER_LEN);
		if (found == type)
			return get_address(value, v6, ret);
	}
	return false;
}

static bool get_family(struct bytes_reader *r, bool *ret_v6)
{
	uint8_t family = bytes_get_u8(r);
	*ret_v6 = family == FAMILY_IPV6;
	return family == FAMILY_IPV4 || family == FAMILY_IPV6;
}

static void parse_address(struct bytes_reader r, bool removed, struct rtnetlink_event *e)
{
	if (!get_family(&r, &e->v6))
		return;
	bytes_skip(&r, ADDRESS_HEADER_LEN - 1);
	if (find_address(r, ADDRESS_LOCAL, e->v6, &e->addr) || find_address(r, ADDRESS_ADDRESS, e->v6, &e->addr))
		e->type = removed ? RTNETLINK_ADDRESS_REMOVED : RTNETLINK_ADDRESS_ADDED;
}

static void parse_route(struct bytes_reader r, struct rtnetlink_event *e)
{
	if (!get_family(&r, &e->v6))
		return;
	e->length = bytes_get_u8(&r);
	bytes_skip(&r, ROUTE_HEADER_LEN - 2);
	if (!r.failed && e->length <= (e->v6 ? 128u : 32u) && (e->length == 0 || find_address(r, ROUTE_DESTINATION, e->v6, &e->addr)))
		e->type = RTNETLINK_ROUTE_CHANGED;
}

bool rtnetlink_next(struct bytes_reader *r, struct rtnetlink_event *ret)
{
	if (r->left < NETLINK_HEADER_LEN)
		return false;
	struct bytes_reader head = *r;
	size_t len = get_u32(&head);
	if (len < NETLINK_HEADER_LEN || len > r->left)
		return false;
	unsigned type = get_u16(&head);
	struct bytes_reader body = take_padded(r, len);
	bytes_skip(&body, NETLINK_HEADER_LEN);
	struct rtnetlink_event e = { .type = RTNETLINK_OTHER };
	switch (type) {
	case MESSAGE_OVERRUN: e.type = RTNETLINK_OVERRUN; break;
	case MESSAGE_NEW_ADDRESS:
	case MESSAGE_DELETE_ADDRESS: parse_address(body, type == MESSAGE_DELETE_ADDRESS, &e); break;
	case MESSAGE_NEW_ROUTE:
	case MESSAGE_DELETE_ROUTE: parse_route(body, &e); break;
	default: break;
	}
	if (e.type == RTNETLINK_OTHER)
		e = (struct rtnetlink_event){ .type = RTNETLINK_OTHER };
	*ret = e;
	return true;
}
