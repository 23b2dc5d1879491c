/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/pinning.h"
#include "sample-frame.h"
#include "wire/arp.h"
#include "wire/icmp6.h"

#define OWN sample_src
#define OTHER ((struct mac){ { 0x52, 0x54, 0, 0, 0, 99 } })

struct fixture {
	struct arena arena;
	struct bytes_writer w;
	uint8_t bytes[1600];
};

static void setup(struct fixture *f, gconstpointer unused)
{
	arena_init(&f->arena, 1 << 20);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	arena_done(&f->arena);
}

static void begin(struct fixture *f, unsigned tags, uint16_t ethertype)
{
	f->w = bytes_writer(f->bytes, sizeof(f->bytes));
	bytes_put(&f->w, MAC_BROADCAST.b, 6);
	bytes_put(&f->w, OWN.b, 6);
	for (unsigned i = 0; i < tags; i++) {
		bytes_put_be16(&f->w, i + 1 < tags ? ETH_TYPE_VLAN_SERVICE : ETH_TYPE_VLAN);
		bytes_put_be16(&f->w, 7);
	}
	bytes_put_be16(&f->w, ethertype);
}

static bool allows_frame(struct fixture *f, const struct frame *frame, struct mac pinned)
{
	struct packet p;
	enum drop_reason why;
	g_assert_cmpint(packet_begin(&p, frame, NULL, &f->arena, &why), ==, 0);
	return pinning_allows(&p, pinned);
}

static bool allows(struct fixture *f)
{
	struct iovec iov;
	struct frame frame = frame_of(&iov, f->bytes, f->w.len);
	g_assert_false(f->w.failed);
	return allows_frame(f, &frame, OWN);
}

static void ordinary_packets_pass(struct fixture *f, gconstpointer unused)
{
	for (unsigned i = 0; i < 12; i++) {
		struct sample s = { .v6 = i & 1, .udp = i & 2, .tags = i / 4, .payload_len = 100, .tcp_flags = TCP_ACK };
		struct frame frame = sample_frame(&s, &f->arena);
		g_assert_true(allows_frame(f, &frame, OWN));
		g_assert_false(allows_frame(f, &frame, OTHER));
	}
}

static void unknown_ethertypes_pass(struct fixture *f, gconstpointer unused)
{
	begin(f, 0, 0x88b5);
	g_assert_true(allows(f));
}

static bool allows_arp(struct fixture *f, unsigned tags, struct mac sender)
{
	begin(f, tags, ETH_TYPE_ARP);
	arp_emit(&f->w, &(struct arp_message){ .operation = ARP_REPLY, .sender_mac = sender, .sender_ip = IP4(192, 168, 122, 2) });
	return allows(f);
}

static void arp_must_name_the_pinned_mac_as_sender(struct fixture *f, gconstpointer unused)
{
	for (unsigned tags = 0; tags <= 2; tags++) {
		g_assert_true(allows_arp(f, tags, OWN));
		g_assert_false(allows_arp(f, tags, OTHER));
	}
	begin(f, 0, ETH_TYPE_ARP);
	bytes_put_be16(&f->w, 1);
	g_assert_false(allows(f)); /* too short to be looked into */
}

static bool allows_dhcp(struct fixture *f, uint8_t hlen, struct mac chaddr, uint16_t port, bool more_fragments)
{
	begin(f, 0, ETH_TYPE_IPV4);
	struct ipv4_header ip = { .ttl = 64, .protocol = IP_PROTOCOL_UDP, .dst = 0xffffffff, .more_fragments = more_fragments };
	ip.total_len = IPV4_HEADER_LEN + UDP_HEADER_LEN + 240;
	ipv4_emit(&f->w, &ip);
	udp_emit(&f->w, &(struct udp_header){ .src_port = 68, .dst_port = port, .len = UDP_HEADER_LEN + 240 });
	bytes_put(&f->w, (uint8_t[]){ 1, 1, hlen, 0 }, 4);
	bytes_put_zeros(&f->w, 24);
	bytes_put(&f->w, chaddr.b, 6);
	bytes_put_zeros(&f->w, 240 - 34);
	return allows(f);
}

