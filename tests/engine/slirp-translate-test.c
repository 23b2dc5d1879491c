/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation of packets into and out of libslirp, and the filter of unsolicited datagrams. */
#include "recorder.h"

#include "base/macros.h"
#include "engine/slirp/peers.h"
#include "engine/slirp/translate.h"
#include "wire/checksum.h"
#include "wire/eth.h"

#include <errno.h>

#define GUEST IP4(192, 168, 122, 7)
#define GATEWAY IP4(192, 168, 122, 1)
#define HOST IP4(10, 77, 0, 2)
#define PRIVATE ((struct prefix4){ IP4(240, 0, 0, 0), 29 })

/* The packet that libslirp gets. */
struct inner {
	struct ipv4_header ip;
	uint8_t *l4;
	size_t len;
	bool checksum_right;
};

static struct inner look_inside(uint8_t *frame, size_t len)
{
	struct bytes_reader r = bytes_reader(frame, len);
	struct eth_header eth;
	struct inner in;
	g_assert_cmpint(eth_parse(&r, &eth), ==, 0);
	g_assert_cmpuint(eth.ethertype, ==, ETH_TYPE_IPV4);
	size_t packet_len = r.left;
	g_assert_cmpint(ipv4_parse(&r, &in.ip), ==, 0);
	g_assert_cmpuint(in.ip.total_len, ==, packet_len);
	g_assert_cmpuint(in.ip.options_len, ==, 0);
	in.l4 = frame + len - r.left;
	in.len = r.left;
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, in.ip.src, in.ip.dst, in.ip.protocol, (uint16_t)in.len);
	checksum_add(&c, in.l4, in.len);
	in.checksum_right = checksum_is_right(&c);
	return in;
}

/* A segment with options, urgent pointer and a right checksum towards @dst. */
static size_t make_segment(uint8_t *out, size_t size, ip4_t dst, uint8_t flags)
{
	struct bytes_writer w = bytes_writer(out, size);
	tcp_emit(&w, &(struct tcp_header){ .src_port = 4000,
					   .dst_port = 80,
					   .seq = 1,
					   .ack = 2,
					   .flags = flags,
					   .window = 1000,
					   .urgent = 3,
					   .has_mss = true,
					   .mss = 1400,
					   .has_window_scale = true,
					   .window_scale = 7,
					   .has_timestamps = true });
	bytes_put(&w, "payload!!", 9);
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, GUEST, dst, IP_PROTOCOL_TCP, (uint16_t)w.len);
	checksum_add(&c, out, w.len);
	uint16_t value = checksum_value(&c);
	out[16] = (uint8_t)(value >> 8);
	out[17] = (uint8_t)value;
	return w.len;
}

static struct inner carry_in(struct recorder *r, uint8_t *frame, const uint8_t *segment, size_t len, ip4_t from_dst, ip4_t to_dst)
{
	struct packet_bytes p;
	struct inward in;
	enum drop_reason why;
	packet_bytes_make(r, &p, GUEST, from_dst, IP_PROTOCOL_TCP, 63, segment, len);
	g_assert_cmpint(inward_parse(&p.packet, &in, &why), ==, 0);
	const struct inward_rewrite how = { .dst = to_dst, .ttl = 63, .len = in.payload_len };
	return look_inside(frame, inward_emit(&in, &how, frame));
}

static void segment_goes_in_without_what_libslirp_does_not_know(void)
{
	static uint8_t frame[INWARD_FRAME_MAX];
	struct recorder r;
	uint8_t segment[200];
	recorder_init(&r);
	size_t len = make_segment(segment, sizeof(segment), GATEWAY, TCP_ACK | TCP_PSH | TCP_URG | TCP_ECE);
	struct inner in = carry_in(&r, frame, segment, len, GATEWAY, HOST);
	struct bytes_reader b = bytes_reader(in.l4, in.len);
	struct tcp_header h;
	g_assert_true(in.checksum_right);
	g_assert_cmphex(in.ip.dst, ==, HOST);
	g_assert_cmpint(tcp_parse(&b, &h), ==, 0);
	g_assert_cmpuint(h.header_len, ==, TCP_HEADER_LEN);
	g_assert_cmphex(h.flags, ==, TCP_ACK | TCP_PSH);
	g_assert_cmpuint(h.urgent, ==, 0);
	g_assert_cmpmem(b.at, b.left, "payload!!", 9);
	recorder_done(&r);
}

