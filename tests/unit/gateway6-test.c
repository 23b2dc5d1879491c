/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 of the gateway on a segment, with memory ports as guests. */
#include "base/macros.h"
#include "gateway/gateway.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "service/echo.h"
#include "service/nd.h"
#include "support/memory_port.h"
#include "wire/icmp6.h"
#include "wire/udp.h"

#define FRAME_MAX 1514
#define PREFIX 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a, 0, 0

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 1 } }, mac_a = { { 2, 0, 0, 0, 0, 2 } }, mac_b = { { 2, 0, 0, 0, 0, 3 } };
static const struct ip_addr gateway_local = { { 0xfe, 0x80, [15] = 1 } }, gateway_ip = { { PREFIX, [15] = 1 } };
static const struct ip_addr local_a = { { 0xfe, 0x80, [15] = 0xa } };
static const struct ip_addr ip_a = { { PREFIX, [15] = 0xa } }, ip_b = { { PREFIX, [15] = 0xb } };
static const struct ip_addr outside = { { 0x2a, 0, [15] = 7 } }, none, all_nodes = IPV6_ALL_NODES;

struct fixture {
	struct segment segment;
	struct gateway gateway;
	struct nd_service nd;
	struct echo_service echo;
	struct memory_port a, b;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ 0 };
	struct hash_key key = { { 5, 6 } };
	struct prefix6 prefix = { { { PREFIX } }, 64 };
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	g_assert_cmpint(gateway_init(&f->gateway, &f->segment,
				     &(struct gateway_config){ .mac = gateway_mac,
							       .ip = IP4(10, 0, 0, 1),
							       .subnet = { IP4(10, 0, 0, 0), 24 },
							       .ip6 = gateway_ip6_of(&prefix),
							       .hash_key = key }),
			==, 0);
	nd_service_init(&f->nd, gateway_mac, &f->gateway.config.ip6);
	echo_service_init(&f->echo, IP4(10, 0, 0, 1), &f->gateway.config.ip6);
	gateway_add_service(&f->gateway, &f->nd.service);
	gateway_add_service(&f->gateway, &f->echo.service);
	memory_port_init(&f->a, &f->segment, "a", FRAME_MAX);
	memory_port_init(&f->b, &f->segment, "b", FRAME_MAX);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	memory_port_done(&f->a);
	memory_port_done(&f->b);
	gateway_done(&f->gateway, 0);
	segment_done(&f->segment);
}

static uint64_t drops(const struct fixture *f, enum drop_reason why)
{
	return f->segment.drops.count[why];
}

static uint64_t all_drops(const struct fixture *f)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		sum += f->segment.drops.count[i];
	return sum;
}

/* An IPv6 packet in a frame; changed by tests before it is sent. */
struct sent {
	struct mac src, dst;
	struct ipv6_header ip;
	uint8_t l4[FRAME_MAX];
	size_t len;
};

