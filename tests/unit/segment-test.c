/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "support/memory_port.h"
#include "support/tcp_segment.h"
#include "wire/eth.h"
#include "wire/ipv4.h"

#include <errno.h>

#define FRAME_MAX 1514

static struct mac mac_of(unsigned n)
{
	return (struct mac){ { 0x52, 0x54, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

struct fixture {
	struct segment segment;
	struct memory_port a, b, c;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	memory_port_init(&f->a, &f->segment, "a", FRAME_MAX);
	memory_port_init(&f->b, &f->segment, "b", FRAME_MAX);
	memory_port_init(&f->c, &f->segment, "c", FRAME_MAX);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	memory_port_done(&f->a);
	memory_port_done(&f->b);
	memory_port_done(&f->c);
	segment_done(&f->segment);
}

static size_t make(uint8_t *buf, size_t size, struct mac dst, struct mac src, uint16_t type, size_t payload)
{
	struct bytes_writer w = bytes_writer(buf, size);
	eth_emit(&w, &(struct eth_header){ dst, src, type });
	bytes_put_zeros(&w, payload);
	g_assert_false(w.failed);
	return w.len;
}

static void ignore_flush(void *opaque, usec_t now)
{
}

static void input(struct memory_port *p, usec_t now, struct mac dst, struct mac src)
{
	uint8_t buf[64];
	memory_port_input(p, now, buf, make(buf, sizeof(buf), dst, src, 0x88b5, 46));
}

static void unknown_unicast_is_flooded_and_known_is_not(struct fixture *f, gconstpointer data)
{
	input(&f->a, 0, mac_of(2), mac_of(1));
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 1);
	input(&f->b, 0, mac_of(1), mac_of(2));
	g_assert_cmpuint(f->a.frames->len, ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 1);
}

static void broadcast_reaches_every_other_port_once(struct fixture *f, gconstpointer data)
{
	input(&f->a, 0, MAC_BROADCAST, mac_of(1));
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 1);
	g_assert_cmpuint(f->b.flushes, ==, 1);
}

static void crowded_port_gets_unicast_but_no_flooded_frames(struct fixture *f, gconstpointer data)
{
	input(&f->b, 0, mac_of(1), mac_of(2));
	memory_port_clear(&f->c);
	f->b.port.crowded = true;
	input(&f->a, 0, MAC_BROADCAST, mac_of(1));
	input(&f->a, 0, mac_of(9), mac_of(1));
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_cmpuint(f->b.port.counters.drops.count[DROP_PORT_FULL], ==, 2);
	g_assert_cmpuint(f->segment.drops.count[DROP_PORT_FULL], ==, 2);
	g_assert_cmpuint(f->c.frames->len, ==, 2);
	input(&f->a, 0, mac_of(2), mac_of(1));
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	f->b.port.crowded = false;
	input(&f->a, 0, MAC_BROADCAST, mac_of(1));
	g_assert_cmpuint(f->b.frames->len, ==, 2);
}

static void group_source_is_dropped_and_counted(struct fixture *f, gconstpointer data)
{
	input(&f->a, 0, mac_of(2), MAC_BROADCAST);
	input(&f->a, 0, mac_of(2), (struct mac){ { 0 } });
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_SOURCE_MAC], ==, 2);
}

static void learned_mac_ages(struct fixture *f, gconstpointer data)
{
	input(&f->b, 0, MAC_BROADCAST, mac_of(2));
	g_assert_true(segment_find(&f->segment, FDB_AGE, mac_of(2)) == &f->b.port);
	g_assert_null(segment_find(&f->segment, FDB_AGE + 1, mac_of(2)));
}

static void mac_moves_with_its_guest(struct fixture *f, gconstpointer data)
{
	input(&f->b, 0, MAC_BROADCAST, mac_of(2));
	input(&f->c, 1, MAC_BROADCAST, mac_of(2));
	g_assert_true(segment_find(&f->segment, 1, mac_of(2)) == &f->c.port);
	g_assert_cmpuint(f->b.port.n_macs, ==, 0);
	g_assert_cmpuint(f->c.port.n_macs, ==, 1);
}

