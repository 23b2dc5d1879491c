/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gateway on a segment, with memory ports as guests and an engine that records. */
#include "base/macros.h"
#include "gateway/closed.h"
#include "gateway/gateway.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "service/arp.h"
#include "service/echo.h"
#include "support/memory_port.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>

#define FRAME_MAX 1514
#define GATEWAY IP4(10, 0, 0, 1)
#define GUEST_A IP4(10, 0, 0, 2)
#define GUEST_B IP4(10, 0, 0, 3)
#define OUTSIDE IP4(192, 0, 2, 1)

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 1 } }, mac_a = { { 2, 0, 0, 0, 0, 2 } }, mac_b = { { 2, 0, 0, 0, 0, 3 } };

struct engine {
	unsigned inputs, flushes, gone, moved, placed;
	uint8_t ttl;
	size_t l4_len;
	ip4_t dst;
};

struct fixture {
	struct segment segment;
	struct gateway gateway;
	struct arp_service arp;
	struct echo_service echo;
	struct memory_port a, b;
	struct engine engine;
	unsigned turns, seen;
};

static void record_input(struct engine *e, usec_t now, const struct packet *p)
{
	e->inputs++;
	e->ttl = p->ip.ttl;
	e->dst = p->ip.dst;
	e->l4_len = p->l4_len;
	g_assert_nonnull(packet_l4(p));
}

static void record_flush(struct engine *e, usec_t now)
{
	e->flushes++;
}

static usec_t never(const struct engine *e)
{
	return USEC_INFINITY;
}

static void record_gone(struct engine *e, usec_t now, struct guest *guest, const struct ip_addr *addr)
{
	e->gone++;
}

static void record_moved(struct engine *e, usec_t now, const struct ip_addr *addr, struct guest *from, struct guest *to)
{
	e->moved++;
}

static void record_placed(struct engine *e, usec_t now, struct guest *guest, struct payer *before)
{
	e->placed++;
}

static const struct engine_ops recorder_ops = {
	.name = "recorder",
	.input = record_input,
	.flush = record_flush,
	.deadline = never,
	.guest_gone = record_gone,
	.guest_moved = record_moved,
	.guest_placed = record_placed,
};

static void count_address(void *opaque, usec_t now, struct port *p, ip4_t ip, struct mac mac)
{
	((struct fixture *)opaque)->seen++;
}

static void count_turn(void *opaque, usec_t now)
{
	((struct fixture *)opaque)->turns++;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ 0 };
	struct hash_key key = { { 5, 6 } };
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	g_assert_cmpint(
		gateway_init(&f->gateway, &f->segment,
			     &(struct gateway_config){ .mac = gateway_mac,
						       .ip = GATEWAY,
						       .subnet = { IP4(10, 0, 0, 0), 24 },
						       .hash_key = key,
						       .hooks = { .address_seen = count_address, .turn_ends = count_turn, .opaque = f } }),
		==, 0);
	arp_service_init(&f->arp, gateway_mac, GATEWAY);
	echo_service_init(&f->echo, GATEWAY, &f->gateway.config.ip6);
	gateway_add_service(&f->gateway, &f->arp.service);
	gateway_add_service(&f->gateway, &f->echo.service);
	gateway_set_engine(&f->gateway, &recorder_ops, &f->engine);
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

static struct guest *guest_with(struct fixture *f, ip4_t ip)
{
	struct ip_addr addr = ip_from_ip4(ip);
	struct guest *guest = gateway_expect(&f->gateway, 0, &addr);
	g_assert_nonnull(guest);
	return guest;
}

/* For an engine. */
static size_t mtu_of(struct fixture *f, ip4_t ip)
{
	return f->gateway.env.ops->guest_mtu(&f->gateway.env, 0, guest_with(f, ip));
}

static uint64_t drops(const struct fixture *f, enum drop_reason why)
{
	return f->segment.drops.count[why];
}

static void send_ip(struct fixture *f, struct memory_port *p, struct mac src_mac, const struct ipv4_header *h, const void *payload,
		    size_t len)
{
	uint8_t buf[2000];
	struct ipv4_header ip = *h;
	ip.total_len = (uint16_t)(ipv4_header_len(h) + len);
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ gateway_mac, src_mac, ETH_TYPE_IPV4 });
	ipv4_emit(&w, &ip);
	bytes_put(&w, payload, len);
	g_assert_false(w.failed);
	memory_port_input(p, 0, buf, w.len);
}

static void send_udp(struct fixture *f, ip4_t src, ip4_t dst, uint8_t ttl)
{
	uint8_t udp[64];
	struct bytes_writer w = bytes_writer(udp, sizeof(udp));
	udp_emit_ipv4(&w, src, dst, 1000, 2000, "x", 1);
	send_ip(f, &f->a, mac_a, &(struct ipv4_header){ .ttl = ttl, .protocol = IP_PROTOCOL_UDP, .src = src, .dst = dst }, udp, w.len);
}

