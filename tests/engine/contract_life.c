/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of flows, guests and engines, and guests that exceed limits. */
#include "contract.h"

#include "gateway/payer.h"

#include <stdio.h>

static void guest_that_leaves_ends_its_flows(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t, stays;
	struct server other = { .listener = -1, .fd = -1 };
	server_listen(&other, SERVER, 0);
	guest_tcp_init(&stays, &f->b, IP4(192, 168, 122, 8), 40000, SERVER, other.port);
	g_assert_true(guest_tcp_connect(&stays));
	g_assert_true(server_accept(&other, &f->b));
	connect_to(f, &t, SERVER, SERVER);
	unsigned before = count_fds();
	struct engine_counters c;
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 2);
	for (uint16_t i = 0; i < 20; i++)
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);

	bench_guest_gone(&f->b, GUEST);
	g_assert_true(server_sees_reset(&f->s, &f->b));
	g_assert_cmpuint(count_fds(), ==, before - 1);
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 1);
	g_assert_cmpuint(c.flows_udp, ==, 0);
	server_send(&other, "unharmed", 8);
	g_assert_true(wait_for(&stays, 8));
	/* The guest may come back. */
	bench_guest_gone(&f->b, GUEST);
	guest_tcp_done(&t);
	guest_tcp_init(&t, &f->b, GUEST, 40001, SERVER, other.port);
	g_assert_true(guest_tcp_connect(&t));
	guest_tcp_done(&t);
	guest_tcp_done(&stays);
	server_close(&other);
}

/* A guest that changes its MAC and keeps its address keeps its connections. */
static void flows_follow_their_address_to_another_guest(struct fixture *f, gconstpointer data)
{
	static const struct mac other = { { 2, 9, 9, 9, 9, 9 } };
	struct ip_addr addr = recorder_ip(&f->b.r, GUEST);
	struct engine_counters c;
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	const struct guest_address *a = guest_learn(&f->b.r.guests, 0, &f->b.r.port, other, &addr, GUEST_BY_ARP);
	g_assert_true(mac_equal(a->guest->mac, other));
	server_send(&f->s, "news", 4); /* for the other MAC */
	server_expect(&f->s, 4);
	g_assert_true(guest_tcp_send(&t, "ping", 4)); /* the first MAC again */
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_cmpmem(t.received->data, t.received->len, "news", 4);
	guest_learn(&f->b.r.guests, 0, &f->b.r.port, other, &addr, GUEST_BY_ARP);
	f->b.ops->guest_gone(f->b.engine, bench_now(&f->b), a->guest, &addr);
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 0);
	g_assert_cmpuint(a->guest->account.n_flows, ==, 0);
	guest_tcp_done(&t);
}

static void engine_that_is_freed_closes_everything(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);
	bench_free_engine(&f->b);
	g_assert_true(server_sees_reset_now(&f->s));
	guest_tcp_done(&t);
}

static void engine_without_flows_has_no_deadline(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	unsigned before = count_fds();
	connect_to(f, &t, SERVER, SERVER);
	server_hang_up(&f->s);
	g_assert_true(bench_until(&f->b, has_fin, &t));
	guest_tcp_fin(&t);
	for (unsigned i = 0; i < 200; i++)
		bench_turn(&f->b, USEC_PER_SEC);
	g_assert_cmpuint(f->b.ops->deadline(f->b.engine), ==, USEC_INFINITY);
	server_close(&f->s);
	g_assert_cmpuint(count_fds(), ==, before);
	guest_tcp_done(&t);
}

static void idle_flows_share_few_wake_ups(struct fixture *f, gconstpointer data)
{
	enum { N = 20, SECONDS = 20 };
	struct guest_tcp t[N];
	server_listen(&f->s, SERVER, 0);
	for (unsigned i = 0; i < N; i++) {
		guest_tcp_init(&t[i], &f->b, IP4(192, 168, 122, 10) + i, 40000, SERVER, f->s.port);
		g_assert_true(guest_tcp_connect(&t[i]));
		bench_run_for(&f->b, 10);
	}
	unsigned wake_ups = 0;
	usec_t start = bench_now(&f->b) + 2 * USEC_PER_SEC, end = start + SECONDS * USEC_PER_SEC;
	for (usec_t next; (next = f->b.ops->deadline(f->b.engine)) < end;) {
		usec_t now = bench_now(&f->b);
		bench_turn(&f->b, next > now ? next - now : 0);
		wake_ups += now >= start;
	}
	g_assert_cmpuint(wake_ups, <=, 2 * SECONDS + 2);
	for (unsigned i = 0; i < N; i++)
		guest_tcp_done(&t[i]);
}

