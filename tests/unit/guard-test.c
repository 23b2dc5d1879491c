/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard, with memory ports as guests, invented time, and ranks that the test says. */
#include "base/macros.h"
#include "gateway/gateway.h"
#include "gateway/payer.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "service/arp.h"
#include "support/memory_port.h"
#include "wire/arp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/udp.h"

#define GATEWAY IP4(10, 0, 0, 1)
#define IP_A IP4(10, 0, 0, 2)
#define IP_B IP4(10, 0, 0, 3)
#define MSEC USEC_PER_MSEC

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 1 } }, mac_a = { { 2, 0, 0, 0, 0, 2 } }, mac_b = { { 2, 0, 0, 0, 0, 3 } },
			zero_mac = { { 0 } };

struct fixture {
	struct segment segment;
	struct gateway gateway;
	struct memory_port a, b, c;
	usec_t now;
	enum guest_rank rank; /* of IP_A, for mac_a */
	unsigned conflicts;
};

static enum guest_rank rank_of(void *opaque, usec_t now, const struct ip_addr *addr, struct guest_holder *ret)
{
	const struct fixture *f = opaque;
	if (!ip_is_v4(addr) || ip_to_ip4(addr) != IP_A || f->rank == GUEST_RANK_SEEN)
		return GUEST_RANK_SEEN;
	*ret = (struct guest_holder){ .mac = mac_a };
	return f->rank;
}

static void count_conflict(void *opaque, usec_t now, const struct claim *c)
{
	((struct fixture *)opaque)->conflicts++;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ .now = 1000 * USEC_PER_SEC };
	struct hash_key key = { { 5, 6 } };
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	g_assert_cmpint(gateway_init(&f->gateway, &f->segment,
				     &(struct gateway_config){ .mac = gateway_mac,
							       .ip = GATEWAY,
							       .subnet = { IP4(10, 0, 0, 0), 24 },
							       .hash_key = key,
							       .hooks = { .rank = rank_of, .conflict = count_conflict, .opaque = f } }),
			==, 0);
	memory_port_init(&f->a, &f->segment, "a", 1514);
	memory_port_init(&f->b, &f->segment, "b", 1514);
	memory_port_init(&f->c, &f->segment, "c", 1514);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	memory_port_done(&f->a);
	memory_port_done(&f->b);
	memory_port_done(&f->c);
	gateway_done(&f->gateway, f->now);
	segment_done(&f->segment);
}

static void clear(struct fixture *f)
{
	memory_port_clear(&f->a);
	memory_port_clear(&f->b);
	memory_port_clear(&f->c);
}

static void send_arp(struct fixture *f, struct memory_port *p, struct mac mac, ip4_t ip)
{
	uint8_t buf[60] = { 0 };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, mac, ETH_TYPE_ARP });
	arp_emit(&w, &(struct arp_message){ ARP_REQUEST, mac, ip, zero_mac, ip });
	memory_port_input(p, f->now, buf, sizeof(buf));
}

static void send_udp(struct fixture *f, struct memory_port *p, struct mac mac, ip4_t ip, uint16_t from, uint16_t to)
{
	uint8_t buf[128];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, mac, ETH_TYPE_IPV4 });
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = IPV4_HEADER_LEN + UDP_HEADER_LEN + 1,
					     .ttl = 64,
					     .protocol = IP_PROTOCOL_UDP,
					     .src = ip,
					     .dst = IP4_BROADCAST });
	udp_emit_ipv4(&w, ip, IP4_BROADCAST, from, to, "x", 1);
	memory_port_input(p, f->now, buf, w.len);
}

/* Lets @duration pass; every claim is expired when it is due. */
static void pass(struct fixture *f, usec_t duration)
{
	usec_t end = f->now + duration;
	for (usec_t next; (next = gateway_deadline(&f->gateway)) <= end;) {
		f->now = MAX(f->now, next);
		gateway_expire(&f->gateway, f->now);
		segment_flush(&f->segment, f->now);
	}
	f->now = end;
}

static const struct guest *holder_of(struct fixture *f, ip4_t ip)
{
	struct ip_addr addr = ip_from_ip4(ip);
	const struct guest_address *a = guest_find_address(&f->gateway.guests, &addr);
	g_assert_nonnull(a);
	return a->guest;
}

static uint64_t drops(const struct memory_port *p, enum drop_reason why)
{
	return p->port.counters.drops.count[why];
}

/* The number of ARP requests for @ip that were sent to @mac at @p. */
static unsigned polls(const struct memory_port *p, struct mac mac, ip4_t ip)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->frames->len; i++) {
		size_t len;
		const uint8_t *bytes = memory_port_frame(p, i, &len);
		struct bytes_reader r = bytes_reader(bytes, len);
		struct eth_header eth;
		struct arp_message m;
		if (eth_parse(&r, &eth) == 0 && eth.ethertype == ETH_TYPE_ARP && arp_parse(&r, &m) == 0)
			n += m.operation == ARP_REQUEST && mac_equal(eth.dst, mac) && m.target_ip == ip &&
			     mac_equal(m.sender_mac, gateway_mac);
	}
	return n;
}

