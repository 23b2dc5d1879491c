/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native engine at the limits of descriptors and with as many flows as there are descriptors. */
#include "native.h"

#include "echo_service.h"

#include "gateway/payer.h"
#include "lan/port.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define OTHER_GUEST (GUEST + 1)
#define THIRD_GUEST (GUEST + 2)

static struct engine_counters counters(struct fixture *f)
{
	struct engine_counters c;
	f->b.ops->counters(f->b.engine, &c);
	return c;
}

static void assert_refused(struct fixture *f, uint8_t protocol)
{
	struct recorded_error *e = bench_error(&f->b);
	g_assert_nonnull(e);
	g_assert_cmpuint(e->type, ==, ICMP4_UNREACHABLE);
	g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_ADMIN);
	g_assert_cmpuint(e->protocol, ==, protocol);
	g_free(e);
}

static void assert_talks(struct fixture *f, struct guest_tcp *t)
{
	size_t before = t->received->len;
	server_expect(&f->s, 4);
	g_assert_true(guest_tcp_send(t, "ping", 4));
	g_assert_true(server_received_all(&f->s, &f->b));
	server_send(&f->s, "pong", 4);
	g_assert_true(wait_for(t, before + 4));
}

/* --- limits of the engine's own --- */

static void setup_few_sockets(struct fixture *f, gconstpointer row)
{
	native_setup(f, row, &(struct bench_options){ .max_sockets = 64 });
}

static void a_guest_at_its_share_of_sockets_spares_the_others(struct fixture *f, gconstpointer row)
{
	for (uint16_t i = 0; i < 100; i++)
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), SERVER, 9, "x", 1, 63);
	g_assert_cmpuint(counters(f).flows_udp, ==, 56); /* seven eighths */
	g_assert_cmpuint(counters(f).flows_refused, ==, 44);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], ==, 44);
	assert_refused(f, IP_PROTOCOL_UDP);
	bench_forget(&f->b);
	struct guest_tcp t, refused;
	guest_tcp_init(&refused, &f->b, GUEST, 40000, SERVER, 80);
	guest_tcp_syn(&refused);
	assert_refused(f, IP_PROTOCOL_TCP);
	g_assert_false(refused.syn_seen);
	guest_tcp_done(&refused);
	guest_ping(&f->b, GUEST, SERVER, 1, 1, "", 0, 63);
	assert_refused(f, IP_PROTOCOL_ICMP);

	server_listen(&f->s, SERVER, 0);
	guest_tcp_init(&t, &f->b, OTHER_GUEST, 40000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(server_accept(&f->s, &f->b));
	assert_talks(f, &t);
	/* The greedy guest leaves: its descriptors are free for the next one. */
	bench_guest_gone(&f->b, GUEST);
	g_assert_cmpuint(counters(f).flows_udp, ==, 0);
	for (uint16_t i = 0; i < 56; i++)
		guest_udp_send(&f->b, THIRD_GUEST, (uint16_t)(5000 + i), SERVER, 9, "x", 1, 63);
	g_assert_cmpuint(counters(f).flows_udp, ==, 56);
	assert_talks(f, &t);
	guest_tcp_done(&t);
}

static void a_guest_at_its_share_may_go_on_when_its_flows_end(struct fixture *f, gconstpointer row)
{
	for (uint16_t i = 0; i < 60; i++)
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), SERVER, 53, "x", 1, 63);
	g_assert_cmpuint(counters(f).flows_udp, ==, 56);
	bench_turn(&f->b, 30 * USEC_PER_SEC);
	g_assert_cmpuint(counters(f).flows_udp, ==, 0);
	bench_forget(&f->b);
	guest_udp_send(&f->b, GUEST, 6000, SERVER, 53, "x", 1, 63);
	g_assert_cmpuint(counters(f).flows_udp, ==, 1);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], ==, 0);
}

/* A guest can use as many addresses as the network has. */
static void addresses_of_one_port_share_its_sockets(struct fixture *f, gconstpointer row)
{
	struct port greedy = { .id = 1 }, modest = { .id = 2 };
	struct guest_tcp t;
	f->b.port = &greedy;
	for (unsigned i = 0; i < 100; i++)
		guest_udp_send(&f->b, GUEST + 10 + i, 5000, SERVER, 9, "x", 1, 63);
	g_assert_cmpuint(counters(f).flows_udp, ==, 57); /* eight ninths */
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], ==, 43);
	bench_run(&f->b, 0);
	bench_forget(&f->b);
	f->b.port = &modest;
	connect_to(f, &t, SERVER, SERVER);
	assert_talks(f, &t);
	/* After the flows have expired, the port may have as many again. */
	bench_turn(&f->b, 600 * USEC_PER_SEC);
	g_assert_cmpuint(counters(f).flows_udp, ==, 0);
	f->b.port = &greedy;
	for (unsigned i = 0; i < 56; i++)
		guest_udp_send(&f->b, GUEST + 10 + i, 5000, SERVER, 9, "x", 1, 63);
	g_assert_cmpuint(counters(f).flows_udp, ==, 56);
	bench_run(&f->b, 0);
	f->b.port = &modest;
	assert_talks(f, &t);
	guest_tcp_done(&t);
	guest_port_gone(&f->b.r.guests, 0, &greedy);
	guest_port_gone(&f->b.r.guests, 0, &modest);
}