static void send_at(const struct sent *s, struct memory_port *p, usec_t now)
{
	uint8_t buf[FRAME_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	struct ipv6_header ip = s->ip;
	ip.payload_len = (uint16_t)s->len;
	eth_emit(&w, &(struct eth_header){ s->dst, s->src, ETH_TYPE_IPV6 });
	ipv6_emit(&w, &ip);
	bytes_put(&w, s->l4, s->len);
	g_assert_false(w.failed);
	memory_port_input(p, now, buf, w.len);
}

static void send(const struct sent *s, struct memory_port *p)
{
	send_at(s, p, 0);
}

/* Writes the ICMPv6 message with its checksum. */
static void put_icmp(struct sent *s, const struct icmp6_header *h, const void *body, size_t len)
{
	struct bytes_writer w = bytes_writer(s->l4, sizeof(s->l4));
	icmp6_emit(&w, &s->ip.src, &s->ip.dst, h, body, len);
	g_assert_false(w.failed);
	s->len = w.len;
	s->ip.next_header = IPV6_NEXT_ICMP;
}

/* A's packet to the gateway's MAC. */
static struct sent from_a(const struct ip_addr *src, const struct ip_addr *dst)
{
	return (struct sent){ .src = mac_a, .dst = gateway_mac, .ip = { .hop_limit = 64, .src = *src, .dst = *dst } };
}

/* A's neighbour message about @target; @option 0: without an option. */
static struct sent neighbour(enum nd_type type, const struct ip_addr *src, const struct ip_addr *dst, const struct ip_addr *target,
			     uint8_t option)
{
	struct sent s = from_a(src, dst);
	uint8_t body[24];
	memcpy(body, target->b, 16);
	body[16] = option;
	body[17] = 1;
	memcpy(body + 18, mac_a.b, 6);
	s.ip.hop_limit = 255;
	if (ipv6_is_multicast(dst))
		s.dst = ipv6_group_mac(dst);
	put_icmp(&s, &(struct icmp6_header){ .type = (uint8_t)type }, body, option ? 24 : 16);
	return s;
}

static struct sent solicitation(const struct ip_addr *src, const struct ip_addr *target)
{
	struct ip_addr group = ipv6_solicited_node(target);
	return neighbour(ND_NEIGHBOUR_SOLICITATION, src, &group, target, ip_is_unspecified(src) ? 0 : 1);
}

static struct sent echo(const struct ip_addr *src, const struct ip_addr *dst, size_t len)
{
	struct sent s = from_a(src, dst);
	static const uint8_t data[FRAME_MAX] = { 1, 2, 3 };
	put_icmp(&s, &(struct icmp6_header){ .type = ICMP6_ECHO_REQUEST, .rest = 0x12340001 }, data, len);
	return s;
}

static struct sent datagram(const struct ip_addr *src, const struct ip_addr *dst)
{
	struct sent s = from_a(src, dst);
	struct bytes_writer w = bytes_writer(s.l4, sizeof(s.l4));
	udp_emit_datagram(&w, src, dst, 1000, 2000, "x", 1);
	s.len = w.len;
	s.ip.next_header = IP_PROTOCOL_UDP;
	return s;
}

/* Frame @index that was sent to @p, parsed; its checksum is right. */
static struct packet packet_at(struct fixture *f, const struct memory_port *p, unsigned index)
{
	static struct iovec iov;
	static struct frame frame;
	size_t len;
	const uint8_t *bytes = memory_port_frame(p, index, &len);
	struct packet packet;
	enum drop_reason why;
	frame = frame_of(&iov, bytes, len);
	g_assert_cmpint(packet_parse(&frame, NULL, &f->segment.arena, &packet, &why), ==, 0);
	g_assert_false(packet_is_v4(&packet));
	if (packet.protocol == IPV6_NEXT_ICMP) {
		struct icmp6_header h;
		g_assert_cmpint(icmp6_parse(packet_l4(&packet), packet.l4_len, &packet.src, &packet.dst, &h), ==, 0);
	}
	return packet;
}

static struct packet only_packet(struct fixture *f, const struct memory_port *p)
{
	g_assert_cmpuint(p->frames->len, ==, 1);
	return packet_at(f, p, 0);
}

static struct icmp6_header icmp_of(const struct packet *p)
{
	struct icmp6_header h;
	g_assert_cmpuint(p->protocol, ==, IPV6_NEXT_ICMP);
	g_assert_cmpint(icmp6_parse(packet_l4(p), p->l4_len, &p->src, &p->dst, &h), ==, 0);
	return h;
}

static void assert_error(struct fixture *f, enum icmp6_type type, enum icmp6_code code)
{
	struct packet p = only_packet(f, &f->a);
	struct icmp6_header h = icmp_of(&p);
	g_assert_cmpuint(h.type, ==, type);
	g_assert_cmpuint(h.code, ==, code);
	g_assert_true(gateway_ip6_has(&f->gateway.config.ip6, &p.src));
	g_assert_true(mac_equal(p.eth.dst, mac_a) && mac_equal(p.eth.src, gateway_mac));
}

/* --- neighbour discovery --- */

static void solicitations_for_the_gateways_addresses_are_answered(struct fixture *f, gconstpointer data)
{
	const struct ip_addr *const targets[] = { &gateway_local, &gateway_ip };
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		memory_port_clear(&f->a);
		struct sent s = solicitation(&local_a, targets[i]);
		send(&s, &f->a);
		struct packet p = only_packet(f, &f->a);
		g_assert_cmpint(packet_nd(&p), ==, 0);
		g_assert_cmpuint(p.nd.type, ==, ND_NEIGHBOUR_ADVERTISEMENT);
		g_assert_true(p.nd.solicited && p.nd.overrides);
		g_assert_cmphex(packet_l4(&p)[4] & 0x80, ==, 0x80); /* a router */
		g_assert_true(ip_equal(&p.nd.target, targets[i]) && ip_equal(&p.src, targets[i]) && ip_equal(&p.dst, &local_a));
		g_assert_true(p.nd.has_target_mac && mac_equal(p.nd.target_mac, gateway_mac));
		g_assert_true(mac_equal(p.eth.dst, mac_a));
		g_assert_cmpuint(p.ip6.hop_limit, ==, 255);
	}
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_cmpuint(all_drops(f), ==, 0);
}

