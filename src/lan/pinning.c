/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/pinning.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/dhcp.h"
#include "wire/udp.h"

#include <errno.h>

/* RFC 2131 §2: an Ethernet client's chaddr has 6 bytes; an empty one names no client. */
static bool chaddr_allows(struct bytes_reader *r, struct mac pinned)
{
	struct mac mac;
	bytes_skip(r, DHCP_HLEN_AT);
	uint8_t len = bytes_get_u8(r);
	bytes_skip(r, DHCP_CHADDR_AT - DHCP_HLEN_AT - 1);
	bytes_get(r, mac.b, sizeof(mac.b));
	return !r->failed && len == sizeof(pinned.b) && mac_equal(mac, pinned);
}

/* Of fragments, the first, which has the ports, decides. */
static bool udp4_allows(const struct packet *p, struct mac pinned)
{
	if (p->dst_port != DHCP_SERVER_PORT || p->l4_len < UDP_HEADER_LEN)
		return true;
	uint8_t bytes[DHCP_CHADDR_AT + sizeof(pinned.b)];
	size_t len = frame_copy(p->frame, p->l4_offset + UDP_HEADER_LEN, bytes, MIN(sizeof(bytes), p->l4_len - UDP_HEADER_LEN));
	struct bytes_reader r = bytes_reader(bytes, len);
	return !p->ip.more_fragments && chaddr_allows(&r, pinned);
}

/* Both link-layer address options carry the sender's MAC. */
static bool nd_allows(struct packet *p, struct mac pinned)
{
	int error = packet_nd(p);
	if (error < 0)
		return error == -EPROTOTYPE;
	const struct nd_message *m = &p->nd;
	return !m->ambiguous && (!m->has_source_mac || mac_equal(m->source_mac, pinned)) &&
	       (!m->has_target_mac || mac_equal(m->target_mac, pinned));
}

static bool ip_allows(struct packet *p, struct mac pinned)
{
	int error = packet_ip(p);
	if (error < 0)
		return error == -EPROTOTYPE;
	if (packet_is_v4(p))
		return p->protocol != IP_PROTOCOL_UDP || udp4_allows(p, pinned);
	return nd_allows(p, pinned);
}

bool pinning_allows(struct packet *p, struct mac pinned)
{
	if (!mac_equal(p->eth.src, pinned))
		return false;
	if (p->eth.ethertype == ETH_TYPE_ARP)
		return p->arp_error == 0 && mac_equal(p->arp.sender_mac, pinned);
	return ip_allows(p, pinned);
}
