/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP ports of the host that lead to guests: engine_ops.datagrams_open. */
#include "contract.h"

#include "host/socket_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENT IP4(203, 0, 113, 99)  /* the peer that the guest sees */
#define PASSING IP4(203, 0, 113, 77) /* an address that the host loses */
#define OTHER_GUEST IP4(192, 168, 122, 8)

/* A forward to the guest's port 53. */
struct forwarded {
	struct engine_datagram_port port;
	struct fixture *f;
	struct ip_endpoint at;
	ip4_t to;
	uint16_t claimed_port; /* 0: the peer's own */
	unsigned admitted, opened, refused;
	int result; /* of admit() */
};

static int admit(struct engine_datagram_port *p, usec_t now, const struct ip_endpoint *peer, struct engine_open *ret)
{
	struct forwarded *w = container_of(p, struct forwarded, port);
	struct ip_addr to = recorder_ip(&w->f->b.r, w->to);
	struct guest_address *a = guest_expect(&w->f->b.r.guests, now, &to, guest_payer(&w->f->b.r.guests, NULL));
	w->admitted++;
	ret->guest = a->guest;
	ret->to = (struct ip_endpoint){ to, 53 };
	ret->source = (struct ip_endpoint){ recorder_ip(&w->f->b.r, CLIENT), w->claimed_port ? w->claimed_port : peer->port };
	return w->result;
}

static void opened(struct engine_datagram_port *p, usec_t now, int result)
{
	struct forwarded *w = container_of(p, struct forwarded, port);
	w->opened += result == 0;
	w->refused += result < 0;
}

static int bound(const struct ip_endpoint *at, bool reuse)
{
	union socket_address a;
	socklen_t len = socket_address_set(&a, at);
	int fd = socket(a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ reuse }, sizeof(int)), ==, 0);
	if (bind(fd, &a.any, len) == 0)
		return fd;
	int r = -errno;
	close(fd);
	return r;
}

static void forwarded_init(struct forwarded *w, struct fixture *f, const struct ip_addr *at)
{
	*w = (struct forwarded){ .port = { .admit = admit, .opened = opened }, .f = f, .to = GUEST };
	recorder_guest(&f->b.r, GUEST);
	w->at = (struct ip_endpoint){ *at, free_port() };
	int fd = bound(&w->at, false);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(f->b.ops->datagrams_open(f->b.engine, &w->port, -1, &w->at), ==, -ENOTCONN);
	g_assert_cmpint(f->b.ops->datagrams_open(f->b.engine, &w->port, fd, &w->at), ==, 0);
}

static void forwarded_done(struct forwarded *w)
{
	w->f->b.ops->datagrams_close(w->f->b.engine, &w->port);
}

static bool engine_cannot(struct fixture *f)
{
	if (!(f->row->gaps & GAP_OPEN_UDP))
		return false;
	g_assert_null(f->b.ops->datagrams_open);
	return true;
}

/* Opens a forward at all IPv4 addresses.  False: the engine has no forwards of UDP. */
static bool forwarded_begin(struct forwarded *w, struct fixture *f)
{
	if (engine_cannot(f))
		return false;
	struct ip_addr all = ip_from_ip4(INADDR_ANY);
	forwarded_init(w, f, &all);
	return true;
}

/* A client at 203.0.113.5. */
static void client_init(struct server *c)
{
	*c = (struct server){ .listener = -1, .fd = -1 };
	server_bind_udp(c, SERVER);
}

static struct sockaddr_in address_of(const struct forwarded *w, ip4_t asked)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(w->at.port), .sin_addr.s_addr = htonl(asked) };
}

static void ask(struct server *c, const struct forwarded *w, ip4_t asked, const char *text)
{
	struct sockaddr_in to = address_of(w, asked);
	server_answer(c, &to, text, strlen(text));
}