/* RFC 4862 §5.4.3: the machine that probes has no address to be answered at. */
static void duplicate_address_detection_of_the_gateways_address_is_answered_to_all(struct fixture *f, gconstpointer data)
{
	struct sent s = solicitation(&none, &gateway_local);
	send(&s, &f->a);
	struct packet p = only_packet(f, &f->a);
	g_assert_cmpint(packet_nd(&p), ==, 0);
	g_assert_false(p.nd.solicited);
	g_assert_true(ip_equal(&p.dst, &all_nodes) && ip_equal(&p.nd.target, &gateway_local));
	g_assert_true(mac_equal(p.eth.dst, ipv6_group_mac(&all_nodes)));
	g_assert_cmpuint(f->b.frames->len, ==, 1);
}

/* RFC 4861 §7.1.1 */
static void solicitations_that_break_the_rules_are_dropped(struct fixture *f, gconstpointer data)
{
	struct ip_addr group = ipv6_solicited_node(&gateway_ip);
	struct sent bad[] = {
		solicitation(&local_a, &gateway_ip),
		solicitation(&local_a, &gateway_ip),
		solicitation(&local_a, &gateway_ip),
		neighbour(ND_NEIGHBOUR_SOLICITATION, &none, &gateway_ip, &gateway_ip, 0), /* not to the group */
		neighbour(ND_NEIGHBOUR_SOLICITATION, &none, &group, &gateway_ip, 1),      /* with the MAC of no address */
		neighbour(ND_NEIGHBOUR_SOLICITATION, &local_a, &all_nodes, &all_nodes, 1),
		neighbour(ND_NEIGHBOUR_ADVERTISEMENT, &local_a, &all_nodes, &local_a, 2),
	};
	bad[0].ip.hop_limit = 254;
	bad[1].l4[2] ^= 1; /* the checksum */
	bad[2].l4[1] = 1;  /* the code */
	put_icmp(&bad[2], &(struct icmp6_header){ ND_NEIGHBOUR_SOLICITATION, 1, 0 }, bad[2].l4 + 8, 24);
	put_icmp(&bad[6], &(struct icmp6_header){ ND_NEIGHBOUR_ADVERTISEMENT, 0, 0x40000000 }, bad[6].l4 + 8, 24); /* solicited by all */
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		send(&bad[i], &f->a);
		g_assert_cmpuint(drops(f, DROP_ND_MALFORMED), ==, i + 1);
	}
	g_assert_cmpuint(f->a.frames->len, ==, 0);
}

static void others_are_not_answered_for(struct fixture *f, gconstpointer data)
{
	struct sent s = solicitation(&local_a, &ip_b);
	send(&s, &f->a);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(f->b.frames->len, ==, 1); /* it is for b */
}

/* One announcement in ten seconds, as for IPv4. */
static void claims_of_the_gateways_addresses_are_dropped_and_defended(struct fixture *f, gconstpointer data)
{
	struct sent advertisement = neighbour(ND_NEIGHBOUR_ADVERTISEMENT, &local_a, &all_nodes, &gateway_ip, 2);
	struct sent asks_as_gateway = solicitation(&gateway_local, &ip_b), packet = echo(&gateway_ip, &ip_b, 8);
	packet.dst = mac_b;
	send(&advertisement, &f->a);
	send(&asks_as_gateway, &f->a);
	send(&packet, &f->a);
	g_assert_cmpuint(drops(f, DROP_GATEWAY_ADDRESS), ==, 3);
	struct packet p = only_packet(f, &f->b);
	g_assert_cmpint(packet_nd(&p), ==, 0);
	g_assert_true(p.nd.type == ND_NEIGHBOUR_ADVERTISEMENT && p.nd.overrides && !p.nd.solicited);
	g_assert_true(ip_equal(&p.nd.target, &gateway_ip) && mac_equal(p.nd.target_mac, gateway_mac));
	send_at(&advertisement, &f->a, 10 * USEC_PER_SEC - 1);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	send_at(&advertisement, &f->a, 10 * USEC_PER_SEC);
	g_assert_cmpuint(f->b.frames->len, ==, 2);
}

