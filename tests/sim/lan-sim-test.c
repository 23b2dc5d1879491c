/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A few dozen guests on a segment with gateway, ARP and echo services and the null engine, in simulated time.  In each
 * turn one guest does something at random, and a simple model predicts the result: which guest receives which packet,
 * how often (once), and which drops are counted.  Both must agree exactly.
 */
#include "engine/null/null.h"
#include "gateway/gateway.h"
#include "gateway/payer.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "service/arp.h"
#include "service/echo.h"
#include "sim_guest.h"
#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/udp.h"

#include <string.h>

#include "base/macros.h"

#define N_GUESTS 30u
#define TURNS 6000u
#define PORT_IDS (TURNS + 100)
#define GATEWAY_IP IP4(192, 168, 122, 1)
#define OUTSIDE_IP IP4(203, 0, 113, 9)
#define NOBODY N_GUESTS
#define START (1000 * USEC_PER_SEC)

static const struct mac gateway_mac = { { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } };

/* A fragment that was sent to the gateway and will never be completed. */
struct lost {
	usec_t due;
	unsigned guest;
	uint64_t token;
	bool first;
};

struct world {
	struct segment segment;
	struct gateway gateway;
	struct arp_service arp;
	struct echo_service echo;
	struct engine *engine;
	struct sim_guest guests[N_GUESTS];
	GRand *rand;
	usec_t now;
	uint64_t last_token;
	uint16_t last_id;

	/* state of the model */
	usec_t heard[N_GUESTS];     /* when the switch last learned the guest; 0: never */
	bool is_heard_now;          /* the next frame is one that the switch learns from */
	size_t shown_mtu[N_GUESTS]; /* largest packet that the guest has sent since it was learned, at least ETH_MTU */
	size_t port_mtu[N_GUESTS];  /* likewise since it was attached */
	uint64_t sent[N_GUESTS], sent_bytes[N_GUESTS];
	struct icmp_limit limit;
	struct payer payers[PORT_IDS]; /* by port; only their buckets of ICMP errors */
	usec_t defended_until;
	GQueue *lost; /* struct lost */
	struct drop_counters drops;

	GArray *expected, *received; /* struct receipt, of this turn */
};

static unsigned pick(struct world *w, unsigned limit)
{
	return (unsigned)g_rand_int_range(w->rand, 0, (gint32)limit);
}

/* --- the model --- */

static void expect(struct world *w, struct receipt receipt)
{
	g_array_append_val(w->expected, receipt);
}

static void expect_drop(struct world *w, enum drop_reason why)
{
	drop_count(&w->drops, why);
}

static bool is_heard(const struct world *w, unsigned guest)
{
	return w->heard[guest] > 0 && w->now - w->heard[guest] <= FDB_AGE;
}

/* A frame from the gateway to @guest reaches it, or is flooded when the switch has forgotten its port. */
static void expect_from_gateway(struct world *w, unsigned guest, struct receipt receipt)
{
	receipt.from_gateway = true;
	for (unsigned i = 0; i < N_GUESTS; i++) {
		receipt.guest = i;
		if (i == guest || !is_heard(w, guest))
			expect(w, receipt);
	}
}

/* An ICMP error to @guest about @token, unless the rate limit forbids it. */
static void expect_error(struct world *w, unsigned guest, unsigned port_id, unsigned type, unsigned code, uint64_t token)
{
	g_assert_cmpuint(port_id, <, PORT_IDS);
	if (icmp_limit_take(&w->limit, w->now, port_id > 0 ? &w->payers[port_id] : NULL))
		expect_from_gateway(w, guest, (struct receipt){ .kind = RECEIPT_ICMP_ERROR, .type = type, .code = code, .token = token });
	else
		expect_drop(w, DROP_ICMP_RATE);
}

struct shape {
	size_t len;
	bool is_ip, dont_fragment;
};

