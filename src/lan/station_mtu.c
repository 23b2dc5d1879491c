/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/station_mtu.h"

#include "base/macros.h"
#include "lan/fdb.h"
#include "lan/frame.h"
#include "lan/port.h"
#include "wire/udp.h"

void station_mtu_learn(struct fdb *fdb, struct port *from, const struct packet *p)
{
	/* The least that the headers of a super-frame's segments have. */
	static const size_t headers[] = {
		[FRAME_GSO_TCP4] = IPV4_HEADER_LEN + TCP_HEADER_LEN,
		[FRAME_GSO_TCP6] = IPV6_HEADER_LEN + TCP_HEADER_LEN,
		[FRAME_GSO_UDP] = IPV4_HEADER_LEN + UDP_HEADER_LEN,
	};
	const struct frame *f = p->frame;
	size_t len = MIN(f->len - p->l3_offset, (size_t)UINT16_MAX);
	if (f->gso != FRAME_GSO_NONE)
		len = MIN(len, headers[f->gso] + f->gso_size);
	if (len <= ETH_MTU)
		return;
	fdb_learn_mtu(fdb, p->eth.src, len);
	from->shown_mtu = MAX(from->shown_mtu, len);
}

/* Whether @ttl is one that systems begin with: the packet was not forwarded by its sender, which may then have a smaller MTU. */
static bool is_initial_ttl(uint8_t ttl)
{
	return ttl == 64 || ttl == 128 || ttl == 255;
}

void station_mtu_learn_from_syn(struct fdb *fdb, struct packet *p)
{
	if (p->eth.ethertype != ETH_TYPE_IPV4 || p->head[ETH_HEADER_LEN + IPV4_PROTOCOL_AT] != IP_PROTOCOL_TCP)
		return;
	if (packet_ip(p) < 0 || p->protocol != IP_PROTOCOL_TCP || packet_is_fragment(p) || !is_initial_ttl(p->ip.ttl))
		return;
	struct bytes_reader r = bytes_reader(p->head + p->l4_offset, MIN(p->head_len - p->l4_offset, p->l4_len));
	struct tcp_header h;
	if (tcp_parse(&r, &h) == 0 && h.has_mss)
		fdb_learn_mtu(fdb, p->eth.src, (size_t)h.mss + IPV4_HEADER_LEN + TCP_HEADER_LEN);
}