/* Neighbour unreachability detection of a guest that has been silent for three hours (guest.h). */
static void silent_guests_are_solicited_from_the_gateways_link_local_address(struct fixture *f, gconstpointer data)
{
	struct sent s = datagram(&ip_a, &gateway_ip);
	send(&s, &f->a);
	memory_port_clear(&f->a);
	usec_t now = gateway_deadline(&f->gateway);
	gateway_expire(&f->gateway, now);
	segment_flush(&f->segment, now);
	struct packet p = only_packet(f, &f->a);
	struct ip_addr group = ipv6_solicited_node(&ip_a);
	g_assert_cmpint(packet_nd(&p), ==, 0);
	g_assert_cmpuint(p.nd.type, ==, ND_NEIGHBOUR_SOLICITATION);
	g_assert_true(ip_equal(&p.nd.target, &ip_a) && ip_equal(&p.src, &gateway_local) && ip_equal(&p.dst, &group));
	g_assert_true(p.nd.has_source_mac && mac_equal(p.nd.source_mac, gateway_mac));
	for (int i = 0; i < 3; i++)
		gateway_expire(&f->gateway, now = gateway_deadline(&f->gateway));
	g_assert_null(guest_find_address(&f->gateway.guests, &ip_a));
}

/* --- echo --- */

static void address_that_a_guest_is_about_to_have_is_asked_for(struct fixture *f, gconstpointer data)
{
	struct sent s = solicitation(&none, &ip_a), there = neighbour(ND_NEIGHBOUR_ADVERTISEMENT, &ip_a, &gateway_local, &ip_a, 2);
	struct guest_address *a;
	send(&s, &f->a);
	a = guest_find_address(&f->gateway.guests, &ip_a);
	g_assert_nonnull(a);
	g_assert_cmpint(a->guest->state, ==, GUEST_HEARD);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	usec_t when = gateway_deadline(&f->gateway);
	g_assert_cmpuint(when, ==, USEC_PER_SEC);
	gateway_expire(&f->gateway, when);
	segment_flush(&f->segment, when);
	g_assert_cmpuint(f->a.frames->len, ==, 1);
	send_at(&there, &f->a, when);
	a = guest_find_address(&f->gateway.guests, &ip_a);
	g_assert_cmpint(a->guest->state, ==, GUEST_PRESENT);
	s = solicitation(&none, &outside);
	send_at(&s, &f->a, when);
	g_assert_null(guest_find_address(&f->gateway.guests, &outside));
}

static void echo_of_the_gateway_is_answered(struct fixture *f, gconstpointer data)
{
	struct ip_addr routers = IPV6_ALL_ROUTERS;
	const struct {
		const struct ip_addr *src, *dst, *from;
	} rows[] = {
		{ &local_a, &gateway_local, &gateway_local },
		{ &ip_a, &gateway_ip, &gateway_ip },
		{ &ip_a, &gateway_local, &gateway_local },
		{ &local_a, &all_nodes, &gateway_local },
		{ &ip_a, &routers, &gateway_ip },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memory_port_clear(&f->a);
		struct sent s = echo(rows[i].src, rows[i].dst, 56);
		if (ipv6_is_multicast(rows[i].dst))
			s.dst = ipv6_group_mac(rows[i].dst);
		send(&s, &f->a);
		struct packet p = only_packet(f, &f->a);
		struct icmp6_header h = icmp_of(&p);
		g_assert_cmpuint(h.type, ==, ICMP6_ECHO_REPLY);
		g_assert_cmphex(h.rest, ==, 0x12340001);
		g_assert_true(ip_equal(&p.src, rows[i].from) && ip_equal(&p.dst, rows[i].src));
		g_assert_cmpmem(packet_l4(&p) + 8, p.l4_len - 8, s.l4 + 8, 56);
	}
	struct sent broken = echo(&ip_a, &gateway_ip, 8);
	broken.l4[9] ^= 1;
	send(&broken, &f->a);
	g_assert_cmpuint(drops(f, DROP_ICMP_MALFORMED), ==, 1);
}