static void first_mac_behind_a_port_is_remembered(struct fixture *f, gconstpointer data)
{
	input(&f->b, 0, MAC_BROADCAST, mac_of(2));
	input(&f->b, 0, MAC_BROADCAST, mac_of(3));
	input(&f->c, 1, MAC_BROADCAST, mac_of(2));
	input(&f->b, FDB_AGE + 2, MAC_BROADCAST, mac_of(4));
	g_assert_true(mac_equal(f->b.port.first_mac, mac_of(2)));
	g_assert_true(mac_equal(f->c.port.first_mac, mac_of(2)));
	g_assert_true(mac_is_zero(f->a.port.first_mac));
}

static void detached_port_is_forgotten(struct fixture *f, gconstpointer data)
{
	input(&f->b, 0, MAC_BROADCAST, mac_of(2));
	segment_detach(&f->segment, 0, &f->b.port);
	g_assert_null(segment_find(&f->segment, 0, mac_of(2)));
	g_assert_cmpuint(f->segment.fdb.by_mac.n, ==, 0);
}

/* The flooding port displaces its own MACs, least recently seen first. */
static void mac_flood_of_one_port_does_not_displace_other_ports(struct fixture *f, gconstpointer data)
{
	input(&f->b, 0, MAC_BROADCAST, mac_of(2));
	for (unsigned i = 0; i < FDB_MAX; i++) {
		input(&f->a, i, mac_of(2), mac_of(100 + i));
		memory_port_clear(&f->b);
	}
	g_assert_cmpuint(f->a.port.n_macs, ==, FDB_MAX / 2);
	g_assert_cmpuint(f->segment.drops.count[DROP_FDB_FULL], ==, 0);
	g_assert_true(segment_find(&f->segment, FDB_MAX, mac_of(2)) == &f->b.port);
	g_assert_true(segment_find(&f->segment, FDB_MAX, mac_of(100 + FDB_MAX - 1)) == &f->a.port);
	g_assert_null(segment_find(&f->segment, FDB_MAX, mac_of(100)));
	input(&f->c, 0, MAC_BROADCAST, mac_of(3));
	g_assert_true(segment_find(&f->segment, FDB_MAX, mac_of(3)) == &f->c.port);
}

static void mac_in_use_outlives_a_flood_of_its_own_port(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < FDB_MAX; i++) {
		usec_t now = i * (USEC_PER_SEC / 10000);
		fdb_learn(&f->segment.fdb, now, mac_of(100 + i), &f->a.port);
		if (i % 1000 == 0)
			fdb_learn(&f->segment.fdb, now, mac_of(1), &f->a.port);
	}
	g_assert_null(segment_find(&f->segment, 10 * USEC_PER_SEC, mac_of(100)));
	g_assert_true(segment_find(&f->segment, 10 * USEC_PER_SEC, mac_of(1)) == &f->a.port);
}

/* Such as a switch of a large network. */
static void ten_thousand_macs_behind_an_uplink_are_known(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 10000; i++)
		g_assert_cmpint(fdb_learn(&f->segment.fdb, 0, mac_of(100 + i), &f->a.port), ==, FDB_NEW);
	for (unsigned i = 0; i < 10000; i++)
		g_assert_true(segment_find(&f->segment, 0, mac_of(100 + i)) == &f->a.port);
	segment_detach(&f->segment, 0, &f->a.port);
	g_assert_cmpuint(f->segment.fdb.by_mac.n, ==, 0);
}

