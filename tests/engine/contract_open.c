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
		.to = { recorder_ip(&f->b.r, GUEST), port },
		.source = { recorder_ip(&f->b.r, GATEWAY), 0 },
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

const struct contract_test contract_open[] = {
	CONTRACT_TEST(open_carries_bytes_both_ways),
	CONTRACT_TEST(open_refused_by_the_guest_is_a_reset_outside),
	CONTRACT_TEST(open_to_a_guest_that_is_silent_ends_with_a_reset),
	CONTRACT_TEST(open_that_fails_leaves_the_descriptor),
	{ 0 },
};