/* RFC 8200 §4.5: the gateway is the source, so it may fragment. */
static void long_answers_are_fragmented(struct fixture *f, gconstpointer data)
{
	uint8_t payload[4000];
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
	struct sent s = datagram(&ip_a, &gateway_ip);
	send(&s, &f->a);
	memory_port_clear(&f->a);
	sink_ip(&f->gateway.sink, 0, &gateway_ip, &ip_a, 99, payload, sizeof(payload));
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(f->a.frames->len, ==, 3);
	size_t at = 0;
	uint32_t id = 0;
	for (unsigned i = 0; i < 3; i++) {
		size_t len;
		const uint8_t *bytes = memory_port_frame(&f->a, i, &len);
		g_assert_cmpuint(len, <=, FRAME_MAX);
		struct bytes_reader r = bytes_reader(bytes + ETH_HEADER_LEN, len - ETH_HEADER_LEN);
		struct ipv6_header ip;
		g_assert_cmpint(ipv6_parse(&r, &ip), ==, 0);
		g_assert_cmpuint(ip.next_header, ==, IPV6_NEXT_FRAGMENT);
		g_assert_cmpuint(bytes_get_u8(&r), ==, 99);
		bytes_skip(&r, 1);
		g_assert_cmpuint(bytes_get_be16(&r), ==, at | (i < 2));
		uint32_t its_id = bytes_get_be32(&r);
		g_assert_true(i == 0 || its_id == id);
		id = its_id;
		g_assert_cmpmem(r.at, r.left, payload + at, r.left);
		at += r.left;
	}
	g_assert_cmpuint(at, ==, sizeof(payload));
}

/* --- fragments --- */

/* Sends bytes [@at, @at + @len) of what @whole has behind its IPv6 header, as a fragment. */
static void send_fragment_at(const struct sent *whole, struct memory_port *p, usec_t now, size_t at, size_t len, bool more, uint32_t id)
{
	struct sent s = *whole;
	struct bytes_writer w = bytes_writer(s.l4, sizeof(s.l4));
	ipv6_emit_fragment_header(&w, whole->ip.next_header, (uint16_t)at, more, id);
	bytes_put(&w, whole->l4 + at, len);
	g_assert_false(w.failed);
	s.len = w.len;
	s.ip.next_header = IPV6_NEXT_FRAGMENT;
	send_at(&s, p, now);
}

static void send_fragment(const struct sent *whole, struct memory_port *p, size_t at, size_t len, bool more)
{
	send_fragment_at(whole, p, 0, at, len, more, 7);
}

static void assert_echoed(struct fixture *f, const struct sent *s)
{
	struct packet p = only_packet(f, &f->a);
	g_assert_cmpuint(icmp_of(&p).type, ==, ICMP6_ECHO_REPLY);
	g_assert_cmpmem(packet_l4(&p) + 8, p.l4_len - 8, s->l4 + 8, s->len - 8);
	memory_port_clear(&f->a);
}

static void fragments_to_the_gateway_are_put_together(struct fixture *f, gconstpointer data)
{
	struct sent s = echo(&ip_a, &gateway_ip, 1000);
	send_fragment(&s, &f->a, 0, 400, true);
	send_fragment(&s, &f->a, 800, s.len - 800, false);
	send_fragment(&s, &f->a, 800, s.len - 800, false); /* a duplicate, which networks make */
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	send_fragment(&s, &f->a, 400, 400, true);
	assert_echoed(f, &s);
	g_assert_cmpuint(all_drops(f), ==, 0);
}

/* RFC 5722 §4 */
static void overlap_kills_the_datagram(struct fixture *f, gconstpointer data)
{
	struct sent s = echo(&ip_a, &gateway_ip, 1000);
	send_fragment(&s, &f->a, 0, 400, true);
	send_fragment(&s, &f->a, 392, 408, true);
	send_fragment(&s, &f->a, 400, 400, true);
	send_fragment(&s, &f->a, 800, s.len - 800, false);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(drops(f, DROP_REASSEMBLY), ==, 3);
}

/* RFC 6946 §4: also between fragments with the same key. */
static void atomic_fragment_is_a_datagram_of_its_own(struct fixture *f, gconstpointer data)
{
	struct sent s = echo(&ip_a, &gateway_ip, 1000), small = echo(&ip_a, &gateway_ip, 8);
	send_fragment(&s, &f->a, 0, 400, true);
	send_fragment(&small, &f->a, 0, small.len, false);
	assert_echoed(f, &small);
	send_fragment(&s, &f->a, 400, s.len - 400, false);
	assert_echoed(f, &s);
}