static void expect_at_port(struct world *w, unsigned from, unsigned to, bool flooded, const struct shape *shape, struct receipt receipt)
{
	receipt.guest = to;
	size_t shown = shape->is_ip ? ETH_HEADER_LEN + (flooded ? w->port_mtu : w->shown_mtu)[to] : SIZE_MAX;
	if (shape->len <= MIN(w->guests[to].port.max_frame, shown) || (shape->is_ip && !shape->dont_fragment)) {
		expect(w, receipt);
		return;
	}
	expect_drop(w, shape->is_ip ? DROP_FRAG_NEEDED : DROP_OVERSIZE);
	if (shape->is_ip && !flooded)
		expect_error(w, from, w->guests[from].port.id, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_FRAG_NEEDED, receipt.token);
}

/* A frame from guest @from to guest @to (NOBODY: broadcast). */
static void expect_switched(struct world *w, unsigned from, unsigned to, const struct shape *shape, struct receipt receipt)
{
	bool known = to != NOBODY && is_heard(w, to);
	if (known && to == from) {
		expect_drop(w, DROP_HAIRPIN);
		return;
	}
	for (unsigned i = 0; i < N_GUESTS; i++)
		if (known ? i == to : i != from)
			expect_at_port(w, from, i, !known, shape, receipt);
}

static int compare_receipts(gconstpointer a, gconstpointer b)
{
	const struct receipt *x = a, *y = b;
	const uint64_t xs[] = { x->guest, x->kind, x->token, x->type, x->code, x->ttl, x->from_gateway };
	const uint64_t ys[] = { y->guest, y->kind, y->token, y->type, y->code, y->ttl, y->from_gateway };
	for (size_t i = 0; i < ARRAY_SIZE(xs); i++)
		if (xs[i] != ys[i])
			return xs[i] < ys[i] ? -1 : 1;
	return 0;
}

static void print_receipts(const char *title, const GArray *receipts)
{
	for (guint i = 0; i < receipts->len; i++) {
		const struct receipt *r = &g_array_index(receipts, struct receipt, i);
		g_test_message("%s: guest %u kind %d token %" G_GUINT64_FORMAT " type %u code %u ttl %u%s", title, r->guest, (int)r->kind,
			       r->token, r->type, r->code, r->ttl, r->from_gateway ? " from the gateway" : "");
	}
}

static bool receipts_agree(struct world *w)
{
	g_array_sort(w->expected, compare_receipts);
	g_array_sort(w->received, compare_receipts);
	if (w->expected->len != w->received->len)
		return false;
	for (guint i = 0; i < w->expected->len; i++)
		if (compare_receipts(&g_array_index(w->expected, struct receipt, i), &g_array_index(w->received, struct receipt, i)) != 0)
			return false;
	return true;
}

static void assert_counters_add_up(struct world *w)
{
	for (unsigned why = 0; why < DROP_REASON_COUNT; why++) {
		if (w->segment.drops.count[why] != w->drops.count[why])
			g_test_message("drops: %s", drop_name(why));
		g_assert_cmpuint(w->segment.drops.count[why], ==, w->drops.count[why]);
	}
	for (unsigned i = 0; i < N_GUESTS; i++) {
		const struct port_counters *c = &w->guests[i].port.counters;
		g_assert_cmpuint(c->rx_frames, ==, w->sent[i]);
		g_assert_cmpuint(c->rx_bytes, ==, w->sent_bytes[i]);
		g_assert_cmpuint(c->tx_frames, ==, w->guests[i].frames);
		g_assert_cmpuint(c->tx_bytes, ==, w->guests[i].bytes);
	}
}

static void assert_turn(struct world *w)
{
	if (!receipts_agree(w)) {
		print_receipts("expected", w->expected);
		print_receipts("received", w->received);
		g_test_fail_printf("what arrived is not what the model expects");
		g_assert_not_reached();
	}
	assert_counters_add_up(w);
	g_assert_true(segment_find(&w->segment, w->now, gateway_mac) == &w->gateway.port);
	g_assert_cmpuint(w->segment.arena.used, ==, 0);
	g_array_set_size(w->expected, 0);
	g_array_set_size(w->received, 0);
}

/* --- actions of guests --- */

