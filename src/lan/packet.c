/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/packet.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "wire/checksum.h"
#include "wire/udp.h"

#include <errno.h>

static int parse_ipv4(struct packet *p, struct bytes_reader *r, enum drop_reason *ret_why)
{
	*ret_why = DROP_IP_MALFORMED;
	size_t in_frame = p->frame->len - ETH_HEADER_LEN;
	if (ipv4_parse(r, &p->ip) < 0 || p->ip.total_len > in_frame)
		return -EBADMSG;
	p->l3_offset = ETH_HEADER_LEN;
	p->l4_offset = ETH_HEADER_LEN + ipv4_header_len(&p->ip);
	p->l4_len = p->ip.total_len - ipv4_header_len(&p->ip);
	p->src = ip_from_ip4(p->ip.src);
	p->dst = ip_from_ip4(p->ip.dst);
	return 0;
}

int packet_parse(const struct frame *frame, struct port *port, struct arena *arena, struct packet *ret, enum drop_reason *ret_why)
{
	struct packet p = { .frame = frame, .port = port, .arena = arena };
	size_t head_len = MIN(frame->len, (size_t)ETH_HEADER_LEN + IPV4_HEADER_MAX);
	const uint8_t *head = frame_linear(frame, 0, head_len, arena);
	if (!head) {
		*ret_why = DROP_NO_MEMORY;
		return -EBADMSG;
	}
	struct bytes_reader r = bytes_reader(head, head_len);
	if (eth_parse(&r, &p.eth) < 0) {
		*ret_why = DROP_FRAME_MALFORMED;
		return -EBADMSG;
	}
	if (p.eth.ethertype == ETH_TYPE_IPV4 && parse_ipv4(&p, &r, ret_why) < 0)
		return -EBADMSG;
	*ret = p;
	return 0;
}

const uint8_t *packet_l4(const struct packet *p)
{
	return frame_linear(p->frame, p->l4_offset, p->l4_len, p->arena);
}

static bool udp_checksum_is_right(const struct packet *p, const uint8_t *datagram, const struct udp_header *h)
{
	if (h->checksum == 0 || p->frame->checksum != FRAME_CHECKSUM_COMPLETE)
		return true;
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, p->ip.src, p->ip.dst, IP_PROTOCOL_UDP, h->len);
	checksum_add(&c, datagram, h->len);
	return checksum_is_right(&c);
}

int packet_udp(const struct packet *p, struct udp_view *ret)
{
	if (p->eth.ethertype != ETH_TYPE_IPV4 || p->ip.protocol != IP_PROTOCOL_UDP || ipv4_is_fragment(&p->ip))
		return -EPROTOTYPE;
	const uint8_t *datagram = packet_l4(p);
	if (!datagram)
		return -ENOMEM;
	struct bytes_reader r = bytes_reader(datagram, p->l4_len);
	struct udp_header h;
	if (udp_parse(&r, &h) < 0 || h.len > p->l4_len || !udp_checksum_is_right(p, datagram, &h))
		return -EBADMSG;
	*ret = (struct udp_view){
		.src = { .addr = p->src, .port = h.src_port },
		.dst = { .addr = p->dst, .port = h.dst_port },
		.payload = datagram + UDP_HEADER_LEN,
		.len = (size_t)h.len - UDP_HEADER_LEN,
	};
	return 0;
}