static void datagrams_are_told_apart_by_their_identification(struct fixture *f, gconstpointer data)
{
	struct sent s = echo(&ip_a, &gateway_ip, 1000);
	send_fragment_at(&s, &f->a, 0, 0, 400, true, 0x10007);
	send_fragment_at(&s, &f->a, 0, 400, s.len - 400, false, 7);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	send_fragment_at(&s, &f->a, 0, 400, s.len - 400, false, 0x10007);
	assert_echoed(f, &s);
}

static void impossible_fragments_are_dropped(struct fixture *f, gconstpointer data)
{
	f->a.port.guard = PORT_GUARD_OFF; /* which drops what hides its header before */
	segment_settle_port(&f->segment, &f->a.port);
	struct sent s = echo(&ip_a, &gateway_ip, 1000);
	send_fragment(&s, &f->a, 0, 401, true); /* not a multiple of 8 */
	send_fragment(&s, &f->a, 8, 0, false);
	send_fragment(&s, &f->a, 0, 4, true);
	struct sent beyond = s; /* the end of the datagram would be byte 65536 */
	struct bytes_writer w = bytes_writer(beyond.l4, sizeof(beyond.l4));
	ipv6_emit_fragment_header(&w, IPV6_NEXT_ICMP, 0xfff8, false, 9);
	bytes_put_zeros(&w, 8);
	beyond.len = w.len;
	beyond.ip.next_header = IPV6_NEXT_FRAGMENT;
	send(&beyond, &f->a);
	/* RFC 7112 §5: the upper layer's header is not in the first one. */
	struct sent hidden = s;
	hidden.ip.next_header = 60;
	memcpy(hidden.l4, (uint8_t[]){ IPV6_NEXT_ICMP, 1, 1, 12 }, 4);
	send_fragment(&hidden, &f->a, 0, 16, true);
	g_assert_cmpuint(drops(f, DROP_REASSEMBLY), ==, 5);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
}

/* RFC 6980 §5.  The guard drops what it can read; an unguarded port's is put together first. */
static void neighbour_discovery_in_fragments_is_not_heard(struct fixture *f, gconstpointer data)
{
	f->a.port.guard = PORT_GUARD_OFF;
	segment_settle_port(&f->segment, &f->a.port);
	struct sent s = neighbour(ND_NEIGHBOUR_SOLICITATION, &ip_a, &gateway_ip, &gateway_ip, 1);
	send_fragment(&s, &f->a, 0, 16, true);
	send_fragment(&s, &f->a, 16, s.len - 16, false);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(drops(f, DROP_ND_MALFORMED), ==, 1);
}

/* RFC 8200 §4.5 */
static void datagram_that_stays_incomplete_is_answered(struct fixture *f, gconstpointer data)
{
	struct sent s = echo(&ip_a, &gateway_ip, 1000);
	send_fragment(&s, &f->a, 0, 400, true);
	gateway_expire(&f->gateway, REASSEMBLY_TIMEOUT);
	segment_flush(&f->segment, REASSEMBLY_TIMEOUT);
	assert_error(f, ICMP6_TIME_EXCEEDED, 1);
	g_assert_cmpuint(drops(f, DROP_REASSEMBLY), ==, 1);
}

/* Routers do not put them together. */
static void fragments_for_other_guests_are_forwarded_as_they_are(struct fixture *f, gconstpointer data)
{
	struct sent hello = datagram(&ip_b, &gateway_ip), s = echo(&ip_a, &ip_b, 1000);
	hello.src = mac_b;
	send(&hello, &f->b);
	memory_port_clear(&f->b);
	send_fragment(&s, &f->a, 400, 400, true);
	struct packet p = only_packet(f, &f->b);
	g_assert_cmpuint(p.protocol, ==, IPV6_NEXT_FRAGMENT);
	g_assert_cmpuint(p.l4_len, ==, 408);
}

/* --- routing --- */

static void what_no_service_takes_is_refused(struct fixture *f, gconstpointer data)
{
	struct sent s = datagram(&ip_a, &gateway_ip);
	send(&s, &f->a);
	assert_error(f, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_PORT);
	memory_port_clear(&f->a);
	s.ip.next_header = 99;
	send(&s, &f->a);
	assert_error(f, ICMP6_PARAMETER_PROBLEM, ICMP6_PARAMETER_NEXT_HEADER);
	struct packet p = only_packet(f, &f->a);
	g_assert_cmpuint(icmp_of(&p).rest, ==, 6); /* where the packet says 99 */
	g_assert_cmpuint(drops(f, DROP_PROTOCOL), ==, 1);
}