/* @from sends @bytes as a scattered frame. */
static void inject(struct world *w, unsigned from, const uint8_t *bytes, size_t len)
{
	struct sim_guest *g = &w->guests[from];
	g_autofree uint8_t *copy = g_malloc(MAX(len, (size_t)1));
	memcpy(copy, bytes, len);
	size_t cut = pick(w, (unsigned)len + 1);
	struct iovec iov[2] = { { copy, cut }, { copy + cut, len - cut } };
	struct frame f = { .iov = iov, .n_iov = 2, .len = len, .ingress = &g->port };
	w->sent[from]++;
	w->sent_bytes[from] += len;
	if (w->is_heard_now && len > ETH_HEADER_LEN) {
		w->shown_mtu[from] = MAX(w->shown_mtu[from], len - ETH_HEADER_LEN);
		w->port_mtu[from] = MAX(w->port_mtu[from], len - ETH_HEADER_LEN);
	}
	w->is_heard_now = false;
	segment_input(&w->segment, w->now, &g->port, &f);
	segment_flush(&w->segment, w->now);
	memset(copy, 0xee, len); /* must not be read any more */
	assert_turn(w);
}

struct udp_packet {
	struct mac src_mac, dst_mac;
	struct ipv4_header ip;
	size_t payload_len;
	uint64_t token;
};

/* A UDP packet from @from that the caller may change. */
static struct udp_packet udp_packet(struct world *w, unsigned from, size_t payload_len)
{
	return (struct udp_packet){
		.src_mac = w->guests[from].mac,
		.dst_mac = gateway_mac,
		.ip = { .id = ++w->last_id, .ttl = 64, .protocol = IP_PROTOCOL_UDP, .src = w->guests[from].ip, .dst = OUTSIDE_IP },
		.payload_len = payload_len,
		.token = ++w->last_token,
	};
}

static size_t build_udp(const struct udp_packet *p, uint8_t **ret)
{
	g_autofree uint8_t *payload = g_malloc(p->payload_len);
	sim_payload(p->token, payload, p->payload_len);
	struct ipv4_header ip = p->ip;
	ip.total_len = (uint16_t)(IPV4_HEADER_LEN + UDP_HEADER_LEN + p->payload_len);
	size_t size = ETH_HEADER_LEN + ip.total_len;
	struct bytes_writer w = bytes_writer(g_malloc(size), size);
	eth_emit(&w, &(struct eth_header){ p->dst_mac, p->src_mac, ETH_TYPE_IPV4 });
	ipv4_emit(&w, &ip);
	udp_emit_ipv4(&w, ip.src, ip.dst, 1000, 2000, payload, p->payload_len);
	g_assert_false(w.failed);
	*ret = w.data;
	return w.len;
}

static size_t udp_frame_len(size_t payload_len)
{
	return ETH_HEADER_LEN + IPV4_HEADER_LEN + UDP_HEADER_LEN + payload_len;
}

static void inject_udp(struct world *w, unsigned from, const struct udp_packet *p)
{
	g_autofree uint8_t *bytes = NULL;
	size_t len = build_udp(p, &bytes);
	inject(w, from, bytes, len);
}

static size_t random_payload_len(struct world *w)
{
	static const unsigned limits[] = { 100, 1400, 1500, 9000, 60000 };
	return 8 + pick(w, limits[pick(w, ARRAY_SIZE(limits))]);
}

static void hear(struct world *w, unsigned guest)
{
	if (!is_heard(w, guest))
		w->shown_mtu[guest] = ETH_MTU;
	w->heard[guest] = w->now;
	w->is_heard_now = true;
}

static void to_another_guest(struct world *w, unsigned from)
{
	unsigned to = pick(w, N_GUESTS);
	struct udp_packet p = udp_packet(w, from, random_payload_len(w));
	p.dst_mac = w->guests[to].mac;
	p.ip.dst = w->guests[to].ip;
	p.ip.dont_fragment = pick(w, 2);
	hear(w, from);
	struct shape shape = { udp_frame_len(p.payload_len), true, p.ip.dont_fragment };
	expect_switched(w, from, to, &shape, (struct receipt){ .kind = RECEIPT_UDP, .token = p.token, .ttl = 64 });
	inject_udp(w, from, &p);
}