static void many_flooding_ports_leave_room_for_the_next(struct fixture *f, gconstpointer data)
{
	struct memory_port ports[100];
	for (unsigned k = 0; k < ARRAY_SIZE(ports); k++) {
		memory_port_init(&ports[k], &f->segment, "greedy", FRAME_MAX);
		for (unsigned i = 0; i < FDB_MAX / 64; i++)
			fdb_learn(&f->segment.fdb, 0, mac_of(1000 + k * FDB_MAX + i), &ports[k].port);
	}
	for (unsigned i = 0; i < 100; i++)
		g_assert_cmpint(fdb_learn(&f->segment.fdb, 0, mac_of(100 + i), &f->b.port), ==, FDB_NEW);
	for (unsigned i = 0; i < 100; i++)
		g_assert_true(segment_find(&f->segment, 0, mac_of(100 + i)) == &f->b.port);
	for (unsigned k = 0; k < ARRAY_SIZE(ports); k++)
		memory_port_done(&ports[k]);
}

static void aged_macs_are_removed_when_new_ones_come(struct fixture *f, gconstpointer data)
{
	for (unsigned i = 0; i < 1000; i++)
		fdb_learn(&f->segment.fdb, 0, mac_of(100 + i), &f->a.port);
	for (unsigned i = 0; i < 600; i++)
		fdb_learn(&f->segment.fdb, FDB_AGE + 1, mac_of(10000 + i), &f->b.port);
	g_assert_cmpuint(f->a.port.n_macs, ==, 0);
	g_assert_cmpuint(f->segment.fdb.by_mac.n, ==, 600);
}

/* The table against a GHashTable, random learning, ageing and forgetting. */
static void fdb_agrees_with_a_simple_map(struct fixture *f, gconstpointer data)
{
	g_autoptr(GHashTable) map = g_hash_table_new(g_direct_hash, g_direct_equal);
	struct memory_port *ports[] = { &f->a, &f->b, &f->c };
	for (unsigned round = 0; round < 30000; round++) {
		unsigned n = (unsigned)g_test_rand_int_range(1, 900);
		struct memory_port *p = ports[g_test_rand_int_range(0, 3)];
		if (round % 5000 == 4999) {
			fdb_forget(&f->segment.fdb, &p->port);
			for (unsigned i = 1; i < 900; i++)
				if (g_hash_table_lookup(map, GUINT_TO_POINTER(i)) == &p->port)
					g_hash_table_remove(map, GUINT_TO_POINTER(i));
		} else {
			fdb_learn(&f->segment.fdb, 0, mac_of(n), &p->port);
			g_hash_table_insert(map, GUINT_TO_POINTER(n), &p->port);
		}
		unsigned probe = (unsigned)g_test_rand_int_range(1, 900);
		g_assert_true(fdb_find(&f->segment.fdb, 0, mac_of(probe)) == g_hash_table_lookup(map, GUINT_TO_POINTER(probe)));
	}
	g_assert_cmpuint(f->segment.fdb.by_mac.n, ==, g_hash_table_size(map));
	g_assert_cmpuint(f->a.port.n_macs + f->b.port.n_macs + f->c.port.n_macs, ==, g_hash_table_size(map));
}

static void frame_for_its_own_port_is_not_sent_back(struct fixture *f, gconstpointer data)
{
	input(&f->a, 0, MAC_BROADCAST, mac_of(1));
	input(&f->a, 0, mac_of(1), mac_of(2));
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_HAIRPIN], ==, 1);
}

static void short_frame_is_dropped_and_counted(struct fixture *f, gconstpointer data)
{
	memory_port_input(&f->a, 0, "\xff\xff\xff\xff\xff\xff\x52\x54", 8);
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_FRAME_MALFORMED], ==, 1);
}

static void tagged_and_unknown_ethertypes_pass_unchanged(struct fixture *f, gconstpointer data)
{
	uint8_t buf[1514];
	size_t len = make(buf, sizeof(buf), MAC_BROADCAST, mac_of(1), ETH_TYPE_VLAN, 1500), got_len;
	for (size_t i = ETH_HEADER_LEN; i < len; i++)
		buf[i] = (uint8_t)i;
	memory_port_input(&f->a, 0, buf, len);
	const uint8_t *got = memory_port_frame(&f->b, 0, &got_len);
	g_assert_cmpmem(got, got_len, buf, len);
}

