/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macros.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>
#include <glib.h>

/* RFC 1071 §3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
static void checksum_matches_the_rfc_example(void)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	struct checksum c = { 0 };
	checksum_add(&c, data, sizeof(data));
	g_assert_cmphex(checksum_fold(&c), ==, 0xddf2);
}

static uint16_t slow_checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void checksum_of_pieces_equals_that_of_the_whole(void)
{
	uint8_t data[2000];
	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)g_test_rand_int_range(1, sizeof(data));
		int largest_piece = round % 2 ? 40 : 600;
		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)g_test_rand_int();
		struct checksum c = { 0 };
		for (size_t at = 0; at < len;) {
			size_t piece = (size_t)g_test_rand_int_range(0, largest_piece), n = MIN(piece, len - at);
			checksum_add(&c, data + at, n);
			at += n;
		}
		g_assert_cmphex(checksum_fold(&c), ==, slow_checksum(data, len));
	}
}

static void arp_round_trips(void)
{
	struct arp_message m = { ARP_REQUEST, { { 2, 0, 0, 0, 0, 1 } }, IP4(10, 0, 0, 1), { { 0 } }, IP4(10, 0, 0, 2) }, n;
	uint8_t buf[ARP_LEN];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	arp_emit(&w, &m);
	g_assert_false(w.failed);
	struct bytes_reader r = bytes_reader(buf, w.len);
	g_assert_cmpint(arp_parse(&r, &n), ==, 0);
	g_assert_cmpuint(n.sender_ip, ==, m.sender_ip);
	g_assert_cmpuint(n.target_ip, ==, m.target_ip);
	g_assert_true(mac_equal(n.sender_mac, m.sender_mac));
	r = bytes_reader(buf, w.len - 1);
	g_assert_cmpint(arp_parse(&r, &n), ==, -EBADMSG);
	buf[1] = 6;
	r = bytes_reader(buf, w.len);
	g_assert_cmpint(arp_parse(&r, &n), ==, 0); /* hardware type of IEEE 802 networks */
	buf[1] = 7;
	r = bytes_reader(buf, w.len);
	g_assert_cmpint(arp_parse(&r, &n), ==, -EPROTONOSUPPORT);
}

/* RFC 1624: also around the two zeros of one's complement. */
static void adjusted_checksum_equals_a_computed_one(void)
{
	GRand *rand = g_rand_new_with_seed(7);
	for (int round = 0; round < 2000; round++) {
		uint8_t data[24];
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = round % 3 ? (uint8_t)g_rand_int(rand) : 0xff;
		struct checksum whole = { 0 }, old = { 0 }, now = { 0 }, again = { 0 };
		checksum_add(&whole, data, sizeof(data));
		checksum_add(&old, data + 4, 8);
		for (size_t i = 4; i < 12; i++)
			data[i] = round % 5 ? (uint8_t)g_rand_int(rand) : 0;
		checksum_add(&now, data + 4, 8);
		checksum_add(&again, data, sizeof(data));
		g_assert_cmphex(checksum_adjust(checksum_value(&whole), &old, &now), ==, checksum_value(&again));
	}
	g_rand_free(rand);
}

/* A header from a real capture; checksum b861 as on the wire. */
static const uint8_t ipv4_sample[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
				       0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };

static void ipv4_parses_and_emits_the_same_bytes(void)
{
	struct ipv4_header h;
	struct bytes_reader r = bytes_reader(ipv4_sample, sizeof(ipv4_sample));
	g_assert_cmpint(ipv4_parse(&r, &h), ==, 0);
	g_assert_cmpuint(h.total_len, ==, 0x73);
	g_assert_true(h.dont_fragment);
	g_assert_cmpuint(h.src, ==, IP4(192, 168, 0, 1));
	uint8_t buf[IPV4_HEADER_LEN];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	ipv4_emit(&w, &h);
	g_assert_cmpmem(buf, w.len, ipv4_sample, sizeof(ipv4_sample));
}