static void to_everybody(struct world *w, unsigned from)
{
	struct udp_packet p = udp_packet(w, from, random_payload_len(w));
	p.dst_mac = MAC_BROADCAST;
	p.ip.dst = pick(w, 2) ? IP4(255, 255, 255, 255) : IP4(224, 0, 0, 251);
	p.ip.dont_fragment = pick(w, 2);
	hear(w, from);
	struct shape shape = { udp_frame_len(p.payload_len), true, p.ip.dont_fragment };
	expect_switched(w, from, NOBODY, &shape, (struct receipt){ .kind = RECEIPT_UDP, .token = p.token, .ttl = 64 });
	inject_udp(w, from, &p);
}

/* Forwarding by the gateway for a guest with a /32. */
static void to_another_guest_by_the_gateway(struct world *w, unsigned from)
{
	unsigned to = pick(w, N_GUESTS);
	struct udp_packet p = udp_packet(w, from, random_payload_len(w));
	p.ip.dst = w->guests[to].ip;
	hear(w, from);
	/* The gateway knows the guest's port even when the switch has forgotten it. */
	expect(w, (struct receipt){ .guest = to, .kind = RECEIPT_UDP, .token = p.token, .ttl = 63, .from_gateway = true });
	inject_udp(w, from, &p);
}

static void to_the_outside(struct world *w, unsigned from)
{
	struct udp_packet p = udp_packet(w, from, random_payload_len(w));
	bool expires = pick(w, 3) == 0;
	hear(w, from);
	if (expires) {
		p.ip.ttl = 1;
		expect_drop(w, DROP_TTL_EXCEEDED);
		expect_error(w, from, w->guests[from].port.id, ICMP4_TIME_EXCEEDED, 0, p.token);
	} else {
		expect_error(w, from, w->guests[from].port.id, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_NET, p.token);
	}
	inject_udp(w, from, &p);
}

/* More errors at once than the limit of a port lets through. */
static void floods_the_outside(struct world *w, unsigned from)
{
	for (unsigned i = 0; i < 2 * ICMP_LIMIT_PORT_BURST; i++)
		to_the_outside(w, from);
}

static void to_where_nothing_may_go(struct world *w, unsigned from)
{
	static const struct {
		ip4_t src, dst; /* 0: the right one */
		enum drop_reason why;
	} bad[] = {
		{ 0, IP4(127, 0, 0, 1), DROP_MARTIAN_DESTINATION },           { 0, IP4(0, 0, 0, 1), DROP_MARTIAN_DESTINATION },
		{ 0, IP4(240, 0, 0, 1), DROP_MARTIAN_DESTINATION },           { 0, IP4(192, 168, 122, 255), DROP_MARTIAN_DESTINATION },
		{ 0, IP4(192, 168, 122, 0), DROP_MARTIAN_DESTINATION },       { 0, IP4(224, 0, 0, 1), DROP_LOCAL_MULTICAST },
		{ 0, IP4(255, 255, 255, 255), DROP_LOCAL_MULTICAST },         { IP4(10, 0, 0, 1), OUTSIDE_IP, DROP_MARTIAN_SOURCE },
		{ IP4(127, 0, 0, 1), OUTSIDE_IP, DROP_MARTIAN_SOURCE },       { GATEWAY_IP, OUTSIDE_IP, DROP_GATEWAY_ADDRESS },
		{ IP4(192, 168, 122, 255), OUTSIDE_IP, DROP_MARTIAN_SOURCE },
	};
	struct udp_packet p = udp_packet(w, from, random_payload_len(w));
	unsigned i = pick(w, ARRAY_SIZE(bad));
	p.ip.dst = bad[i].dst;
	if (bad[i].src)
		p.ip.src = bad[i].src;
	if (bad[i].why != DROP_GATEWAY_ADDRESS) /* which the segment does not let in */
		hear(w, from);
	expect_drop(w, bad[i].why);
	inject_udp(w, from, &p);
}

