/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/flow_hash.h"

#include "base/addr.h"
#include "base/bytes.h"
#include "lan/frame.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#include <glib.h>
#include <string.h>

struct sample {
	uint8_t bytes[200];
	size_t len;
	struct ip_endpoint src, dst;
	enum flow_end guest;
};

static void begin(struct bytes_writer *w, struct sample *s, bool v6, unsigned tags)
{
	*s = (struct sample){ .src = { ip_from_ip4(IP4(10, 0, 0, 1)), 1000 }, .dst = { ip_from_ip4(IP4(10, 0, 0, 2)), 80 } };
	if (v6) {
		s->src.addr.b[0] = s->dst.addr.b[0] = 0xfd;
		s->src.addr.b[10] = s->dst.addr.b[10] = 0;
	}
	*w = bytes_writer(s->bytes, sizeof(s->bytes));
	uint16_t type = v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4;
	eth_emit(w, &(struct eth_header){ .ethertype = tags > 0 ? ETH_TYPE_VLAN : type });
	for (unsigned i = 0; i < tags; i++) {
		bytes_put_be16(w, 7);
		bytes_put_be16(w, i + 1 < tags ? ETH_TYPE_VLAN : type);
	}
}

static uint32_t hash_of(const struct sample *s)
{
	struct iovec iov;
	struct frame f = frame_of(&iov, s->bytes, s->len);
	return flow_hash_frame(&f, s->guest);
}

static uint32_t hash_v4(uint8_t protocol, bool more_fragments, unsigned tags, struct sample *s)
{
	struct bytes_writer w;
	begin(&w, s, false, tags);
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = 40,
					     .protocol = protocol,
					     .more_fragments = more_fragments,
					     .src = ip_to_ip4(&s->src.addr),
					     .dst = ip_to_ip4(&s->dst.addr) });
	bytes_put_be16(&w, s->src.port);
	bytes_put_be16(&w, s->dst.port);
	s->len = w.len + 16;
	return hash_of(s);
}

static void both_directions_are_one_conversation(void)
{
	struct sample s;
	uint32_t hash = hash_v4(IP_PROTOCOL_TCP, false, 0, &s);
	g_assert_cmphex(hash, ==, flow_hash(&s.src, &s.dst));
	s.guest = FLOW_END_DESTINATION;
	g_assert_cmphex(hash_of(&s), ==, flow_hash(&s.dst, &s.src));
	s.src.port++;
	g_assert_cmphex(hash, !=, flow_hash(&s.src, &s.dst));
}

static void all_traffic_of_a_udp_port_is_one_conversation(void)
{
	struct sample s;
	g_assert_cmphex(hash_v4(IP_PROTOCOL_UDP, false, 0, &s), ==, flow_hash(&s.src, NULL));
	s.guest = FLOW_END_DESTINATION;
	g_assert_cmphex(hash_of(&s), ==, flow_hash(&s.dst, NULL));
}

static void tags_are_skipped(void)
{
	struct sample s;
	for (unsigned tags = 1; tags <= 2; tags++)
		g_assert_cmphex(hash_v4(IP_PROTOCOL_TCP, false, tags, &s), ==, flow_hash(&s.src, &s.dst));
}

static void ipv6_flows_are_hashed_too(void)
{
	struct sample s;
	struct bytes_writer w;
	begin(&w, &s, true, 0);
	ipv6_emit(&w, &(struct ipv6_header){ .payload_len = 20, .next_header = IP_PROTOCOL_TCP, .src = s.src.addr, .dst = s.dst.addr });
	bytes_put_be16(&w, s.src.port);
	bytes_put_be16(&w, s.dst.port);
	s.len = w.len + 16;
	g_assert_cmphex(hash_of(&s), ==, flow_hash(&s.src, &s.dst));
}

static void fragments_and_other_protocols_count_by_address(void)
{
	struct sample s;
	uint32_t fragment = hash_v4(IP_PROTOCOL_UDP, true, 0, &s), icmp = hash_v4(IP_PROTOCOL_ICMP, false, 0, &s);
	s.src.port = s.dst.port = 0;
	g_assert_cmphex(fragment, ==, flow_hash(&s.src, &s.dst));
	g_assert_cmphex(icmp, ==, fragment);
}

static void frame_that_is_not_ip_or_is_truncated_has_no_hash(void)
{
	struct sample s;
	hash_v4(IP_PROTOCOL_TCP, false, 0, &s);
	s.len = ETH_HEADER_LEN + 10;
	g_assert_cmphex(hash_of(&s), ==, 0);
	s.len = 5;
	g_assert_cmphex(hash_of(&s), ==, 0);
	s.len = 60;
	s.bytes[13] = 6;
	g_assert_cmphex(hash_of(&s), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/flow-hash/" #name, name)
	TEST(both_directions_are_one_conversation);
	TEST(all_traffic_of_a_udp_port_is_one_conversation);
	TEST(tags_are_skipped);
	TEST(ipv6_flows_are_hashed_too);
	TEST(fragments_and_other_protocols_count_by_address);
	TEST(frame_that_is_not_ip_or_is_truncated_has_no_hash);
	return g_test_run();
}