/* So that clients fall back to IPv4 at once (RFC 4443 §3.1, code 0). */
static void outside_is_unreachable_at_once(struct fixture *f, gconstpointer data)
{
	struct sent s = datagram(&ip_a, &outside);
	send(&s, &f->a);
	assert_error(f, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_NO_ROUTE);
}

static void hop_limit_of_forwarded_packets_is_taken(struct fixture *f, gconstpointer data)
{
	struct sent s = datagram(&ip_a, &outside);
	s.ip.hop_limit = 1;
	send(&s, &f->a);
	assert_error(f, ICMP6_TIME_EXCEEDED, 0);
	g_assert_cmpuint(drops(f, DROP_TTL_EXCEEDED), ==, 1);
}

static void martians_are_dropped_without_an_answer(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *src, *dst;
		enum drop_reason why;
	} rows[] = {
		{ "fd12:3456:789b::a", "2a00::7", DROP_MARTIAN_SOURCE },
		{ "::1", "2a00::7", DROP_MARTIAN_SOURCE },
		{ "::", "2a00::7", DROP_MARTIAN_SOURCE },
		{ "ff02::1", "2a00::7", DROP_MARTIAN_SOURCE },
		{ "fd12:3456:789a::", "2a00::7", DROP_MARTIAN_SOURCE },
		{ "fe80::a", "2a00::7", DROP_MARTIAN_SOURCE },
		{ "fd12:3456:789a::a", "::", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "::1", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "::127.0.0.1", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "::ffff:127.0.0.1", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "fe80::b", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "fec0::1", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "2001:db8::1", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "3fff:fff::1", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "64:ff9b::7f00:1", DROP_MARTIAN_DESTINATION },
		{ "fd12:3456:789a::a", "ff0e::1", DROP_LOCAL_MULTICAST },
		{ "fd12:3456:789a::a", "fd12:3456:789a::", DROP_MARTIAN_DESTINATION },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_addr src, dst;
		g_assert_cmpint(ip_parse(rows[i].src, &src), ==, 0);
		g_assert_cmpint(ip_parse(rows[i].dst, &dst), ==, 0);
		uint64_t before = drops(f, rows[i].why), all = all_drops(f);
		struct sent s = datagram(&src, &dst);
		send(&s, &f->a);
		g_test_message("%s to %s", rows[i].src, rows[i].dst);
		g_assert_cmpuint(drops(f, rows[i].why), ==, before + 1);
		g_assert_cmpuint(all_drops(f), ==, all + 1);
		g_assert_cmpuint(f->a.frames->len, ==, 0);
	}
}

/* Guest b waits to be found first. */
static void packets_for_other_guests_are_forwarded(struct fixture *f, gconstpointer data)
{
	struct sent s = datagram(&ip_a, &ip_b);
	send(&s, &f->a);
	struct packet asked = only_packet(f, &f->b);
	g_assert_cmpint(packet_nd(&asked), ==, 0);
	g_assert_true(asked.nd.type == ND_NEIGHBOUR_SOLICITATION && ip_equal(&asked.nd.target, &ip_b));
	memory_port_clear(&f->b);
	struct sent here = neighbour(ND_NEIGHBOUR_ADVERTISEMENT, &ip_b, &gateway_local, &ip_b, 2);
	memcpy(here.l4 + 26, mac_b.b, 6);
	here.src = mac_b;
	put_icmp(&here, &(struct icmp6_header){ ND_NEIGHBOUR_ADVERTISEMENT, 0, 0x60000000 }, here.l4 + 8, 24);
	send(&here, &f->b);
	struct packet p = only_packet(f, &f->b);
	g_assert_true(mac_equal(p.eth.dst, mac_b) && mac_equal(p.eth.src, gateway_mac));
	g_assert_cmpuint(p.ip6.hop_limit, ==, 63);
	g_assert_true(ip_equal(&p.src, &ip_a) && ip_equal(&p.dst, &ip_b));
	g_assert_cmpmem(packet_l4(&p), p.l4_len, s.l4, s.len);
}