static void pings_the_gateway(struct world *w, unsigned from)
{
	size_t len = random_payload_len(w), icmp_len = ICMP4_HEADER_LEN + len, size = ETH_HEADER_LEN + IPV4_HEADER_LEN + icmp_len;
	g_autofree uint8_t *payload = g_malloc(len);
	g_autofree uint8_t *bytes = g_malloc(size);
	sim_payload(++w->last_token, payload, len);
	struct bytes_writer o = bytes_writer(bytes, size);
	eth_emit(&o, &(struct eth_header){ gateway_mac, w->guests[from].mac, ETH_TYPE_IPV4 });
	struct ipv4_header ip = { .ttl = 64, .protocol = IP_PROTOCOL_ICMP, .src = w->guests[from].ip, .dst = GATEWAY_IP };
	ip.total_len = (uint16_t)(IPV4_HEADER_LEN + icmp_len);
	ipv4_emit(&o, &ip);
	icmp4_emit(&o, &(struct icmp4_header){ .type = ICMP4_ECHO_REQUEST, .rest = 7 }, payload, len);
	hear(w, from);
	expect_from_gateway(w, from, (struct receipt){ .kind = RECEIPT_ECHO_REPLY, .token = w->last_token });
	inject(w, from, bytes, size);
}

/* Two halves in either order make a datagram that the null engine refuses; a single half times out. */
static void sends_fragments(struct world *w, unsigned from)
{
	struct udp_packet p = udp_packet(w, from, 1000);
	g_autofree uint8_t *whole = NULL;
	build_udp(&p, &whole);
	const uint8_t *l4 = whole + ETH_HEADER_LEN + IPV4_HEADER_LEN;
	bool last_first = pick(w, 2), both = pick(w, 2);
	hear(w, from);
	for (unsigned i = 0; i < (both ? 2u : 1u); i++) {
		bool last = last_first != (i == 1);
		struct ipv4_header ip = p.ip;
		ip.fragment_offset = last ? 512 : 0;
		ip.more_fragments = !last;
		size_t len = last ? 1008 - 512 : 512;
		ip.total_len = (uint16_t)(IPV4_HEADER_LEN + len);
		uint8_t bytes[ETH_HEADER_LEN + IPV4_HEADER_LEN + 512];
		struct bytes_writer o = bytes_writer(bytes, sizeof(bytes));
		eth_emit(&o, &(struct eth_header){ p.dst_mac, p.src_mac, ETH_TYPE_IPV4 });
		ipv4_emit(&o, &ip);
		bytes_put(&o, l4 + ip.fragment_offset, len);
		if (i == 1)
			expect_error(w, from, w->guests[from].port.id, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_NET, p.token);
		inject(w, from, bytes, o.len);
	}
	if (!both) {
		struct lost lost = { w->now + REASSEMBLY_TIMEOUT, from, p.token, !last_first };
		g_queue_push_tail(w->lost, g_memdup2(&lost, sizeof(lost)));
	}
}

static void plays_the_gateway(struct world *w, unsigned from)
{
	struct udp_packet p = udp_packet(w, from, 100);
	p.src_mac = gateway_mac;
	p.dst_mac = pick(w, 2) ? MAC_BROADCAST : w->guests[pick(w, N_GUESTS)].mac;
	expect_drop(w, DROP_GATEWAY_MAC);
	inject_udp(w, from, &p);
}

static void speaks_from_a_group_address(struct world *w, unsigned from)
{
	struct udp_packet p = udp_packet(w, from, 100);
	p.src_mac = pick(w, 2) ? MAC_BROADCAST : (struct mac){ { 0 } };
	expect_drop(w, DROP_SOURCE_MAC);
	inject_udp(w, from, &p);
}

static void sends_a_runt(struct world *w, unsigned from)
{
	uint8_t bytes[ETH_HEADER_LEN - 1] = { 0 };
	expect_drop(w, DROP_FRAME_MALFORMED);
	inject(w, from, bytes, pick(w, sizeof(bytes) + 1));
}

static void speaks_another_protocol(struct world *w, unsigned from)
{
	unsigned to = pick(w, N_GUESTS + 1);
	size_t len = 8 + pick(w, 3000);
	g_autofree uint8_t *bytes = g_malloc0(ETH_HEADER_LEN + len);
	struct bytes_writer o = bytes_writer(bytes, ETH_HEADER_LEN + len);
	struct mac dst = to == NOBODY ? gateway_mac : w->guests[to].mac;
	eth_emit(&o, &(struct eth_header){ dst, w->guests[from].mac, 0x88cc });
	sim_payload(++w->last_token, bytes + o.len, 8);
	hear(w, from);
	struct shape shape = { ETH_HEADER_LEN + len, false, false };
	if (to == NOBODY)
		expect_drop(w, DROP_ETHERTYPE);
	else
		expect_switched(w, from, to, &shape, (struct receipt){ .kind = RECEIPT_OTHER, .token = w->last_token });
	inject(w, from, bytes, ETH_HEADER_LEN + len);
}

