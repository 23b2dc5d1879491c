/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/packet.h"

#include "base/macros.h"
#include "lan/frame.h"
#include "wire/checksum.h"
#include "wire/udp.h"

#include <errno.h>

/* Room for all headers up to TCP or UDP.  Longer chains of IPv6 extension headers count as malformed. */
#define HEAD_MAX ((size_t)512)

/* Makes the first @len bytes, or all of a shorter frame, contiguous.  False when there is no memory for a copy. */
static bool read_head(struct packet *p, size_t len)
{
	if (p->head_len >= MIN(len, p->frame->len))
		return true;
	size_t wanted = MIN(p->frame->len, MAX(len, HEAD_MAX));
	const uint8_t *head = frame_linear(p->frame, 0, wanted, p->arena);
	if (!head)
		return false;
	p->head = head;
	p->head_len = wanted;
	return true;
}

/* Skips the tags, of which @p->eth.ethertype is the first one's. */
static int skip_tags(struct packet *p, enum drop_reason *ret_why)
{
	if (!read_head(p, ETH_HEADER_LEN + PACKET_TAGS_MAX * ETH_TAG_LEN)) {
		*ret_why = DROP_NO_MEMORY;
		return -EBADMSG;
	}
	struct bytes_reader r = bytes_reader(p->head + ETH_HEADER_LEN, p->head_len - ETH_HEADER_LEN);
	unsigned n = 0;
	while (eth_is_tag(p->eth.ethertype) && n++ < PACKET_TAGS_MAX) {
		bytes_skip(&r, 2); /* priority, drop eligible, VLAN id */
		p->eth.ethertype = bytes_get_be16(&r);
	}
	p->l3_offset += n * ETH_TAG_LEN;
	*ret_why = DROP_FRAME_MALFORMED;
	return r.failed || n > PACKET_TAGS_MAX ? -EBADMSG : 0;
}

static int parse_arp(struct packet *p)
{
	if (!read_head(p, p->l3_offset + ARP_LEN))
		return -ENOMEM;
	struct bytes_reader r = bytes_reader(p->head + p->l3_offset, p->head_len - p->l3_offset);
	return arp_parse(&r, &p->arp);
}

/* The first piece is shorter than an Ethernet header. */
static int read_pieces(struct packet *p, enum drop_reason *ret_why)
{
	if (p->frame->len < ETH_HEADER_LEN)
		return -EBADMSG;
	*ret_why = DROP_NO_MEMORY;
	return read_head(p, ETH_HEADER_LEN) ? 0 : -EBADMSG;
}

static int begin_other(struct packet *p, enum drop_reason *ret_why)
{
	if (eth_is_tag(p->eth.ethertype) && skip_tags(p, ret_why) < 0)
		return -EBADMSG;
	switch (p->eth.ethertype) {
	case ETH_TYPE_ARP:
		*ret_why = DROP_NO_MEMORY;
		p->arp_error = parse_arp(p);
		return p->arp_error == -ENOMEM ? -EBADMSG : 0;
	case ETH_TYPE_IPV6: p->nd_error = PACKET_UNREAD; /* fall through */
	case ETH_TYPE_IPV4: p->ip_error = PACKET_UNREAD; break;
	}
	return 0;
}

int packet_begin(struct packet *ret, const struct frame *frame, struct port *port, struct arena *arena, enum drop_reason *ret_why)
{
	struct packet *p = ret;
	p->frame = frame;
	p->port = port;
	p->arena = arena;
	p->guest = NULL;
	p->head = frame->n_iov > 0 ? frame->iov[0].iov_base : NULL;
	p->head_len = frame->n_iov > 0 ? frame->iov[0].iov_len : 0;
	p->headers_len = 0;
	p->l3_offset = ETH_HEADER_LEN;
	*ret_why = DROP_FRAME_MALFORMED;
	if (p->head_len < ETH_HEADER_LEN && read_pieces(p, ret_why) < 0)
		return -EBADMSG;
	p->eth = eth_header_at(p->head);
	p->arp_error = p->ip_error = p->nd_error = -EPROTOTYPE;
	if (p->eth.ethertype == ETH_TYPE_IPV4) /* most are */
		p->ip_error = PACKET_UNREAD;
	else
		return begin_other(p, ret_why);
	return 0;
}

/* --- IP --- */

static bool read_ports(struct packet *p)
{
	bool has_ports = (p->protocol == IP_PROTOCOL_TCP || p->protocol == IP_PROTOCOL_UDP) && p->l4_len >= 2 * sizeof(uint16_t) &&
			 !(packet_is_v4(p) && p->ip.fragment_offset > 0);
	if (!has_ports) {
		p->src_port = p->dst_port = 0;
		return true;
	}
	if (!read_head(p, p->l4_offset + 2 * sizeof(uint16_t)))
		return false;
	const uint8_t *l4 = p->head + p->l4_offset;
	p->src_port = (uint16_t)(l4[0] << 8 | l4[1]);
	p->dst_port = (uint16_t)(l4[2] << 8 | l4[3]);
	return true;
}

static size_t parse_ipv4(struct packet *p, struct bytes_reader *r)
{
	if (ipv4_parse(r, &p->ip) < 0)
		return 0;
	p->protocol = p->ip.protocol;
	p->src = ip_from_ip4(p->ip.src);
	p->dst = ip_from_ip4(p->ip.dst);
	return p->ip.total_len;
}

