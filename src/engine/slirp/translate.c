/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/slirp/translate.h"

#include "base/bytes.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/checksum.h"

#include <errno.h>

/* The flags that libslirp understands; urgent data is sent as ordinary data (RFC 6093 §6). */
#define TCP_FLAGS_KEPT (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK)

static uint16_t get_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put_be16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static int parse_tcp(struct inward *in, struct bytes_reader *r)
{
	if (tcp_parse(r, &in->tcp) < 0 || in->tcp.src_port == 0)
		return -EBADMSG;
	in->header_len = in->tcp.header_len;
	in->payload_len = in->packet->l4_len - in->header_len;
	in->guest_port = in->tcp.src_port;
	in->port = in->tcp.dst_port;
	in->tcp = (struct tcp_header){
		.src_port = in->tcp.src_port,
		.dst_port = in->tcp.dst_port,
		.seq = in->tcp.seq,
		.ack = in->tcp.ack,
		.flags = in->tcp.flags & TCP_FLAGS_KEPT,
		.window = in->tcp.window,
		.checksum = in->tcp.checksum,
		.has_mss = in->tcp.has_mss && in->tcp.flags & TCP_SYN,
		.mss = in->tcp.mss,
	};
	return 0;
}

static int parse_udp(struct inward *in, struct bytes_reader *r)
{
	if (udp_parse(r, &in->udp) < 0 || in->udp.len > in->packet->l4_len)
		return -EBADMSG;
	in->header_len = UDP_HEADER_LEN;
	in->payload_len = (size_t)in->udp.len - UDP_HEADER_LEN;
	in->guest_port = in->udp.src_port;
	in->port = in->udp.dst_port;
	return 0;
}

static int parse_icmp(struct inward *in)
{
	const uint8_t *message = packet_l4(in->packet);
	if (!message || icmp4_parse(message, in->packet->l4_len, &in->icmp) < 0)
		return -EBADMSG;
	in->header_len = ICMP4_HEADER_LEN;
	in->payload_len = in->packet->l4_len - ICMP4_HEADER_LEN;
	return 0;
}

int inward_parse(const struct packet *p, struct inward *ret, enum drop_reason *ret_why)
{
	struct inward in = { .packet = p };
	size_t len = p->l4_len < TCP_HEADER_MAX ? p->l4_len : TCP_HEADER_MAX;
	in.header = frame_linear(p->frame, p->l4_offset, len, p->arena);
	if (!in.header) {
		*ret_why = DROP_NO_MEMORY;
		return -ENOMEM;
	}
	struct bytes_reader r = bytes_reader(in.header, len);
	int result;
	switch (p->ip.protocol) {
	case IP_PROTOCOL_TCP:
		*ret_why = DROP_TCP_MALFORMED;
		result = parse_tcp(&in, &r);
		break;
	case IP_PROTOCOL_UDP:
		*ret_why = DROP_UDP_MALFORMED;
		result = parse_udp(&in, &r);
		break;
	case IP_PROTOCOL_ICMP:
		*ret_why = DROP_ICMP_MALFORMED;
		result = parse_icmp(&in);
		break;
	default: *ret_why = DROP_PROTOCOL; result = -EPROTONOSUPPORT;
	}
	if (result == 0)
		*ret = in;
	return result;
}

static void emit_header(struct bytes_writer *w, const struct inward *in, size_t payload_len)
{
	switch (in->packet->ip.protocol) {
	case IP_PROTOCOL_TCP: tcp_emit(w, &in->tcp); break;
	case IP_PROTOCOL_UDP:
		udp_emit(w, &(struct udp_header){ in->udp.src_port, in->udp.dst_port, (uint16_t)(UDP_HEADER_LEN + payload_len),
						  in->udp.checksum });
		break;
	default: bytes_put(w, in->header, ICMP4_HEADER_LEN);
	}
}

/* The sum over the pseudo-header and the layer 4 header at @header, its checksum field taken as 0. */
static struct checksum header_sum(const struct ipv4_header *ip, const uint8_t *header, size_t header_len, size_t checksum_at, size_t l4_len)
{
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, ip->src, ip->dst, ip->protocol, (uint16_t)l4_len);
	checksum_add(&c, header, checksum_at);
	checksum_add(&c, header + checksum_at + 2, header_len - checksum_at - 2);
	return c;
}