static void inject_arp(struct world *w, unsigned from, const struct arp_message *m)
{
	uint8_t bytes[ETH_HEADER_LEN + ARP_LEN];
	struct bytes_writer o = bytes_writer(bytes, sizeof(bytes));
	eth_emit(&o, &(struct eth_header){ MAC_BROADCAST, w->guests[from].mac, ETH_TYPE_ARP });
	arp_emit(&o, m);
	inject(w, from, bytes, o.len);
}

static uint64_t arp_token(enum arp_operation operation, ip4_t sender)
{
	return (uint64_t)operation << 32 | sender;
}

/* No other guest hears the request. */
static void asks_for_the_gateway(struct world *w, unsigned from)
{
	const struct sim_guest *g = &w->guests[from];
	hear(w, from);
	expect_from_gateway(w, from, (struct receipt){ .kind = RECEIPT_ARP, .token = arp_token(ARP_REPLY, GATEWAY_IP) });
	inject_arp(w, from, &(struct arp_message){ ARP_REQUEST, g->mac, g->ip, { { 0 } }, GATEWAY_IP });
}

/* RFC 5227 §2.4(c): the gateway defends its address, but at most every ten seconds. */
static void claims_the_gateways_address(struct world *w, unsigned from)
{
	const struct sim_guest *g = &w->guests[from];
	expect_drop(w, DROP_GATEWAY_ADDRESS);
	if (w->now >= w->defended_until) {
		w->defended_until = w->now + 10 * USEC_PER_SEC;
		for (unsigned i = 0; i < N_GUESTS; i++)
			expect(w, (struct receipt){ .kind = RECEIPT_ARP,
						    .guest = i,
						    .token = arp_token(ARP_REQUEST, GATEWAY_IP),
						    .from_gateway = true });
	}
	inject_arp(w, from, &(struct arp_message){ pick(w, 2) ? ARP_REPLY : ARP_REQUEST, g->mac, GATEWAY_IP, { { 0 } }, GATEWAY_IP });
}

static void reattaches(struct world *w, unsigned from)
{
	static const size_t sizes[] = { 65553, 9014, 1518, 1514, 590 };
	struct sim_guest *g = &w->guests[from];
	if (g->port.segment)
		segment_detach(&w->segment, w->now, &g->port);
	sim_guest_plug(g, &w->segment, sizes[pick(w, ARRAY_SIZE(sizes))]);
	w->heard[from] = 0;
	w->shown_mtu[from] = w->port_mtu[from] = ETH_MTU;
	w->sent[from] = w->sent_bytes[from] = 0;
	asks_for_the_gateway(w, from);
}

static void (*const actions[])(struct world *w, unsigned from) = {
	to_another_guest,
	to_another_guest,
	to_another_guest,
	to_everybody,
	to_another_guest_by_the_gateway,
	to_the_outside,
	floods_the_outside,
	to_where_nothing_may_go,
	pings_the_gateway,
	sends_fragments,
	plays_the_gateway,
	speaks_from_a_group_address,
	sends_a_runt,
	speaks_another_protocol,
	asks_for_the_gateway,
	claims_the_gateways_address,
	reattaches,
};

/* --- time --- */

static void expect_given_up_fragments(struct world *w)
{
	struct lost *lost;
	while ((lost = g_queue_peek_head(w->lost)) && lost->due <= w->now) {
		expect_drop(w, DROP_REASSEMBLY);
		if (lost->first)
			expect_error(w, lost->guest, 0, ICMP4_TIME_EXCEEDED, 1, lost->token);
		g_free(g_queue_pop_head(w->lost));
	}
}