/* A broadcast of @len bytes from @from, none of them 0, in pieces of @piece bytes. */
static void send_pieces(struct fixture *f, struct memory_port *from, size_t len, size_t piece)
{
	uint8_t bytes[ETH_FRAME_MIN];
	struct iovec iov[ETH_FRAME_MIN];
	unsigned n = 0;
	memset(bytes, 0xff, sizeof(bytes));
	bytes[6] = 2;
	for (size_t at = 0; at < len; at += piece)
		iov[n++] = (struct iovec){ .iov_base = bytes + at, .iov_len = MIN(piece, len - at) };
	segment_input(&f->segment, 0, &from->port, &(struct frame){ .iov = iov, .n_iov = n, .len = len, .ingress = &from->port });
	segment_flush(&f->segment, 0);
}

/* IEEE 802.3 §4.2.8; the zeros are not from memory that held something else. */
static void frame_of_fewer_than_60_bytes_is_padded_with_zeros(struct fixture *f, gconstpointer data)
{
	static const size_t pieces[] = { 60, 7, 1 };
	for (unsigned i = 0; i < G_N_ELEMENTS(pieces); i++) {
		for (size_t len = ETH_HEADER_LEN; len <= ETH_FRAME_MIN; len++) {
			size_t got_len;
			uint64_t counted = f->b.port.counters.tx_bytes;
			memory_port_clear(&f->b);
			send_pieces(f, &f->a, len, pieces[i]);
			const uint8_t *got = memory_port_frame(&f->b, 0, &got_len);
			g_assert_cmpuint(got_len, ==, ETH_FRAME_MIN);
			g_assert_cmpuint(f->b.port.counters.tx_bytes - counted, ==, ETH_FRAME_MIN);
			for (size_t at = ETH_HEADER_LEN; at < got_len; at++)
				g_assert_cmpuint(got[at], ==, at < len ? 0xff : 0);
		}
	}
}

static void frame_for_the_gateway_is_not_padded(struct fixture *f, gconstpointer data)
{
	struct memory_port gateway;
	size_t len;
	memory_port_init(&gateway, &f->segment, "gateway", 65535);
	f->segment.gateway = (struct segment_gateway){ .port = &gateway.port, .mac = mac_of(9), .flush = ignore_flush };
	send_pieces(f, &f->a, 42, 42);
	memory_port_frame(&gateway, 0, &len);
	g_assert_cmpuint(len, ==, 42);
	memory_port_done(&gateway);
	f->segment.gateway = (struct segment_gateway){ 0 };
}

/* A UDP datagram of @len bytes from a to @dst. */
static void send_ip(struct fixture *f, struct mac dst, size_t len, bool dont_fragment)
{
	uint8_t buf[4000];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ dst, mac_of(1), ETH_TYPE_IPV4 });
	ipv4_emit(&w, &(struct ipv4_header){ .total_len = (uint16_t)len,
					     .dont_fragment = dont_fragment,
					     .ttl = 64,
					     .protocol = IP_PROTOCOL_UDP,
					     .src = IP4(10, 0, 0, 2),
					     .dst = IP4(10, 0, 0, 3) });
	bytes_put_zeros(&w, len - IPV4_HEADER_LEN);
	g_assert_false(w.failed);
	memory_port_input(&f->a, 0, buf, w.len);
}

static void too_large_for_a_port_without_df_is_fragmented(struct fixture *f, gconstpointer data)
{
	input(&f->b, 0, MAC_BROADCAST, mac_of(2));
	send_ip(f, mac_of(2), 3000, false);
	g_assert_cmpuint(f->b.frames->len, ==, 3);
	size_t len;
	memory_port_frame(&f->b, 0, &len);
	g_assert_cmpuint(len, ==, FRAME_MAX);
}

