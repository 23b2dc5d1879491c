/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp6.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

#include <errno.h>
#include <glib.h>

/* An echo request fe80::1 → ff02::1 with traffic class 0x12, flow label 0x34567. */
static const uint8_t packet[] = {
	0x61, 0x23, 0x45, 0x67, 0x00, 0x0c, 0x3a, 0xff,                                 /* version, class, label; length, next, hops */
	0xfe, 0x80, 0,    0,    0,    0,    0,    0,    0,   0,   0,   0,   0, 0, 0, 1, /* source */
	0xff, 0x02, 0,    0,    0,    0,    0,    0,    0,   0,   0,   0,   0, 0, 0, 1, /* destination */
	0x80, 0x00, 0xa7, 0xad, 0x00, 0x01, 0x00, 0x02, 'l', 'a', 'n', '!',             /* message */
};

static void header_parses_and_emits_the_same_bytes(void)
{
	struct bytes_reader r = bytes_reader(packet, sizeof(packet));
	struct ipv6_header h;
	g_assert_cmpint(ipv6_parse(&r, &h), ==, 0);
	g_assert_cmphex(h.traffic_class, ==, 0x12);
	g_assert_cmphex(h.flow_label, ==, 0x34567);
	g_assert_cmpuint(h.payload_len, ==, 12);
	g_assert_cmpuint(h.next_header, ==, IPV6_NEXT_ICMP);
	g_assert_cmpuint(h.hop_limit, ==, 255);
	g_assert_cmpuint(r.left, ==, 12);
	g_assert_true(ipv6_is_multicast(&h.dst));
	uint8_t out[IPV6_HEADER_LEN];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	ipv6_emit(&w, &h);
	g_assert_cmpmem(out, w.len, packet, IPV6_HEADER_LEN);
}

static void truncated_and_other_versions_are_refused(void)
{
	struct ipv6_header h;
	for (size_t len = 0; len < IPV6_HEADER_LEN; len++) {
		struct bytes_reader r = bytes_reader(packet, len);
		g_assert_cmpint(ipv6_parse(&r, &h), ==, -EBADMSG);
	}
	uint8_t v4[sizeof(packet)];
	memcpy(v4, packet, sizeof(v4));
	v4[0] = 0x45;
	struct bytes_reader r = bytes_reader(v4, sizeof(v4));
	g_assert_cmpint(ipv6_parse(&r, &h), ==, -EBADMSG);
}

/* RFC 8200 §8.1: the sum over pseudo-header and message is right for a message that a host made. */
static void pseudo_header_sum_agrees_with_a_real_message(void)
{
	struct bytes_reader r = bytes_reader(packet, sizeof(packet));
	struct ipv6_header h;
	g_assert_cmpint(ipv6_parse(&r, &h), ==, 0);
	struct checksum c = { 0 };
	checksum_add_pseudo6(&c, &h.src, &h.dst, IPV6_NEXT_ICMP, h.payload_len);
	checksum_add(&c, r.at, r.left);
	g_assert_cmphex(checksum_fold(&c), ==, 0xffff);
	uint8_t out[12];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	icmp6_emit(&w, &h.src, &h.dst, &(struct icmp6_header){ .type = ICMP6_ECHO_REQUEST, .rest = 1 << 16 | 2 }, "lan!", 4);
	g_assert_cmpmem(out, w.len, r.at, r.left);
}

static void a_neighbour_solicitation_is_valid_and_says_who_asks(void)
{
	struct mac mac = { { 0x52, 0x54, 0, 1, 2, 3 } };
	struct ip_addr target = { { 0xfd, [15] = 7 } }, link_local = { { 0xfe, 0x80, [8] = 0x50, 0x54, 0, 0xff, 0xfe, 1, 2, 3 } };
	uint8_t out[IPV6_HEADER_LEN + 32];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	nd_emit_solicitation(&w, mac, &link_local, &target, &target);
	g_assert_cmpuint(w.len, ==, sizeof(out));
	struct bytes_reader r = bytes_reader(out, w.len);
	struct ipv6_header h;
	g_assert_cmpint(ipv6_parse(&r, &h), ==, 0);
	g_assert_cmpuint(h.payload_len, ==, r.left);
	g_assert_cmpuint(h.hop_limit, ==, 255); /* receivers discard others (RFC 4861 §7.1.1) */
	g_assert_true(ip_equal(&h.src, &link_local));
	g_assert_true(ip_equal(&h.dst, &target));
	struct checksum c = { 0 };
	checksum_add_pseudo6(&c, &h.src, &h.dst, IPV6_NEXT_ICMP, h.payload_len);
	checksum_add(&c, r.at, r.left);
	g_assert_true(checksum_is_right(&c));
	struct nd_message m;
	g_assert_cmpint(nd_parse(r.at, r.left, &m), ==, 0);
	g_assert_cmpuint(m.type, ==, ND_NEIGHBOUR_SOLICITATION);
	g_assert_true(ip_equal(&m.target, &target));
	g_assert_true(m.has_source_mac && mac_equal(m.source_mac, mac));
	g_assert_false(m.has_target_mac);
}

