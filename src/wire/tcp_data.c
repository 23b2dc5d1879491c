/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/tcp_data.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

/* In the TCP header. */
enum {
	ACK_AT = TCP_SEQ_AT + 4,
	WINDOW_AT = TCP_FLAGS_AT + 1,
};

#define VERSION_4_NO_OPTIONS 0x45
#define VERSION_6 6
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

/* The last fields of both pseudo-headers (RFC 9293 §3.1, RFC 8200 §8.1), which are summed alike. */
static struct checksum protocol_and_len(size_t tcp_len)
{
	struct checksum c = { 0 };
	checksum_add_u32(&c, (uint32_t)tcp_len);
	checksum_add_u32(&c, IP_PROTOCOL_TCP);
	return c;
}

/* In both families the addresses, from @addresses_at on, end where TCP begins. */
static bool checksum_matches(const uint8_t *packet, size_t len, size_t addresses_at, size_t ip_header_len)
{
	struct checksum c = protocol_and_len(len - ip_header_len);
	checksum_add(&c, packet + addresses_at, len - addresses_at);
	return checksum_is_right(&c);
}

static bool header_checksum_matches(const uint8_t *packet)
{
	struct checksum c = { 0 };
	checksum_add(&c, packet, IPV4_HEADER_LEN);
	return checksum_is_right(&c);
}

/* Reads the TCP header behind the IP header, of which TCP_HEADER_LEN bytes are there.  False if the segment does not only carry data. */
static inline bool parse_tcp(const uint8_t *packet, size_t len, size_t ip_header_len, struct tcp_data *ret)
{
	const uint8_t *tcp = packet + ip_header_len;
	size_t tcp_header_len = (size_t)(tcp[TCP_DATA_OFFSET_AT] >> 4) * 4, header_len = ip_header_len + tcp_header_len;
	if ((tcp[TCP_FLAGS_AT] & ~TCP_PSH) != TCP_ACK || tcp_header_len < TCP_HEADER_LEN || header_len >= len)
		return false;
	*ret = (struct tcp_data){
		.packet = packet,
		.ip_header_len = ip_header_len,
		.header_len = header_len,
		.payload_len = len - header_len,
		.seq = be32_at(tcp, TCP_SEQ_AT),
		.push = tcp[TCP_FLAGS_AT] & TCP_PSH,
	};
	return true;
}

bool tcp_data_parse4(const uint8_t *packet, size_t len, struct tcp_data *ret)
{
	struct bytes_reader r = bytes_reader(packet, len);
	const uint8_t *p = bytes_take(&r, IPV4_HEADER_LEN + TCP_HEADER_LEN);
	if (!p || p[0] != VERSION_4_NO_OPTIONS || be16_at(p, IPV4_TOTAL_LEN_AT) != len || p[IPV4_PROTOCOL_AT] != IP_PROTOCOL_TCP)
		return false;
	if (be16_at(p, IPV4_FRAGMENT_AT) & (uint16_t)~DONT_FRAGMENT)
		return false;
	struct tcp_data data;
	if (!parse_tcp(p, len, IPV4_HEADER_LEN, &data) || !header_checksum_matches(p) ||
	    !checksum_matches(p, len, IPV4_SRC_AT, IPV4_HEADER_LEN))
		return false;
	*ret = data;
	return true;
}

bool tcp_data_parse6(const uint8_t *packet, size_t len, struct tcp_data *ret)
{
	struct bytes_reader r = bytes_reader(packet, len);
	const uint8_t *p = bytes_take(&r, IPV6_HEADER_LEN + TCP_HEADER_LEN);
	if (!p || p[0] >> 4 != VERSION_6 || be16_at(p, IPV6_PAYLOAD_LEN_AT) != len - IPV6_HEADER_LEN ||
	    p[IPV6_NEXT_HEADER_AT] != IP_PROTOCOL_TCP)
		return false;
	struct tcp_data data;
	if (!parse_tcp(p, len, IPV6_HEADER_LEN, &data) || !checksum_matches(p, len, IPV6_SRC_AT, IPV6_HEADER_LEN))
		return false;
	*ret = data;
	return true;
}

static inline bool same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	return memcmp(a + from, b + from, to - from) == 0;
}

/* Version, header length and type of service; don't fragment, TTL and protocol; addresses. */
static bool same_ipv4(const uint8_t *a, const uint8_t *b)
{
	return same(a, b, 0, IPV4_TOTAL_LEN_AT) && same(a, b, IPV4_FRAGMENT_AT, IPV4_CHECKSUM_AT) &&
	       same(a, b, IPV4_SRC_AT, IPV4_HEADER_LEN);
}

/* Version, traffic class and flow label; next header, hop limit and addresses. */
static bool same_ipv6(const uint8_t *a, const uint8_t *b)
{
	return same(a, b, 0, IPV6_PAYLOAD_LEN_AT) && same(a, b, IPV6_NEXT_HEADER_AT, IPV6_HEADER_LEN);
}

bool tcp_data_alike(const struct tcp_data *first, const struct tcp_data *next)
{
	size_t at = first->ip_header_len;
	const uint8_t *a = first->packet + at, *b = next->packet + at;
	if (at != next->ip_header_len || first->header_len != next->header_len)
		return false;
	if (!(at == IPV4_HEADER_LEN ? same_ipv4 : same_ipv6)(first->packet, next->packet))
		return false;
	return same(a, b, 0, TCP_SEQ_AT) && same(a, b, ACK_AT, TCP_FLAGS_AT) && same(a, b, WINDOW_AT, TCP_CHECKSUM_AT) &&
	       same(a, b, TCP_URGENT_AT, first->header_len - at);
}

static void widen_ipv4(uint8_t *header, size_t len)
{
	put_be16_at(header, IPV4_TOTAL_LEN_AT, (uint16_t)len);
	put_be16_at(header, IPV4_CHECKSUM_AT, 0);
	struct checksum c = { 0 };
	checksum_add(&c, header, IPV4_HEADER_LEN);
	put_be16_at(header, IPV4_CHECKSUM_AT, checksum_value(&c));
}

void tcp_data_widen(const struct tcp_data *first, uint8_t *header, size_t payload_len, bool push)
{
	bool v4 = first->ip_header_len == IPV4_HEADER_LEN;
	size_t len = first->header_len + payload_len, tcp_len = len - first->ip_header_len;
	size_t addresses_at = v4 ? IPV4_SRC_AT : IPV6_SRC_AT;
	if (v4)
		widen_ipv4(header, len);
	else
		ipv6_set_payload_len(header, (uint16_t)tcp_len);
	struct checksum c = protocol_and_len(tcp_len);
	checksum_add(&c, header + addresses_at, first->ip_header_len - addresses_at);
	uint8_t *tcp = header + first->ip_header_len;
	put_be16_at(tcp, TCP_CHECKSUM_AT, checksum_fold(&c));
	tcp[TCP_FLAGS_AT] = TCP_ACK | (push ? TCP_PSH : 0);
}
