/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample-frame.h"
#include "wire/icmp6.h"
#include "wire/nd.h"

#define NAMED ((struct mac){ { 0x52, 0x54, 0, 0, 0, 77 } })
#define OTHER ((struct mac){ { 0x52, 0x54, 0, 0, 0, 78 } })

struct fixture {
	struct arena arena;
	struct bytes_writer w;
	uint8_t bytes[2000];
	struct iovec iov[FRAME_IOV_MAX];
	struct frame frame;
	enum drop_reason why;
};

static void setup(struct fixture *f, gconstpointer unused)
{
	arena_init(&f->arena, (size_t)1 << 26);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	arena_done(&f->arena);
}

static void begin(struct fixture *f, unsigned tags, uint16_t ethertype)
{
	f->w = bytes_writer(f->bytes, sizeof(f->bytes));
	bytes_put(&f->w, MAC_BROADCAST.b, 6);
	bytes_put(&f->w, sample_src.b, 6);
	for (unsigned i = 0; i < tags; i++) {
		bytes_put_be16(&f->w, i % 2 ? ETH_TYPE_VLAN : ETH_TYPE_VLAN_SERVICE);
		bytes_put_be16(&f->w, (uint16_t)i);
	}
	bytes_put_be16(&f->w, ethertype);
}

/* The packet of what was written, in random pieces. */
static int make(struct fixture *f, struct packet *ret)
{
	g_assert_false(f->w.failed);
	f->frame = (struct frame){ .iov = f->iov, .n_iov = sample_cut(f->bytes, f->w.len, f->iov), .len = f->w.len };
	return packet_begin(ret, &f->frame, NULL, &f->arena, &f->why);
}

static void tags_are_skipped(struct fixture *f, gconstpointer unused)
{
	for (unsigned tags = 0; tags <= PACKET_TAGS_MAX; tags++) {
		struct packet p;
		begin(f, tags, 0x88b5);
		g_assert_cmpint(make(f, &p), ==, 0);
		g_assert_cmphex(p.eth.ethertype, ==, 0x88b5);
		g_assert_true(mac_equal(p.eth.src, sample_src) && mac_equal(p.eth.dst, MAC_BROADCAST));
		g_assert_cmpuint(p.l3_offset, ==, ETH_HEADER_LEN + 4 * tags);
		g_assert_cmpint(packet_is_tagged(&p), ==, tags > 0);
		g_assert_cmpint(packet_ip(&p), ==, -EPROTOTYPE);
		g_assert_cmpint(packet_nd(&p), ==, -EPROTOTYPE);
		g_assert_cmpint(p.arp_error, ==, -EPROTOTYPE);
	}
}

static void frame_without_end_of_tags_is_malformed(struct fixture *f, gconstpointer unused)
{
	struct packet p;
	begin(f, PACKET_TAGS_MAX + 1, 0x88b5);
	g_assert_cmpint(make(f, &p), ==, -EBADMSG);
	g_assert_cmpint(f->why, ==, DROP_FRAME_MALFORMED);
	begin(f, 3, 0x88b5);
	for (; f->w.len > 0; f->w.len--) {
		f->why = DROP_REASON_COUNT;
		if (make(f, &p) == 0) {
			g_assert_cmpuint(f->w.len, ==, ETH_HEADER_LEN + 3 * ETH_TAG_LEN);
			continue;
		}
		g_assert_cmpint(f->why, ==, DROP_FRAME_MALFORMED);
	}
}

static void arp_is_parsed_behind_tags(struct fixture *f, gconstpointer unused)
{
	const struct arp_message m = { ARP_REPLY, NAMED, IP4(192, 168, 122, 1), OTHER, IP4(192, 168, 122, 2) };
	for (unsigned tags = 0; tags < 5; tags++) {
		struct packet p;
		begin(f, tags, ETH_TYPE_ARP);
		arp_emit(&f->w, &m);
		g_assert_cmpint(make(f, &p), ==, 0);
		g_assert_cmpint(p.arp_error, ==, 0);
		g_assert_true(mac_equal(p.arp.sender_mac, NAMED) && mac_equal(p.arp.target_mac, OTHER));
		g_assert_cmphex(p.arp.sender_ip, ==, m.sender_ip);
		g_assert_cmphex(p.arp.target_ip, ==, m.target_ip);
		g_assert_cmpint(packet_ip(&p), ==, -EPROTOTYPE);
		f->w.len--;
		g_assert_cmpint(make(f, &p), ==, 0);
		g_assert_cmpint(p.arp_error, ==, -EBADMSG);
	}
}