static void claim_is_refused_while_the_holder_answers(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, IP_A);
	clear(f);
	send_arp(f, &f->b, mac_b, IP_A);
	g_assert_cmpuint(polls(&f->a, mac_a, IP_A), ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 0); /* nobody else hears the claim */
	pass(f, 20 * MSEC);
	send_arp(f, &f->a, mac_a, IP_A);
	g_assert_cmpuint(drops(&f->b, DROP_CLAIM_PENDING), ==, 1);
	g_assert_cmpuint(f->conflicts, ==, 1);
	send_arp(f, &f->b, mac_b, IP_A);
	send_udp(f, &f->b, mac_b, IP_A, 1, 2);
	g_assert_cmpuint(drops(&f->b, DROP_ADDRESS_CONFLICT), ==, 2);
	pass(f, USEC_PER_SEC);
	g_assert_true(holder_of(f, IP_A)->port == &f->a.port);
	g_assert_cmpuint(f->conflicts, ==, 1);
	struct guard_conflict conflict;
	g_assert_true(guard_conflict_of(&f->a.port, f->now, &conflict));
	g_assert_cmpstr(conflict.other, ==, "b");
	g_assert_true(guard_conflict_of(&f->b.port, f->now, &conflict));
	g_assert_cmpstr(conflict.other, ==, "a");
	g_assert_false(guard_conflict_of(&f->c.port, f->now, &conflict));
	pass(f, 2 * GUARD_CONFLICT_TIME);
	g_assert_false(guard_conflict_of(&f->a.port, f->now, &conflict));
}

/* As with VRRP, MetalLB or a machine that took over an address. */
static void seen_address_moves_from_a_silent_holder(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, IP_A);
	clear(f);
	send_arp(f, &f->b, mac_b, IP_A);
	pass(f, 490 * MSEC);
	g_assert_cmpuint(polls(&f->a, mac_a, IP_A), ==, 3);
	g_assert_true(holder_of(f, IP_A)->port == &f->a.port);
	clear(f);
	pass(f, 10 * MSEC);
	g_assert_true(holder_of(f, IP_A)->port == &f->b.port);
	g_assert_true(mac_equal(holder_of(f, IP_A)->mac, mac_b));
	g_assert_cmpuint(f->c.frames->len, ==, 1); /* the announcement, which had waited */
	g_assert_cmpuint(f->conflicts, ==, 0);
}

/* A frame that was on its way when the claim came does not count as an answer. */
static void frame_that_was_on_its_way_is_no_answer(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, IP_A);
	send_arp(f, &f->b, mac_a, IP_A);
	pass(f, 5 * MSEC);
	send_udp(f, &f->a, mac_a, IP_A, 1, 2);
	pass(f, 500 * MSEC);
	g_assert_true(holder_of(f, IP_A)->port == &f->b.port);
}

static void address_moves_at_once_when_the_holders_port_goes(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, IP_A);
	send_arp(f, &f->b, mac_b, IP_A);
	segment_detach(&f->segment, f->now, &f->a.port);
	gateway_expire(&f->gateway, f->now);
	segment_flush(&f->segment, f->now);
	g_assert_true(holder_of(f, IP_A)->port == &f->b.port);
	segment_attach(&f->segment, &f->a.port);
}

static void mac_moves_with_its_addresses_when_its_port_is_silent(struct fixture *f, gconstpointer data)
{
	f->rank = GUEST_RANK_LEASED;
	send_arp(f, &f->a, mac_a, IP_A);
	send_udp(f, &f->b, mac_a, IP_A, 1, 2); /* live migration */
	g_assert_cmpuint(drops(&f->b, DROP_CLAIM_PENDING), ==, 1);
	pass(f, 500 * MSEC);
	g_assert_true(holder_of(f, IP_A)->port == &f->b.port);
	g_assert_true(segment_find(&f->segment, f->now, mac_a) == &f->b.port);
}

static void mac_of_a_port_that_speaks_does_not_move(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, IP_A);
	send_udp(f, &f->b, mac_a, IP_B, 1, 2);
	pass(f, 20 * MSEC);
	send_udp(f, &f->a, mac_a, IP_A, 1, 2);
	pass(f, USEC_PER_SEC);
	send_udp(f, &f->b, mac_a, IP_B, 1, 2);
	g_assert_cmpuint(drops(&f->b, DROP_MAC_CONFLICT), ==, 1);
	g_assert_true(segment_find(&f->segment, f->now, mac_a) == &f->a.port);
	g_assert_true(holder_of(f, IP_A)->port == &f->a.port);
}