/* Mostly milliseconds, sometimes long enough for the switch to forget. */
static void time_passes(struct world *w)
{
	w->now += pick(w, 200) == 0 ? FDB_AGE + 1 : pick(w, 100) * USEC_PER_MSEC;
	if (gateway_deadline(&w->gateway) <= w->now) {
		expect_given_up_fragments(w);
		gateway_expire(&w->gateway, w->now);
		segment_flush(&w->segment, w->now);
	}
	assert_turn(w);
	/* The gateway forgets guests that are silent for hours; none of these is. */
	for (unsigned i = 0; i < N_GUESTS; i++)
		if (w->now - w->heard[i] > 2000 * USEC_PER_SEC)
			asks_for_the_gateway(w, i);
}

static void world_init(struct world *w, uint32_t seed)
{
	*w = (struct world){ .now = START, .rand = g_rand_new_with_seed(seed), .lost = g_queue_new() };
	w->expected = g_array_new(false, false, sizeof(struct receipt));
	w->received = g_array_new(false, false, sizeof(struct receipt));
	struct prefix4 subnet = { IP4(192, 168, 122, 0), 24 };
	struct hash_key key = { { seed, 2 } };
	g_assert_cmpint(segment_init(&w->segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	struct gateway_config config = { .mac = gateway_mac, .ip = GATEWAY_IP, .subnet = subnet, .hash_key = key };
	g_assert_cmpint(gateway_init(&w->gateway, &w->segment, &config), ==, 0);
	arp_service_init(&w->arp, gateway_mac, GATEWAY_IP);
	echo_service_init(&w->echo, GATEWAY_IP, &w->gateway.config.ip6);
	gateway_add_service(&w->gateway, &w->arp.service);
	gateway_add_service(&w->gateway, &w->echo.service);
	struct engine_config engine = { .env = &w->gateway.env, .gateway = GATEWAY_IP, .subnet = subnet };
	g_assert_cmpint(null_engine_ops.new(&engine, &w->engine), ==, 0);
	gateway_set_engine(&w->gateway, &null_engine_ops, w->engine);
	for (unsigned i = 0; i < N_GUESTS; i++) {
		sim_guest_init(&w->guests[i], i, IP4(192, 168, 122, 2) + i, gateway_mac, w->received);
		w->shown_mtu[i] = w->port_mtu[i] = ETH_MTU;
		sim_guest_plug(&w->guests[i], &w->segment, 1514);
	}
}

static void world_done(struct world *w)
{
	for (unsigned i = 0; i < N_GUESTS; i++) {
		segment_detach(&w->segment, w->now, &w->guests[i].port);
		sim_guest_done(&w->guests[i]);
	}
	gateway_set_engine(&w->gateway, NULL, NULL);
	null_engine_ops.free(w->engine);
	gateway_done(&w->gateway, w->now);
	segment_done(&w->segment);
	g_queue_free_full(w->lost, g_free);
	g_array_unref(w->expected);
	g_array_unref(w->received);
	g_rand_free(w->rand);
}

static void segment_and_model_agree(gconstpointer seed)
{
	struct world *w = g_new(struct world, 1);
	world_init(w, GPOINTER_TO_UINT(seed));
	for (unsigned i = 0; i < N_GUESTS; i++)
		reattaches(w, i);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		time_passes(w);
		actions[pick(w, ARRAY_SIZE(actions))](w, pick(w, N_GUESTS));
	}
	/* Each rule was exercised. */
	static const enum drop_reason met[] = { DROP_HAIRPIN,   DROP_OVERSIZE,   DROP_FRAG_NEEDED,
						DROP_ICMP_RATE, DROP_REASSEMBLY, DROP_TTL_EXCEEDED };
	for (size_t i = 0; i < ARRAY_SIZE(met); i++)
		g_assert_cmpuint(w->drops.count[met[i]], >, 0);
	world_done(w);
	g_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/lan/segment_and_model_agree/1", GUINT_TO_POINTER(1), segment_and_model_agree);
	g_test_add_data_func("/lan/segment_and_model_agree/2", GUINT_TO_POINTER(2), segment_and_model_agree);
	g_test_add_data_func("/lan/segment_and_model_agree/3", GUINT_TO_POINTER(3), segment_and_model_agree);
	return g_test_run();
}