struct too_big_call {
	unsigned n;
	size_t mtu, len;
};

static void note_too_big(void *opaque, usec_t now, struct packet *p, size_t mtu)
{
	struct too_big_call *call = opaque;
	*call = (struct too_big_call){ .n = call->n + 1, .mtu = mtu, .len = p->frame->len };
}

static void too_large_with_df_is_for_the_gateway_to_answer(struct fixture *f, gconstpointer data)
{
	struct memory_port gateway;
	struct too_big_call call = { 0 };
	memory_port_init(&gateway, &f->segment, "gateway", 65535);
	f->segment.gateway = (struct segment_gateway){
		.port = &gateway.port,
		.mac = mac_of(9),
		.flush = ignore_flush,
		.too_big = note_too_big,
		.opaque = &call,
	};
	input(&f->b, 0, MAC_BROADCAST, mac_of(2));
	send_ip(f, mac_of(2), 3000, true);
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_cmpuint(f->b.port.counters.drops.count[DROP_FRAG_NEEDED], ==, 1);
	g_assert_cmpuint(call.n, ==, 1);
	g_assert_cmpuint(call.mtu, ==, 1500);
	g_assert_cmpuint(call.len, ==, ETH_HEADER_LEN + 3000);
	f->segment.gateway = (struct segment_gateway){ 0 };
	memory_port_done(&gateway);
}

/* a and b are guests, c is an uplink. */
static void isolate_a_and_b(struct fixture *f)
{
	f->a.port.isolated = f->b.port.isolated = true;
	f->c.port.uplink = true;
}

static void isolated_ports_hear_uplinks_but_not_one_another(struct fixture *f, gconstpointer data)
{
	isolate_a_and_b(f);
	input(&f->a, 0, MAC_BROADCAST, mac_of(1));
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_cmpuint(f->c.frames->len, ==, 1);
	input(&f->b, 0, mac_of(1), mac_of(2));
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(f->b.port.counters.drops.count[DROP_ISOLATED], ==, 1);
	g_assert_cmpuint(f->segment.drops.count[DROP_ISOLATED], ==, 1);
	input(&f->c, 0, mac_of(1), mac_of(3));
	input(&f->b, 0, mac_of(3), mac_of(2));
	g_assert_cmpuint(f->a.frames->len, ==, 1);
	g_assert_cmpuint(f->c.frames->len, ==, 2);
}

static void isolation_of_the_segment_spares_uplinks(struct fixture *f, gconstpointer data)
{
	struct memory_port guest, uplink;
	f->segment.config.isolate = true;
	memory_port_init(&guest, &f->segment, "guest", FRAME_MAX);
	g_assert_true(guest.port.isolated);
	memory_port_init(&uplink, &f->segment, "uplink", FRAME_MAX);
	segment_detach(&f->segment, 0, &uplink.port);
	uplink.port.isolated = false;
	uplink.port.uplink = true;
	segment_attach(&f->segment, &uplink.port);
	g_assert_false(uplink.port.isolated);
	memory_port_done(&guest);
	memory_port_done(&uplink);
}

static void ports_but_uplinks_are_guarded_unless_they_say_otherwise(struct fixture *f, gconstpointer data)
{
	struct memory_port uplink;
	memory_port_init(&uplink, &f->segment, "uplink", FRAME_MAX);
	segment_detach(&f->segment, 0, &uplink.port);
	uplink.port.uplink = true;
	segment_attach(&f->segment, &uplink.port);
	port_identify(&f->b.port, "b", &(struct port_identity){ .properties = { .guard = PORT_GUARD_OFF, .may_serve_dhcp = true } });
	port_identify(&f->c.port, "c", &(struct port_identity){ .properties = { .guard = PORT_GUARD_ON, .may_route = true } });
	g_assert_true(f->a.port.guarded && !f->a.port.may_serve_dhcp && !f->a.port.may_route);
	g_assert_true(!f->b.port.guarded && f->b.port.may_serve_dhcp && !f->b.port.may_route);
	g_assert_true(f->c.port.guarded && !f->c.port.may_serve_dhcp && f->c.port.may_route);
	g_assert_false(uplink.port.guarded);
	segment_set_unguarded(&f->segment, true);
	g_assert_true(!f->a.port.guarded && !f->b.port.guarded && f->c.port.guarded && !uplink.port.guarded);
	segment_set_unguarded(&f->segment, false);
	g_assert_true(f->a.port.guarded && !f->b.port.guarded && f->c.port.guarded && !uplink.port.guarded);
	memory_port_done(&uplink);
}