/* Every combination of headers in random pieces, against what was written. */
static void headers_of_both_families_are_found(struct fixture *f, gconstpointer unused)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct sample s = { .v6 = i & 1, .udp = i & 2, .tags = i / 4 % 4, .payload_len = 100, .padding = i % 7 };
		s.extensions = s.v6 ? i / 16 % 5 : 0;
		s.ip_options_len = s.v6 ? 0 : (uint8_t)(4 * (i / 16 % 11));
		struct frame frame = sample_frame(&s, &f->arena);
		struct packet p;
		g_assert_cmpint(packet_begin(&p, &frame, NULL, &f->arena, &f->why), ==, 0);
		g_assert_cmpint(packet_ip(&p), ==, 0);
		g_assert_cmpint(packet_is_v4(&p), ==, !s.v6);
		g_assert_cmpuint(p.protocol, ==, s.udp ? IP_PROTOCOL_UDP : IP_PROTOCOL_TCP);
		g_assert_cmpuint(p.l3_offset, ==, s.l3_offset);
		g_assert_cmpuint(p.l4_offset, ==, s.l4_offset);
		g_assert_cmpuint(packet_end(&p), ==, frame.len - s.padding);
		g_assert_cmpuint(p.src_port, ==, 1000);
		g_assert_cmpuint(p.dst_port, ==, 2000);
		g_assert_cmpuint(p.src.b[15], ==, 2);
		g_assert_cmpuint(p.dst.b[15], ==, 3);
		g_assert_cmpint(ip_is_v4(&p.src), ==, !s.v6);
		g_assert_false(packet_is_fragment(&p));
		g_assert_cmpint(packet_nd(&p), ==, -EPROTOTYPE);
	}
}

static void headers_in_one_piece_need_no_memory(struct fixture *f, gconstpointer unused)
{
	struct arena none;
	arena_init(&none, 0);
	for (unsigned i = 0; i < 8; i++) {
		struct sample s = { .v6 = i & 1, .udp = i & 2, .tags = i & 4 ? 3 : 0, .payload_len = 1000, .extensions = i & 1 };
		struct frame frame = sample_frame(&s, &f->arena);
		struct iovec iov = { s.bytes, frame.len };
		frame.iov = &iov;
		frame.n_iov = 1;
		struct packet p;
		g_assert_cmpint(packet_begin(&p, &frame, NULL, &none, &f->why), ==, 0);
		g_assert_cmpint(packet_ip(&p), ==, 0);
	}
	arena_done(&none);
}

/* Only the first fragment has ports; the bytes of another one must not be taken for them. */
static void fragments_have_ports_in_the_first_only(struct fixture *f, gconstpointer unused)
{
	struct ipv4_header ip = { .total_len = 36, .protocol = IP_PROTOCOL_UDP, .more_fragments = true };
	struct packet p;
	for (unsigned first = 0; first < 2; first++) {
		ip.fragment_offset = first ? 0 : 16;
		begin(f, 0, ETH_TYPE_IPV4);
		ipv4_emit(&f->w, &ip);
		bytes_put(&f->w, (uint8_t[16]){ 1, 2, 3, 4 }, 16);
		g_assert_cmpint(make(f, &p), ==, 0);
		g_assert_cmpint(packet_ip(&p), ==, 0);
		g_assert_true(packet_is_fragment(&p));
		g_assert_cmphex(p.src_port, ==, first ? 0x0102 : 0);
		g_assert_cmphex(p.dst_port, ==, first ? 0x0304 : 0);
	}
}