static void guests_do_not_see_one_another(struct fixture *f, gconstpointer data)
{
	enum { N = 40 };
	struct guest_tcp t[N];
	struct server s[N];
	char text[N][16];
	for (unsigned i = 0; i < N; i++) {
		s[i] = (struct server){ .listener = -1, .fd = -1 };
		server_listen(&s[i], SERVER, 0);
		guest_tcp_init(&t[i], &f->b, IP4(192, 168, 122, 10) + i, 40000, SERVER, s[i].port);
		guest_tcp_syn(&t[i]);
	}
	for (unsigned i = 0; i < N; i++) {
		g_assert_true(server_accept(&s[i], &f->b));
		int n = snprintf(text[i], sizeof(text[i]), "guest %u", i);
		server_send(&s[i], text[i], (size_t)n);
	}
	for (unsigned i = 0; i < N; i++) {
		g_assert_true(wait_for(&t[i], strlen(text[i])));
		g_assert_cmpmem(t[i].received->data, t[i].received->len, text[i], strlen(text[i]));
		guest_tcp_done(&t[i]);
		server_close(&s[i]);
	}
}

static void flood_of_one_guest_is_bounded_and_spares_the_others(struct fixture *f, gconstpointer data)
{
	struct engine_counters c;
	server_listen(&f->s, SERVER, 0);
	for (unsigned i = 0; i < 3000; i++) {
		struct guest_tcp t;
		guest_tcp_init(&t, &f->b, GUEST, (uint16_t)(10000 + i), BEYOND, 80);
		guest_tcp_syn(&t);
		guest_tcp_done(&t);
		guest_udp_send(&f->b, GUEST, (uint16_t)(10000 + i), BEYOND, 9, "x", 1, 63);
		if (i % 100 == 0)
			bench_run(&f->b, 0);
	}
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_refused, >, 0);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], >, 0);
	struct guest_tcp other;
	guest_tcp_init(&other, &f->b, IP4(192, 168, 122, 9), 40000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&other));
	guest_tcp_done(&other);
}

/* However many addresses it shows; and what it leaves behind gives way. */
static void flows_are_shared_by_port(struct fixture *f, gconstpointer data)
{
	struct port greedy = { .id = 1 }, modest = { .id = 2 };
	struct engine_counters c;
	struct guest_tcp t;
	f->b.port = &greedy;
	for (unsigned i = 0; i < 200; i++)
		guest_udp_send(&f->b, GUEST + 10 + i % 20, (uint16_t)(5000 + i / 20), SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_udp, ==, 57); /* eight ninths */
	g_assert_cmpuint(greedy.payer->account.n_sockets, ==, 57);
	f->b.port = &modest;
	connect_to(f, &t, SERVER, SERVER);
	guest_port_gone(&f->b.r.guests, bench_now(&f->b), &greedy);
	bench_turn(&f->b, 11 * USEC_PER_SEC);
	for (unsigned i = 0; i < 50; i++)
		guest_udp_send(&f->b, GUEST + 40 + i % 10, (uint16_t)(5000 + i / 10), SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);
	g_assert_cmpuint(modest.payer->account.n_sockets, ==, 51);
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_evicted, >, 0);
	guest_tcp_done(&t);
	guest_port_gone(&f->b.r.guests, bench_now(&f->b), &modest);
}

/* @n of them, by twenty addresses of one port. */
static void open_datagrams(struct fixture *f, struct port *port, ip4_t first, unsigned n)
{
	f->b.port = port;
	for (unsigned i = 0; i < n; i++)
		guest_udp_send(&f->b, first + i % 20, (uint16_t)(5000 + i / 20), SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);
}