/* Each makes the gateway broadcast a request. */
static void packets_to_unknown_neighbours_are_under_storm_control(struct fixture *f, gconstpointer data)
{
	f->segment.config.storm_limit = 10;
	for (unsigned i = 0; i < 20; i++)
		send_udp(f, GUEST_A, IP4(10, 0, 0, 100) + i, 64);
	g_assert_cmpuint(drops(f, DROP_STORM), ==, 10);
	g_assert_cmpuint(f->gateway.guests.n_asked, ==, 10);
	send_udp(f, GUEST_A, IP4(10, 0, 0, 100), 64);
	g_assert_cmpuint(drops(f, DROP_STORM), ==, 10);
}

/* So that a capture with drops and `lanlet drops` have its bytes. */
static void malformed_packet_is_the_example_of_its_drop(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[60] = { 0 };
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	eth_emit(&w, &(struct eth_header){ gateway_mac, mac_a, ETH_TYPE_IPV4 });
	memory_port_input(&f->a, 0, bytes, sizeof(bytes));
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_IP_MALFORMED], ==, 1);
	const struct drop_example *example = &f->segment.drop_examples[DROP_IP_MALFORMED];
	g_assert_cmpuint(example->len, ==, sizeof(bytes));
	g_assert_cmpmem(example->head, sizeof(bytes), bytes, sizeof(bytes));
}

/* A source route, an option without end, an option longer than the header. */
static void ip_options_are_ignored(struct fixture *f, gconstpointer data)
{
	static const uint8_t options[][8] = { { 131, 7, 4, 198, 51, 100, 7, 0 }, { 7, 0, 0, 0, 7, 0, 0, 0 }, { 68, 40, 5, 0, 1, 1, 1, 1 } };
	uint8_t udp[64];
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		struct ipv4_header h = { .ttl = 64, .protocol = IP_PROTOCOL_UDP, .src = GUEST_A, .dst = OUTSIDE, .options_len = 8 };
		memcpy(h.options, options[i], sizeof(options[i]));
		struct bytes_writer w = bytes_writer(udp, sizeof(udp));
		udp_emit_ipv4(&w, GUEST_A, OUTSIDE, 1000, 2000, "x", 1);
		send_ip(f, &f->a, mac_a, &h, udp, w.len);
		g_assert_cmpuint(f->engine.inputs, ==, i + 1);
		g_assert_cmphex(f->engine.dst, ==, OUTSIDE);
		g_assert_cmpuint(f->engine.l4_len, ==, w.len);
	}
}

static void send_arp_at(struct memory_port *p, usec_t now, struct mac src, const struct arp_message *m)
{
	uint8_t buf[ETH_HEADER_LEN + ARP_LEN];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, src, ETH_TYPE_ARP });
	arp_emit(&w, m);
	memory_port_input(p, now, buf, w.len);
}

static void send_arp(struct fixture *f, struct memory_port *p, struct mac src, const struct arp_message *m)
{
	send_arp_at(p, 0, src, m);
}

/* The last frame sent to @p, parsed. */
static struct packet last_packet(struct fixture *f, const struct memory_port *p)
{
	static struct iovec iov;
	static struct frame frame;
	size_t len;
	const uint8_t *bytes = memory_port_frame(p, p->frames->len - 1, &len);
	struct packet packet;
	enum drop_reason why;
	frame = frame_of(&iov, bytes, len);
	g_assert_cmpint(packet_parse(&frame, NULL, &f->segment.arena, &packet, &why), ==, 0);
	return packet;
}

static void arp_for_the_gateway_is_answered(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, &(struct arp_message){ ARP_REQUEST, mac_a, GUEST_A, { { 0 } }, GATEWAY });
	size_t len;
	const uint8_t *bytes = memory_port_frame(&f->a, 0, &len);
	struct bytes_reader r = bytes_reader(bytes + ETH_HEADER_LEN, len - ETH_HEADER_LEN);
	struct arp_message m;
	g_assert_cmpint(arp_parse(&r, &m), ==, 0);
	g_assert_cmpuint(m.operation, ==, ARP_REPLY);
	g_assert_true(mac_equal(m.sender_mac, gateway_mac));
	g_assert_cmpuint(m.sender_ip, ==, GATEWAY);
	g_assert_cmpuint(f->seen, ==, 1);
}

/* RFC 5227 §2.4(c): at most one announcement in ten seconds. */
static void arp_claim_of_the_gateways_address_is_dropped_and_defended(struct fixture *f, gconstpointer data)
{
	const struct arp_message claim = { ARP_REPLY, mac_a, GATEWAY, mac_b, GUEST_B };
	for (int i = 0; i < 5; i++)
		send_arp_at(&f->a, 0, mac_a, &claim);
	g_assert_cmpuint(drops(f, DROP_GATEWAY_ADDRESS), ==, 5);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_GATEWAY_ADDRESS], ==, 5);
	g_assert_cmpuint(f->b.frames->len, ==, 1); /* the announcement, not the claim */
	size_t len;
	const uint8_t *bytes = memory_port_frame(&f->b, 0, &len);
	struct bytes_reader r = bytes_reader(bytes + ETH_HEADER_LEN, len - ETH_HEADER_LEN);
	struct arp_message m;
	g_assert_cmpint(arp_parse(&r, &m), ==, 0);
	g_assert_true(mac_equal(m.sender_mac, gateway_mac) && m.sender_ip == GATEWAY && m.target_ip == GATEWAY);
	send_arp_at(&f->a, 10 * USEC_PER_SEC - 1, mac_a, &claim);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	send_arp_at(&f->a, 10 * USEC_PER_SEC, mac_a, &claim);
	g_assert_cmpuint(f->b.frames->len, ==, 2);
	g_assert_cmpuint(f->seen, ==, 0);
}