static void leased_address_does_not_move_to_another_mac(struct fixture *f, gconstpointer data)
{
	f->rank = GUEST_RANK_LEASED;
	send_arp(f, &f->a, mac_a, IP_A);
	clear(f);
	send_arp(f, &f->b, mac_b, IP_A);
	g_assert_cmpuint(polls(&f->a, mac_a, IP_A), ==, 0);
	pass(f, 10 * USEC_PER_SEC);
	send_arp(f, &f->b, mac_b, IP_A);
	g_assert_cmpuint(drops(&f->b, DROP_ADDRESS_CONFLICT), ==, 2);
	g_assert_true(mac_equal(holder_of(f, IP_A)->mac, mac_a));
}

static void reserved_address_is_kept_for_a_guest_that_is_not_there(struct fixture *f, gconstpointer data)
{
	f->rank = GUEST_RANK_DECLARED;
	send_arp(f, &f->b, mac_b, IP_A);
	g_assert_cmpuint(drops(&f->b, DROP_ADDRESS_CONFLICT), ==, 1);
	send_arp(f, &f->a, mac_a, IP_A);
	g_assert_true(mac_equal(holder_of(f, IP_A)->mac, mac_a));
}

/* DHCP beats seen: the lease is for the one that has it, whatever another guest uses. */
static void leased_address_is_taken_from_a_guest_that_only_used_it(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->b, mac_b, IP_A);
	f->rank = GUEST_RANK_LEASED;
	send_arp(f, &f->a, mac_a, IP_A);
	g_assert_true(mac_equal(holder_of(f, IP_A)->mac, mac_a));
	send_arp(f, &f->b, mac_b, IP_A);
	g_assert_cmpuint(drops(&f->b, DROP_ADDRESS_CONFLICT), ==, 1);
}

static void pinned_mac_never_moves(struct fixture *f, gconstpointer data)
{
	f->a.port.pinned = mac_a;
	send_arp(f, &f->a, mac_a, IP_A);
	send_udp(f, &f->b, mac_a, IP_B, 1, 2);
	pass(f, 10 * USEC_PER_SEC);
	send_udp(f, &f->b, mac_a, IP_B, 1, 2);
	g_assert_cmpuint(drops(&f->b, DROP_MAC_CONFLICT), ==, 2);
	/* And its port gets it back at once from one that used it first. */
	f->c.port.pinned = mac_b;
	send_arp(f, &f->b, mac_b, IP_B);
	send_arp(f, &f->c, mac_b, IP_B);
	g_assert_true(segment_find(&f->segment, f->now, mac_b) == &f->c.port);
}

/* Containers behind a bridge, and a machine that changes its MAC. */
static void addresses_move_freely_behind_one_port(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, IP_A);
	send_arp(f, &f->a, mac_b, IP_A);
	g_assert_true(mac_equal(holder_of(f, IP_A)->mac, mac_b));
	g_assert_cmpuint(drops(&f->a, DROP_CLAIM_PENDING), ==, 0);
}

static void port_holds_sixty_four_addresses_against_others(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 100; i++)
		send_arp(f, &f->a, mac_a, IP4(10, 0, 0, 100) + i);
	send_arp(f, &f->b, mac_b, IP4(10, 0, 0, 163));
	g_assert_cmpuint(drops(&f->b, DROP_CLAIM_PENDING), ==, 1);
	send_arp(f, &f->b, mac_b, IP4(10, 0, 0, 164));
	g_assert_true(mac_equal(holder_of(f, IP4(10, 0, 0, 164))->mac, mac_b));
}

/* A host of containers uses ever new addresses, and the old ones go. */
static void address_in_use_is_protected_when_others_have_gone(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 65; i++)
		send_arp(f, &f->a, mac_a, IP4(10, 0, 0, 100) + i);
	send_arp(f, &f->c, (struct mac){ { 2, 0, 0, 0, 0, 9 } }, IP4(10, 0, 0, 100));
	pass(f, USEC_PER_SEC);
	g_assert_cmpuint(f->a.port.payer->n_protected, ==, 63);
	send_arp(f, &f->a, mac_a, IP4(10, 0, 0, 101));
	send_arp(f, &f->a, mac_a, IP4(10, 0, 0, 164));
	send_arp(f, &f->b, mac_b, IP4(10, 0, 0, 164));
	g_assert_cmpuint(drops(&f->b, DROP_CLAIM_PENDING), ==, 1);
	g_assert_cmpuint(f->a.port.payer->n_protected, ==, 64);
}

