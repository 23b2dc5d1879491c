/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host loses an address: engine_ops.end_lost. */
#include "contract.h"

#include <netinet/in.h>

static bool is_address(void *opaque, const struct ip_addr *addr)
{
	return ip_equal(addr, opaque);
}

/* The host has lost @ip.  Walks in small steps; returns the number of ended flows. */
static unsigned lose(struct fixture *f, ip4_t ip)
{
	struct ip_addr addr = family_outside(f->row->family, ip);
	uint64_t cursor = 0;
	unsigned ended = 0;
	for (unsigned steps = 0; cursor != ENGINE_FLOWS_END; steps++) {
		g_assert_cmpuint(steps, <, 1000);
		ended += f->b.ops->end_lost(f->b.engine, bench_now(&f->b), &cursor, 3, is_address, &addr);
	}
	return ended;
}

static bool is_over(void *opaque)
{
	struct guest_tcp *t = opaque;
	return t->reset_seen || !g_queue_is_empty(&t->b->messages) || !g_queue_is_empty(&t->b->r.errors);
}

static void connections_of_a_lost_address_are_reset_and_others_go_on(struct fixture *f, gconstpointer data)
{
	struct guest_tcp lost[5], stays;
	struct server servers[5];
	connect_to(f, &stays, SERVER, SERVER);
	for (uint16_t i = 0; i < G_N_ELEMENTS(lost); i++) {
		servers[i] = (struct server){ .listener = -1, .fd = -1 };
		server_listen(&servers[i], INADDR_ANY, 0);
		guest_tcp_init(&lost[i], &f->b, GUEST, (uint16_t)(41000 + i), GATEWAY, servers[i].port);
		g_assert_true(guest_tcp_connect(&lost[i]));
		g_assert_true(server_accept(&servers[i], &f->b));
	}
	g_assert_cmpuint(lose(f, HOST), ==, G_N_ELEMENTS(lost));
	for (size_t i = 0; i < G_N_ELEMENTS(lost); i++) {
		g_assert_true(bench_until(&f->b, has_reset, &lost[i]));
		guest_tcp_done(&lost[i]);
		server_close(&servers[i]);
	}
	server_send(&f->s, "unharmed", 8);
	g_assert_true(wait_for(&stays, 8));
	struct engine_counters c;
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 1);
	guest_tcp_done(&stays);
}

/* A download that only receives would never find out by itself. */
static void connection_with_unread_data_is_reset_at_once(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, GATEWAY, INADDR_ANY);
	uint8_t *bytes = pattern(100000);
	server_send(&f->s, bytes, 100000);
	g_free(bytes);
	g_assert_true(wait_for(&t, 1000));
	g_assert_cmpuint(lose(f, HOST), ==, 1);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	guest_tcp_done(&t);
}

static void attempt_from_a_lost_address_ends(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, SILENT, 80);
	guest_tcp_syn(&t);
	bench_run(&f->b, 0);
	g_assert_cmpuint(lose(f, HOST), ==, 1);
	g_assert_true(bench_until(&f->b, is_over, &t));
	guest_tcp_done(&t);
}

static void flow_from_the_host_of_a_lost_address_is_reset(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	struct engine_counters c;
	struct engine_open how = { .guest = recorder_guest(&f->b.r, GUEST),
				   .to = { recorder_ip(&f->b.r, GUEST), 80 },
				   .source = { recorder_ip(&f->b.r, GATEWAY), 0 } };
	guest_tcp_init(&t, &f->b, GUEST, 80, GATEWAY, 0);
	server_pair(&f->s);
	how.fd = f->s.listener;
	f->s.listener = -1;
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, 0);
	for (unsigned i = 0; i < 100 && !t.syn_seen; i++)
		bench_run(&f->b, 10);
	guest_tcp_segment(&t, TCP_SYN | TCP_ACK, NULL, 0);
	server_send(&f->s, "hello", 5);
	g_assert_true(wait_for(&t, 5));
	g_assert_cmpuint(lose(f, INADDR_LOOPBACK), ==, 1); /* server_pair() connects over loopback */
	g_assert_true(bench_until(&f->b, has_reset, &t));
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 0);
	guest_tcp_done(&t);
}

/* Its socket is bound to no address: what the guest sends next leaves from the address that the host has then. */
static void mapping_of_a_guest_s_port_goes_on(struct fixture *f, gconstpointer data)
{
	struct sockaddr_in before, after;
	server_bind_udp(&f->s, INADDR_ANY);
	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, f->s.port, "one", 3, 63);
	server_expect_datagram(&f->s, &f->b, "one", 3, &before);
	g_assert_cmpuint(lose(f, HOST), ==, 0);
	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, f->s.port, "two", 3, 63);
	server_expect_datagram(&f->s, &f->b, "two", 3, &after);
	g_assert_cmpuint(before.sin_port, ==, after.sin_port);
}

const struct contract_test contract_lost[] = {
	CONTRACT_TEST_EXCEPT(EXCEPT_NAT64, connections_of_a_lost_address_are_reset_and_others_go_on),
	CONTRACT_TEST_EXCEPT(EXCEPT_NAT64, connection_with_unread_data_is_reset_at_once),
	CONTRACT_TEST(attempt_from_a_lost_address_ends),
	CONTRACT_TEST(flow_from_the_host_of_a_lost_address_is_reset),
	CONTRACT_TEST_EXCEPT(EXCEPT_NAT64, mapping_of_a_guest_s_port_goes_on),
	{ 0 },
};