static void send_tagged_claim(struct fixture *f, unsigned tags, uint16_t outer, uint16_t vlan, uint16_t hardware)
{
	uint8_t buf[128] = { 0 };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ mac_b, mac_a, tags > 0 ? outer : ETH_TYPE_ARP });
	for (unsigned i = 0; i < tags; i++) {
		bytes_put_be16(&w, vlan);
		bytes_put_be16(&w, i + 1 < tags ? ETH_TYPE_VLAN : ETH_TYPE_ARP);
	}
	size_t arp_at = w.len;
	arp_emit(&w, &(struct arp_message){ ARP_REPLY, mac_a, GATEWAY, mac_b, GUEST_B });
	buf[arp_at + 1] = (uint8_t)hardware;
	memory_port_input(&f->a, 0, buf, MAX(w.len, (size_t)60));
}

/* Receivers strip a tag with VLAN 0, and one behind it, and so on (IEEE 802.1Q-2018 §6.9.1). */
static void claim_of_the_gateways_address_behind_tags_is_dropped(struct fixture *f, gconstpointer data)
{
	for (unsigned tags = 0; tags <= 16; tags++) {
		send_tagged_claim(f, tags, ETH_TYPE_VLAN, 0, 1);
		send_tagged_claim(f, tags, ETH_TYPE_VLAN_SERVICE, 7, 1);
		g_assert_cmpuint(drops(f, DROP_GATEWAY_ADDRESS), ==, 2 * (tags + 1));
	}
	send_tagged_claim(f, 17, ETH_TYPE_VLAN, 0, 1);
	g_assert_cmpuint(drops(f, DROP_FRAME_MALFORMED), ==, 1);
	g_assert_cmpuint(f->b.frames->len, ==, 1); /* the announcement */
}

/* Linux takes ARP with the hardware type of IEEE 802 networks from an Ethernet, too. */
static void claim_of_the_gateways_address_with_hardware_type_6_is_dropped(struct fixture *f, gconstpointer data)
{
	send_tagged_claim(f, 0, ETH_TYPE_VLAN, 0, 6);
	g_assert_cmpuint(drops(f, DROP_GATEWAY_ADDRESS), ==, 1);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
}

/* An ICMP error in the last frame to @p, from the gateway to @guest. */
static struct icmp4_header last_error(struct fixture *f, const struct memory_port *p, ip4_t guest)
{
	struct packet packet = last_packet(f, p);
	struct icmp4_header h;
	g_assert_true(mac_equal(packet.eth.src, gateway_mac));
	g_assert_cmphex(packet.ip.src, ==, GATEWAY);
	g_assert_cmphex(packet.ip.dst, ==, guest);
	g_assert_cmpuint(packet.ip.protocol, ==, IP_PROTOCOL_ICMP);
	g_assert_cmpint(icmp4_parse(packet_l4(&packet), packet.l4_len, &h), ==, 0);
	return h;
}

/* Guest A sends @n packets of @len bytes with DF to guest B's MAC. */
static void send_to_b_unfragmented(struct fixture *f, unsigned n, uint16_t len)
{
	uint8_t buf[FRAME_MAX] = { 0 };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ mac_b, mac_a, ETH_TYPE_IPV4 });
	ipv4_emit(&w, &(struct ipv4_header){
			      .total_len = len, .dont_fragment = true, .ttl = 64, .protocol = 99, .src = GUEST_A, .dst = GUEST_B });
	for (unsigned i = 0; i < n; i++)
		memory_port_input(&f->a, 0, buf, ETH_HEADER_LEN + (size_t)len);
}

/* RFC 1191 §4: the error names the MTU of the port that is too small. */
static void frame_too_big_for_its_port_is_answered_by_the_gateway(struct fixture *f, gconstpointer data)
{
	f->b.port.max_frame = ETH_HEADER_LEN + 1000;
	send_arp(f, &f->b, mac_b, &(struct arp_message){ ARP_REPLY, mac_b, GUEST_B, gateway_mac, GATEWAY });
	memory_port_clear(&f->a);
	memory_port_clear(&f->b);
	send_to_b_unfragmented(f, 1, 1000);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	send_to_b_unfragmented(f, 1, 1001);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	struct icmp4_header h = last_error(f, &f->a, GUEST_A);
	g_assert_cmpuint(h.type, ==, ICMP4_UNREACHABLE);
	g_assert_cmpuint(h.code, ==, ICMP4_UNREACHABLE_FRAG_NEEDED);
	g_assert_cmpuint(h.rest, ==, 1000);
}