static void claims_of_one_port_leave_room_for_others(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 64; i++)
		send_arp(f, &f->a, mac_a, IP4(10, 0, 0, 100) + i);
	for (unsigned i = 0; i < 1000; i++)
		send_arp(f, &f->b, (struct mac){ { 2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } }, IP4(10, 0, 0, 100));
	g_assert_cmpuint(f->b.port.payer->n_claims, ==, CLAIMS_MAX / 2);
	g_assert_cmpuint(drops(&f->b, DROP_CLAIM_LIMIT), ==, 1000 - CLAIMS_MAX / 2);
	send_arp(f, &f->c, mac_b, IP4(10, 0, 0, 101));
	g_assert_cmpuint(drops(&f->c, DROP_CLAIM_PENDING), ==, 1);
	pass(f, 10 * USEC_PER_SEC);
	g_assert_cmpuint(f->gateway.guard.claims.n, ==, 0);
}

static void unguarded_port_may_claim(struct fixture *f, gconstpointer data)
{
	f->b.port.guarded = false;
	send_arp(f, &f->a, mac_a, IP_A);
	send_arp(f, &f->b, mac_b, IP_A);
	g_assert_true(mac_equal(holder_of(f, IP_A)->mac, mac_b));
	send_arp(f, &f->b, mac_b, GATEWAY);
	g_assert_cmpuint(drops(&f->b, DROP_GATEWAY_ADDRESS), ==, 1);
}

static void guests_do_not_answer_dhcp_for_one_another(struct fixture *f, gconstpointer data)
{
	send_udp(f, &f->a, mac_a, IP_A, 67, 68);
	send_udp(f, &f->a, mac_a, IP_A, 67, 68);    /* the sender is known now */
	send_udp(f, &f->a, mac_a, IP_A, 40000, 68); /* clients look at their own port only */
	g_assert_cmpuint(drops(&f->a, DROP_ROGUE_DHCP), ==, 3);
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	send_udp(f, &f->a, mac_a, IP_A, 67, 67); /* a relay asks */
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	f->a.port.may_serve_dhcp = true;
	send_udp(f, &f->a, mac_a, IP_A, 67, 68);
	g_assert_cmpuint(f->b.frames->len, ==, 2);
}

static void ask(struct fixture *f, struct memory_port *p, struct mac mac, ip4_t ip, ip4_t for_ip)
{
	uint8_t buf[60] = { 0 };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, mac, ETH_TYPE_ARP });
	arp_emit(&w, &(struct arp_message){ ARP_REQUEST, mac, ip, zero_mac, for_ip });
	clear(f);
	memory_port_input(p, f->now, buf, sizeof(buf));
}

static void request_goes_to_the_guest_that_has_the_address(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, IP_A);
	ask(f, &f->b, mac_b, IP_B, IP_A);
	g_assert_cmpuint(f->a.frames->len, ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 0);
	pass(f, 400 * MSEC);
	ask(f, &f->b, mac_b, IP_B, IP_A);
	g_assert_cmpuint(f->c.frames->len, ==, 0);
	/* It did not answer: it may be elsewhere. */
	pass(f, 200 * MSEC);
	ask(f, &f->b, mac_b, IP_B, IP_A);
	g_assert_cmpuint(f->a.frames->len, ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 1);
	send_udp(f, &f->a, mac_a, IP_A, 1, 2);
	ask(f, &f->b, mac_b, IP_B, IP_A);
	g_assert_cmpuint(f->c.frames->len, ==, 0);
}

static void request_for_an_unknown_address_and_announcements_go_to_all(struct fixture *f, gconstpointer data)
{
	ask(f, &f->b, mac_b, IP_B, IP_A);
	g_assert_cmpuint(f->a.frames->len + f->c.frames->len, ==, 2);
	ask(f, &f->b, mac_b, IP_B, IP_B);
	g_assert_cmpuint(f->a.frames->len + f->c.frames->len, ==, 2);
	ask(f, &f->b, mac_b, IP_B, GATEWAY);
	g_assert_cmpuint(f->a.frames->len + f->c.frames->len, ==, 0);
}

static void dhcp_requests_go_to_servers(struct fixture *f, gconstpointer data)
{
	send_udp(f, &f->a, mac_a, 0, 68, 67);
	g_assert_cmpuint(f->b.frames->len + f->c.frames->len, ==, 0);
	port_identify(&f->b.port, "b", &(struct port_identity){ .properties = { .may_serve_dhcp = true } });
	send_udp(f, &f->a, mac_a, 0, 68, 67);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 0);
	port_identify(&f->b.port, "b", &(struct port_identity){ 0 });
	port_identify(&f->c.port, "c", &(struct port_identity){ .properties = { .guard = PORT_GUARD_OFF } });
	send_udp(f, &f->a, mac_a, 0, 68, 67);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 1);
	f->gateway.config.guests_serve_dhcp = true;
	send_udp(f, &f->a, mac_a, 0, 68, 67);
	g_assert_cmpuint(f->b.frames->len, ==, 2);
}