static size_t parse_ipv6(struct packet *p, struct bytes_reader *r)
{
	r->left = MIN(r->left, HEAD_MAX - p->l3_offset);
	if (ipv6_parse(r, &p->ip6) < 0)
		return 0;
	p->protocol = ipv6_skip_extensions(r, p->ip6.next_header);
	p->src = p->ip6.src;
	p->dst = p->ip6.dst;
	return IPV6_HEADER_LEN + (size_t)p->ip6.payload_len;
}

/* The longest IP header without extensions, and ports. */
#define IP_HEAD_LEN (IPV4_HEADER_MAX + 2 * sizeof(uint16_t))

/* Makes the IP header with its options or extensions contiguous; copies only what has to be. */
static bool read_ip_head(struct packet *p)
{
	bool v4 = packet_is_v4(p);
	if (!read_head(p, p->l3_offset + (v4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN)))
		return false;
	size_t left = p->head_len - p->l3_offset;
	if (v4)
		return left == 0 || read_head(p, p->l3_offset + ipv4_header_len_at(p->head + p->l3_offset));
	return left < IPV6_HEADER_LEN || !ipv6_has_extensions(p->head + p->l3_offset) || read_head(p, HEAD_MAX);
}

static int parse_ip(struct packet *p)
{
	bool is_there = packet_is_v4(p) && p->head_len - p->l3_offset >= IP_HEAD_LEN;
	if (!is_there && !read_ip_head(p))
		return -ENOMEM;
	struct bytes_reader r = bytes_reader(p->head + p->l3_offset, p->head_len - p->l3_offset);
	size_t len = packet_is_v4(p) ? parse_ipv4(p, &r) : parse_ipv6(p, &r);
	size_t headers_len = (size_t)(r.at - p->head) - p->l3_offset;
	if (len == 0 || r.failed || len > p->frame->len - p->l3_offset || headers_len > len)
		return -EBADMSG;
	p->l4_offset = p->l3_offset + headers_len;
	p->l4_len = len - headers_len;
	return read_ports(p) ? 0 : -ENOMEM;
}

int packet_parse_ip(struct packet *p)
{
	p->ip_error = parse_ip(p);
	return p->ip_error;
}

/* --- neighbour discovery --- */

/*
 * Whether the fragment at @at, of @len bytes, is the first of a packet with neighbour discovery (RFC 8200 §4.5), or does not have all
 * headers, which hides what the packet is (RFC 7112 §5), as a second fragment header does.
 */
static bool hides_nd(const uint8_t *at, size_t len)
{
	struct bytes_reader r = bytes_reader(at, len);
	uint8_t next;
	if (!ipv6_take_first_fragment(&r, &next))
		return false;
	bool is_nd = next == IPV6_NEXT_ICMP && nd_is_type(bytes_get_u8(&r));
	return is_nd || next == IPV6_NEXT_FRAGMENT || r.failed;
}

static int parse_nd(struct packet *p)
{
	int error = packet_ip(p);
	if (error < 0)
		return error;
	bool is_fragment = p->protocol == IPV6_NEXT_FRAGMENT;
	if (packet_is_v4(p) || (p->protocol != IPV6_NEXT_ICMP && !is_fragment))
		return -EPROTOTYPE;
	const uint8_t *l4 = packet_l4(p);
	if (!l4)
		return -ENOMEM;
	if (is_fragment)
		return hides_nd(l4, p->l4_len) ? -EBADMSG : -EPROTOTYPE;
	error = nd_parse(l4, p->l4_len, &p->nd);
	return error == -EPROTONOSUPPORT ? -EPROTOTYPE : error;
}

int packet_parse_nd(struct packet *p)
{
	p->nd_error = parse_nd(p);
	return p->nd_error;
}

/* --- all of it --- */

int packet_parse(const struct frame *frame, struct port *port, struct arena *arena, struct packet *ret, enum drop_reason *ret_why)
{
	int error = packet_begin(ret, frame, port, arena, ret_why);
	if (error < 0)
		return error;
	if (ret->eth.ethertype == ETH_TYPE_ARP) {
		*ret_why = DROP_ARP_MALFORMED;
		return ret->arp_error < 0 ? -EBADMSG : 0;
	}
	error = packet_ip(ret);
	*ret_why = error == -ENOMEM ? DROP_NO_MEMORY : DROP_IP_MALFORMED;
	return error < 0 && error != -EPROTOTYPE ? -EBADMSG : 0;
}

/* --- layer 4 --- */

void packet_add_pseudo(const struct packet *p, size_t len, struct checksum *c)
{
	if (packet_is_v4(p))
		checksum_add_pseudo4(c, p->ip.src, p->ip.dst, p->protocol, (uint16_t)len);
	else
		checksum_add_pseudo6(c, &p->ip6.src, &p->ip6.dst, p->protocol, (uint32_t)len);
}

const uint8_t *packet_l4(const struct packet *p)
{
	return frame_linear(p->frame, p->l4_offset, p->l4_len, p->arena);
}

static bool udp_checksum_is_right(const struct packet *p, const uint8_t *datagram, const struct udp_header *h)
{
	if (p->frame->checksum != FRAME_CHECKSUM_COMPLETE)
		return true;
	if (h->checksum == 0)
		return packet_is_v4(p);
	struct checksum c = { 0 };
	packet_add_pseudo(p, h->len, &c);
	checksum_add(&c, datagram, h->len);
	return checksum_is_right(&c);
}

int packet_udp(const struct packet *p, struct udp_view *ret)
{
	if (p->ip_error != 0 || p->protocol != IP_PROTOCOL_UDP || packet_is_fragment(p))
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