/* A card behind a port that takes more. */
static void guest_that_has_shown_no_more_than_1500_is_protected_by_the_gateway_too(struct fixture *f, gconstpointer data)
{
	static const uint8_t payload[1481 + 8];
	struct ipv4_header h = { .dont_fragment = true, .ttl = 64, .protocol = 99, .src = GUEST_A, .dst = GUEST_B };
	f->b.port.max_frame = 9000;
	send_arp(f, &f->b, mac_b, &(struct arp_message){ ARP_REPLY, mac_b, GUEST_B, gateway_mac, GATEWAY });
	memory_port_clear(&f->a);
	memory_port_clear(&f->b);
	send_ip(f, &f->a, mac_a, &h, payload, 1480);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	send_ip(f, &f->a, mac_a, &h, payload, 1481);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_cmpuint(last_error(f, &f->a, GUEST_A).rest, ==, 1500);
	/* Packets that the guest sends to anywhere show what it takes. */
	struct ipv4_header back = { .ttl = 64, .protocol = 99, .src = GUEST_B, .dst = OUTSIDE };
	send_ip(f, &f->b, mac_b, &back, payload, sizeof(payload));
	send_ip(f, &f->a, mac_a, &h, payload, 1481);
	g_assert_cmpuint(f->b.frames->len, ==, 2);
	/* Until it starts again. */
	gateway_guest_starts(&f->gateway, mac_b);
	g_assert_cmpuint(mtu_of(f, GUEST_B), ==, 1500);
	send_ip(f, &f->a, mac_a, &h, payload, 1481);
	g_assert_cmpuint(f->b.frames->len, ==, 2);
	g_assert_cmpuint(drops(f, DROP_FRAG_NEEDED), ==, 2);
}

static void too_big_errors_over_the_limit_are_counted_on_the_senders_port(struct fixture *f, gconstpointer data)
{
	f->b.port.max_frame = ETH_HEADER_LEN + 1000;
	send_arp(f, &f->b, mac_b, &(struct arp_message){ ARP_REPLY, mac_b, GUEST_B, gateway_mac, GATEWAY });
	memory_port_clear(&f->a);
	send_to_b_unfragmented(f, ICMP_LIMIT_PORT_BURST + 3, 1001);
	g_assert_cmpuint(f->a.frames->len, ==, ICMP_LIMIT_PORT_BURST);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_ICMP_RATE], ==, 3);
	g_assert_cmpuint(drops(f, DROP_ICMP_RATE), ==, 3);
}

static void icmp_errors_over_the_limit_are_counted_on_the_senders_port(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < ICMP_LIMIT_PORT_BURST + 3; i++)
		send_udp(f, GUEST_A, OUTSIDE, 1);
	g_assert_cmpuint(f->a.frames->len, ==, ICMP_LIMIT_PORT_BURST);
	g_assert_cmpuint(last_error(f, &f->a, GUEST_A).type, ==, ICMP4_TIME_EXCEEDED);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_ICMP_RATE], ==, 3);
	g_assert_cmpuint(f->gateway.port.counters.drops.count[DROP_ICMP_RATE], ==, 0);
	g_assert_cmpuint(drops(f, DROP_ICMP_RATE), ==, 3);
}

static void frame_with_the_gateways_mac_as_source_is_dropped(struct fixture *f, gconstpointer data)
{
	send_ip(f, &f->a, gateway_mac, &(struct ipv4_header){ .ttl = 64, .protocol = 17, .src = GUEST_A, .dst = OUTSIDE }, "", 0);
	g_assert_cmpuint(drops(f, DROP_GATEWAY_MAC), ==, 1);
	g_assert_cmpuint(f->engine.inputs, ==, 0);
}

static void echo_to_the_gateway_is_answered_with_its_data(struct fixture *f, gconstpointer data)
{
	uint8_t icmp[64];
	struct bytes_writer w = bytes_writer(icmp, sizeof(icmp));
	icmp4_emit(&w, &(struct icmp4_header){ ICMP4_ECHO_REQUEST, 0, 0x00010002 }, "payload", 7);
	send_ip(f, &f->a, mac_a, &(struct ipv4_header){ .ttl = 1, .protocol = IP_PROTOCOL_ICMP, .src = GUEST_A, .dst = GATEWAY }, icmp,
		w.len);
	struct packet p = last_packet(f, &f->a);
	struct icmp4_header h;
	const uint8_t *l4 = packet_l4(&p);
	g_assert_cmpint(icmp4_parse(l4, p.l4_len, &h), ==, 0);
	g_assert_cmpuint(h.type, ==, ICMP4_ECHO_REPLY);
	g_assert_cmphex(h.rest, ==, 0x00010002);
	g_assert_cmpmem(l4 + ICMP4_HEADER_LEN, p.l4_len - ICMP4_HEADER_LEN, "payload", 7);
	g_assert_cmpuint(p.ip.dst, ==, GUEST_A);
}

static void ttl_is_decremented_on_the_way_outside(struct fixture *f, gconstpointer data)
{
	send_udp(f, GUEST_A, OUTSIDE, 64);
	g_assert_cmpuint(f->engine.inputs, ==, 1);
	g_assert_cmpuint(f->engine.ttl, ==, 63);
	g_assert_cmpuint(f->engine.flushes, ==, 1);
	g_assert_cmpuint(f->turns, ==, 1);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
}