/* The switch pads frames, and the zeros would complete the message. */
static void arp_that_is_cut_short_does_not_pass(struct fixture *f, gconstpointer data)
{
	uint8_t buf[ETH_HEADER_LEN + ARP_LEN];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, mac_a, ETH_TYPE_ARP });
	arp_emit(&w, &(struct arp_message){ ARP_REQUEST, mac_a, IP_A, zero_mac, IP_A });
	for (size_t len = ETH_HEADER_LEN; len < sizeof(buf); len++)
		memory_port_input(&f->a, f->now, buf, len);
	g_assert_cmpuint(drops(&f->a, DROP_ARP_MALFORMED), ==, ARP_LEN);
	g_assert_cmpuint(f->b.frames->len, ==, 0);
}

/* A VLAN is another network, with addresses of its own. */
static void addresses_in_a_vlan_are_not_guarded(struct fixture *f, gconstpointer data)
{
	uint8_t buf[64] = { 0 };
	send_arp(f, &f->a, mac_a, IP_A);
	for (unsigned vid = 0; vid < 2; vid++) {
		struct bytes_writer w = bytes_writer(buf, sizeof(buf));
		eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, mac_b, ETH_TYPE_VLAN });
		bytes_put_be16(&w, (uint16_t)(vid * 7));
		bytes_put_be16(&w, ETH_TYPE_ARP);
		arp_emit(&w, &(struct arp_message){ ARP_REPLY, mac_b, IP_A, mac_a, IP_A });
		clear(f);
		memory_port_input(&f->b, f->now, buf, sizeof(buf));
		g_assert_cmpuint(f->c.frames->len, ==, vid);
	}
}

static void frame_in_pieces_is_guarded_like_any_other(struct fixture *f, gconstpointer data)
{
	uint8_t buf[60] = { 0 };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	send_arp(f, &f->a, mac_a, IP_A);
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, mac_b, ETH_TYPE_IPV4 });
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = 40, .ttl = 64, .protocol = 200, .src = IP_A, .dst = IP4_BROADCAST });
	for (size_t first = 1; first < 40; first++) {
		struct iovec iov[2] = { { buf, first }, { buf + first, sizeof(buf) - first } };
		struct frame frame = { .iov = iov, .n_iov = 2, .len = sizeof(buf), .ingress = &f->b.port };
		segment_input(&f->segment, f->now, &f->b.port, &frame);
		segment_flush(&f->segment, f->now);
		g_assert_cmpuint(drops(&f->b, DROP_CLAIM_PENDING), ==, first);
	}
}

/* RFC 1042: some receivers take ARP and IP in this encapsulation. */
static void arp_and_ip_in_snap_do_not_pass(struct fixture *f, gconstpointer data)
{
	static const uint8_t snap[] = { 0xaa, 0xaa, 3, 0, 0, 0 }, cdp[] = { 0xaa, 0xaa, 3, 0, 0, 0x0c };
	uint8_t buf[64] = { 0 };
	send_arp(f, &f->a, mac_a, IP_A);
	const uint16_t types[] = { ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_VLAN };
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct bytes_writer w = bytes_writer(buf, sizeof(buf));
		eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, mac_b, 36 });
		bytes_put(&w, snap, sizeof(snap));
		bytes_put_be16(&w, types[i]);
		arp_emit(&w, &(struct arp_message){ ARP_REPLY, mac_b, IP_A, mac_a, IP_A });
		clear(f);
		memory_port_input(&f->b, f->now, buf, sizeof(buf));
		g_assert_cmpuint(f->c.frames->len, ==, 0);
	}
	g_assert_cmpuint(drops(&f->b, DROP_FRAME_MALFORMED), ==, ARRAY_SIZE(types));
	memcpy(buf + ETH_HEADER_LEN, cdp, sizeof(cdp));
	memory_port_input(&f->b, f->now, buf, sizeof(buf));
	g_assert_cmpuint(f->c.frames->len, ==, 1);
}

/* IPv6 from mac_b to all nodes, with @payload of protocol @next. */
static void send_v6(struct fixture *f, uint8_t next, const void *payload, size_t len)
{
	uint8_t buf[256];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	struct ip_addr src = { { 0xfe, 0x80, [15] = 3 } }, all = { { 0xff, 2, [15] = 1 } };
	eth_emit(&w, &(struct eth_header){ { { 0x33, 0x33, 0, 0, 0, 1 } }, mac_b, ETH_TYPE_IPV6 });
	ipv6_emit(&w, &(struct ipv6_header){ .payload_len = (uint16_t)len, .next_header = next, .hop_limit = 255, .src = src, .dst = all });
	bytes_put(&w, payload, len);
	clear(f);
	memory_port_input(&f->b, f->now, buf, w.len);
}