/* All answers are there before the engine looks.  One round serves a part of the first guest's sockets, and the other guest's. */
static void ready_sockets_of_one_port_let_another_have_its_turn(struct fixture *f, gconstpointer row)
{
	enum { GREEDY_FLOWS = 300 };
	struct port greedy = { .id = 1 }, modest = { .id = 2 };
	struct server udp = { .listener = -1, .fd = -1 };
	struct sockaddr_in from[GREEDY_FLOWS + 1];
	server_bind_udp(&udp, SERVER);
	for (unsigned i = 0; i <= GREEDY_FLOWS; i++) {
		bool last = i == GREEDY_FLOWS;
		f->b.port = last ? &modest : &greedy;
		guest_udp_send(&f->b, last ? OTHER_GUEST : GUEST, (uint16_t)(5000 + i), SERVER, udp.port, "x", 1, 63);
		server_expect_datagram(&udp, &f->b, "x", 1, &from[i]);
	}
	for (unsigned i = 0; i <= GREEDY_FLOWS; i++)
		server_answer(&udp, &from[i], "y", 1);
	usec_t now = bench_now(&f->b);
	g_assert_cmpint(loop_dispatch(&f->b.loop, now), ==, 2);
	f->b.ops->flush(f->b.engine, now);
	struct recorded_packet *p;
	unsigned n_greedy = 0, n_modest = 0;
	while ((p = recorder_packet(&f->b.r))) {
		n_greedy += p->ip.dst == GUEST;
		n_modest += p->ip.dst == OTHER_GUEST;
		recorded_packet_free(p);
	}
	arena_reset(&f->b.r.arena);
	g_assert_cmpuint(n_modest, ==, 1);
	g_assert_cmpuint(n_greedy, <=, GREEDY_FLOWS / 2);
	bench_run_for(&f->b, 1);
	for (; n_greedy < GREEDY_FLOWS; n_greedy++)
		recorded_packet_free(bench_datagram(&f->b));
	server_close(&udp);
}

static bool is_established(void *t)
{
	return ((struct guest_tcp *)t)->established;
}

/* Repeats the SYN, as a guest does that gets no answer; true once it is connected. */
static bool connects_in_the_end(struct fixture *f, struct guest_tcp *t)
{
	unsigned patience_ms = f->b.patience_ms;
	f->b.patience_ms = 50;
	for (unsigned i = 0; i < 5 && !t->established && !t->reset_seen; i++) {
		guest_tcp_syn(t);
		if (bench_until(&f->b, is_established, t))
			break;
		bench_turn(&f->b, USEC_PER_SEC);
	}
	f->b.patience_ms = patience_ms;
	return t->established;
}

static void syn_from(struct fixture *f, struct port *port, ip4_t guest, uint16_t port_number)
{
	struct guest_tcp t;
	f->b.port = port;
	guest_tcp_init(&t, &f->b, guest, port_number, SILENT, 80);
	guest_tcp_syn(&t);
	guest_tcp_done(&t);
}

/* A port that is open must not look like one that is filtered. */
static void a_scanner_of_silent_ports_finds_the_open_one(struct fixture *f, gconstpointer row)
{
	struct port port = { .id = 1 };
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 0);
	for (uint16_t i = 0; i < 100; i++)
		syn_from(f, &port, GUEST, (uint16_t)(10000 + i));
	guest_tcp_init(&t, &f->b, GUEST, 9999, SERVER, f->s.port);
	g_assert_true(connects_in_the_end(f, &t));
	g_assert_true(server_accept(&f->s, &f->b));
	assert_talks(f, &t);
	g_assert_true(g_queue_is_empty(&f->b.r.errors));
	guest_tcp_done(&t);
	guest_port_gone(&f->b.r.guests, 0, &port);
}

/* Half of the sockets may be half-open, and one port gets eight ninths of that. */
static void half_open_flows_of_one_port_are_limited(struct fixture *f, gconstpointer row)
{
	struct port greedy = { .id = 1 }, modest = { .id = 2 };
	struct guest_tcp t, u;
	server_listen(&f->s, SERVER, 0);
	for (uint16_t i = 0; i < 40; i++)
		syn_from(f, &greedy, GUEST + 10 + i % 10, (uint16_t)(10000 + i));
	g_assert_cmpuint(counters(f).flows_tcp, ==, 29);
	g_assert_cmpuint(counters(f).flows_refused, ==, 11);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], ==, 11);
	g_assert_true(g_queue_is_empty(&f->b.r.errors)); /* an error would end the guest's attempt */
	bench_forget(&f->b);
	f->b.port = &modest;
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(server_accept(&f->s, &f->b));
	assert_talks(f, &t);
	/* An old one is replaced, so that a scanner of empty addresses goes on. */
	bench_turn(&f->b, USEC_PER_SEC);
	f->b.port = &greedy;
	guest_tcp_init(&u, &f->b, GUEST + 10, 9999, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&u));
	g_assert_cmpuint(counters(f).flows_tcp, ==, 30);
	g_assert_cmpuint(counters(f).flows_evicted, ==, 1);
	guest_tcp_done(&t);
	guest_tcp_done(&u);
	guest_port_gone(&f->b.r.guests, 0, &greedy);
	guest_port_gone(&f->b.r.guests, 0, &modest);
}