static void ttl_of_one_is_answered_with_time_exceeded(struct fixture *f, gconstpointer data)
{
	send_udp(f, GUEST_A, OUTSIDE, 1);
	g_assert_cmpuint(f->engine.inputs, ==, 0);
	struct packet p = last_packet(f, &f->a);
	struct icmp4_header h;
	g_assert_cmpint(icmp4_parse(packet_l4(&p), p.l4_len, &h), ==, 0);
	g_assert_cmpuint(h.type, ==, ICMP4_TIME_EXCEEDED);
	g_assert_cmpuint(p.ip.src, ==, GATEWAY);
	g_assert_cmpuint(drops(f, DROP_TTL_EXCEEDED), ==, 1);
}

static void ttl_is_not_decremented_for_the_gateway_itself(struct fixture *f, gconstpointer data)
{
	send_udp(f, GUEST_A, GATEWAY, 1);
	g_assert_cmpuint(f->engine.inputs, ==, 1);
	g_assert_cmpuint(f->engine.ttl, ==, 1);
}

static void martians_never_reach_the_engine(struct fixture *f, gconstpointer data)
{
	static const ip4_t destinations[] = { 0,          IP4(0, 1, 2, 3),  IP4(127, 0, 0, 1), IP4(240, 0, 0, 1), IP4(224, 0, 0, 251),
					      0xffffffff, IP4(10, 0, 0, 0), IP4(10, 0, 0, 255) };
	for (size_t i = 0; i < G_N_ELEMENTS(destinations); i++)
		send_udp(f, GUEST_A, destinations[i], 64);
	static const ip4_t sources[] = { IP4(10, 0, 1, 2), IP4(127, 0, 0, 1), GATEWAY, IP4(10, 0, 0, 255), 0 };
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		send_udp(f, sources[i], OUTSIDE, 64);
	g_assert_cmpuint(f->engine.inputs, ==, 0);
	g_assert_cmpuint(drops(f, DROP_MARTIAN_SOURCE) + drops(f, DROP_GATEWAY_ADDRESS), ==, G_N_ELEMENTS(sources));
	g_assert_cmpuint(drops(f, DROP_MARTIAN_DESTINATION) + drops(f, DROP_LOCAL_MULTICAST), ==, G_N_ELEMENTS(destinations));
}

static uint8_t last_error_code(struct fixture *f)
{
	struct packet p = last_packet(f, &f->a);
	struct icmp4_header h;
	g_assert_cmpint(icmp4_parse(packet_l4(&p), p.l4_len, &h), ==, 0);
	g_assert_cmpuint(h.type, ==, ICMP4_UNREACHABLE);
	g_assert_cmpuint(p.ip.dst, ==, GUEST_A);
	return h.code;
}

static void closed_destinations_are_answered_and_counted(struct fixture *f, gconstpointer data)
{
	send_udp(f, GUEST_A, IP4(169, 254, 169, 254), 64);
	g_assert_cmpuint(last_error_code(f), ==, ICMP4_UNREACHABLE_ADMIN);
	send_udp(f, GUEST_A, IP4(169, 254, 7, 7), 64);
	g_assert_cmpuint(last_error_code(f), ==, ICMP4_UNREACHABLE_ADMIN);
	g_assert_cmpuint(f->engine.inputs, ==, 0);
	g_assert_cmpuint(drops(f, DROP_METADATA), ==, 1);
	g_assert_cmpuint(drops(f, DROP_LINK_LOCAL), ==, 1);
}

static void closed_destinations_can_be_opened_and_closed_again(struct fixture *f, gconstpointer data)
{
	gateway_set_opened(&f->gateway, CLOSED_METADATA);
	send_udp(f, GUEST_A, IP4(169, 254, 169, 254), 64);
	send_udp(f, GUEST_A, IP4(169, 254, 7, 7), 64);
	g_assert_cmpuint(f->engine.inputs, ==, 1);
	gateway_set_opened(&f->gateway, CLOSED_LINK_LOCAL);
	send_udp(f, GUEST_A, IP4(169, 254, 169, 254), 64);
	send_udp(f, GUEST_A, IP4(169, 254, 7, 7), 64);
	g_assert_cmpuint(f->engine.inputs, ==, 2);
	gateway_set_opened(&f->gateway, 0);
	send_udp(f, GUEST_A, IP4(169, 254, 169, 254), 64);
	send_udp(f, GUEST_A, IP4(169, 254, 7, 7), 64);
	g_assert_cmpuint(f->engine.inputs, ==, 2);
	g_assert_cmpuint(drops(f, DROP_METADATA), ==, 2);
	g_assert_cmpuint(drops(f, DROP_LINK_LOCAL), ==, 2);
}