/* The headers that say what a packet is are in its first fragment (RFC 7112 §5), and there is one fragment header (RFC 8200 §4.5). */
static void fragments_do_not_hide_what_a_packet_is(struct fixture *f, gconstpointer data)
{
	static const uint8_t udp_to_a_client[] = { IP_PROTOCOL_UDP, 0, 0, 1, 0, 0, 0, 9, 0x02, 0x23, 0x02, 0x22, 0, 8, 0, 0 };
	static const uint8_t udp_in_the_next[] = { 60, 0, 0, 1, 0, 0, 0, 9, IP_PROTOCOL_UDP, 0, 1, 4, 0, 0, 0, 0 };
	static const uint8_t fragment_in_a_fragment[] = { 44, 0, 0, 0, 0, 0, 0, 9, IPV6_NEXT_ICMP, 0, 0, 0, 0, 0, 0, 9, 134, 0, 0, 0 };
	static const uint8_t udp_to_another[] = { IP_PROTOCOL_UDP, 0, 0, 1, 0, 0, 0, 9, 0x02, 0x23, 0x12, 0x22, 0, 8, 0, 0 };
	static const uint8_t later[] = { IP_PROTOCOL_UDP, 0, 0, 9, 0, 0, 0, 9, 0x02, 0x23, 0x02, 0x22, 0, 8, 0, 0 };
	send_v6(f, IPV6_NEXT_FRAGMENT, udp_to_a_client, sizeof(udp_to_a_client));
	g_assert_cmpuint(f->c.frames->len, ==, 0);
	send_v6(f, IPV6_NEXT_FRAGMENT, udp_in_the_next, sizeof(udp_in_the_next));
	g_assert_cmpuint(f->c.frames->len, ==, 0);
	send_v6(f, IPV6_NEXT_FRAGMENT, fragment_in_a_fragment, sizeof(fragment_in_a_fragment));
	g_assert_cmpuint(f->c.frames->len, ==, 0);
	send_v6(f, IPV6_NEXT_FRAGMENT, udp_to_another, sizeof(udp_to_another));
	g_assert_cmpuint(f->c.frames->len, ==, 1);
	send_v6(f, IPV6_NEXT_FRAGMENT, later, sizeof(later));
	g_assert_cmpuint(f->c.frames->len, ==, 1);
}

/* The first one may be of yesterday: a guest that is asked for it is silent. */
static void guest_is_asked_for_the_address_that_it_used_last(struct fixture *f, gconstpointer data)
{
	send_arp(f, &f->a, mac_a, IP_A);
	send_arp(f, &f->a, mac_a, IP4(10, 0, 0, 9));
	send_arp(f, &f->a, mac_a, IP_B);
	send_arp(f, &f->a, mac_a, IP4(10, 0, 0, 9));
	clear(f);
	send_udp(f, &f->b, mac_a, IP4(10, 0, 0, 77), 1, 2);
	g_assert_cmpuint(polls(&f->a, mac_a, IP4(10, 0, 0, 9)), ==, 1);
}

/* Since then another guest has got it by DHCP: an answer to that guest's probe would make it decline the address (RFC 5227 §2.1.1). */
static void address_that_was_leased_elsewhere_cannot_be_used_any_more(struct fixture *f, gconstpointer data)
{
	struct ip_addr addr = ip_from_ip4(IP_A);
	send_arp(f, &f->b, mac_b, IP_A);
	send_udp(f, &f->b, mac_b, IP_A, 1, 2);
	f->rank = GUEST_RANK_LEASED;
	g_assert_false(gateway_is_lost(&f->gateway, &addr));
	guest_address_lost(guest_find_address(&f->gateway.guests, &addr), true);
	g_assert_true(gateway_is_lost(&f->gateway, &addr));
	ask(f, &f->a, mac_a, 0, IP_A);
	g_assert_cmpuint(f->c.frames->len, ==, 1); /* a guest that has lost the address is not the one to ask */
	clear(f);
	send_arp(f, &f->b, mac_b, IP_A);
	send_udp(f, &f->b, mac_b, IP_A, 1, 2);
	g_assert_cmpuint(drops(&f->b, DROP_ADDRESS_CONFLICT), ==, 2);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_true(gateway_is_lost(&f->gateway, &addr));
	send_arp(f, &f->a, mac_a, IP_A);
	g_assert_true(mac_equal(holder_of(f, IP_A)->mac, mac_a));
	g_assert_false(gateway_is_lost(&f->gateway, &addr));
	send_udp(f, &f->a, mac_a, IP_A, 1, 2);
	g_assert_cmpuint(f->b.frames->len, ==, 2);
}