static void expect_answer(struct server *c, const struct forwarded *w, const char *text, ip4_t asked)
{
	struct sockaddr_in from;
	server_expect_datagram(c, &w->f->b, text, strlen(text), &from);
	g_assert_cmphex(ntohl(from.sin_addr.s_addr), ==, asked);
	g_assert_cmpuint(ntohs(from.sin_port), ==, w->at.port);
}

static void guest_answers(struct forwarded *w, uint16_t port, const char *text)
{
	guest_udp_send(&w->f->b, GUEST, 53, CLIENT, port, text, strlen(text), 63);
}

static void assert_asked(struct forwarded *w, uint16_t port, const char *text)
{
	assert_datagram(&w->f->b, CLIENT, port, GUEST, 53, text, strlen(text));
}

/* @text of @c to the address @asked reaches the guest, from @port. */
static void arrives(struct server *c, struct forwarded *w, ip4_t asked, uint16_t port, const char *text)
{
	ask(c, w, asked, text);
	assert_asked(w, port, text);
}

static void datagrams_go_both_ways(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	ask(&c, &w, SERVER, "first");
	ask(&c, &w, SERVER, "");
	ask(&c, &w, SERVER, "second");
	assert_asked(&w, c.port, "first");
	assert_asked(&w, c.port, "");
	assert_asked(&w, c.port, "second");
	g_assert_cmpuint(w.admitted, ==, 1);
	g_assert_cmpuint(w.opened, ==, 1);
	guest_answers(&w, c.port, "answer");
	guest_answers(&w, c.port, "");
	expect_answer(&c, &w, "answer", SERVER);
	expect_answer(&c, &w, "", SERVER);
	forwarded_done(&w);
	server_close(&c);
}

static void datagrams_of_two_peers_are_kept_apart(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server one, two;
	if (!forwarded_begin(&w, f))
		return;
	w.claimed_port = 4000;
	client_init(&one);
	client_init(&two);
	arrives(&one, &w, SERVER, 4000, "1");
	arrives(&two, &w, SERVER, 4001, "2");
	guest_answers(&w, 4001, "to two");
	guest_answers(&w, 4000, "to one");
	expect_answer(&two, &w, "to two", SERVER);
	expect_answer(&one, &w, "to one", SERVER);
	g_assert_false(server_has_datagram(&one));
	g_assert_false(server_has_datagram(&two));
	forwarded_done(&w);
	server_close(&one);
	server_close(&two);
}

static void datagrams_are_answered_from_the_address_that_was_asked(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server one, two;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&one);
	client_init(&two);
	arrives(&one, &w, HOST, one.port, "1");
	guest_answers(&w, one.port, "to one");
	expect_answer(&one, &w, "to one", HOST);
	arrives(&two, &w, SERVER, two.port, "2");
	guest_answers(&w, two.port, "to two");
	expect_answer(&two, &w, "to two", SERVER);
	forwarded_done(&w);
	server_close(&one);
	server_close(&two);
}

static void datagrams_of_a_peer_to_two_addresses_are_answered_from_each(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	if (!forwarded_begin(&w, f))
		return;
	w.claimed_port = 4000;
	client_init(&c);
	arrives(&c, &w, SERVER, 4000, "1");
	arrives(&c, &w, HOST, 4001, "2");
	guest_answers(&w, 4000, "from the first");
	expect_answer(&c, &w, "from the first", SERVER);
	guest_answers(&w, 4001, "from the second");
	expect_answer(&c, &w, "from the second", HOST);
	arrives(&c, &w, SERVER, 4000, "again");
	g_assert_cmpuint(w.admitted, ==, 2);
	forwarded_done(&w);
	server_close(&c);
}

static void set_address(const char *what)
{
	g_autofree char *command = g_strdup_printf("ip addr %s 203.0.113.77/32 dev lo", what);
	g_assert_cmpint(system(command), ==, 0);
}