/* SYNs with the address of a guest behind another port. */
static void forged_addresses_take_nothing_from_their_owner(struct fixture *f, gconstpointer row)
{
	struct port forger = { .id = 1 }, owner = { .id = 2 };
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 0);
	f->b.port = &owner;
	guest_udp_send(&f->b, GUEST, 5000, SERVER, 9, "x", 1, 63);
	f->b.spoof = true;
	for (uint16_t i = 0; i < 40; i++)
		syn_from(f, &forger, GUEST, (uint16_t)(10000 + i));
	f->b.port = &forger;
	for (uint16_t i = 0; i < 60; i++)
		guest_udp_send(&f->b, GUEST, (uint16_t)(6000 + i), SERVER, 9, "x", 1, 63);
	f->b.spoof = false;
	f->b.port = &owner;
	g_assert_cmpuint(owner.payer->account.n_sockets, ==, 1);
	g_assert_cmpuint(recorder_guest_at(&f->b.r, &owner, GUEST)->account.n_sockets, ==, 1);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(server_accept(&f->s, &f->b));
	assert_talks(f, &t);
	guest_tcp_done(&t);
	guest_port_gone(&f->b.r.guests, 0, &forger);
	guest_port_gone(&f->b.r.guests, 0, &owner);
}

/* --- which flows give way --- */

static void open_mappings(struct fixture *f, struct port *port, ip4_t guest, unsigned n)
{
	f->b.port = port;
	for (unsigned i = 0; i < n; i++)
		guest_udp_send(&f->b, guest, (uint16_t)(5000 + i), SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);
}

static void leave(struct fixture *f, struct port *port)
{
	guest_port_gone(&f->b.r.guests, bench_now(&f->b), port);
}

static void idle_mappings_of_a_guest_give_way_to_its_connections(struct fixture *f, gconstpointer row)
{
	struct port port = { .id = 1 };
	struct sockaddr_in from[2];
	struct server udp = { .listener = -1, .fd = -1 };
	struct guest_tcp t;
	server_bind_udp(&udp, SERVER);
	f->b.port = &port;
	for (unsigned i = 0; i < 2; i++) {
		guest_udp_send(&f->b, GUEST, (uint16_t)(4000 + i), SERVER, udp.port, "a", 1, 63);
		server_expect_datagram(&udp, &f->b, "a", 1, &from[i]);
	}
	open_mappings(f, &port, GUEST, 60);
	g_assert_cmpuint(counters(f).flows_udp, ==, 56);
	bench_forget(&f->b);
	bench_turn(&f->b, 2 * USEC_PER_SEC);
	guest_udp_send(&f->b, GUEST, 4000, SERVER, udp.port, "b", 1, 63); /* is in use */
	server_expect_datagram(&udp, &f->b, "b", 1, &from[0]);
	connect_to(f, &t, SERVER, SERVER);
	assert_talks(f, &t);
	g_assert_cmpuint(counters(f).flows_udp, ==, 55);
	g_assert_cmpuint(counters(f).flows_evicted, ==, 1);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], ==, 0);
	server_answer(&udp, &from[0], "c", 1);
	assert_datagram(&f->b, SERVER, udp.port, GUEST, 4000, "c", 1);
	/* The one that was unused for longest has gone: its port is mapped anew. */
	guest_udp_send(&f->b, GUEST, 4001, SERVER, udp.port, "d", 1, 63);
	server_expect_datagram(&udp, &f->b, "d", 1, &from[1]);
	g_assert_cmpuint(counters(f).flows_evicted, ==, 2);
	guest_tcp_done(&t);
	server_close(&udp);
	leave(f, &port);
}

static void idle_mappings_of_another_port_stay(struct fixture *f, gconstpointer row)
{
	struct port greedy = { .id = 1 }, modest = { .id = 2 };
	open_mappings(f, &modest, GUEST, 5);
	bench_turn(&f->b, 10 * USEC_PER_SEC);
	open_mappings(f, &greedy, OTHER_GUEST, 100);
	g_assert_cmpuint(modest.payer->account.n_sockets, ==, 5);
	g_assert_cmpuint(greedy.payer->account.n_sockets, ==, 52); /* seven eighths of what is left */
	leave(f, &greedy);
	leave(f, &modest);
}