static void lost_address_can_be_used_when_the_lease_has_ended(struct fixture *f, gconstpointer data)
{
	struct ip_addr addr = ip_from_ip4(IP_A);
	send_arp(f, &f->b, mac_b, IP_A);
	guest_address_lost(guest_find_address(&f->gateway.guests, &addr), true);
	send_udp(f, &f->b, mac_b, IP_A, 1, 2);
	g_assert_cmpuint(f->a.frames->len, ==, 2);
	g_assert_true(f->b.port.payer->last == guest_find_address(&f->gateway.guests, &addr));
}

/* Two guests that probe for one address at once give it up both (RFC 5227 §2.1.1), so a probe would be a claim that works. */
static void probe_for_an_address_leased_elsewhere_is_refused(struct fixture *f, gconstpointer data)
{
	f->rank = GUEST_RANK_LEASED;
	ask(f, &f->b, mac_b, 0, IP_A);
	g_assert_cmpuint(drops(&f->b, DROP_ADDRESS_CONFLICT), ==, 1);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	ask(f, &f->a, mac_a, 0, IP_A);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	ask(f, &f->b, mac_b, 0, IP_B);
	g_assert_cmpuint(f->a.frames->len, ==, 1);
	/* Behind a port that the guard leaves alone there may be anything. */
	f->b.port.guarded = false;
	ask(f, &f->b, mac_b, 0, IP_A);
	g_assert_cmpuint(f->a.frames->len, ==, 1);
}

/* A host that is about to use the address by mistake is told, as the holder would tell it. */
static void refused_probe_is_answered_for_the_holder(struct fixture *f, gconstpointer data)
{
	f->rank = GUEST_RANK_LEASED;
	ask(f, &f->b, mac_b, 0, IP_A);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	size_t len;
	const uint8_t *bytes = memory_port_frame(&f->b, 0, &len);
	struct bytes_reader r = bytes_reader(bytes, len);
	struct eth_header eth;
	struct arp_message m;
	g_assert_cmpint(eth_parse(&r, &eth), ==, 0);
	g_assert_cmpint(arp_parse(&r, &m), ==, 0);
	g_assert_true(mac_equal(eth.dst, mac_b) && mac_equal(m.sender_mac, mac_a));
	g_assert_cmpuint(m.operation, ==, ARP_REPLY);
	g_assert_cmpuint(m.sender_ip, ==, IP_A);
}

static unsigned n_room; /* frames that the port still takes */

static void take_while_there_is_room(struct port *p, usec_t now, const struct frame *frame)
{
	if (n_room == 0)
		segment_drop(p->segment, p, DROP_PORT_FULL, frame);
	n_room -= n_room > 0;
}

static void fill_nothing(struct port *p, usec_t now)
{
}

static const struct port_ops full_ops = { .kind = "full", .send = take_while_there_is_room, .flush = fill_nothing };

/* mac_a's guest is sent a frame and claimed the address of by mac_b, while its port has room for @room frames in each 50 ms. */
static void claim_from_a_port_that_is_overrun(struct fixture *f, unsigned room, bool crowded)
{
	const struct port_ops *ops = f->a.port.ops;
	uint8_t flood[60] = { 0 };
	struct bytes_writer w = bytes_writer(flood, sizeof(flood));
	eth_emit(&w, &(struct eth_header){ mac_a, mac_b, 0x88b5 });
	send_arp(f, &f->a, mac_a, IP_A);
	f->a.port.ops = &full_ops;
	n_room = 0;
	send_arp(f, &f->b, mac_b, IP_A);
	for (unsigned i = 0; i < 12; i++) {
		n_room = room;
		for (unsigned k = 0; k < 3; k++)
			memory_port_input(&f->b, f->now, flood, sizeof(flood));
		f->a.port.crowded = crowded;
		for (unsigned k = 0; crowded && k < 10; k++)
			send_udp(f, &f->b, mac_b, 0, 1, 2);
		pass(f, 50 * MSEC);
	}
	f->a.port.ops = ops;
}

/* The ARP request that is the only frame that @p got. */
static struct arp_message only_request(const struct memory_port *p)
{
	size_t len;
	struct arp_message m;
	g_assert_cmpuint(p->frames->len, ==, 1);
	const uint8_t *bytes = memory_port_frame(p, 0, &len);
	struct bytes_reader r = bytes_reader(bytes + ETH_HEADER_LEN, len - ETH_HEADER_LEN);
	g_assert_cmpint(arp_parse(&r, &m), ==, 0);
	return m;
}

/* Linux with rp_filter does not answer a sender to which it has no route, but it answers a probe. */
static void guest_is_asked_for_an_address_of_another_subnet_without_a_sender(struct fixture *f, gconstpointer data)
{
	static const ip4_t addresses[] = { IP_A, IP4(172, 16, 0, 5) }, senders[] = { GATEWAY, 0 };
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		send_arp(f, &f->a, mac_a, addresses[i]);
		clear(f);
		send_arp(f, &f->b, mac_b, addresses[i]);
		g_assert_cmpuint(only_request(&f->a).sender_ip, ==, senders[i]);
		g_assert_cmpuint(only_request(&f->a).target_ip, ==, addresses[i]);
		pass(f, USEC_PER_SEC);
	}
}