static void pinned_port_may_use_its_own_mac_only(struct fixture *f, gconstpointer data)
{
	f->a.port.pinned = mac_of(1);
	input(&f->a, 0, MAC_BROADCAST, mac_of(2));
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_null(segment_find(&f->segment, 0, mac_of(2)));
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_PINNED_MAC], ==, 1);
	input(&f->a, 0, MAC_BROADCAST, mac_of(1));
	g_assert_cmpuint(f->b.frames->len, ==, 1);
}

static void storm_of_one_port_is_limited_and_ends(struct fixture *f, gconstpointer data)
{
	const usec_t now = 100 * USEC_PER_SEC;
	f->segment.config.storm_limit = 50;
	for (unsigned i = 0; i < 80; i++)
		input(&f->a, now, i & 1 ? MAC_BROADCAST : mac_of(99), mac_of(1));
	g_assert_cmpuint(f->b.frames->len, ==, 50);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_STORM], ==, 30);
	g_assert_cmpuint(f->segment.drops.count[DROP_STORM], ==, 30);
	input(&f->b, now, MAC_BROADCAST, mac_of(2)); /* others are not held back, */
	g_assert_cmpuint(f->a.frames->len, ==, 1);
	input(&f->a, now, mac_of(2), mac_of(1)); /* nor what is meant for one */
	g_assert_cmpuint(f->b.frames->len, ==, 51);
	input(&f->a, now + USEC_PER_SEC / 50, MAC_BROADCAST, mac_of(1));
	input(&f->a, now + USEC_PER_SEC / 50, MAC_BROADCAST, mac_of(1));
	g_assert_cmpuint(f->b.frames->len, ==, 52);
}

static void storm_bucket_fills_up_with_time_and_zero_is_no_limit(struct fixture *f, gconstpointer data)
{
	struct storm_bucket bucket = { 0 };
	g_assert_true(storm_take(&bucket, 0, 100, 60));
	g_assert_false(storm_take(&bucket, 0, 100, 60));
	g_assert_true(storm_take(&bucket, USEC_PER_SEC / 2, 100, 60));
	g_assert_true(storm_take(&bucket, 0, 0, 1000000));
}

static void gateways_mac_as_a_source_is_dropped_and_probed(struct fixture *f, gconstpointer data)
{
	struct memory_port gateway;
	memory_port_init(&gateway, &f->segment, "gateway", 65535);
	f->segment.gateway = (struct segment_gateway){ .port = &gateway.port, .mac = mac_of(9), .flush = ignore_flush };
	input(&f->b, 0, MAC_BROADCAST, mac_of(1));
	for (unsigned i = 0; i < 3; i++)
		segment_expire(&f->segment, i * USEC_PER_SEC);
	g_assert_cmpuint(segment_deadline(&f->segment), ==, USEC_INFINITY);
	memory_port_clear(&f->b);
	input(&f->b, 9 * USEC_PER_SEC, MAC_BROADCAST, mac_of(9));
	g_assert_cmpuint(f->b.port.counters.drops.count[DROP_GATEWAY_MAC], ==, 1);
	g_assert_cmpuint(segment_deadline(&f->segment), ==, 9 * USEC_PER_SEC);
	segment_expire(&f->segment, 9 * USEC_PER_SEC);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_true(loop_passes(&f->b.port.loop)); /* a suspicion alone blocks no port */
	f->segment.gateway = (struct segment_gateway){ 0 };
	memory_port_done(&gateway);
}