/* One after another they leave nothing: each takes the larger part of what is left. */
static void idle_mappings_of_greedy_ports_give_way_to_a_newcomer(struct fixture *f, gconstpointer row)
{
	struct port greedy[12] = { 0 }, newcomer = { .id = 20 };
	struct guest_tcp t;
	for (unsigned i = 0; i < ARRAY_SIZE(greedy); i++) {
		greedy[i].id = i + 1;
		open_mappings(f, &greedy[i], GUEST + 20 + i, 60);
	}
	bench_turn(&f->b, 2 * USEC_PER_SEC);
	open_mappings(f, &newcomer, OTHER_GUEST, 5);
	g_assert_cmpuint(newcomer.payer->account.n_sockets, ==, 5);
	connect_to(f, &t, SERVER, SERVER);
	assert_talks(f, &t);
	guest_tcp_done(&t);
	for (unsigned i = 0; i < ARRAY_SIZE(greedy); i++)
		leave(f, &greedy[i]);
	leave(f, &newcomer);
}

static void flows_of_a_guest_that_left_give_way_to_others(struct fixture *f, gconstpointer row)
{
	struct port left = { .id = 1 }, present = { .id = 2 };
	struct guest_tcp t;
	f->b.port = &left;
	connect_to(f, &t, SERVER, SERVER);
	open_mappings(f, &left, GUEST, 60);
	g_assert_cmpuint(counters(f).flows_udp, ==, 55);
	leave(f, &left);
	open_mappings(f, &present, OTHER_GUEST, 28); /* at once as many as the other holds */
	g_assert_cmpuint(present.payer->account.n_sockets, ==, 28);
	bench_turn(&f->b, 11 * USEC_PER_SEC);
	open_mappings(f, &present, OTHER_GUEST, 50);
	g_assert_cmpuint(present.payer->account.n_sockets, ==, 50);
	g_assert_cmpuint(counters(f).flows_evicted, >=, 40);
	g_assert_true(server_sees_reset(&f->s, &f->b));
	guest_tcp_done(&t);
	leave(f, &present);
}

/* Its socket was closed, or QEMU restarts it: it is back in a moment. */
static void a_modest_guest_that_reconnects_keeps_its_flows(struct fixture *f, gconstpointer row)
{
	struct port before = { .id = 1 }, after = { .id = 2 }, greedy = { .id = 3 };
	struct guest_tcp t;
	f->b.port = &before;
	connect_to(f, &t, SERVER, SERVER);
	leave(f, &before);
	open_mappings(f, &greedy, OTHER_GUEST, 100);
	bench_turn(&f->b, 3 * USEC_PER_SEC);
	open_mappings(f, &greedy, OTHER_GUEST, 200);
	f->b.port = &after;
	assert_talks(f, &t);
	guest_tcp_done(&t);
	leave(f, &after);
	leave(f, &greedy);
}

/* A guest does not get a new share by connecting anew, or by moving to another port. */
static void flows_are_charged_to_the_port_where_their_guest_is(struct fixture *f, gconstpointer row)
{
	struct port ports[6] = { { .id = 1 }, { .id = 2 }, { .id = 3 }, { .id = 4 }, { .id = 5 }, { .id = 6 } };
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		f->b.port = &ports[i];
		for (unsigned k = 0; k < 60; k++)
			guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + 100 * i + k), SERVER, 9, "x", 1, 63);
		g_assert_cmpuint(counters(f).flows_udp, ==, 56);
		g_assert_cmpuint(ports[i].payer->account.n_sockets, ==, 56);
		if (i > 0 && ports[i - 1].payer)
			g_assert_cmpuint(ports[i - 1].payer->account.n_flows, ==, 0);
		if (i % 2)
			leave(f, &ports[i]);
	}
	g_assert_cmpuint(counters(f).flows_evicted, ==, 0);
	leave(f, &ports[0]);
	leave(f, &ports[2]);
	leave(f, &ports[4]);
}

/* --- UDP ports of the host --- */

static void setup_few_ports(struct fixture *f, gconstpointer row)
{
	native_setup(f, row, &(struct bench_options){ .max_ports = 40 });
}

static void setup_few_of_all(struct fixture *f, gconstpointer row)
{
	native_setup(f, row, &(struct bench_options){ .max_sockets = 64, .max_ports = 40 });
}

