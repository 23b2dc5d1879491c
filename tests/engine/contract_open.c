/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows from the host to a guest: engine_ops.open. */
#include "contract.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static struct engine_open open_to(struct fixture *f, uint16_t port, int fd)
{
	return (struct engine_open){
		.guest = recorder_guest(&f->b.r, GUEST),
		.to = { ip_from_ip4(GUEST), port },
		.source = { ip_from_ip4(GATEWAY), 0 },
		.fd = fd,
	};
}

static bool has_syn(void *t)
{
	return ((struct guest_tcp *)t)->syn_seen;
}

/* Opens a flow to the guest's port 80, which the guest accepts. */
static void accept_flow(struct fixture *f, struct guest_tcp *t)
{
	guest_tcp_init(t, &f->b, GUEST, 80, GATEWAY, 0);
	server_pair(&f->s);
	struct engine_open how = open_to(f, 80, f->s.listener);
	f->s.listener = -1;
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, 0);
	g_assert_true(bench_until(&f->b, has_syn, t));
	g_assert_false(t->established);
	guest_tcp_segment(t, TCP_SYN | TCP_ACK, NULL, 0);
	t->established = true;
}

static void open_carries_bytes_both_ways(struct fixture *f, gconstpointer data)
{
	static const size_t len = 200000;
	struct guest_tcp t;
	uint8_t *bytes = pattern(len);
	accept_flow(f, &t);
	server_send(&f->s, bytes, len);
	g_assert_true(wait_for(&t, len));
	g_assert_cmpmem(t.received->data, t.received->len, bytes, len);
	server_expect(&f->s, len);
	g_assert_true(guest_tcp_send(&t, bytes, len));
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_cmpmem(f->s.received->data, f->s.received->len, bytes, len);
	guest_tcp_fin(&t);
	g_assert_true(server_sees_end(&f->s, &f->b));
	server_send(&f->s, "!", 1);
	g_assert_true(wait_for(&t, len + 1));
	server_hang_up(&f->s);
	g_assert_true(bench_until(&f->b, has_fin, &t));
	g_free(bytes);
	guest_tcp_done(&t);
}

static void open_refused_by_the_guest_is_a_reset_outside(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 80, GATEWAY, 0);
	server_pair(&f->s);
	struct engine_open how = open_to(f, 80, f->s.listener);
	f->s.listener = -1;
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, 0);
	g_assert_true(bench_until(&f->b, has_syn, &t));
	guest_tcp_reset(&t);
	g_assert_true(server_sees_reset(&f->s, &f->b));
	guest_tcp_done(&t);
}

static void open_to_a_guest_that_is_silent_ends_with_a_reset(struct fixture *f, gconstpointer data)
{
	server_pair(&f->s);
	struct engine_open how = open_to(f, 80, f->s.listener);
	f->s.listener = -1;
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, 0);
	for (unsigned i = 0; i < 300; i++)
		bench_turn(&f->b, USEC_PER_SEC);
	g_assert_true(server_sees_reset_now(&f->s));
}

static void open_that_fails_leaves_the_descriptor(struct fixture *f, gconstpointer data)
{
	server_pair(&f->s);
	struct engine_open how = open_to(f, 80, f->s.listener);
	how.fd = -1;
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), <, 0);
	if (f->row->gaps & GAP_OPEN_SOURCE) {
		how = open_to(f, 80, f->s.listener);
		how.source.addr = ip_from_ip4(SERVER);
		g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, -EOPNOTSUPP);
	}
	g_assert_true(fd_is_open(f->s.listener));
}

/* --- datagrams --- */

#define CLIENT IP4(203, 0, 113, 99) /* the peer that the guest sees */

/* A client of a port forward: its own socket, and the forward's socket that is connected to it. */
struct client {
	struct server s;
	int fd;
	struct engine_open how;
};

static void client_init(struct client *c, uint16_t claimed_port)
{
	struct sockaddr_in forward = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(SERVER) }, peer = forward;
	socklen_t len = sizeof(forward);
	*c = (struct client){ .s = { .listener = -1, .fd = -1 } };
	server_bind_udp(&c->s, SERVER);
	peer.sin_port = htons(c->s.port);
	c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_assert_cmpint(bind(c->fd, (struct sockaddr *)&forward, sizeof(forward)), ==, 0);
	g_assert_cmpint(connect(c->fd, (struct sockaddr *)&peer, sizeof(peer)), ==, 0);
	g_assert_cmpint(getsockname(c->fd, (struct sockaddr *)&forward, &len), ==, 0);
	g_assert_cmpint(connect(c->s.fd, (struct sockaddr *)&forward, sizeof(forward)), ==, 0);
	c->how = (struct engine_open){
		.to = { ip_from_ip4(GUEST), 53 },
		.source = { ip_from_ip4(CLIENT), claimed_port },
		.peer = { ip_from_ip4(SERVER), c->s.port },
	};
}

static int open_datagram(struct fixture *f, struct client *c, int fd, const char *text)
{
	c->how.guest = recorder_guest(&f->b.r, GUEST);
	c->how.fd = fd;
	c->how.datagram = text;
	c->how.datagram_len = strlen(text);
	return f->b.ops->open(f->b.engine, bench_now(&f->b), &c->how);
}