#define TEST(name) g_test_add("/segment/" #name, struct fixture, NULL, set_up, name, tear_down)
#define TEST6(name) g_test_add("/segment/ipv6/" #name, struct fixture, GINT_TO_POINTER(1), set_up, name, tear_down)

/* --- batches --- */

/* The @i-th segment of a TCP connection to the gateway. */
static size_t make_segment(uint8_t *buf, size_t size, struct mac src, unsigned i)
{
	return tcp_segment_make(buf, size, mac_of(0xa0b0c0), src, i * 100, 100);
}

static size_t make_segment6(uint8_t *buf, size_t size, struct mac src, unsigned i)
{
	return tcp_segment_make6(buf, size, mac_of(0xa0b0c0), src, i * 100, 100);
}

typedef size_t (*make_segment_t)(uint8_t *buf, size_t size, struct mac src, unsigned i);

struct batch {
	make_segment_t make;
	uint8_t bytes[40][200];
	size_t len; /* of each */
};

static void be_the_gateway(struct fixture *f)
{
	f->segment.gateway = (struct segment_gateway){ .port = &f->b.port, .mac = mac_of(0xa0b0c0), .flush = ignore_flush };
	f->b.port.offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6;
	f->b.port.max_frame = ETH_HEADER_LEN + IPV4_PACKET_MAX;
}

static void put_in_batch(struct fixture *f, struct batch *b, struct memory_port *from, struct mac src)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(b->bytes); i++) {
		b->len = b->make(b->bytes[i], sizeof(b->bytes[i]), src, i);
		segment_input_batch(&f->segment, 0, &from->port, b->bytes[i], b->len, i + 1 < G_N_ELEMENTS(b->bytes));
	}
}

static void segments_of_a_batch_are_counted_as_they_came(struct fixture *f, gconstpointer data)
{
	struct batch b = { .make = data ? make_segment6 : make_segment };
	be_the_gateway(f);
	put_in_batch(f, &b, &f->a, mac_of(1));
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_cmpuint(f->a.port.counters.rx_frames, ==, 40);
	g_assert_cmpuint(f->a.port.counters.rx_bytes, ==, 40 * b.len);
	g_assert_cmpuint(f->b.port.counters.tx_frames, ==, 1);
	f->segment.gateway.port = NULL;
}

static void segments_of_a_batch_that_are_dropped_are_counted_as_they_came(struct fixture *f, gconstpointer data)
{
	struct batch b = { .make = data ? make_segment6 : make_segment };
	be_the_gateway(f);
	f->a.port.pinned = mac_of(2);
	put_in_batch(f, &b, &f->a, mac_of(1));
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	g_assert_cmpuint(f->a.port.counters.rx_frames, ==, 40);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_PINNED_MAC], ==, 40);
	g_assert_cmpuint(f->segment.drops.count[DROP_PINNED_MAC], ==, 40);
	f->segment.gateway.port = NULL;
}

static void frames_of_a_batch_keep_their_order(struct fixture *f, gconstpointer data)
{
	uint8_t first[200], other[64], second[200];
	be_the_gateway(f);
	size_t len = make_segment(first, sizeof(first), mac_of(1), 0);
	make_segment(second, sizeof(second), mac_of(1), 1);
	size_t other_len = make(other, sizeof(other), mac_of(0xa0b0c0), mac_of(1), 0x88b5, 46);
	segment_input_batch(&f->segment, 0, &f->a.port, first, len, true);
	segment_input_batch(&f->segment, 0, &f->a.port, other, other_len, true);
	segment_input_batch(&f->segment, 0, &f->a.port, second, len, false);
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(f->b.frames->len, ==, 3);
	size_t got;
	const uint8_t *frame = memory_port_frame(&f->b, 0, &got);
	g_assert_cmpmem(frame, got, first, len);
	frame = memory_port_frame(&f->b, 1, &got);
	g_assert_cmpmem(frame, got, other, other_len);
	frame = memory_port_frame(&f->b, 2, &got);
	g_assert_cmpmem(frame, got, second, len);
	f->segment.gateway.port = NULL;
}