static void ports_of_the_host_are_limited(struct fixture *f, gconstpointer row)
{
	struct port greedy = { .id = 1 }, modest = { .id = 2 };
	struct guest_tcp t;
	open_mappings(f, &greedy, GUEST, 100);
	g_assert_cmpuint(counters(f).host_ports, ==, 30); /* three quarters */
	g_assert_cmpuint(counters(f).host_ports_max, ==, 40);
	g_assert_cmpuint(f->b.r.drops.count[DROP_HOST_PORTS], ==, 70);
	assert_refused(f, IP_PROTOCOL_UDP);
	bench_forget(&f->b);
	guest_ping(&f->b, GUEST, SERVER, 1, 1, "", 0, 63);
	assert_refused(f, IP_PROTOCOL_ICMP);
	bench_forget(&f->b);
	connect_to(f, &t, SERVER, SERVER);
	assert_talks(f, &t);
	open_mappings(f, &modest, OTHER_GUEST, 6);
	g_assert_cmpuint(counters(f).host_ports, ==, 36);
	g_assert_cmpuint(f->b.r.drops.count[DROP_HOST_PORTS], ==, 0);
	/* Beyond its share, a port exchanges idle mappings for new ones. */
	bench_turn(&f->b, 2 * USEC_PER_SEC);
	bench_forget(&f->b);
	f->b.port = &greedy;
	for (uint16_t i = 0; i < 10; i++)
		guest_udp_send(&f->b, GUEST, (uint16_t)(7000 + i), SERVER, 9, "x", 1, 63);
	g_assert_cmpuint(f->b.r.drops.count[DROP_HOST_PORTS], ==, 0);
	g_assert_cmpuint(greedy.payer->account.n_ports, <=, 30);
	g_assert_cmpuint(modest.payer->account.n_ports, ==, 6);
	guest_tcp_done(&t);
	leave(f, &greedy);
	bench_turn(&f->b, 11 * USEC_PER_SEC);
	open_mappings(f, &modest, OTHER_GUEST, 25);
	g_assert_cmpuint(modest.payer->account.n_ports, ==, 25);
	leave(f, &modest);
}

/* --- accounts --- */

#define CROWD_PORTS 6u
#define CROWD_GUESTS 12u

struct crowd_of_ports {
	struct port ports[CROWD_PORTS];
	struct guest_tcp tcp[200];
	unsigned n_tcp;
};

static unsigned length(const struct list *l)
{
	unsigned n = 0;
	list_for_each(node, l)
		n++;
	return n;
}

/* What each payer is charged for is what is on its lists, and all of them together have what the engine has. */
static void check_accounts(struct fixture *f)
{
	struct engine_counters c = counters(f);
	struct account sum = { 0 };
	unsigned of_guests = 0;
	list_for_each(node, &f->b.r.guests.payers) {
		const struct payer *p = container_of(node, struct payer, node);
		account_add(&sum, &p->account);
		g_assert_cmpuint(length(&p->mappings), ==, p->account.n_ports);
		g_assert_cmpuint(length(&p->half_open), ==, p->account.n_connecting);
		g_assert_cmpuint(p->account.n_sockets, <=, p->account.n_flows);
		list_for_each(guest_node, &p->guests) {
			const struct guest *g = container_of(guest_node, struct guest, of_payer);
			of_guests += g->account.n_flows;
			bool waits = g->state == GUEST_AWAY && !list_empty(&g->flows.addresses);
			g_assert_true(waits == !list_empty(&g->flows.away));
		}
	}
	g_assert_cmpuint(of_guests, <=, sum.n_flows);
	g_assert_cmpuint(sum.n_flows, ==, c.flows_tcp + c.flows_udp + c.flows_icmp);
	g_assert_cmpuint(sum.n_ports, ==, c.host_ports);
	g_assert_cmpuint(c.host_ports, <=, c.host_ports_max);
	g_assert_cmpuint(sum.n_sockets, <=, 64);
	g_assert_cmpuint(sum.n_connecting, <=, 32);
}

static void guest_opens_something(struct fixture *f, struct crowd_of_ports *c, ip4_t guest)
{
	uint16_t port = (uint16_t)g_test_rand_int_range(2000, 2100);
	switch (g_test_rand_int_range(0, 4)) {
	case 0: guest_udp_send(&f->b, guest, port, SERVER, g_test_rand_bit() ? 53 : 9, "x", 1, 63); return;
	case 1: guest_ping(&f->b, guest, SERVER, port, 1, "", 0, 63); return;
	default: break;
	}
	struct guest_tcp *t = &c->tcp[c->n_tcp++ % ARRAY_SIZE(c->tcp)];
	if (c->n_tcp > ARRAY_SIZE(c->tcp))
		guest_tcp_done(t);
	guest_tcp_init(t, &f->b, guest, port, g_test_rand_bit() ? SILENT : SERVER, f->s.port);
	guest_tcp_syn(t);
}

static void something_happens(struct fixture *f, struct crowd_of_ports *c)
{
	unsigned at = (unsigned)g_test_rand_int_range(0, CROWD_PORTS);
	ip4_t guest = GUEST + (unsigned)g_test_rand_int_range(0, CROWD_GUESTS);
	struct ip_addr addr = ip_from_ip4(guest);
	int what = g_test_rand_int_range(0, 100);
	f->b.port = &c->ports[at];
	f->b.spoof = what % 10 == 0;
	if (what < 80)
		guest_opens_something(f, c, guest);
	else if (what < 84)
		guest_port_gone(&f->b.r.guests, bench_now(&f->b), &c->ports[at]);
	else if (what < 87)
		guest_learn(&f->b.r.guests, bench_now(&f->b), &c->ports[at], (struct mac){ { 2, 9, 0, 0, 0, (uint8_t)at } }, &addr,
			    GUEST_BY_ARP);
	else if (what < 92)
		bench_turn(&f->b, (usec_t)g_test_rand_int_range(1, 15) * USEC_PER_SEC);
	else
		bench_run(&f->b, 0);
	if (what % 20 == 0)
		guest_expire(&f->b.r.guests, bench_now(&f->b));
}