static void ipv4_header_of_a_segment_keeps_its_checksum_right(void)
{
	for (unsigned i = 0; i < 0x10000; i += 255) {
		uint8_t buf[sizeof(ipv4_sample)];
		memcpy(buf, ipv4_sample, sizeof(buf));
		ipv4_set_segment(buf, (uint16_t)(20 + i % 0xffe0), (uint16_t)i);
		struct ipv4_header h;
		struct bytes_reader r = bytes_reader(buf, sizeof(buf));
		g_assert_cmpint(ipv4_parse(&r, &h), ==, 0);
		g_assert_cmpuint(h.total_len, ==, 20 + i % 0xffe0);
		g_assert_cmpuint(h.id, ==, i);
	}
}

static void damaged_ipv4_headers_are_refused(void)
{
	for (size_t i = 0; i < sizeof(ipv4_sample); i++) {
		uint8_t buf[sizeof(ipv4_sample)];
		memcpy(buf, ipv4_sample, sizeof(buf));
		buf[i] ^= 0x24;
		struct bytes_reader r = bytes_reader(buf, sizeof(buf));
		struct ipv4_header h;
		g_assert_cmpint(ipv4_parse(&r, &h), ==, -EBADMSG);
		r = bytes_reader(ipv4_sample, i);
		g_assert_cmpint(ipv4_parse(&r, &h), ==, -EBADMSG);
	}
}

static void ipv4_packet_is_no_shorter_than_its_header(void)
{
	for (unsigned total_len = 18; total_len <= 20; total_len++) {
		uint8_t buf[sizeof(ipv4_sample)];
		memcpy(buf, ipv4_sample, sizeof(buf));
		ipv4_set_segment(buf, (uint16_t)total_len, 0);
		struct bytes_reader r = bytes_reader(buf, sizeof(buf));
		struct ipv4_header h;
		g_assert_cmpint(ipv4_parse(&r, &h), ==, total_len < 20 ? -EBADMSG : 0);
	}
}

static void ipv4_options_and_fragments_round_trip(void)
{
	struct ipv4_header h = { .total_len = 200,
				 .id = 7,
				 .more_fragments = true,
				 .fragment_offset = 1480,
				 .ttl = 3,
				 .protocol = 17,
				 .src = 1,
				 .dst = 2,
				 .options_len = 8,
				 .options = { 7, 7, 4, 0, 0, 0, 0, 0 } },
			   n;
	uint8_t buf[IPV4_HEADER_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	ipv4_emit(&w, &h);
	struct bytes_reader r = bytes_reader(buf, w.len);
	g_assert_cmpint(ipv4_parse(&r, &n), ==, 0);
	g_assert_cmpuint(ipv4_header_len(&n), ==, 28);
	g_assert_cmpuint(n.fragment_offset, ==, 1480);
	g_assert_true(n.more_fragments);
	g_assert_cmpmem(n.options, 8, h.options, 8);
}

/* RFC 768: the length is 8 at least, and a datagram may be empty. */
static void udp_datagram_is_no_shorter_than_its_header(void)
{
	for (uint8_t len = 0; len <= 8; len++) {
		uint8_t buf[8] = { 0, 1, 0, 2, 0, len, 0, 0 };
		struct bytes_reader r = bytes_reader(buf, sizeof(buf));
		struct udp_header h;
		g_assert_cmpint(udp_parse(&r, &h), ==, len < 8 ? -EBADMSG : 0);
	}
}

/* RFC 826: of other hardware or another protocol nothing is known, not even where the addresses are. */
static void arp_of_other_networks_is_refused(void)
{
	static const uint8_t sample[ARP_LEN] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	for (size_t i = 0; i < 6; i++) {
		uint8_t buf[ARP_LEN];
		memcpy(buf, sample, sizeof(buf));
		buf[i]++;
		struct bytes_reader r = bytes_reader(buf, sizeof(buf));
		struct arp_message m;
		g_assert_cmpint(arp_parse(&r, &m), ==, -EPROTONOSUPPORT);
	}
}

static void udp_checksum_verifies(void)
{
	uint8_t buf[64];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	udp_emit_ipv4(&w, IP4(10, 0, 0, 1), IP4(10, 0, 0, 2), 67, 68, "hello", 5);
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, IP4(10, 0, 0, 1), IP4(10, 0, 0, 2), IP_PROTOCOL_UDP, (uint16_t)w.len);
	checksum_add(&c, buf, w.len);
	g_assert_true(checksum_is_right(&c));
	struct udp_header h;
	struct bytes_reader r = bytes_reader(buf, w.len);
	g_assert_cmpint(udp_parse(&r, &h), ==, 0);
	g_assert_cmpuint(h.len, ==, 13);
	buf[5] = 7;
	r = bytes_reader(buf, w.len);
	g_assert_cmpint(udp_parse(&r, &h), ==, -EBADMSG);
}