static void syn_keeps_its_mss(void)
{
	static uint8_t frame[INWARD_FRAME_MAX];
	struct recorder r;
	uint8_t segment[200];
	recorder_init(&r);
	size_t len = make_segment(segment, sizeof(segment), HOST, TCP_SYN);
	struct inner in = carry_in(&r, frame, segment, len, HOST, HOST);
	struct bytes_reader b = bytes_reader(in.l4, in.len);
	struct tcp_header h;
	g_assert_true(in.checksum_right);
	g_assert_cmpint(tcp_parse(&b, &h), ==, 0);
	g_assert_true(h.has_mss);
	g_assert_cmpuint(h.mss, ==, 1400);
	g_assert_false(h.has_window_scale || h.has_timestamps);
	recorder_done(&r);
}

static void damage_stays_visible(void)
{
	static uint8_t frame[INWARD_FRAME_MAX];
	struct recorder r;
	uint8_t segment[200];
	recorder_init(&r);
	size_t len = make_segment(segment, sizeof(segment), GATEWAY, TCP_ACK);
	segment[len - 1] ^= 0x10;
	g_assert_false(carry_in(&r, frame, segment, len, GATEWAY, HOST).checksum_right);
	recorder_done(&r);
}

static void malformed_packets_are_named(void)
{
	static const struct {
		uint8_t protocol;
		const char *bytes;
		size_t len;
		enum drop_reason why;
		int result;
	} cases[] = {
		{ IP_PROTOCOL_TCP, "\0\1\0\2", 4, DROP_TCP_MALFORMED, -EBADMSG },
		{ IP_PROTOCOL_UDP, "\0\1\0\2\0\11\0\0", 8, DROP_UDP_MALFORMED, -EBADMSG },
		{ IP_PROTOCOL_UDP, "\0\1\0\2\0\7\0\0", 8, DROP_UDP_MALFORMED, -EBADMSG },
		{ IP_PROTOCOL_ICMP, "\10\0\0\0\0\0\0\0", 8, DROP_ICMP_MALFORMED, -EBADMSG },
		{ 132, "sctp", 4, DROP_PROTOCOL, -EPROTONOSUPPORT },
	};
	struct recorder r;
	recorder_init(&r);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet_bytes p;
		struct inward in;
		enum drop_reason why = DROP_REASON_COUNT;
		packet_bytes_make(&r, &p, GUEST, HOST, cases[i].protocol, 63, cases[i].bytes, cases[i].len);
		g_assert_cmpint(inward_parse(&p.packet, &in, &why), ==, cases[i].result);
		g_assert_cmpuint(why, ==, cases[i].why);
	}
	recorder_done(&r);
}

static const struct outward_rewrite to_gateway = { .private_network = { IP4(240, 0, 0, 0), 29 }, .gateway = GATEWAY, .from_gateway = true };
static const struct outward_rewrite to_outside = { .private_network = { IP4(240, 0, 0, 0), 29 }, .gateway = GATEWAY };

static size_t make_udp_packet(uint8_t *out, size_t size, ip4_t src, ip4_t dst, bool checksum)
{
	struct bytes_writer w = bytes_writer(out, size);
	uint8_t udp[UDP_HEADER_LEN + 5];
	struct bytes_writer u = bytes_writer(udp, sizeof(udp));
	udp_emit_ipv4(&u, src, dst, 7, 5000, "hello", 5);
	if (!checksum)
		udp[6] = udp[7] = 0;
	ipv4_emit(&w, &(struct ipv4_header){
			      .total_len = IPV4_HEADER_LEN + sizeof(udp), .ttl = 64, .protocol = IP_PROTOCOL_UDP, .src = src, .dst = dst });
	bytes_put(&w, udp, sizeof(udp));
	return w.len;
}