static void accounts_agree_with_what_there_is(struct fixture *f, gconstpointer row)
{
	struct crowd_of_ports *c = g_new0(struct crowd_of_ports, 1);
	server_listen(&f->s, SERVER, 0);
	for (unsigned i = 0; i < CROWD_PORTS; i++)
		c->ports[i].id = i + 1;
	for (unsigned i = 0; i < 4000; i++) {
		something_happens(f, c);
		if (i % 10 == 0) {
			bench_run(&f->b, 0);
			check_accounts(f);
			server_turn_away(&f->s);
			bench_forget(&f->b);
		}
	}
	g_assert_cmpuint(counters(f).flows_evicted, >, 0);
	g_assert_cmpuint(counters(f).flows_refused, >, 0);
	for (unsigned i = 0; i < MIN(c->n_tcp, (unsigned)ARRAY_SIZE(c->tcp)); i++)
		guest_tcp_done(&c->tcp[i]);
	for (unsigned i = 0; i < CROWD_PORTS; i++)
		guest_port_gone(&f->b.r.guests, bench_now(&f->b), &c->ports[i]);
	bench_turn(&f->b, 61 * USEC_PER_SEC);
	guest_expire(&f->b.r.guests, bench_now(&f->b));
	check_accounts(f);
	g_assert_cmpuint(counters(f).flows_tcp + counters(f).flows_udp + counters(f).flows_icmp, ==, 0);
	server_turn_away(&f->s);
	g_free(c);
}

/* Together more than a guest's flows may hold (tcp_upload.c). */
#define STALLED 1100u
#define STALLED_BYTES 67200u /* more than the window of a guest without window scale */

/* Opens a flow to a peer that reads nothing, over a socket with a tiny buffer; returns the peer's end. */
static int open_to_guest(struct fixture *f, struct guest_tcp *t, uint16_t port)
{
	int ends[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==, 0);
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
	guest_tcp_init(t, &f->b, GUEST, port, GATEWAY, 0);
	struct engine_open how = { .guest = recorder_guest(&f->b.r, GUEST),
				   .to = { ip_from_ip4(GUEST), port },
				   .source = { ip_from_ip4(GATEWAY), 0 },
				   .fd = ends[0] };
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, 0);
	bench_run(&f->b, 0);
	g_assert_true(t->syn_seen);
	guest_tcp_segment(t, TCP_SYN | TCP_ACK, NULL, 0);
	t->established = true;
	bench_run(&f->b, 0);
	return ends[1];
}

static void peers_that_read_nothing_do_not_stop_a_guests_other_connections(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t, stalled;
	int fds[STALLED];
	uint8_t *bytes = pattern(STALLED_BYTES);
	connect_to(f, &t, SERVER, SERVER);
	for (unsigned i = 0; i < STALLED; i++) {
		fds[i] = open_to_guest(f, &stalled, (uint16_t)(1000 + i));
		for (size_t at = 0; at < STALLED_BYTES; at += 1400)
			guest_tcp_segment(&stalled, TCP_ACK, bytes + at, 1400);
		bench_run(&f->b, 0);
		guest_tcp_done(&stalled);
	}
	assert_talks(f, &t);
	for (unsigned i = 0; i < STALLED; i++)
		close(fds[i]);
	g_free(bytes);
	guest_tcp_done(&t);
}

/* --- the system's limit --- */

static struct rlimit no_more_descriptors(void)
{
	struct rlimit before, now;
	int next = dup(STDIN_FILENO);
	g_assert_cmpint(next, >=, 0);
	close(next);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	now = before;
	now.rlim_cur = (rlim_t)next;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &now), ==, 0);
	return before;
}

