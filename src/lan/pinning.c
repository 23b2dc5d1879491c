/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/pinning.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/layers.h"
#include "wire/arp.h"
#include "wire/dhcp.h"
#include "wire/icmp6.h"
#include "wire/udp.h"

static bool reads_pinned(struct bytes_reader *r, struct mac pinned)
{
	struct mac mac;
	bytes_get(r, mac.b, sizeof(mac.b));
	return !r->failed && mac_equal(mac, pinned);
}

static bool arp_allows(const struct frame *f, size_t offset, struct mac pinned)
{
	uint8_t bytes[ARP_LEN];
	struct bytes_reader r = bytes_reader(bytes, frame_copy(f, offset, bytes, sizeof(bytes)));
	struct arp_message m;
	return arp_parse(&r, &m) == 0 && mac_equal(m.sender_mac, pinned);
}

/* RFC 2131 §2: an Ethernet client's chaddr has 6 bytes; an empty one names no client. */
static bool chaddr_allows(struct bytes_reader *r, struct mac pinned)
{
	bytes_skip(r, DHCP_HLEN_AT);
	uint8_t len = bytes_get_u8(r);
	bytes_skip(r, DHCP_CHADDR_AT - DHCP_HLEN_AT - 1);
	return len == sizeof(pinned.b) && reads_pinned(r, pinned);
}

static bool udp4_allows(const struct frame *f, const struct layers *l, struct mac pinned)
{
	uint8_t bytes[UDP_HEADER_LEN + DHCP_CHADDR_AT + sizeof(pinned.b)];
	if (l->ip4.fragment_offset > 0)
		return true; /* the first fragment, which has the ports, decides */
	size_t len = frame_copy(f, l->l4_offset, bytes, MIN(sizeof(bytes), l->end - l->l4_offset));
	struct bytes_reader r = bytes_reader(bytes, len);
	bytes_skip(&r, 2);
	uint16_t port = bytes_get_be16(&r);
	bytes_skip(&r, UDP_HEADER_LEN - 4);
	if (r.failed || port != DHCP_SERVER_PORT)
		return true;
	return !l->ip4.more_fragments && chaddr_allows(&r, pinned);
}

/* Where the options begin behind the ICMPv6 header's first 4 bytes, or 0 (RFC 4861 §4). */
static size_t nd_options_at(uint8_t type)
{
	switch (type) {
	case 133: /* router solicitation */ return 8;
	case 134: /* router advertisement */ return 16;
	case 135: /* neighbour solicitation and advertisement */
	case 136: return 24;
	case 137: /* redirect */ return 40;
	default: return 0;
	}
}

/* Both link-layer address options carry the sender's MAC. */
static bool nd_options_allow(struct bytes_reader *r, struct mac pinned)
{
	enum { SOURCE_LINK_LAYER = 1, TARGET_LINK_LAYER = 2, UNIT = 8 };
	while (r->left > 0) {
		uint8_t type = bytes_get_u8(r), units = bytes_get_u8(r);
		if (r->failed || units == 0)
			return true; /* RFC 4861 §4.6: receivers discard such a message */
		struct bytes_reader value = bytes_reader(r->at, MIN(r->left, (size_t)units * UNIT - 2));
		bytes_skip(r, (size_t)units * UNIT - 2);
		if ((type == SOURCE_LINK_LAYER || type == TARGET_LINK_LAYER) && !reads_pinned(&value, pinned))
			return false;
	}
	return true;
}

static bool icmp6_allows(const struct frame *f, const struct layers *l, struct mac pinned, struct arena *arena)
{
	size_t len = l->end - l->l4_offset;
	const uint8_t *message = frame_linear(f, l->l4_offset, len, arena);
	if (!message)
		return false;
	size_t options = len > 0 ? nd_options_at(message[0]) : 0;
	if (options == 0 || len < options)
		return true;
	struct bytes_reader r = bytes_reader(message + options, len - options);
	return nd_options_allow(&r, pinned);
}

static bool ip_allows(const struct frame *f, struct mac pinned, struct arena *arena)
{
	struct layers l;
	if (layers_parse(f, arena, &l) < 0)
		return false;
	if (layers_is_v4(&l))
		return l.protocol != IP_PROTOCOL_UDP || udp4_allows(f, &l, pinned);
	return l.protocol != IPV6_NEXT_ICMP || icmp6_allows(f, &l, pinned, arena);
}

bool pinning_allows(const struct frame *f, struct mac pinned, struct arena *arena)
{
	uint8_t head[ETH_HEADER_LEN + ETH_TAGS_MAX * ETH_TAG_LEN];
	size_t len = frame_copy(f, 0, head, sizeof(head));
	struct bytes_reader r = bytes_reader(head, len);
	struct eth_header eth;
	if (eth_parse_tagged(&r, &eth) < 0 || !mac_equal(eth.src, pinned))
		return false;
	if (eth.ethertype == ETH_TYPE_ARP)
		return arp_allows(f, len - r.left, pinned);
	return (eth.ethertype != ETH_TYPE_IPV4 && eth.ethertype != ETH_TYPE_IPV6) || ip_allows(f, pinned, arena);
}