static void extension_headers_are_forwarded_with_the_packet(struct fixture *f, gconstpointer data)
{
	struct sent hello = datagram(&ip_b, &gateway_ip);
	hello.src = mac_b;
	send(&hello, &f->b);
	memory_port_clear(&f->b);
	struct sent s = datagram(&ip_a, &ip_b);
	memmove(s.l4 + 8, s.l4, s.len);
	memcpy(s.l4, (uint8_t[]){ IP_PROTOCOL_UDP, 0, 1, 4, 0, 0, 0, 0 }, 8);
	s.len += 8;
	s.ip.next_header = 60;
	send(&s, &f->a);
	struct packet p = only_packet(f, &f->b);
	g_assert_cmpuint(p.ip6.next_header, ==, 60);
	g_assert_cmpuint(p.protocol, ==, IP_PROTOCOL_UDP);
	g_assert_cmpuint(p.l4_len, ==, s.len - 8);
}

static void packets_that_another_guest_cannot_take_are_answered_with_its_mtu(struct fixture *f, gconstpointer data)
{
	struct sent hello = datagram(&ip_b, &gateway_ip);
	hello.src = mac_b;
	send(&hello, &f->b);
	f->b.port.max_frame = ETH_HEADER_LEN + 1300;
	struct sent s = echo(&ip_a, &ip_b, 1400);
	f->b.port.mtu = 1300;
	memory_port_clear(&f->a);
	send(&s, &f->a);
	struct packet p = only_packet(f, &f->a);
	struct icmp6_header h = icmp_of(&p);
	g_assert_cmpuint(h.type, ==, ICMP6_PACKET_TOO_BIG);
	g_assert_cmpuint(h.rest, ==, 1300);
}

static void errors_are_not_answered(struct fixture *f, gconstpointer data)
{
	struct sent s = from_a(&ip_a, &outside);
	put_icmp(&s, &(struct icmp6_header){ .type = ICMP6_UNREACHABLE }, "quoted", 6);
	send(&s, &f->a);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
}

static void addresses_of_both_scopes_are_learned_from_packets(struct fixture *f, gconstpointer data)
{
	struct sent s = datagram(&ip_a, &gateway_ip), t = datagram(&local_a, &gateway_local), other = datagram(&outside, &gateway_ip);
	send(&s, &f->a);
	send(&t, &f->a);
	send(&other, &f->a);
	const struct guest_address *a = guest_find_address(&f->gateway.guests, &ip_a),
				   *l = guest_find_address(&f->gateway.guests, &local_a);
	g_assert_true(a && l && a->guest == l->guest && mac_equal(a->guest->mac, mac_a));
	g_assert_null(guest_find_address(&f->gateway.guests, &outside));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add("/gateway6/" #name, struct fixture, NULL, set_up, name, tear_down)
	ADD(solicitations_for_the_gateways_addresses_are_answered);
	ADD(duplicate_address_detection_of_the_gateways_address_is_answered_to_all);
	ADD(solicitations_that_break_the_rules_are_dropped);
	ADD(others_are_not_answered_for);
	ADD(claims_of_the_gateways_addresses_are_dropped_and_defended);
	ADD(silent_guests_are_solicited_from_the_gateways_link_local_address);
	ADD(address_that_a_guest_is_about_to_have_is_asked_for);
	ADD(echo_of_the_gateway_is_answered);
	ADD(long_answers_are_fragmented);
	ADD(fragments_to_the_gateway_are_put_together);
	ADD(overlap_kills_the_datagram);
	ADD(atomic_fragment_is_a_datagram_of_its_own);
	ADD(datagrams_are_told_apart_by_their_identification);
	ADD(impossible_fragments_are_dropped);
	ADD(neighbour_discovery_in_fragments_is_not_heard);
	ADD(datagram_that_stays_incomplete_is_answered);
	ADD(fragments_for_other_guests_are_forwarded_as_they_are);
	ADD(what_no_service_takes_is_refused);
	ADD(outside_is_unreachable_at_once);
	ADD(hop_limit_of_forwarded_packets_is_taken);
	ADD(martians_are_dropped_without_an_answer);
	ADD(packets_for_other_guests_are_forwarded);
	ADD(extension_headers_are_forwarded_with_the_packet);
	ADD(packets_that_another_guest_cannot_take_are_answered_with_its_mtu);
	ADD(errors_are_not_answered);
	ADD(addresses_of_both_scopes_are_learned_from_packets);
	return g_test_run();
}