static void dhcp_must_name_the_pinned_mac_as_client(struct fixture *f, gconstpointer unused)
{
	g_assert_true(allows_dhcp(f, 6, OWN, 67, false));
	g_assert_false(allows_dhcp(f, 6, OTHER, 67, false));
	g_assert_false(allows_dhcp(f, 5, OWN, 67, false));
	g_assert_true(allows_dhcp(f, 6, OTHER, 68, false)); /* to a client: chaddr is not the sender */
}

/* Only the first fragment has ports; the bytes of another one must not be taken for them. */
static void later_fragments_of_udp_pass(struct fixture *f, gconstpointer unused)
{
	static const uint8_t like_dhcp[UDP_HEADER_LEN] = { 0, 68, 0, 67, 0, 8, 0, 0 };
	struct ipv4_header ip = { .ttl = 64, .protocol = IP_PROTOCOL_UDP, .dst = 0xffffffff, .fragment_offset = 1480 };
	begin(f, 0, ETH_TYPE_IPV4);
	ip.total_len = IPV4_HEADER_LEN + sizeof(like_dhcp);
	ipv4_emit(&f->w, &ip);
	bytes_put(&f->w, like_dhcp, sizeof(like_dhcp));
	g_assert_true(allows(f));
}

static void dhcp_in_fragments_is_refused(struct fixture *f, gconstpointer unused)
{
	g_assert_false(allows_dhcp(f, 6, OWN, 67, true));
	g_assert_true(allows_dhcp(f, 6, OWN, 1067, true));
}

static bool allows_nd(struct fixture *f, unsigned extensions, uint8_t type, uint8_t option, struct mac mac)
{
	uint8_t body[24] = { [16] = option, 1 };
	memcpy(body + 18, mac.b, 6);
	struct ipv6_header ip = { .hop_limit = 255, .next_header = extensions ? 60 : IPV6_NEXT_ICMP };
	ip.src.b[0] = ip.dst.b[0] = 0xfe;
	ip.payload_len = (uint16_t)(8 * extensions + ICMP6_HEADER_LEN + sizeof(body));
	begin(f, 0, ETH_TYPE_IPV6);
	ipv6_emit(&f->w, &ip);
	for (unsigned i = 0; i < extensions; i++)
		bytes_put(&f->w, (uint8_t[]){ i + 1 < extensions ? 60 : IPV6_NEXT_ICMP, 0, 1, 4, 0, 0, 0, 0 }, 8);
	icmp6_emit(&f->w, &ip.src, &ip.dst, &(struct icmp6_header){ .type = type }, body, sizeof(body));
	return allows(f);
}

static void neighbour_discovery_must_name_the_pinned_mac(struct fixture *f, gconstpointer unused)
{
	for (uint8_t type = 135; type <= 136; type++) {
		for (uint8_t option = 1; option <= 2; option++) {
			g_assert_true(allows_nd(f, 0, type, option, OWN));
			g_assert_false(allows_nd(f, 0, type, option, OTHER));
			g_assert_false(allows_nd(f, 2, type, option, OTHER));
		}
		g_assert_true(allows_nd(f, 0, type, 14, OTHER)); /* a nonce (RFC 3971) is no address */
	}
	g_assert_true(allows_nd(f, 0, ICMP6_ECHO_REQUEST, 2, OTHER));
	g_assert_false(allows_nd(f, 80, 136, 2, OWN)); /* headers without end hide what follows */
}

#define TEST(name) g_test_add("/pinning/" #name, struct fixture, NULL, setup, name, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(ordinary_packets_pass);
	TEST(unknown_ethertypes_pass);
	TEST(arp_must_name_the_pinned_mac_as_sender);
	TEST(dhcp_must_name_the_pinned_mac_as_client);
	TEST(dhcp_in_fragments_is_refused);
	TEST(later_fragments_of_udp_pass);
	TEST(neighbour_discovery_must_name_the_pinned_mac);
	return g_test_run();
}