/*
 * Sets the checksum of the layer 4 packet at @l4, whose IP header is @ip. A checksum made by the guest is adjusted for the rewritten
 * fields, so that libslirp still detects damaged packets; a partial one is computed.
 */
static void fix_checksum(const struct inward *in, const struct ipv4_header *ip, uint8_t *l4, size_t header_len, size_t payload_len)
{
	bool tcp = ip->protocol == IP_PROTOCOL_TCP;
	size_t at = tcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
	size_t l4_len = header_len + payload_len;
	bool complete = in->packet->frame->checksum == FRAME_CHECKSUM_COMPLETE && payload_len == in->payload_len;
	uint16_t field = get_be16(l4 + at);
	if (!tcp && complete && field == 0)
		return;
	struct checksum now = header_sum(ip, l4, header_len, at, l4_len);
	uint16_t value;
	if (complete) {
		struct checksum old = header_sum(&in->packet->ip, in->header, in->header_len, at, in->header_len + in->payload_len);
		value = checksum_adjust(field, &old, &now);
	} else {
		checksum_add(&now, l4 + header_len, payload_len);
		value = checksum_value(&now);
	}
	put_be16(l4 + at, !tcp && value == 0 ? 0xffff : value);
}

size_t inward_emit(const struct inward *in, const struct inward_rewrite *how, uint8_t *frame)
{
	struct bytes_writer w = bytes_writer(frame, INWARD_FRAME_MAX);
	eth_emit(&w, &(struct eth_header){ .ethertype = ETH_TYPE_IPV4 });
	uint8_t *l4 = frame + ETH_HEADER_LEN + IPV4_HEADER_LEN;
	struct bytes_writer h = bytes_writer(l4, TCP_HEADER_MAX);
	emit_header(&h, in, how->len);
	struct ipv4_header ip = {
		.tos = in->packet->ip.tos,
		.total_len = (uint16_t)(IPV4_HEADER_LEN + h.len + how->len),
		.id = in->packet->ip.id,
		.dont_fragment = in->packet->ip.dont_fragment,
		.ttl = how->ttl,
		.protocol = in->packet->ip.protocol,
		.src = in->packet->ip.src,
		.dst = how->dst,
	};
	ipv4_emit(&w, &ip);
	frame_copy(in->packet->frame, in->packet->l4_offset + in->header_len + how->offset, l4 + h.len, how->len);
	if (ip.protocol != IP_PROTOCOL_ICMP)
		fix_checksum(in, &ip, l4, h.len, how->len);
	return w.len + h.len + how->len;
}

size_t inward_syn(ip4_t guest, uint16_t guest_port, ip4_t peer, uint16_t port, uint32_t seq, uint16_t mss, uint8_t *frame)
{
	const struct tcp_header syn = {
		.src_port = guest_port, .dst_port = port, .seq = seq, .flags = TCP_SYN, .window = UINT16_MAX, .has_mss = true, .mss = mss
	};
	uint8_t *l4 = frame + ETH_HEADER_LEN + IPV4_HEADER_LEN;
	struct bytes_writer h = bytes_writer(l4, TCP_HEADER_MAX);
	tcp_emit(&h, &syn);
	struct ipv4_header ip = {
		.total_len = (uint16_t)(IPV4_HEADER_LEN + h.len), .ttl = 64, .protocol = IP_PROTOCOL_TCP, .src = guest, .dst = peer
	};
	struct bytes_writer w = bytes_writer(frame, INWARD_SYN_MAX);
	eth_emit(&w, &(struct eth_header){ .ethertype = ETH_TYPE_IPV4 });
	ipv4_emit(&w, &ip);
	struct checksum c = header_sum(&ip, l4, h.len, TCP_CHECKSUM_AT, h.len);
	put_be16(l4 + TCP_CHECKSUM_AT, checksum_value(&c));
	return w.len + h.len;
}

int outward_parse(const uint8_t *frame, size_t len, struct outward *ret)
{
	struct bytes_reader r = bytes_reader(frame, len);
	struct eth_header eth;
	struct outward out;
	if (eth_parse(&r, &eth) < 0)
		return -EBADMSG;
	if (eth.ethertype != ETH_TYPE_IPV4)
		return -EPROTONOSUPPORT;
	out.packet = r.at;
	size_t left = r.left;
	if (ipv4_parse(&r, &out.ip) < 0 || out.ip.total_len > left)
		return -EBADMSG;
	out.len = out.ip.total_len;
	out.l4 = bytes_reader(r.at, out.len - ipv4_header_len(&out.ip));
	*ret = out;
	return 0;
}