static bool engine_cannot(struct fixture *f)
{
	if (!(f->row->gaps & GAP_OPEN_UDP))
		return false;
	struct client c;
	client_init(&c, 4000);
	g_assert_cmpint(open_datagram(f, &c, c.fd, "x"), ==, -EOPNOTSUPP);
	g_assert_true(fd_is_open(c.fd));
	close(c.fd);
	server_close(&c.s);
	return true;
}

static void open_datagrams_go_both_ways(struct fixture *f, gconstpointer data)
{
	struct client c;
	if (engine_cannot(f))
		return;
	client_init(&c, 4000);
	g_assert_cmpint(open_datagram(f, &c, -1, "nobody"), ==, -ENOTCONN);
	g_assert_cmpint(open_datagram(f, &c, c.fd, "first"), ==, 0);
	assert_datagram(&f->b, CLIENT, 4000, GUEST, 53, "first", 5);
	g_assert_cmpint(open_datagram(f, &c, -1, "straggler"), ==, 0);
	assert_datagram(&f->b, CLIENT, 4000, GUEST, 53, "straggler", 9);
	g_assert_cmpint(send(c.s.fd, "second", 6, 0), ==, 6);
	assert_datagram(&f->b, CLIENT, 4000, GUEST, 53, "second", 6);
	struct sockaddr_in from;
	guest_udp_send(&f->b, GUEST, 53, CLIENT, 4000, "answer", 6, 63);
	server_expect_datagram(&c.s, &f->b, "answer", 6, &from);
	server_close(&c.s);
}

static void open_datagrams_of_two_peers_are_kept_apart(struct fixture *f, gconstpointer data)
{
	struct client one, two;
	struct sockaddr_in from;
	if (engine_cannot(f))
		return;
	client_init(&one, 4000);
	client_init(&two, 4000);
	g_assert_cmpint(open_datagram(f, &one, one.fd, "1"), ==, 0);
	g_assert_cmpint(open_datagram(f, &two, -1, "2"), ==, -EADDRINUSE);
	two.how.source.port = 4001;
	g_assert_cmpint(open_datagram(f, &two, two.fd, "2"), ==, 0);
	assert_datagram(&f->b, CLIENT, 4000, GUEST, 53, "1", 1);
	assert_datagram(&f->b, CLIENT, 4001, GUEST, 53, "2", 1);
	guest_udp_send(&f->b, GUEST, 53, CLIENT, 4001, "to two", 6, 63);
	guest_udp_send(&f->b, GUEST, 53, CLIENT, 4000, "to one", 6, 63);
	server_expect_datagram(&two.s, &f->b, "to two", 6, &from);
	server_expect_datagram(&one.s, &f->b, "to one", 6, &from);
	g_assert_false(server_has_datagram(&one.s));
	g_assert_false(server_has_datagram(&two.s));
	server_close(&one.s);
	server_close(&two.s);
}

/* The guest's port keeps its mapping for all other peers. */
static void open_datagrams_leave_the_guest_s_own_flows_alone(struct fixture *f, gconstpointer data)
{
	struct client c;
	struct sockaddr_in from;
	if (engine_cannot(f))
		return;
	client_init(&c, 4000);
	server_bind_udp(&f->s, SERVER);
	g_assert_cmpint(open_datagram(f, &c, c.fd, "1"), ==, 0);
	assert_datagram(&f->b, CLIENT, 4000, GUEST, 53, "1", 1);
	guest_udp_send(&f->b, GUEST, 53, SERVER, f->s.port, "out", 3, 63);
	server_expect_datagram(&f->s, &f->b, "out", 3, &from);
	server_answer(&f->s, &from, "in", 2);
	assert_datagram(&f->b, SERVER, f->s.port, GUEST, 53, "in", 2);
	g_assert_false(server_has_datagram(&c.s));
	server_close(&c.s);
}

static void open_datagram_flow_ends_when_idle(struct fixture *f, gconstpointer data)
{
	struct client c;
	if (engine_cannot(f))
		return;
	client_init(&c, 4000);
	g_assert_cmpint(open_datagram(f, &c, c.fd, "1"), ==, 0);
	assert_datagram(&f->b, CLIENT, 4000, GUEST, 53, "1", 1);
	bench_turn(&f->b, 600 * USEC_PER_SEC);
	g_assert_cmpint(open_datagram(f, &c, -1, "2"), ==, -ENOTCONN);
	g_assert_false(fd_is_open(c.fd));
	server_close(&c.s);
}

const struct contract_test contract_open[] = {
	CONTRACT_TEST(open_carries_bytes_both_ways),
	CONTRACT_TEST(open_refused_by_the_guest_is_a_reset_outside),
	CONTRACT_TEST(open_to_a_guest_that_is_silent_ends_with_a_reset),
	CONTRACT_TEST(open_that_fails_leaves_the_descriptor),
	CONTRACT_TEST(open_datagrams_go_both_ways),
	CONTRACT_TEST(open_datagrams_of_two_peers_are_kept_apart),
	CONTRACT_TEST(open_datagrams_leave_the_guest_s_own_flows_alone),
	CONTRACT_TEST(open_datagram_flow_ends_when_idle),
	{ 0 },
};
