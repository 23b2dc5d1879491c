/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/tcp_data.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

/* Offsets in a packet without IP options. */
enum {
	TCP_AT = IPV4_HEADER_LEN,
	SEQ_AT = TCP_AT + TCP_SEQ_AT,
	ACK_AT = SEQ_AT + 4,
	DATA_OFFSET_AT = TCP_AT + TCP_DATA_OFFSET_AT,
	FLAGS_AT = TCP_AT + TCP_FLAGS_AT,
	WINDOW_AT = FLAGS_AT + 1,
	SUM_AT = TCP_AT + TCP_CHECKSUM_AT,
	URGENT_AT = TCP_AT + TCP_URGENT_AT,
	HEADERS_MIN = TCP_AT + TCP_HEADER_LEN,
};

#define VERSION_4_NO_OPTIONS 0x45
#define DONT_FRAGMENT 0x4000

static uint16_t be16_at(const uint8_t *p, size_t at)
{
	struct bytes_reader r = bytes_reader(p + at, 2);
	return bytes_get_be16(&r);
}

static uint32_t be32_at(const uint8_t *p, size_t at)
{
	struct bytes_reader r = bytes_reader(p + at, 4);
	return bytes_get_be32(&r);
}

static void put_be16_at(uint8_t *p, size_t at, uint16_t value)
{
	struct bytes_writer w = bytes_writer(p + at, 2);
	bytes_put_be16(&w, value);
}

static struct checksum pseudo_header(const uint8_t *packet, size_t tcp_len)
{
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, be32_at(packet, IPV4_SRC_AT), be32_at(packet, IPV4_DST_AT), IP_PROTOCOL_TCP, (uint16_t)tcp_len);
	return c;
}

static bool checksums_are_right(const uint8_t *packet, size_t len)
{
	struct checksum ip = { 0 }, tcp = pseudo_header(packet, len - TCP_AT);
	checksum_add(&ip, packet, TCP_AT);
	checksum_add(&tcp, packet + TCP_AT, len - TCP_AT);
	return checksum_is_right(&ip) && checksum_is_right(&tcp);
}

bool tcp_data_parse4(const uint8_t *packet, size_t len, struct tcp_data *ret)
{
	struct bytes_reader r = bytes_reader(packet, len);
	const uint8_t *p = bytes_take(&r, HEADERS_MIN);
	if (!p || p[0] != VERSION_4_NO_OPTIONS || be16_at(p, IPV4_TOTAL_LEN_AT) != len || p[IPV4_PROTOCOL_AT] != IP_PROTOCOL_TCP)
		return false;
	if (be16_at(p, IPV4_FRAGMENT_AT) & (uint16_t)~DONT_FRAGMENT || (p[FLAGS_AT] & ~TCP_PSH) != TCP_ACK)
		return false;
	size_t header_len = TCP_AT + (size_t)(p[DATA_OFFSET_AT] >> 4) * 4;
	if (header_len < HEADERS_MIN || header_len >= len || !checksums_are_right(p, len))
		return false;
	*ret = (struct tcp_data){
		.packet = p,
		.header_len = header_len,
		.payload_len = len - header_len,
		.seq = be32_at(p, SEQ_AT),
		.push = p[FLAGS_AT] & TCP_PSH,
	};
	return true;
}

static bool same(const struct tcp_data *a, const struct tcp_data *b, size_t from, size_t to)
{
	return memcmp(a->packet + from, b->packet + from, to - from) == 0;
}

bool tcp_data_alike(const struct tcp_data *first, const struct tcp_data *next)
{
	return first->header_len == next->header_len && same(first, next, 0, IPV4_TOTAL_LEN_AT) &&
	       same(first, next, IPV4_FRAGMENT_AT, IPV4_CHECKSUM_AT) && same(first, next, IPV4_SRC_AT, SEQ_AT) &&
	       same(first, next, ACK_AT, FLAGS_AT) && same(first, next, WINDOW_AT, SUM_AT) &&
	       same(first, next, URGENT_AT, first->header_len);
}

void tcp_data_widen(const struct tcp_data *first, uint8_t *header, size_t payload_len, bool push)
{
	size_t len = first->header_len + payload_len;
	put_be16_at(header, IPV4_TOTAL_LEN_AT, (uint16_t)len);
	put_be16_at(header, IPV4_CHECKSUM_AT, 0);
	struct checksum ip = { 0 }, tcp = pseudo_header(header, len - TCP_AT);
	checksum_add(&ip, header, TCP_AT);
	put_be16_at(header, IPV4_CHECKSUM_AT, checksum_value(&ip));
	put_be16_at(header, SUM_AT, checksum_fold(&tcp));
	header[FLAGS_AT] = TCP_ACK | (push ? TCP_PSH : 0);
}