/* Or a guest could take the address of each guest that it sends more than that one can take. */
static void guest_that_cannot_be_asked_because_it_is_flooded_keeps_its_address(struct fixture *f, gconstpointer data)
{
	claim_from_a_port_that_is_overrun(f, 1, false);
	g_assert_true(holder_of(f, IP_A)->port == &f->a.port);
	g_assert_cmpuint(f->conflicts, ==, 1);
	pass(f, 10 * USEC_PER_SEC);
	claim_from_a_port_that_is_overrun(f, 1, true);
	g_assert_true(holder_of(f, IP_A)->port == &f->a.port);
}

/* As that of a machine which has migrated. */
static void address_behind_a_port_that_takes_nothing_moves(struct fixture *f, gconstpointer data)
{
	claim_from_a_port_that_is_overrun(f, 0, true);
	g_assert_true(holder_of(f, IP_A)->port == &f->b.port);
}

/* The guard's questions come from the gateway's MAC, also where there is no gateway: in a loop they would go round. */
static void questions_of_the_guard_do_not_come_back(void)
{
	struct fixture f = { 0 };
	struct hash_key key = { { 5, 6 } };
	struct gateway_config config = { .mac = gateway_mac, .ip = GATEWAY, .subnet = { IP4(10, 0, 0, 0), 24 }, .absent = true };
	g_assert_cmpint(segment_init(&f.segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	g_assert_cmpint(gateway_init(&f.gateway, &f.segment, &config), ==, 0);
	memory_port_init(&f.a, &f.segment, "a", 1514);
	memory_port_init(&f.b, &f.segment, "b", 1514);
	send_udp(&f, &f.a, mac_a, IP_A, 1, 2);
	memory_port_clear(&f.b);
	send_udp(&f, &f.a, gateway_mac, IP_A, 1, 2);
	g_assert_cmpuint(drops(&f.a, DROP_GATEWAY_MAC), ==, 1);
	g_assert_cmpuint(f.b.frames->len, ==, 0);
	memory_port_done(&f.a);
	memory_port_done(&f.b);
	gateway_done(&f.gateway, 0);
	segment_done(&f.segment);
}

#define TEST(name) g_test_add("/guard/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(claim_is_refused_while_the_holder_answers);
	TEST(seen_address_moves_from_a_silent_holder);
	TEST(frame_that_was_on_its_way_is_no_answer);
	TEST(address_moves_at_once_when_the_holders_port_goes);
	TEST(mac_moves_with_its_addresses_when_its_port_is_silent);
	TEST(mac_of_a_port_that_speaks_does_not_move);
	TEST(leased_address_does_not_move_to_another_mac);
	TEST(reserved_address_is_kept_for_a_guest_that_is_not_there);
	TEST(leased_address_is_taken_from_a_guest_that_only_used_it);
	TEST(pinned_mac_never_moves);
	TEST(addresses_move_freely_behind_one_port);
	TEST(port_holds_sixty_four_addresses_against_others);
	TEST(address_in_use_is_protected_when_others_have_gone);
	TEST(claims_of_one_port_leave_room_for_others);
	TEST(unguarded_port_may_claim);
	TEST(guests_do_not_answer_dhcp_for_one_another);
	TEST(arp_that_is_cut_short_does_not_pass);
	TEST(addresses_in_a_vlan_are_not_guarded);
	TEST(request_goes_to_the_guest_that_has_the_address);
	TEST(request_for_an_unknown_address_and_announcements_go_to_all);
	TEST(dhcp_requests_go_to_servers);
	TEST(frame_in_pieces_is_guarded_like_any_other);
	TEST(arp_and_ip_in_snap_do_not_pass);
	TEST(fragments_do_not_hide_what_a_packet_is);
	TEST(guest_is_asked_for_the_address_that_it_used_last);
	TEST(address_that_was_leased_elsewhere_cannot_be_used_any_more);
	TEST(lost_address_can_be_used_when_the_lease_has_ended);
	TEST(probe_for_an_address_leased_elsewhere_is_refused);
	TEST(refused_probe_is_answered_for_the_holder);
	TEST(guest_that_cannot_be_asked_because_it_is_flooded_keeps_its_address);
	TEST(address_behind_a_port_that_takes_nothing_moves);
	TEST(guest_is_asked_for_an_address_of_another_subnet_without_a_sender);
	g_test_add_func("/guard/questions_of_the_guard_do_not_come_back", questions_of_the_guard_do_not_come_back);
	return g_test_run();
}