static void datagrams_go_on_when_the_host_loses_the_address(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	set_address("add");
	arrives(&c, &w, PASSING, c.port, "1");
	guest_answers(&w, c.port, "a");
	expect_answer(&c, &w, "a", PASSING);
	set_address("del");
	guest_answers(&w, c.port, "b");
	guest_answers(&w, c.port, "longer");
	expect_answer(&c, &w, "b", SERVER); /* by the host's routes */
	expect_answer(&c, &w, "longer", SERVER);
	arrives(&c, &w, HOST, c.port, "2");
	guest_answers(&w, c.port, "c");
	expect_answer(&c, &w, "c", HOST);
	g_assert_cmpuint(w.admitted, ==, 1);
	forwarded_done(&w);
	server_close(&c);
}

static void datagrams_of_ipv6_peers_are_answered(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	union socket_address from;
	struct ip_endpoint loopback = { .addr = { { [15] = 1 } } };
	char answer[64];
	if (engine_cannot(f))
		return;
	forwarded_init(&w, f, &(struct ip_addr){ 0 });
	int fd = bound(&loopback, false);
	socklen_t len = sizeof(from);
	g_assert_cmpint(getsockname(fd, &from.any, &len), ==, 0);
	uint16_t port = socket_address_get(&from).port;
	len = socket_address_set(&from, &(struct ip_endpoint){ loopback.addr, w.at.port });
	g_assert_cmpint(sendto(fd, "six", 3, 0, &from.any, len), ==, 3);
	assert_asked(&w, port, "six");
	guest_answers(&w, port, "answer");
	bench_run(&f->b, 0);
	g_assert_cmpint(recvfrom(fd, answer, sizeof(answer), 0, &from.any, &len), ==, 6);
	struct ip_endpoint source = socket_address_get(&from);
	g_assert_true(ip_equal(&source.addr, &loopback.addr));
	g_assert_cmpuint(source.port, ==, w.at.port);
	forwarded_done(&w);
	close(fd);
}

/* The guest's port keeps its mapping for all other peers. */
static void datagrams_of_peers_leave_the_guest_s_own_flows_alone(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	struct sockaddr_in from;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	server_bind_udp(&f->s, SERVER);
	arrives(&c, &w, SERVER, c.port, "1");
	guest_udp_send(&f->b, GUEST, 53, SERVER, f->s.port, "out", 3, 63);
	server_expect_datagram(&f->s, &f->b, "out", 3, &from);
	server_answer(&f->s, &from, "in", 2);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 53, "in", 2);
	g_assert_false(server_has_datagram(&c));
	forwarded_done(&w);
	server_close(&c);
}

static void datagram_flow_ends_when_idle(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	arrives(&c, &w, SERVER, c.port, "1");
	bench_turn(&f->b, 600 * USEC_PER_SEC);
	arrives(&c, &w, SERVER, c.port, "2");
	g_assert_cmpuint(w.admitted, ==, 2);
	forwarded_done(&w);
	server_close(&c);
}

static void closed_datagram_port_keeps_its_flows_and_its_socket(struct fixture *f, gconstpointer data)
{
	struct forwarded w, again;
	struct server one, two;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&one);
	client_init(&two);
	arrives(&one, &w, SERVER, one.port, "1");
	forwarded_done(&w);
	ask(&two, &w, SERVER, "nobody");
	arrives(&one, &w, SERVER, one.port, "goes on");
	guest_answers(&w, one.port, "answer");
	expect_answer(&one, &w, "answer", SERVER);
	g_assert_cmpuint(w.admitted, ==, 1);
	g_assert_cmpint(bound(&w.at, true), ==, -EADDRINUSE);
	again = w;
	g_assert_cmpint(f->b.ops->datagrams_open(f->b.engine, &again.port, -1, &w.at), ==, 0);
	ask(&two, &w, SERVER, "2");
	assert_asked(&again, two.port, "2");
	forwarded_done(&again);
	bench_turn(&f->b, 600 * USEC_PER_SEC);
	int fd = bound(&w.at, false);
	g_assert_cmpint(fd, >=, 0);
	close(fd);
	server_close(&one);
	server_close(&two);
}