/* Urgent data is ordinary data for guests too: their stacks would take the marked byte out of the stream. */
static void clear_urgent(uint8_t *tcp, size_t len)
{
	if (len < TCP_HEADER_LEN || !(tcp[TCP_FLAGS_AT] & TCP_URG))
		return;
	struct checksum was = { 0 }, is = { 0 };
	checksum_add(&was, tcp + TCP_DATA_OFFSET_AT, 2);
	checksum_add(&was, tcp + TCP_URGENT_AT, 2);
	tcp[TCP_FLAGS_AT] &= (uint8_t)~TCP_URG;
	put_be16(tcp + TCP_URGENT_AT, 0);
	checksum_add(&is, tcp + TCP_DATA_OFFSET_AT, 2);
	put_be16(tcp + TCP_CHECKSUM_AT, checksum_adjust(get_be16(tcp + TCP_CHECKSUM_AT), &was, &is));
}

static void write_ipv4(uint8_t *at, const struct ipv4_header *ip)
{
	struct bytes_writer w = bytes_writer(at, ipv4_header_len(ip));
	ipv4_emit(&w, ip);
}

/* Adjusts the checksum of @len bytes of layer 4 at @l4, which may be truncated, for changed addresses. */
static void adjust_l4(uint8_t *l4, size_t len, const struct ipv4_header *old, const struct ipv4_header *now)
{
	size_t at = old->protocol == IP_PROTOCOL_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
	bool has_pseudo_header = old->protocol == IP_PROTOCOL_TCP || old->protocol == IP_PROTOCOL_UDP;
	if (!has_pseudo_header || len < at + 2)
		return;
	uint16_t field = get_be16(l4 + at);
	if (field == 0 && old->protocol == IP_PROTOCOL_UDP)
		return;
	struct checksum was = { 0 }, is = { 0 };
	checksum_add_pseudo4(&was, old->src, old->dst, 0, 0);
	checksum_add_pseudo4(&is, now->src, now->dst, 0, 0);
	put_be16(l4 + at, checksum_adjust(field, &was, &is));
}

/* Gives the packet that an ICMP error quotes the gateway's address as its destination, as the guest sent it. */
static int translate_quoted(uint8_t *quoted, size_t len, ip4_t gateway)
{
	struct bytes_reader r = bytes_reader(quoted, len);
	struct ipv4_header old;
	if (ipv4_parse(&r, &old) < 0)
		return -EBADMSG;
	struct ipv4_header now = old;
	now.dst = gateway;
	size_t header_len = ipv4_header_len(&old);
	adjust_l4(quoted + header_len, r.left, &old, &now);
	write_ipv4(quoted, &now);
	return 0;
}

static int translate_error(uint8_t *message, size_t len, const struct outward_rewrite *how)
{
	if (!how->from_gateway)
		return 0;
	int r = translate_quoted(message + ICMP4_HEADER_LEN, len - ICMP4_HEADER_LEN, how->gateway);
	if (r < 0)
		return r;
	put_be16(message + ICMP4_CHECKSUM_AT, 0);
	struct checksum c = { 0 };
	checksum_add(&c, message, len);
	put_be16(message + ICMP4_CHECKSUM_AT, checksum_value(&c));
	return 0;
}

int outward_translate(uint8_t *packet, size_t len, const struct outward_rewrite *how)
{
	struct bytes_reader r = bytes_reader(packet, len);
	struct ipv4_header old;
	if (ipv4_parse(&r, &old) < 0 || old.total_len != len)
		return -EBADMSG;
	struct ipv4_header now = old;
	if (how->from_gateway || prefix4_contains(how->private_network, old.src))
		now.src = how->gateway;
	uint8_t *l4 = packet + ipv4_header_len(&old);
	bool is_error = old.protocol == IP_PROTOCOL_ICMP && r.left >= ICMP4_HEADER_LEN && icmp4_is_error(l4[0]);
	if (is_error && old.fragment_offset == 0) {
		int result = translate_error(l4, r.left, how);
		if (result < 0)
			return result;
	} else if (old.fragment_offset == 0 && now.src != old.src) {
		adjust_l4(l4, r.left, &old, &now);
	}
	if (old.protocol == IP_PROTOCOL_TCP && old.fragment_offset == 0)
		clear_urgent(l4, r.left);
	write_ipv4(packet, &now);
	return 0;
}
