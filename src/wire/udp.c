/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/udp.h"

#include "wire/checksum.h"
#include "wire/ipv4.h"

#include <errno.h>

int udp_parse(struct bytes_reader *r, struct udp_header *ret)
{
	struct udp_header h = { .src_port = bytes_get_be16(r) };
	h.dst_port = bytes_get_be16(r);
	h.len = bytes_get_be16(r);
	h.checksum = bytes_get_be16(r);
	if (r->failed || h.len < UDP_HEADER_LEN)
		return -EBADMSG;
	*ret = h;
	return 0;
}

void udp_emit(struct bytes_writer *w, const struct udp_header *h)
{
	bytes_put_be16(w, h->src_port);
	bytes_put_be16(w, h->dst_port);
	bytes_put_be16(w, h->len);
	bytes_put_be16(w, h->checksum);
}

void udp_emit_datagram(struct bytes_writer *w, const struct ip_addr *src, const struct ip_addr *dst, uint16_t src_port, uint16_t dst_port,
		       const void *payload, size_t len)
{
	uint16_t total = (uint16_t)(UDP_HEADER_LEN + len);
	size_t start = w->len;
	udp_emit(w, &(struct udp_header){ .src_port = src_port, .dst_port = dst_port, .len = total });
	bytes_put(w, payload, len);
	if (w->failed)
		return;
	struct checksum c = { 0 };
	if (ip_is_v4(dst))
		checksum_add_pseudo4(&c, ip_to_ip4(src), ip_to_ip4(dst), IP_PROTOCOL_UDP, total);
	else
		checksum_add_pseudo6(&c, src, dst, IP_PROTOCOL_UDP, total);
	checksum_add(&c, w->data + start, total);
	struct bytes_writer field = bytes_writer(w->data + start + UDP_CHECKSUM_AT, CHECKSUM_LEN);
	bytes_put_be16(&field, checksum_transport_value(&c, UDP_CHECKSUM_AT));
}

void udp_emit_ipv4(struct bytes_writer *w, ip4_t src, ip4_t dst, uint16_t src_port, uint16_t dst_port, const void *payload, size_t len)
{
	struct ip_addr from = ip_from_ip4(src), to = ip_from_ip4(dst);
	udp_emit_datagram(w, &from, &to, src_port, dst_port, payload, len);
}