static void frames_of_two_ports_in_one_batch_are_not_joined(struct fixture *f, gconstpointer data)
{
	uint8_t first[200], second[200];
	be_the_gateway(f);
	size_t len = make_segment(first, sizeof(first), mac_of(1), 0);
	make_segment(second, sizeof(second), mac_of(1), 1);
	segment_input_batch(&f->segment, 0, &f->a.port, first, len, true);
	segment_input_batch(&f->segment, 0, &f->c.port, second, len, false);
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(f->b.frames->len, ==, 2);
	g_assert_cmpuint(f->a.port.counters.rx_frames, ==, 1);
	g_assert_cmpuint(f->c.port.counters.rx_frames, ==, 1);
	f->segment.gateway.port = NULL;
}

static void batch_without_a_gateway_is_forwarded_frame_by_frame(struct fixture *f, gconstpointer data)
{
	struct batch b = { .make = make_segment };
	put_in_batch(f, &b, &f->a, mac_of(1));
	g_assert_cmpuint(f->b.frames->len, ==, 40);
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(f->c.frames->len, ==, 40);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(unknown_unicast_is_flooded_and_known_is_not);
	TEST(broadcast_reaches_every_other_port_once);
	TEST(crowded_port_gets_unicast_but_no_flooded_frames);
	TEST(group_source_is_dropped_and_counted);
	TEST(learned_mac_ages);
	TEST(mac_moves_with_its_guest);
	TEST(first_mac_behind_a_port_is_remembered);
	TEST(detached_port_is_forgotten);
	TEST(mac_flood_of_one_port_does_not_displace_other_ports);
	TEST(mac_in_use_outlives_a_flood_of_its_own_port);
	TEST(ten_thousand_macs_behind_an_uplink_are_known);
	TEST(many_flooding_ports_leave_room_for_the_next);
	TEST(aged_macs_are_removed_when_new_ones_come);
	TEST(fdb_agrees_with_a_simple_map);
	TEST(frame_for_its_own_port_is_not_sent_back);
	TEST(short_frame_is_dropped_and_counted);
	TEST(tagged_and_unknown_ethertypes_pass_unchanged);
	TEST(frame_of_fewer_than_60_bytes_is_padded_with_zeros);
	TEST(frame_for_the_gateway_is_not_padded);
	TEST(isolated_ports_hear_uplinks_but_not_one_another);
	TEST(isolation_of_the_segment_spares_uplinks);
	TEST(ports_but_uplinks_are_guarded_unless_they_say_otherwise);
	TEST(pinned_port_may_use_its_own_mac_only);
	TEST(storm_of_one_port_is_limited_and_ends);
	TEST(storm_bucket_fills_up_with_time_and_zero_is_no_limit);
	TEST(gateways_mac_as_a_source_is_dropped_and_probed);
	TEST(too_large_for_a_port_without_df_is_fragmented);
	TEST(too_large_with_df_is_for_the_gateway_to_answer);
	TEST(segments_of_a_batch_are_counted_as_they_came);
	TEST6(segments_of_a_batch_are_counted_as_they_came);
	TEST(segments_of_a_batch_that_are_dropped_are_counted_as_they_came);
	TEST6(segments_of_a_batch_that_are_dropped_are_counted_as_they_came);
	TEST(frames_of_a_batch_keep_their_order);
	TEST(frames_of_two_ports_in_one_batch_are_not_joined);
	TEST(batch_without_a_gateway_is_forwarded_frame_by_frame);
	return g_test_run();
}