static void icmp_round_trips_and_checks(void)
{
	uint8_t buf[64];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	struct icmp4_header h = { ICMP4_ECHO_REQUEST, 0, 0x12345678 }, n;
	icmp4_emit(&w, &h, "odd", 3);
	g_assert_cmpint(icmp4_parse(buf, w.len, &n), ==, 0);
	g_assert_cmphex(n.rest, ==, h.rest);
	buf[9] ^= 1;
	g_assert_cmpint(icmp4_parse(buf, w.len, &n), ==, -EBADMSG);
	g_assert_cmpint(icmp4_parse(buf, 7, &n), ==, -EBADMSG);
}

static void tcp_options_round_trip(void)
{
	struct tcp_header h = { .src_port = 1,
				.dst_port = 2,
				.seq = 3,
				.ack = 4,
				.flags = TCP_SYN,
				.window = 5,
				.has_mss = true,
				.mss = 1460,
				.has_window_scale = true,
				.window_scale = 7,
				.sack_permitted = true,
				.has_timestamps = true,
				.ts_value = 8,
				.ts_echo = 9 },
			  n;
	uint8_t buf[TCP_HEADER_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	tcp_emit(&w, &h);
	struct bytes_reader r = bytes_reader(buf, w.len);
	g_assert_cmpint(tcp_parse(&r, &n), ==, 0);
	g_assert_cmpuint(n.header_len, ==, w.len);
	g_assert_cmpuint(n.mss, ==, 1460);
	g_assert_cmpuint(n.window_scale, ==, 7);
	g_assert_true(n.sack_permitted);
	g_assert_cmpuint(n.ts_echo, ==, 9);
	g_assert_cmpuint(r.left, ==, 0);
}

static void tcp_sack_blocks_round_trip(void)
{
	struct tcp_header h = { .flags = TCP_ACK, .has_timestamps = true, .n_sack = 3, .sack = { { 1, 2 }, { 3, 4 }, { 5, 6 } } }, n;
	uint8_t buf[TCP_HEADER_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	tcp_emit(&w, &h);
	struct bytes_reader r = bytes_reader(buf, w.len);
	g_assert_cmpint(tcp_parse(&r, &n), ==, 0);
	g_assert_cmpuint(n.n_sack, ==, 3);
	g_assert_cmpuint(n.sack[2].right, ==, 6);
	h.n_sack = 4;
	w = bytes_writer(buf, sizeof(buf));
	tcp_emit(&w, &h);
	g_assert_true(w.failed); /* four blocks and timestamps do not fit in 40 bytes */
}

static void malformed_tcp_options_end_the_list(void)
{
	uint8_t buf[24] = { 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x60, TCP_SYN, 0, 0, 0, 0, 0, 0, 2, 40, 1, 1 };
	struct bytes_reader r = bytes_reader(buf, sizeof(buf));
	struct tcp_header h;
	g_assert_cmpint(tcp_parse(&r, &h), ==, 0);
	g_assert_false(h.has_mss);
	buf[12] = 0x40;
	r = bytes_reader(buf, sizeof(buf));
	g_assert_cmpint(tcp_parse(&r, &h), ==, -EBADMSG);
	buf[12] = 0x70;
	r = bytes_reader(buf, sizeof(buf));
	g_assert_cmpint(tcp_parse(&r, &h), ==, -EBADMSG);
}

/* In a SYN with 20 bytes of options, zeros (the end of the list) behind those given. */
static struct tcp_header with_options(const uint8_t *options, size_t len)
{
	uint8_t buf[40] = { 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0xa0, TCP_SYN };
	struct tcp_header h;
	memcpy(buf + 20, options, len);
	struct bytes_reader r = bytes_reader(buf, sizeof(buf));
	g_assert_cmpint(tcp_parse(&r, &h), ==, 0);
	return h;
}

#define WITH_OPTIONS(...) with_options((uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))

/* RFC 9293 §3.1: each kind has one length; RFC 2018 §3: SACK has whole blocks. */
static void tcp_options_of_a_wrong_length_are_skipped(void)
{
	struct tcp_header h = WITH_OPTIONS(2, 6, 5, 180, 0, 0, 4, 3, 0, 3, 2, 1);
	g_assert_false(h.has_mss || h.sack_permitted || h.has_window_scale);
	h = WITH_OPTIONS(5, 17, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
	g_assert_cmpuint(h.n_sack, ==, 0);
	h = WITH_OPTIONS(8, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1);
	g_assert_false(h.has_timestamps);
	h = WITH_OPTIONS(2, 3, 5, 2, 4, 5, 180, 3, 3, 7, 1, 1);
	g_assert_cmpuint(h.mss, ==, 1460); /* the right one behind the wrong one */
	g_assert_cmpuint(h.window_scale, ==, 7);
}

/* Else it would not be known where the next one begins. */
static void tcp_option_shorter_than_its_head_ends_the_list(void)
{
	for (uint8_t len = 0; len < 2; len++) {
		struct tcp_header h = WITH_OPTIONS(99, len, 2, 4, 5, 180, 1, 1, 1, 1, 1, 1);
		g_assert_false(h.has_mss);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/checksum/matches_the_rfc_example", checksum_matches_the_rfc_example);
	g_test_add_func("/checksum/sum_of_pieces_equals_that_of_the_whole", checksum_of_pieces_equals_that_of_the_whole);
	g_test_add_func("/checksum/adjusted_sum_equals_a_computed_one", adjusted_checksum_equals_a_computed_one);
	g_test_add_func("/arp/round_trips", arp_round_trips);
	g_test_add_func("/ipv4/parses_and_emits_the_same_bytes", ipv4_parses_and_emits_the_same_bytes);
	g_test_add_func("/ipv4/header_of_a_segment_keeps_its_checksum_right", ipv4_header_of_a_segment_keeps_its_checksum_right);
	g_test_add_func("/ipv4/damaged_headers_are_refused", damaged_ipv4_headers_are_refused);
	g_test_add_func("/ipv4/options_and_fragments_round_trip", ipv4_options_and_fragments_round_trip);
	g_test_add_func("/ipv4/packet_is_no_shorter_than_its_header", ipv4_packet_is_no_shorter_than_its_header);
	g_test_add_func("/arp/of_other_networks_is_refused", arp_of_other_networks_is_refused);
	g_test_add_func("/udp/datagram_is_no_shorter_than_its_header", udp_datagram_is_no_shorter_than_its_header);
	g_test_add_func("/udp/checksum_verifies", udp_checksum_verifies);
	g_test_add_func("/icmp4/round_trips_and_checks", icmp_round_trips_and_checks);
	g_test_add_func("/tcp/options_round_trip", tcp_options_round_trip);
	g_test_add_func("/tcp/sack_blocks_round_trip", tcp_sack_blocks_round_trip);
	g_test_add_func("/tcp/malformed_options_end_the_list", malformed_tcp_options_end_the_list);
	g_test_add_func("/tcp/options_of_a_wrong_length_are_skipped", tcp_options_of_a_wrong_length_are_skipped);
	g_test_add_func("/tcp/option_shorter_than_its_head_ends_the_list", tcp_option_shorter_than_its_head_ends_the_list);
	return g_test_run();
}