static void descriptors_that_run_out_are_refused_counted_and_spare_others(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t, refused, local;
	struct sockaddr_in from;
	struct server udp = { .listener = -1, .fd = -1 };
	f->echo = echo_service_new();
	g_assert_cmpint(f->b.ops->local(f->b.engine, 53, &f->echo->service), ==, 0);
	server_bind_udp(&udp, SERVER);
	server_listen(&f->s, SERVER, 0);
	guest_tcp_init(&t, &f->b, OTHER_GUEST, 40000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(server_accept(&f->s, &f->b));
	guest_udp_send(&f->b, OTHER_GUEST, 5000, SERVER, udp.port, "a", 1, 63);
	server_expect_datagram(&udp, &f->b, "a", 1, &from);
	guest_udp_send(&f->b, THIRD_GUEST, 5000, SERVER, udp.port, "b", 1, 63);
	bench_run(&f->b, 0);
	bench_forget(&f->b);

	struct rlimit before = no_more_descriptors();
	guest_tcp_init(&refused, &f->b, GUEST, 40000, SERVER, f->s.port);
	guest_tcp_syn(&refused);
	assert_refused(f, IP_PROTOCOL_TCP);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, udp.port, "c", 1, 63);
	assert_refused(f, IP_PROTOCOL_UDP);
	guest_ping(&f->b, GUEST, SERVER, 1, 1, "", 0, 63);
	assert_refused(f, IP_PROTOCOL_ICMP);
	guest_tcp_init(&local, &f->b, GUEST, 40001, GATEWAY, 53);
	guest_tcp_connect(&local);
	g_assert_true(bench_until(&f->b, has_reset, &local));
	g_assert_cmpuint(counters(f).flows_refused, ==, 4);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], ==, 4);
	g_assert_cmpuint(counters(f).flows_tcp, ==, 1);

	/* Open flows continue. */
	assert_talks(f, &t);
	server_answer(&udp, &from, "A", 1);
	assert_datagram(&f->b, SERVER, udp.port, OTHER_GUEST, 5000, "A", 1);
	/* A guest leaves at that moment: its descriptors are free again. */
	bench_guest_gone(&f->b, THIRD_GUEST);
	bench_forget(&f->b);
	guest_udp_send(&f->b, GUEST, 5001, SERVER, udp.port, "d", 1, 63);
	bench_run(&f->b, 0);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], ==, 0);
	guest_udp_send(&f->b, GUEST, 5002, SERVER, udp.port, "e", 1, 63);
	assert_refused(f, IP_PROTOCOL_UDP);

	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	g_assert_cmpint(recv(udp.fd, (char[1]){ 0 }, 1, MSG_DONTWAIT), ==, 1); /* b */
	server_expect_datagram(&udp, &f->b, "d", 1, &from);
	guest_tcp_done(&refused);
	guest_tcp_done(&local);
	server_close(&udp);
	guest_tcp_done(&t);
}

/* --- as many as there may be --- */

#define FLOWS_MOST NATIVE_DESCRIPTORS
#define DESCRIPTORS_LEFT 600u

static struct rlimit usual;

static void setup_all_descriptors(struct fixture *f, gconstpointer row)
{
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &usual), ==, 0);
	struct rlimit all = { .rlim_cur = usual.rlim_max, .rlim_max = usual.rlim_max };
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &all), ==, 0);
	unsigned most = (unsigned)MIN(usual.rlim_max, (rlim_t)FLOWS_MOST);
	native_setup(f, row, &(struct bench_options){ .max_sockets = most });
}

static void teardown_all_descriptors(struct fixture *f)
{
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &usual), ==, 0);
}

struct crowd {
	unsigned n_udp, n_tcp;
	struct sockaddr_in *from; /* source of each UDP flow */
	struct guest_tcp *tcp;
	int *accepted;
};

static ip4_t crowd_guest(unsigned i)
{
	return IP4(192, 168, 122, 10) + i % 16;
}

static void open_udp(struct fixture *f, struct server *s, struct crowd *c)
{
	for (unsigned i = 0; i < c->n_udp; i++) {
		guest_udp_send(&f->b, crowd_guest(i), (uint16_t)(1024 + i / 16), SERVER, s->port, "x", 1, 63);
		server_expect_datagram(s, &f->b, "x", 1, &c->from[i]);
	}
}

static void open_tcp(struct fixture *f, struct crowd *c)
{
	for (unsigned i = 0; i < c->n_tcp; i++) {
		guest_tcp_init(&c->tcp[i], &f->b, crowd_guest(i), (uint16_t)(10000 + i / 16), SERVER, f->s.port);
		g_assert_true(guest_tcp_connect(&c->tcp[i]));
		g_assert_true(server_accept(&f->s, &f->b));
		c->accepted[i] = f->s.fd;
		f->s.fd = -1;
	}
}

static void assert_all_hold(struct fixture *f, struct server *s, const struct crowd *c)
{
	for (unsigned i = 0; i < c->n_udp; i += 7) {
		server_answer(s, &c->from[i], "y", 1);
		assert_datagram(&f->b, SERVER, s->port, crowd_guest(i), (uint16_t)(1024 + i / 16), "y", 1);
	}
	for (unsigned i = 0; i < c->n_tcp; i++)
		g_assert_cmpint(send(c->accepted[i], "y", 1, MSG_NOSIGNAL), ==, 1);
	for (unsigned i = 0; i < c->n_tcp; i++)
		g_assert_true(wait_for(&c->tcp[i], 1));
}

/* Whether the connection was reset, without waiting. */
static bool is_reset(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);
	g_assert_cmpint(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), ==, 0);
	return error == ECONNRESET;
}

/* Every second guest has stopped answering. */
static void turn_until_silent_ones_are_given_up(struct fixture *f, struct crowd *c)
{
	for (unsigned i = 0; i < c->n_tcp; i += 2)
		g_ptr_array_remove_fast(f->b.tcp, &c->tcp[i]);
	for (unsigned minutes = 0; minutes < 150; minutes++) {
		bench_turn(&f->b, 60 * USEC_PER_SEC);
		bench_forget(&f->b);
	}
	unsigned resets = 0;
	for (unsigned i = 0; i < c->n_tcp; i++)
		resets += is_reset(c->accepted[i]);
	g_assert_cmpuint(resets, ==, (c->n_tcp + 1) / 2);
	g_assert_cmpuint(counters(f).flows_tcp, ==, c->n_tcp / 2);
}