static void truncated_ip_is_malformed(struct fixture *f, gconstpointer unused)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct sample s = { .v6 = v6, .udp = true, .payload_len = 20, .tags = 1, .extensions = v6 };
		struct frame frame = sample_frame(&s, &f->arena);
		memcpy(f->bytes, s.bytes, frame.len);
		for (size_t len = s.l3_offset; len < frame.len; len++) {
			struct packet p;
			f->w = (struct bytes_writer){ .data = f->bytes, .len = len };
			g_assert_cmpint(make(f, &p), ==, 0);
			g_assert_cmpint(packet_ip(&p), ==, -EBADMSG);
			g_assert_cmpint(packet_ip(&p), ==, -EBADMSG); /* parsed once, and remembered */
			g_assert_cmpint(packet_parse(&f->frame, NULL, &f->arena, &p, &f->why), ==, -EBADMSG);
			g_assert_cmpint(f->why, ==, DROP_IP_MALFORMED);
		}
	}
}

/* --- neighbour discovery --- */

struct nd_shape {
	uint8_t type;
	bool fragment;
	unsigned extensions;
	uint8_t options[64];
	size_t options_len;
};

static void put_option(struct nd_shape *s, uint8_t type, uint8_t units, struct mac mac)
{
	s->options[s->options_len] = type;
	s->options[s->options_len + 1] = units;
	memcpy(s->options + s->options_len + 2, mac.b, 6);
	s->options_len += 8;
}

static size_t fields_len(uint8_t type)
{
	switch (type) {
	case ND_ROUTER_SOLICITATION: return 0;
	case ND_ROUTER_ADVERTISEMENT: return 8;
	case ND_REDIRECT: return 32;
	default: return 16;
	}
}

static int parse_nd(struct fixture *f, const struct nd_shape *s, struct packet *p)
{
	uint8_t body[32 + 64] = { 0xfe, 0x80, [15] = 9 };
	size_t len = fields_len(s->type) + s->options_len;
	memcpy(body + fields_len(s->type), s->options, s->options_len);
	unsigned n = s->extensions + s->fragment;
	uint8_t last = IPV6_NEXT_ICMP, first = s->fragment ? IPV6_NEXT_FRAGMENT : s->extensions ? 60 : last;
	struct ipv6_header ip = { .hop_limit = 255, .next_header = first };
	ip.payload_len = (uint16_t)(8 * n + ICMP6_HEADER_LEN + len);
	begin(f, 2, ETH_TYPE_IPV6);
	ipv6_emit(&f->w, &ip);
	for (unsigned i = 0; i < n; i++)
		bytes_put(&f->w, (uint8_t[8]){ i + 1 < n ? 60 : last }, 8);
	icmp6_emit(&f->w, &ip.src, &ip.dst, &(struct icmp6_header){ .type = s->type, .rest = 0x60000000 }, body, len);
	g_assert_cmpint(make(f, p), ==, 0);
	int error = packet_nd(p);
	g_assert_cmpint(packet_nd(p), ==, error); /* parsed once, and remembered */
	return error;
}

static void neighbour_discovery_is_parsed(struct fixture *f, gconstpointer unused)
{
	for (uint8_t type = ND_ROUTER_SOLICITATION; type <= ND_REDIRECT; type++) {
		struct packet p;
		struct nd_shape s = { .type = type, .extensions = type % 3 };
		put_option(&s, 14, 1, OTHER); /* a nonce (RFC 3971 §5.3.2) */
		put_option(&s, 1, 1, NAMED);
		put_option(&s, 2, 1, OTHER);
		g_assert_cmpint(parse_nd(f, &s, &p), ==, 0);
		g_assert_cmpuint(p.nd.type, ==, type);
		g_assert_cmpuint(p.nd.target.b[15], ==, type < ND_NEIGHBOUR_SOLICITATION ? 0 : 9);
		g_assert_true(p.nd.has_source_mac && mac_equal(p.nd.source_mac, NAMED));
		g_assert_true(p.nd.has_target_mac && mac_equal(p.nd.target_mac, OTHER));
		g_assert_false(p.nd.ambiguous);
		g_assert_cmpint(p.nd.solicited, ==, type == ND_NEIGHBOUR_ADVERTISEMENT);
		g_assert_cmpint(p.nd.overrides, ==, type == ND_NEIGHBOUR_ADVERTISEMENT);
	}
	struct nd_shape echo = { .type = ICMP6_ECHO_REQUEST };
	struct packet p;
	g_assert_cmpint(parse_nd(f, &echo, &p), ==, -EPROTOTYPE);
}

