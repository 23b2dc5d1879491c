/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/tcp_segment.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

#include <glib.h>

static void put_tcp(struct bytes_writer *w, const struct tcp_header *tcp, size_t len)
{
	tcp_emit(w, tcp);
	bytes_put_zeros(w, len);
}

/* Writes header and data, whose checksum begins with @c, the pseudo-header's sum.  Returns the length of the frame. */
static size_t finish(struct bytes_writer *w, struct checksum *c, uint32_t seq, size_t len)
{
	struct tcp_header tcp = { .seq = seq, .flags = TCP_ACK };
	struct bytes_writer without_checksum = *w;
	put_tcp(&without_checksum, &tcp, len);
	checksum_add(c, w->data + w->len, TCP_HEADER_LEN + len);
	tcp.checksum = checksum_value(c);
	put_tcp(w, &tcp, len);
	g_assert_false(w->failed);
	return w->len;
}

size_t tcp_segment_make(uint8_t *buf, size_t size, struct mac dst, struct mac src, uint32_t seq, size_t len)
{
	size_t tcp_len = TCP_HEADER_LEN + len;
	struct bytes_writer w = bytes_writer(buf, size);
	eth_emit(&w, &(struct eth_header){ dst, src, ETH_TYPE_IPV4 });
	struct ipv4_header ip = {
		.total_len = (uint16_t)(IPV4_HEADER_LEN + tcp_len), .ttl = 64, .protocol = IP_PROTOCOL_TCP, .src = 1, .dst = 2
	};
	ipv4_emit(&w, &ip);
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, ip.src, ip.dst, ip.protocol, (uint16_t)tcp_len);
	return finish(&w, &c, seq, len);
}

size_t tcp_segment_make6(uint8_t *buf, size_t size, struct mac dst, struct mac src, uint32_t seq, size_t len)
{
	size_t tcp_len = TCP_HEADER_LEN + len;
	struct bytes_writer w = bytes_writer(buf, size);
	eth_emit(&w, &(struct eth_header){ dst, src, ETH_TYPE_IPV6 });
	struct ipv6_header ip = { .payload_len = (uint16_t)tcp_len, .next_header = IP_PROTOCOL_TCP, .hop_limit = 64 };
	ip.src.b[15] = 1;
	ip.dst.b[15] = 2;
	ipv6_emit(&w, &ip);
	struct checksum c = { 0 };
	checksum_add_pseudo6(&c, &ip.src, &ip.dst, ip.next_header, (uint32_t)tcp_len);
	return finish(&w, &c, seq, len);
}