static void datagram_port_cannot_be_bound_by_others(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	if (!forwarded_begin(&w, f))
		return;
	for (unsigned i = 0; i < 20; i++) {
		struct server c;
		client_init(&c);
		arrives(&c, &w, SERVER, c.port, "x");
		g_assert_cmpint(bound(&w.at, true), ==, -EADDRINUSE);
		g_assert_cmpint(bound(&(struct ip_endpoint){ ip_from_ip4(SERVER), w.at.port }, true), ==, -EADDRINUSE);
		server_close(&c);
	}
	forwarded_done(&w);
}

/* With 64 sockets for flows, 64 peers of all ports have a place. */
static void flood_of_peers_ends_its_own_flows(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	struct sockaddr_in from;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	server_bind_udp(&f->s, SERVER);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, f->s.port, "out", 3, 63);
	server_expect_datagram(&f->s, &f->b, "out", 3, &from);
	arrives(&c, &w, SERVER, c.port, "1");
	guest_answers(&w, c.port, "answer");
	expect_answer(&c, &w, "answer", SERVER);
	unsigned fds = count_fds();
	for (unsigned i = 0; i < 1000; i++) {
		struct server other;
		client_init(&other);
		arrives(&other, &w, SERVER, other.port, "x");
		server_close(&other);
	}
	struct engine_counters now;
	f->b.ops->counters(f->b.engine, &now);
	g_assert_cmpuint(count_fds(), ==, fds);
	g_assert_cmpuint(w.refused, ==, 0);
	g_assert_cmpuint(now.flows_udp, <=, 64);
	g_assert_cmpuint(now.flows_evicted, >, 900);
	/* A peer that the guest has answered, and the guest's own flow, are there still. */
	unsigned admitted = w.admitted;
	arrives(&c, &w, SERVER, c.port, "2");
	g_assert_cmpuint(w.admitted, ==, admitted);
	server_answer(&f->s, &from, "in", 2);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 5000, "in", 2);
	forwarded_done(&w);
	server_close(&c);
}

/* Datagrams that leave for a guest whose MAC is not known wait in the gateway, where few have room. */
static void burst_for_a_guest_that_is_not_known_yet_waits_in_the_socket(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	char text[16];
	if (!forwarded_begin(&w, f))
		return;
	w.to = OTHER_GUEST;
	client_init(&c);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%u", i);
		ask(&c, &w, SERVER, text);
	}
	bench_run_for(&f->b, 50);
	unsigned before = g_queue_get_length(&f->b.datagrams);
	g_assert_cmpuint(before, >=, 1);
	g_assert_cmpuint(before, <=, 4);
	recorder_guest(&f->b.r, OTHER_GUEST);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%u", i);
		assert_datagram(&f->b, CLIENT, c.port, OTHER_GUEST, 53, text, strlen(text));
	}
	forwarded_done(&w);
	server_close(&c);
}

static void burst_for_a_guest_that_does_not_answer_is_dropped(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	if (!forwarded_begin(&w, f))
		return;
	w.to = OTHER_GUEST;
	client_init(&c);
	for (unsigned i = 0; i < 100; i++)
		ask(&c, &w, SERVER, "old");
	bench_run_for(&f->b, 50);
	struct ip_addr silent = recorder_ip(&f->b.r, OTHER_GUEST);
	f->b.ops->guest_gone(f->b.engine, bench_now(&f->b), guest_find_address(&f->b.r.guests, &silent)->guest, &silent);
	bench_run_for(&f->b, 50);
	g_assert_cmpuint(f->b.r.drops.count[DROP_NEIGHBOUR_UNKNOWN], >=, 96);
	bench_forget(&f->b);
	recorder_guest(&f->b.r, OTHER_GUEST);
	ask(&c, &w, SERVER, "new");
	assert_datagram(&f->b, CLIENT, c.port, OTHER_GUEST, 53, "new", 3);
	forwarded_done(&w);
	server_close(&c);
}