static void fragments_reach_the_engine_as_one_datagram(struct fixture *f, gconstpointer data)
{
	uint8_t udp[1600] = { 0 };
	struct bytes_writer w = bytes_writer(udp, sizeof(udp));
	static const uint8_t zeros[1500];
	udp_emit_ipv4(&w, GUEST_A, OUTSIDE, 1, 2, zeros, sizeof(zeros));
	struct ipv4_header h = { .id = 9, .ttl = 64, .protocol = IP_PROTOCOL_UDP, .src = GUEST_A, .dst = OUTSIDE, .more_fragments = true };
	send_ip(f, &f->a, mac_a, &h, udp, 800);
	g_assert_cmpuint(f->engine.inputs, ==, 0);
	h.more_fragments = false;
	h.fragment_offset = 800;
	send_ip(f, &f->a, mac_a, &h, udp + 800, w.len - 800);
	g_assert_cmpuint(f->engine.inputs, ==, 1);
	g_assert_cmpuint(f->engine.l4_len, ==, w.len);
	g_assert_cmpuint(f->engine.ttl, ==, 63);
}

static void packet_for_another_guest_is_forwarded_to_the_segment(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->b, mac_b, &(struct arp_message){ ARP_REQUEST, mac_b, GUEST_B, { { 0 } }, GATEWAY });
	memory_port_clear(&f->b);
	send_udp(f, GUEST_A, GUEST_B, 64);
	g_assert_cmpuint(f->engine.inputs, ==, 0);
	struct packet p = last_packet(f, &f->b);
	g_assert_cmpuint(p.ip.ttl, ==, 63);
	g_assert_true(mac_equal(p.eth.dst, mac_b) && mac_equal(p.eth.src, gateway_mac));
	struct udp_view udp;
	g_assert_cmpint(packet_udp(&p, &udp), ==, 0);
}

static void isolated_guests_cannot_reach_each_other_through_the_gateway(struct fixture *f, gconstpointer data)
{
	f->a.port.isolated = f->b.port.isolated = true;
	send_udp(f, GUEST_A, GUEST_B, 64); /* GUEST_B unknown: ARP request, and a drop */
	send_arp(f, &f->b, mac_b, &(struct arp_message){ ARP_REPLY, mac_b, GUEST_B, gateway_mac, GATEWAY });
	memory_port_clear(&f->b);
	send_udp(f, GUEST_A, GUEST_B, 64);
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_ISOLATED], ==, 2);
	f->b.port.isolated = false;
	send_udp(f, GUEST_A, GUEST_B, 64);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
}

static uint8_t lent[2048];
static struct iovec lent_iov;

static unsigned lend_one(struct port *p, uint32_t flow, unsigned n, size_t size, struct port_room *ret)
{
	lent_iov = (struct iovec){ lent, sizeof(lent) };
	*ret = (struct port_room){ .iov = &lent_iov, .n_iov = 1, .size = sizeof(lent) };
	return 1;
}

static void take_back(struct port *p, usec_t now, const struct frame *frames, unsigned k)
{
}

static bool is_lent_port_memory(struct fixture *f)
{
	struct port_room room;
	struct engine_env *env = &f->gateway.env;
	g_assert_cmpuint(env->ops->reserve(env, 0, guest_with(f, GUEST_A), 0, 1, 1000, &room), ==, 1);
	const uint8_t *at = room.iov[0].iov_base;
	env->ops->commit(env, 0, NULL, 0);
	return at >= lent && at < lent + sizeof(lent);
}

/* The segment completes offloads for a port; packets in lent memory bypass it. */
static void port_without_offloads_lends_no_memory(struct fixture *f, gconstpointer data)
{
	const struct port_ops *usual = f->a.port.ops;
	struct port_ops lender = *usual;
	lender.reserve = lend_one;
	lender.commit = take_back;
	f->a.port.ops = &lender;
	send_arp(f, &f->a, mac_a, &(struct arp_message){ ARP_REPLY, mac_a, GUEST_A, gateway_mac, GATEWAY });
	f->a.port.offloads = PORT_OFFLOAD_CHECKSUM;
	g_assert_false(is_lent_port_memory(f));
	f->a.port.offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4;
	g_assert_true(is_lent_port_memory(f));
	f->a.port.ops = usual;
}

static void icmp_errors_of_engines_share_the_rate_limit(struct fixture *f, gconstpointer data)
{
	struct engine_env *env = &f->gateway.env;
	unsigned allowed = 0;
	send_arp(f, &f->a, mac_a, &(struct arp_message){ ARP_REPLY, mac_a, GUEST_A, gateway_mac, GATEWAY });
	for (unsigned i = 0; i < 300; i++)
		allowed += env->ops->icmp_allowed(env, 0, guest_with(f, GUEST_A));
	g_assert_cmpuint(allowed, ==, ICMP_LIMIT_PORT_BURST);
	g_assert_cmpuint(f->segment.drops.count[DROP_ICMP_RATE], ==, 300 - allowed);
	/* Another guest has its own share. */
	send_arp(f, &f->b, mac_b, &(struct arp_message){ ARP_REPLY, mac_b, GUEST_B, gateway_mac, GATEWAY });
	g_assert_true(env->ops->icmp_allowed(env, 0, guest_with(f, GUEST_B)));
}