static void link_layer_addresses_that_differ_are_ambiguous(struct fixture *f, gconstpointer unused)
{
	struct packet p;
	struct nd_shape s = { .type = ND_NEIGHBOUR_SOLICITATION };
	put_option(&s, 1, 1, NAMED);
	put_option(&s, 1, 1, NAMED);
	g_assert_cmpint(parse_nd(f, &s, &p), ==, 0);
	g_assert_false(p.nd.ambiguous);
	put_option(&s, 1, 1, OTHER);
	g_assert_cmpint(parse_nd(f, &s, &p), ==, 0);
	g_assert_true(p.nd.ambiguous);
}

/* RFC 4861 §4.6, RFC 6980 §5 */
static void neighbour_discovery_that_is_to_be_discarded_is_malformed(struct fixture *f, gconstpointer unused)
{
	struct packet p;
	struct nd_shape empty = { .type = ND_NEIGHBOUR_ADVERTISEMENT }, longer = empty, fragment = empty;
	put_option(&empty, 2, 0, NAMED);
	g_assert_cmpint(parse_nd(f, &empty, &p), ==, -EBADMSG);
	put_option(&longer, 2, 2, NAMED);
	g_assert_cmpint(parse_nd(f, &longer, &p), ==, -EBADMSG);
	put_option(&fragment, 2, 1, NAMED);
	fragment.fragment = true;
	for (fragment.extensions = 0; fragment.extensions < 3; fragment.extensions++)
		g_assert_cmpint(parse_nd(f, &fragment, &p), ==, -EBADMSG);
	fragment.type = ICMP6_ECHO_REQUEST;
	g_assert_cmpint(parse_nd(f, &fragment, &p), ==, -EPROTOTYPE);
	for (uint8_t type = ND_ROUTER_SOLICITATION; type <= ND_REDIRECT; type++) {
		uint8_t message[40] = { type };
		struct nd_message m;
		for (size_t len = 1; len < ICMP6_HEADER_LEN + fields_len(type); len++)
			g_assert_cmpint(nd_parse(message, len, &m), ==, -EBADMSG);
		g_assert_cmpint(nd_parse(message, ICMP6_HEADER_LEN + fields_len(type), &m), ==, 0);
	}
}

/* RFC 7112 §5: what a first fragment without all headers is cannot be known. */
static void first_fragment_without_all_headers_is_malformed(struct fixture *f, gconstpointer unused)
{
	static const struct {
		uint8_t bytes[16];
		size_t len;
		int error;
	} cases[] = {
		{ { IPV6_NEXT_ICMP }, 8, -EBADMSG },
		{ { IPV6_NEXT_ICMP, [8] = ICMP6_ECHO_REQUEST }, 9, -EPROTOTYPE },
		{ { 60, [8] = IPV6_NEXT_ICMP }, 15, -EBADMSG },
		{ { 60, [8] = IPV6_NEXT_ICMP }, 16, -EBADMSG },
		{ { 60, [8] = IP_PROTOCOL_UDP }, 16, -EPROTOTYPE },
		{ { 60, [3] = 8, [8] = IPV6_NEXT_ICMP }, 15, -EPROTOTYPE }, /* not the first */
		{ { IP_PROTOCOL_UDP }, 7, -EBADMSG },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet p;
		begin(f, 0, ETH_TYPE_IPV6);
		ipv6_emit(&f->w, &(struct ipv6_header){ .next_header = IPV6_NEXT_FRAGMENT, .payload_len = (uint16_t)cases[i].len });
		bytes_put(&f->w, cases[i].bytes, cases[i].len);
		g_assert_cmpint(make(f, &p), ==, 0);
		g_assert_cmpint(packet_nd(&p), ==, cases[i].error);
	}
}

#define TEST(name) g_test_add("/packet/" #name, struct fixture, NULL, setup, name, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(tags_are_skipped);
	TEST(frame_without_end_of_tags_is_malformed);
	TEST(arp_is_parsed_behind_tags);
	TEST(headers_of_both_families_are_found);
	TEST(headers_in_one_piece_need_no_memory);
	TEST(fragments_have_ports_in_the_first_only);
	TEST(truncated_ip_is_malformed);
	TEST(neighbour_discovery_is_parsed);
	TEST(link_layer_addresses_that_differ_are_ambiguous);
	TEST(neighbour_discovery_that_is_to_be_discarded_is_malformed);
	TEST(first_fragment_without_all_headers_is_malformed);
	return g_test_run();
}