/* An Ethernet frame of 60 bytes with a UDP packet of 33. */
static void make_padded_frame(uint8_t frame[static 60], uint8_t padding)
{
	struct bytes_writer w = bytes_writer(frame, 60);
	eth_emit(&w, &(struct eth_header){ .ethertype = ETH_TYPE_IPV4 });
	memset(frame + ETH_HEADER_LEN, padding, 60 - ETH_HEADER_LEN);
	g_assert_cmpuint(make_udp_packet(frame + ETH_HEADER_LEN, 60 - ETH_HEADER_LEN, HOST, GUEST, true), ==, 33);
}

/* libslirp 4.8 and later pad to 60 bytes, which a SYN-ACK with an MSS option does not fill. */
static void padding_of_a_frame_is_not_part_of_the_packet(void)
{
	uint8_t frame[60], copy[33], wanted[33];
	struct outward out;
	make_padded_frame(frame, 0xaa);
	g_assert_cmpint(outward_parse(frame, sizeof(frame), &out), ==, 0);
	g_assert_true(out.packet == frame + ETH_HEADER_LEN);
	g_assert_cmpuint(out.len, ==, 33);
	g_assert_cmpuint(out.l4.left, ==, UDP_HEADER_LEN + 5);
	memcpy(copy, out.packet, out.len);
	make_udp_packet(wanted, sizeof(wanted), GATEWAY, GUEST, true);
	g_assert_cmpint(outward_translate(copy, out.len, &to_gateway), ==, 0);
	g_assert_cmpmem(copy, sizeof(copy), wanted, sizeof(wanted));
}

static void frames_that_hold_no_whole_packet_are_refused(void)
{
	uint8_t frame[60];
	struct outward out;
	make_padded_frame(frame, 0);
	g_assert_cmpint(outward_parse(frame, ETH_HEADER_LEN + 33, &out), ==, 0);
	for (size_t len = 0; len < ETH_HEADER_LEN + 33; len++)
		g_assert_cmpint(outward_parse(frame, len, &out), ==, -EBADMSG);
	frame[13] = 6; /* ARP */
	g_assert_cmpint(outward_parse(frame, sizeof(frame), &out), ==, -EPROTONOSUPPORT);
}

static void answer_of_the_host_comes_from_the_gateway(void)
{
	uint8_t got[100], wanted[100];
	for (int checksum = 0; checksum < 2; checksum++) {
		size_t len = make_udp_packet(got, sizeof(got), HOST, GUEST, checksum);
		make_udp_packet(wanted, sizeof(wanted), GATEWAY, GUEST, checksum);
		g_assert_cmpint(outward_translate(got, len, &to_gateway), ==, 0);
		g_assert_cmpmem(got, len, wanted, len);
	}
}

static void answer_from_outside_is_unchanged(void)
{
	uint8_t got[100], wanted[100];
	size_t len = make_udp_packet(got, sizeof(got), HOST, GUEST, true);
	memcpy(wanted, got, len);
	g_assert_cmpint(outward_translate(got, len, &to_outside), ==, 0);
	g_assert_cmpmem(got, len, wanted, len);
}

static size_t make_error(uint8_t *out, size_t size, ip4_t src, ip4_t quoted_dst, size_t cut)
{
	uint8_t quoted[100], message[200];
	size_t quoted_len = make_udp_packet(quoted, sizeof(quoted), GUEST, quoted_dst, true) - cut;
	struct bytes_writer m = bytes_writer(message, sizeof(message));
	icmp4_emit(&m, &(struct icmp4_header){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACHABLE_PORT }, quoted, quoted_len);
	struct bytes_writer w = bytes_writer(out, size);
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = (uint16_t)(IPV4_HEADER_LEN + m.len),
					     .ttl = 255,
					     .protocol = IP_PROTOCOL_ICMP,
					     .src = src,
					     .dst = GUEST });
	bytes_put(&w, message, m.len);
	return w.len;
}

static void error_quotes_what_the_guest_sent(void)
{
	static const size_t cuts[] = { 0, 5, 7, 8, 13 };
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		uint8_t got[200], wanted[200];
		size_t len = make_error(got, sizeof(got), PRIVATE.network + 1, HOST, cuts[i]);
		make_error(wanted, sizeof(wanted), GATEWAY, GATEWAY, cuts[i]);
		g_assert_cmpint(outward_translate(got, len, &to_gateway), ==, 0);
		g_assert_cmpmem(got, len, wanted, len);
	}
}