static void output_to_an_unknown_guest_waits_for_arp(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[IPV4_HEADER_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = IPV4_HEADER_LEN, .ttl = 9, .protocol = 99, .src = OUTSIDE, .dst = GUEST_B });
	struct iovec iov = { bytes, sizeof(bytes) };
	f->gateway.env.ops->output(&f->gateway.env, 0, guest_with(f, GUEST_B),
				   &(struct engine_packet){ .iov = &iov, .n_iov = 1, .len = sizeof(bytes) });
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(f->b.frames->len, ==, 1); /* the ARP request */
	send_arp(f, &f->b, mac_b, &(struct arp_message){ ARP_REPLY, mac_b, GUEST_B, gateway_mac, GATEWAY });
	struct packet p = last_packet(f, &f->b);
	g_assert_cmpuint(p.ip.protocol, ==, 99);
	g_assert_true(mac_equal(p.eth.dst, mac_b));
}

/* Sends a packet of @len bytes to @guest in each of @n lent rooms. */
static void send_in_rooms(struct fixture *f, ip4_t guest, unsigned n, uint16_t len)
{
	struct engine_env *env = &f->gateway.env;
	struct port_room rooms[4];
	struct engine_packet packets[4];
	g_assert_cmpuint(n, <=, G_N_ELEMENTS(rooms));
	g_assert_cmpuint(env->ops->reserve(env, 0, guest_with(f, guest), 0, n, len, rooms), ==, n);
	for (unsigned i = 0; i < n; i++) {
		g_assert_cmpuint(rooms[i].iov[0].iov_len, >=, len);
		memset(rooms[i].iov[0].iov_base, 0, len);
		struct bytes_writer w = bytes_writer(rooms[i].iov[0].iov_base, len);
		ipv4_emit(&w, &(struct ipv4_header){
				      .total_len = len, .id = (uint16_t)(7 + i), .ttl = 9, .protocol = 99, .src = OUTSIDE, .dst = guest });
		packets[i] = (struct engine_packet){ .iov = rooms[i].iov, .n_iov = 1, .len = len, .headroom = rooms[i].headroom };
	}
	env->ops->commit(env, 0, packets, n);
	segment_flush(&f->segment, 0);
}

static void packets_of_a_loan_reach_the_guest_in_order(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, &(struct arp_message){ ARP_REPLY, mac_a, GUEST_A, gateway_mac, GATEWAY });
	memory_port_clear(&f->a);
	memory_port_clear(&f->b);
	uint64_t before = f->gateway.port.counters.rx_frames, before_a = f->a.port.counters.tx_frames;
	send_in_rooms(f, GUEST_A, 3, 1000);
	g_assert_cmpuint(f->a.frames->len, ==, 3);
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	for (unsigned i = 0; i < 3; i++) {
		size_t len;
		const uint8_t *frame = memory_port_frame(&f->a, i, &len);
		g_assert_cmpuint(len, ==, ETH_HEADER_LEN + 1000);
		g_assert_cmpmem(frame, sizeof(mac_a.b), mac_a.b, sizeof(mac_a.b));
		g_assert_cmpmem(frame + sizeof(mac_a.b), sizeof(gateway_mac.b), gateway_mac.b, sizeof(gateway_mac.b));
		g_assert_cmpuint(frame[ETH_HEADER_LEN + 5], ==, 7 + i); /* its identification */
	}
	g_assert_cmpuint(f->gateway.port.counters.rx_frames, ==, before + 3);
	g_assert_cmpuint(f->a.port.counters.tx_frames, ==, before_a + 3);
}

static void packets_of_a_loan_are_fragmented_to_the_guests_mtu(struct fixture *f, gconstpointer data)
{
	f->a.port.max_frame = 9000;
	send_arp(f, &f->a, mac_a, &(struct arp_message){ ARP_REPLY, mac_a, GUEST_A, gateway_mac, GATEWAY });
	memory_port_clear(&f->a);
	send_in_rooms(f, GUEST_A, 1, 2000); /* fits the port, but the guest has sent no packet over 1500 bytes */
	g_assert_cmpuint(f->a.frames->len, ==, 2);
	g_assert_cmpuint(last_packet(f, &f->a).ip.fragment_offset, >, 0);
}

static void packets_of_a_loan_wait_for_arp_too(struct fixture *f, gconstpointer data)
{
	send_in_rooms(f, GUEST_B, 2, 100);
	g_assert_cmpuint(f->b.frames->len, ==, 1); /* the ARP request */
	send_arp(f, &f->b, mac_b, &(struct arp_message){ ARP_REPLY, mac_b, GUEST_B, gateway_mac, GATEWAY });
	g_assert_cmpuint(f->b.frames->len, ==, 3);
	g_assert_cmpuint(last_packet(f, &f->b).ip.id, ==, 8);
}

static void no_guest_is_outside_the_segment(struct fixture *f, gconstpointer data)
{
	struct ip_addr outside = ip_from_ip4(OUTSIDE), gateway = ip_from_ip4(GATEWAY);
	g_assert_null(gateway_expect(&f->gateway, 0, &outside));
	g_assert_null(gateway_expect(&f->gateway, 0, &gateway));
}