static void extension_headers_are_skipped(void)
{
	/* hop-by-hop (8 bytes), routing (16), destination options (8), then one byte of UDP */
	static const uint8_t chain[33] = { [0] = 43, 0, 1, 4, [8] = 60, 1, [24] = 17, 0, 1, 4, [32] = 0xaa };
	struct bytes_reader r = bytes_reader(chain, sizeof(chain));
	g_assert_cmpuint(ipv6_skip_extensions(&r, 0), ==, 17);
	g_assert_cmpuint(r.left, ==, 1);
	g_assert_false(r.failed);
	for (size_t len = 0; len < sizeof(chain) - 1; len++) {
		r = bytes_reader(chain, len);
		ipv6_skip_extensions(&r, 0);
		g_assert_true(r.failed);
	}
	r = bytes_reader(chain, sizeof(chain));
	g_assert_cmpuint(ipv6_skip_extensions(&r, IPV6_NEXT_FRAGMENT), ==, IPV6_NEXT_FRAGMENT);
	g_assert_cmpuint(r.left, ==, sizeof(chain));
}

static void the_first_fragment_shows_what_it_is_of(void)
{
	/* a fragment header, destination options (8 bytes), then one byte of UDP */
	uint8_t first[17] = { [0] = 60, [3] = 1, [8] = 17, 0, 1, 4, [16] = 0xaa };
	uint8_t protocol = 0;
	struct bytes_reader r = bytes_reader(first, sizeof(first));
	g_assert_true(ipv6_take_first_fragment(&r, &protocol));
	g_assert_cmpuint(protocol, ==, 17);
	g_assert_cmpuint(r.left, ==, 1);
	for (size_t len = 0; len < sizeof(first) - 1; len++) {
		r = bytes_reader(first, len);
		ipv6_take_first_fragment(&r, &protocol);
		g_assert_true(r.failed);
	}
	first[3] = 8 | 1; /* an offset of 8 bytes */
	r = bytes_reader(first, sizeof(first));
	g_assert_false(ipv6_take_first_fragment(&r, &protocol));
}

static void at_most_two_vlan_tags_are_skipped(void)
{
	static const uint8_t frame[26] = { [12] = 0x88, 0xa8, 0, 5, 0x81, 0x00, 0, 6, 0x81, 0x00, 0, 7, 0x08, 0x00 };
	struct eth_header h;
	struct bytes_reader r = bytes_reader(frame, sizeof(frame));
	g_assert_cmpint(eth_parse_tagged(&r, &h), ==, 0);
	g_assert_cmphex(h.ethertype, ==, ETH_TYPE_VLAN); /* a third tag is not skipped */
	g_assert_cmpuint(r.left, ==, 4);
	r = bytes_reader(frame, 21);
	g_assert_cmpint(eth_parse_tagged(&r, &h), ==, -EBADMSG);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ipv6/header_parses_and_emits_the_same_bytes", header_parses_and_emits_the_same_bytes);
	g_test_add_func("/ipv6/truncated_and_other_versions_are_refused", truncated_and_other_versions_are_refused);
	g_test_add_func("/ipv6/pseudo_header_sum_agrees_with_a_real_message", pseudo_header_sum_agrees_with_a_real_message);
	g_test_add_func("/ipv6/a_neighbour_solicitation_is_valid_and_says_who_asks", a_neighbour_solicitation_is_valid_and_says_who_asks);
	g_test_add_func("/ipv6/extension_headers_are_skipped", extension_headers_are_skipped);
	g_test_add_func("/ipv6/the_first_fragment_shows_what_it_is_of", the_first_fragment_shows_what_it_is_of);
	g_test_add_func("/ipv6/at_most_two_vlan_tags_are_skipped", at_most_two_vlan_tags_are_skipped);
	return g_test_run();
}