static void burst_for_a_guest_whose_port_is_crowded_waits_in_the_socket(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	arrives(&c, &w, SERVER, c.port, "1");
	f->b.r.crowded = true;
	ask(&c, &w, SERVER, "2");
	ask(&c, &w, SERVER, "3");
	bench_run_for(&f->b, 20);
	g_assert_true(g_queue_is_empty(&f->b.datagrams));
	guest_answers(&w, c.port, "out"); /* is not held up */
	expect_answer(&c, &w, "out", SERVER);
	f->b.r.crowded = false;
	f->b.ops->writable(f->b.engine, bench_now(&f->b), recorder_guest(&f->b.r, GUEST));
	assert_asked(&w, c.port, "2");
	assert_asked(&w, c.port, "3");
	forwarded_done(&w);
	server_close(&c);
}

/* As when a guest that did not read is restarted. */
static void burst_that_waits_for_a_port_goes_on_at_another(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	struct guest *guest;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	arrives(&c, &w, SERVER, c.port, "1");
	f->b.r.crowded = true;
	ask(&c, &w, SERVER, "2");
	bench_run_for(&f->b, 20);
	f->b.r.crowded = false;
	guest = recorder_guest(&f->b.r, GUEST);
	f->b.ops->guest_placed(f->b.engine, bench_now(&f->b), guest, guest->payer);
	assert_asked(&w, c.port, "2");
	forwarded_done(&w);
	server_close(&c);
}

static void suspended_datagram_port_leaves_datagrams_in_the_socket(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	f->b.ops->datagrams_suspend(f->b.engine, &w.port, true);
	ask(&c, &w, SERVER, "early");
	bench_run_for(&f->b, 20);
	g_assert_cmpuint(w.admitted, ==, 0);
	f->b.ops->datagrams_suspend(f->b.engine, &w.port, false);
	assert_asked(&w, c.port, "early");
	forwarded_done(&w);
	server_close(&c);
}

static void refused_peer_opens_no_flow(struct fixture *f, gconstpointer data)
{
	struct forwarded w;
	struct server c;
	if (!forwarded_begin(&w, f))
		return;
	client_init(&c);
	w.result = -ENOENT;
	ask(&c, &w, SERVER, "x");
	bench_run_for(&f->b, 20);
	g_assert_cmpuint(w.admitted, ==, 1);
	g_assert_cmpuint(w.opened + w.refused, ==, 0);
	w.result = 0;
	arrives(&c, &w, SERVER, c.port, "y");
	forwarded_done(&w);
	server_close(&c);
}

const struct contract_test contract_datagrams[] = {
	CONTRACT_TEST(datagrams_go_both_ways),
	CONTRACT_TEST(datagrams_of_two_peers_are_kept_apart),
	CONTRACT_TEST(datagrams_are_answered_from_the_address_that_was_asked),
	CONTRACT_TEST(datagrams_of_a_peer_to_two_addresses_are_answered_from_each),
	CONTRACT_TEST(datagrams_go_on_when_the_host_loses_the_address),
	CONTRACT_TEST(datagrams_of_ipv6_peers_are_answered),
	CONTRACT_TEST(datagrams_of_peers_leave_the_guest_s_own_flows_alone),
	CONTRACT_TEST(datagram_flow_ends_when_idle),
	CONTRACT_TEST(closed_datagram_port_keeps_its_flows_and_its_socket),
	CONTRACT_TEST(datagram_port_cannot_be_bound_by_others),
	{ "flood_of_peers_ends_its_own_flows", flood_of_peers_ends_its_own_flows, setup_64_sockets },
	CONTRACT_TEST(burst_for_a_guest_that_is_not_known_yet_waits_in_the_socket),
	CONTRACT_TEST(burst_for_a_guest_that_does_not_answer_is_dropped),
	CONTRACT_TEST(burst_for_a_guest_whose_port_is_crowded_waits_in_the_socket),
	CONTRACT_TEST(burst_that_waits_for_a_port_goes_on_at_another),
	CONTRACT_TEST(suspended_datagram_port_leaves_datagrams_in_the_socket),
	CONTRACT_TEST(refused_peer_opens_no_flow),
	{ 0 },
};