static void idle_datagram_flows_give_way_to_connections_and_to_others(struct fixture *f, gconstpointer data)
{
	struct port greedy = { .id = 1 }, modest = { .id = 2 };
	struct server udp = { .listener = -1, .fd = -1 };
	struct engine_counters before, after;
	struct sockaddr_in from;
	struct guest_tcp t[2];
	server_bind_udp(&udp, SERVER);
	f->b.port = &greedy;
	guest_udp_send(&f->b, GUEST, 4000, SERVER, udp.port, "a", 1, 63);
	server_expect_datagram(&udp, &f->b, "a", 1, &from);
	open_datagrams(f, &greedy, GUEST, 200);
	f->b.ops->counters(f->b.engine, &before);
	g_assert_cmpuint(greedy.payer->account.n_sockets, ==, 57);
	bench_turn(&f->b, 2 * USEC_PER_SEC);
	guest_udp_send(&f->b, GUEST, 4000, SERVER, udp.port, "b", 1, 63); /* is in use */
	server_expect_datagram(&udp, &f->b, "b", 1, &from);
	connect_to(f, &t[0], SERVER, SERVER);
	open_datagrams(f, &modest, GUEST + 40, 20);
	guest_tcp_init(&t[1], &f->b, GUEST + 40, 41000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t[1]));
	g_assert_cmpuint(modest.payer->account.n_sockets, ==, 21);
	f->b.ops->counters(f->b.engine, &after);
	g_assert_cmpuint(after.flows_evicted, >, before.flows_evicted);
	g_assert_cmpuint(after.flows_refused, ==, before.flows_refused);
	bench_forget(&f->b);
	server_answer(&udp, &from, "c", 1);
	assert_datagram(&f->b, SERVER, udp.port, GUEST, 4000, "c", 1);
	for (unsigned i = 0; i < 2; i++)
		guest_tcp_done(&t[i]);
	server_close(&udp);
	guest_port_gone(&f->b.r.guests, bench_now(&f->b), &greedy);
	guest_port_gone(&f->b.r.guests, bench_now(&f->b), &modest);
}

/* Segments of every kind, for a connection and for none: the engine goes on working. */
static void hostile_segments_do_not_break_the_engine(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 0);
	GRand *rand = g_rand_new_with_seed(42);
	for (unsigned round = 0; round < 40; round++) {
		guest_tcp_init(&t, &f->b, GUEST, (uint16_t)(41000 + round), SERVER, f->s.port);
		g_assert_true(guest_tcp_connect(&t));
		g_assert_true(server_accept(&f->s, &f->b));
		uint8_t *bytes = pattern(100000);
		server_send(&f->s, bytes, 100000);
		uint32_t next = t.next, expected = t.expected;
		for (unsigned i = 0; i < 200; i++) {
			t.next = next + (uint32_t)g_rand_int_range(rand, -70000, 70000);
			t.expected = expected + (uint32_t)g_rand_int_range(rand, -70000, 140000);
			t.mss = (uint16_t)g_rand_int_range(rand, 0, 100);
			guest_tcp_segment(&t, (uint8_t)(g_rand_int(rand) & 0x3b), bytes, (size_t)g_rand_int_range(rand, 0, 2000));
			if (i % 8 == 0)
				bench_run(&f->b, 0);
		}
		if (round % 2)
			server_reset(&f->s);
		else
			server_hang_up(&f->s);
		bench_run(&f->b, 0);
		server_turn_away(&f->s);
		guest_tcp_done(&t);
		g_free(bytes);
	}
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t junk[100];
		for (size_t n = 0; n < sizeof(junk); n++)
			junk[n] = (uint8_t)g_rand_int(rand);
		static const uint8_t protocols[] = { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP, IP_PROTOCOL_ICMP, 132 };
		bench_input(&f->b, GUEST, i % 3 ? SERVER : GATEWAY, protocols[i % 4], 63, junk, (size_t)g_rand_int_range(rand, 0, 100));
	}
	bench_run(&f->b, 0);
	g_rand_free(rand);
	bench_turn(&f->b, 200 * USEC_PER_SEC);
	bench_forget(&f->b);
	guest_tcp_init(&t, &f->b, GUEST, 50000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t));
	guest_tcp_done(&t);
}

const struct contract_test contract_life[] = {
	CONTRACT_TEST(guest_that_leaves_ends_its_flows),
	CONTRACT_TEST(flows_follow_their_address_to_another_guest),
	CONTRACT_TEST(engine_that_is_freed_closes_everything),
	CONTRACT_TEST(engine_without_flows_has_no_deadline),
	CONTRACT_TEST(idle_flows_share_few_wake_ups),
	CONTRACT_TEST(guests_do_not_see_one_another),
	{ "flood_of_one_guest_is_bounded_and_spares_the_others", flood_of_one_guest_is_bounded_and_spares_the_others, setup_1024_sockets },
	{ "flows_are_shared_by_port", flows_are_shared_by_port, setup_64_sockets },
	{ "idle_datagram_flows_give_way_to_connections_and_to_others", idle_datagram_flows_give_way_to_connections_and_to_others,
	  setup_64_sockets },
	CONTRACT_TEST(hostile_segments_do_not_break_the_engine),
	{ 0 },
};