static void engine_learns_that_a_guest_is_gone_a_minute_after_its_port(struct fixture *f, gconstpointer data)
{
	send_udp(f, GUEST_A, OUTSIDE, 64);
	segment_detach(&f->segment, 0, &f->a.port);
	g_assert_cmpuint(f->engine.placed, ==, 1);
	g_assert_cmpuint(gateway_deadline(&f->gateway), <=, 61 * USEC_PER_SEC);
	gateway_expire(&f->gateway, 61 * USEC_PER_SEC);
	g_assert_cmpuint(f->engine.gone, ==, 1);
}

/* The guest @src sends a TCP packet of @len bytes; @gso_size: bytes of a segment, 0 for no segmentation. */
static void send_tcp(struct fixture *f, ip4_t src, size_t len, uint16_t gso_size)
{
	uint8_t buf[ETH_HEADER_LEN + 3000] = { 0 };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ gateway_mac, mac_a, ETH_TYPE_IPV4 });
	ipv4_emit(&w,
		  &(struct ipv4_header){ .total_len = (uint16_t)len, .ttl = 64, .protocol = IP_PROTOCOL_TCP, .src = src, .dst = OUTSIDE });
	size_t tcp_at = w.len;
	tcp_emit(&w, &(struct tcp_header){ .src_port = 1, .dst_port = 2, .flags = TCP_ACK });
	struct iovec iov;
	struct frame frame = frame_of(&iov, buf, ETH_HEADER_LEN + len);
	frame.checksum = FRAME_CHECKSUM_PARTIAL;
	frame.csum_start = (uint16_t)tcp_at;
	frame.csum_offset = TCP_CHECKSUM_AT;
	frame.ingress = &f->a.port;
	frame.gso = gso_size ? FRAME_GSO_TCP4 : FRAME_GSO_NONE;
	frame.gso_size = gso_size;
	segment_input(&f->segment, 0, &f->a.port, &frame);
	segment_flush(&f->segment, 0);
}

static void super_frame_does_not_raise_the_guests_mtu(struct fixture *f, gconstpointer data)
{
	f->a.port.max_frame = 9000;
	send_tcp(f, GUEST_A, 3000, 1460);
	g_assert_cmpuint(f->engine.inputs, ==, 1);
	g_assert_cmpuint(mtu_of(f, GUEST_A), ==, 1500);
	send_tcp(f, GUEST_A, 3000, 0);
	g_assert_cmpuint(mtu_of(f, GUEST_A), ==, 3000);
}

static void unknown_ethertype_is_counted_when_sent_to_the_gateway(struct fixture *f, gconstpointer data)
{
	uint8_t buf[60] = { 0 };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ gateway_mac, mac_a, 0x88b5 });
	memory_port_input(&f->a, 0, buf, sizeof(buf));
	g_assert_cmpuint(drops(f, DROP_ETHERTYPE), ==, 1);
	memset(buf, 0xff, 6);
	memory_port_input(&f->a, 0, buf, sizeof(buf));
	g_assert_cmpuint(drops(f, DROP_ETHERTYPE), ==, 1);
}

#define TEST(name) g_test_add("/gateway/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(arp_for_the_gateway_is_answered);
	TEST(arp_claim_of_the_gateways_address_is_dropped_and_defended);
	TEST(claim_of_the_gateways_address_behind_tags_is_dropped);
	TEST(claim_of_the_gateways_address_with_hardware_type_6_is_dropped);
	TEST(frame_too_big_for_its_port_is_answered_by_the_gateway);
	TEST(guest_that_has_shown_no_more_than_1500_is_protected_by_the_gateway_too);
	TEST(too_big_errors_over_the_limit_are_counted_on_the_senders_port);
	TEST(icmp_errors_over_the_limit_are_counted_on_the_senders_port);
	TEST(frame_with_the_gateways_mac_as_source_is_dropped);
	TEST(echo_to_the_gateway_is_answered_with_its_data);
	TEST(ttl_is_decremented_on_the_way_outside);
	TEST(ttl_of_one_is_answered_with_time_exceeded);
	TEST(ttl_is_not_decremented_for_the_gateway_itself);
	TEST(martians_never_reach_the_engine);
	TEST(packets_to_unknown_neighbours_are_under_storm_control);
	TEST(closed_destinations_are_answered_and_counted);
	TEST(closed_destinations_can_be_opened_and_closed_again);
	TEST(malformed_packet_is_the_example_of_its_drop);
	TEST(ip_options_are_ignored);
	TEST(fragments_reach_the_engine_as_one_datagram);
	TEST(packet_for_another_guest_is_forwarded_to_the_segment);
	TEST(isolated_guests_cannot_reach_each_other_through_the_gateway);
	TEST(port_without_offloads_lends_no_memory);
	TEST(icmp_errors_of_engines_share_the_rate_limit);
	TEST(output_to_an_unknown_guest_waits_for_arp);
	TEST(packets_of_a_loan_reach_the_guest_in_order);
	TEST(packets_of_a_loan_are_fragmented_to_the_guests_mtu);
	TEST(packets_of_a_loan_wait_for_arp_too);
	TEST(no_guest_is_outside_the_segment);
	TEST(engine_learns_that_a_guest_is_gone_a_minute_after_its_port);
	TEST(super_frame_does_not_raise_the_guests_mtu);
	TEST(unknown_ethertype_is_counted_when_sent_to_the_gateway);
	return g_test_run();
}