static void error_of_libslirps_own_comes_from_the_gateway(void)
{
	uint8_t got[200], wanted[200];
	size_t len = make_error(got, sizeof(got), PRIVATE.network + 1, HOST, 0);
	make_error(wanted, sizeof(wanted), GATEWAY, HOST, 0);
	g_assert_cmpint(outward_translate(got, len, &to_outside), ==, 0);
	g_assert_cmpmem(got, len, wanted, len);
}

static const struct hash_key key = { { 1, 2 } };
#define NOW (1000 * USEC_PER_SEC)

static void answers_are_expected_from_addresses_sent_to(void)
{
	struct peers p;
	peers_init(&p, &key);
	g_assert_false(peers_expects(&p, NOW, 5000, HOST));
	g_assert_cmpint(peers_sent(&p, NOW, 5000, HOST), ==, 0);
	g_assert_true(peers_expects(&p, NOW, 5000, HOST));
	g_assert_false(peers_expects(&p, NOW, 5001, HOST));
	g_assert_false(peers_expects(&p, NOW, 5000, HOST + 1));
	peers_done(&p);
}

static void expectation_ends_with_silence(void)
{
	struct peers p;
	usec_t now = NOW;
	peers_init(&p, &key);
	g_assert_cmpint(peers_sent(&p, now, 5000, HOST), ==, 0);
	for (int i = 0; i < 10; i++)
		g_assert_true(peers_expects(&p, now += 120 * USEC_PER_SEC, 5000, HOST));
	g_assert_false(peers_expects(&p, now + 241 * USEC_PER_SEC, 5000, HOST));
	peers_done(&p);
}

static void table_of_peers_keeps_the_latest(void)
{
	struct peers p;
	unsigned kept = 0;
	peers_init(&p, &key);
	for (uint32_t i = 0; i < 20000; i++) {
		g_assert_cmpint(peers_sent(&p, NOW + i, 5000, HOST + i), ==, 0);
		g_assert_true(peers_expects(&p, NOW + i, 5000, HOST + i));
	}
	for (uint32_t i = 20000 - 500; i < 20000; i++)
		kept += peers_expects(&p, NOW + 20000, 5000, HOST + i);
	g_assert_cmpuint(kept, >=, 490);
	g_assert_false(peers_expects(&p, NOW + 20000, 5000, HOST));
	peers_done(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/slirp/segment_goes_in_without_what_libslirp_does_not_know", segment_goes_in_without_what_libslirp_does_not_know);
	g_test_add_func("/slirp/syn_keeps_its_mss", syn_keeps_its_mss);
	g_test_add_func("/slirp/damage_stays_visible", damage_stays_visible);
	g_test_add_func("/slirp/malformed_packets_are_named", malformed_packets_are_named);
	g_test_add_func("/slirp/padding_of_a_frame_is_not_part_of_the_packet", padding_of_a_frame_is_not_part_of_the_packet);
	g_test_add_func("/slirp/frames_that_hold_no_whole_packet_are_refused", frames_that_hold_no_whole_packet_are_refused);
	g_test_add_func("/slirp/answer_of_the_host_comes_from_the_gateway", answer_of_the_host_comes_from_the_gateway);
	g_test_add_func("/slirp/answer_from_outside_is_unchanged", answer_from_outside_is_unchanged);
	g_test_add_func("/slirp/error_quotes_what_the_guest_sent", error_quotes_what_the_guest_sent);
	g_test_add_func("/slirp/error_of_libslirps_own_comes_from_the_gateway", error_of_libslirps_own_comes_from_the_gateway);
	g_test_add_func("/slirp/answers_are_expected_from_addresses_sent_to", answers_are_expected_from_addresses_sent_to);
	g_test_add_func("/slirp/expectation_ends_with_silence", expectation_ends_with_silence);
	g_test_add_func("/slirp/table_of_peers_keeps_the_latest", table_of_peers_keeps_the_latest);
	return g_test_run();
}