static void thousands_of_idle_flows_live_and_expire_on_time(struct fixture *f, gconstpointer row)
{
	unsigned room = (unsigned)MIN(usual.rlim_max, (rlim_t)FLOWS_MOST) - DESCRIPTORS_LEFT;
	struct crowd c = { .n_udp = room / 2, .n_tcp = room / 8 };
	struct server udp = { .listener = -1, .fd = -1 };
	c.from = g_new0(struct sockaddr_in, c.n_udp);
	c.tcp = g_new0(struct guest_tcp, c.n_tcp);
	c.accepted = g_new0(int, c.n_tcp);
	server_bind_udp(&udp, SERVER);
	server_listen(&f->s, SERVER, 0);
	open_udp(f, &udp, &c);
	open_tcp(f, &c);
	g_test_message("%u UDP and %u TCP flows, %u descriptors in this process", c.n_udp, c.n_tcp, count_fds());
	g_assert_cmpuint(counters(f).flows_refused, ==, 0);

	bench_turn(&f->b, 180 * USEC_PER_SEC);
	g_assert_cmpuint(counters(f).flows_udp, ==, c.n_udp);
	assert_all_hold(f, &udp, &c);
	unsigned before = count_fds();
	f->b.turned += 180 * USEC_PER_SEC;
	bench_run(&f->b, 0);
	/* A turn does not end all of them, because others wait meanwhile. */
	g_assert_cmpuint(counters(f).flows_udp, >, 0);
	bench_turn(&f->b, 0);
	g_assert_cmpuint(counters(f).flows_udp, ==, 0);
	g_assert_cmpuint(count_fds(), ==, before - c.n_udp);
	g_assert_cmpuint(counters(f).flows_tcp, ==, c.n_tcp);
	turn_until_silent_ones_are_given_up(f, &c);

	for (unsigned i = 0; i < c.n_tcp; i++) {
		close(c.accepted[i]);
		if (i % 2 == 0)
			g_ptr_array_add(f->b.tcp, &c.tcp[i]);
		guest_tcp_done(&c.tcp[i]);
	}
	bench_run(&f->b, 0);
	server_close(&udp);
	g_free(c.from);
	g_free(c.tcp);
	g_free(c.accepted);
	teardown_all_descriptors(f);
}

const struct contract_test native_limits[] = {
	{ "a_guest_at_its_share_of_sockets_spares_the_others", a_guest_at_its_share_of_sockets_spares_the_others, setup_few_sockets },
	{ "a_guest_at_its_share_may_go_on_when_its_flows_end", a_guest_at_its_share_may_go_on_when_its_flows_end, setup_few_sockets },
	{ "addresses_of_one_port_share_its_sockets", addresses_of_one_port_share_its_sockets, setup_few_sockets },
	{ "ready_sockets_of_one_port_let_another_have_its_turn", ready_sockets_of_one_port_let_another_have_its_turn, native_setup_plain },
	{ "a_scanner_of_silent_ports_finds_the_open_one", a_scanner_of_silent_ports_finds_the_open_one, setup_few_sockets },
	{ "half_open_flows_of_one_port_are_limited", half_open_flows_of_one_port_are_limited, setup_few_sockets },
	{ "forged_addresses_take_nothing_from_their_owner", forged_addresses_take_nothing_from_their_owner, setup_few_sockets },
	{ "idle_mappings_of_a_guest_give_way_to_its_connections", idle_mappings_of_a_guest_give_way_to_its_connections, setup_few_sockets },
	{ "idle_mappings_of_another_port_stay", idle_mappings_of_another_port_stay, setup_few_sockets },
	{ "idle_mappings_of_greedy_ports_give_way_to_a_newcomer", idle_mappings_of_greedy_ports_give_way_to_a_newcomer, setup_few_sockets },
	{ "flows_of_a_guest_that_left_give_way_to_others", flows_of_a_guest_that_left_give_way_to_others, setup_few_sockets },
	{ "a_modest_guest_that_reconnects_keeps_its_flows", a_modest_guest_that_reconnects_keeps_its_flows, setup_few_sockets },
	{ "flows_are_charged_to_the_port_where_their_guest_is", flows_are_charged_to_the_port_where_their_guest_is, setup_few_sockets },
	{ "accounts_agree_with_what_there_is", accounts_agree_with_what_there_is, setup_few_of_all },
	{ "ports_of_the_host_are_limited", ports_of_the_host_are_limited, setup_few_ports },
	{ "peers_that_read_nothing_do_not_stop_a_guests_other_connections", peers_that_read_nothing_do_not_stop_a_guests_other_connections,
	  native_setup_plain },
	{ "descriptors_that_run_out_are_refused_counted_and_spare_others", descriptors_that_run_out_are_refused_counted_and_spare_others,
	  native_setup_plain },
	{ "thousands_of_idle_flows_live_and_expire_on_time", thousands_of_idle_flows_live_and_expire_on_time, setup_all_descriptors },
	{ 0 },
};
