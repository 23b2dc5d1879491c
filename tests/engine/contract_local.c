/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services of lanlet over TCP: engine_ops.local. */
#include "contract.h"

#include "echo_service.h"

#define LOCAL_PORT 53

static struct echo_service *serve_echo(struct fixture *f)
{
	f->echo = echo_service_new();
	g_assert_cmpint(f->b.ops->local(f->b.engine, LOCAL_PORT, &f->echo->service), ==, 0);
	return f->echo;
}

static bool all_closed(void *opaque)
{
	const struct echo_service *e = opaque;
	return e->closed == e->accepted;
}

static void local_service_serves_several_connections(struct fixture *f, gconstpointer data)
{
	enum { N = 8, LEN = 20000 };
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t[N];
	uint8_t *bytes = pattern(LEN);
	for (unsigned i = 0; i < N; i++) {
		guest_tcp_init(&t[i], &f->b, IP4(192, 168, 122, 7) + i / 4, (uint16_t)(40000 + i), GATEWAY, LOCAL_PORT);
		g_assert_true(guest_tcp_connect(&t[i]));
		bench_run(&f->b, 0);
		g_assert_cmpuint(e->accepted, ==, i + 1);
		g_assert_cmpuint(e->last_guest.port, ==, 40000 + i);
		g_assert_cmphex(ip_to_ip4(&e->last_guest.addr), ==, t[i].ip);
	}
	for (unsigned i = 0; i < N; i++) {
		bytes[0] = (uint8_t)i;
		g_assert_true(guest_tcp_send(&t[i], bytes, LEN));
		guest_tcp_fin(&t[i]);
	}
	for (unsigned i = 0; i < N; i++) {
		g_assert_true(wait_for(&t[i], (size_t)LEN * 8));
		g_assert_cmpuint(t[i].received->data[0], ==, i);
		g_assert_true(bench_until(&f->b, has_fin, &t[i]));
	}
	g_assert_true(bench_until(&f->b, all_closed, e));
	g_assert_cmpuint(e->eofs, ==, N);
	for (unsigned i = 0; i < N; i++)
		guest_tcp_done(&t[i]);
	g_free(bytes);
}

static void local_service_may_refuse(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t;
	e->refuse = true;
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	guest_tcp_connect(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	g_assert_cmpuint(e->closed, ==, 0);
	guest_tcp_done(&t);
}

static bool has_ended(void *opaque)
{
	const struct guest_tcp *t = opaque;
	return t->fin_seen || t->reset_seen;
}

static void local_service_may_close_from_its_callback(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t;
	e->close_at_once = true;
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&t));
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "data", 4);
	bench_run(&f->b, 0);
	/* Data for a closed stream must not raise SIGPIPE, which this program does not ignore. */
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "more", 4);
	g_assert_true(bench_until(&f->b, has_ended, &t));
	g_assert_cmpuint(e->closed, ==, 0);
	guest_tcp_done(&t);
}

static void local_service_is_told_of_resets_and_of_guests_that_leave(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t, u;
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	guest_tcp_init(&u, &f->b, GUEST, 40001, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(guest_tcp_connect(&u));
	bench_run(&f->b, 0);
	g_assert_cmpuint(e->accepted, ==, 2);
	guest_tcp_reset(&t);
	bench_run_for(&f->b, 30);
	g_assert_cmpuint(e->closed, ==, 1);
	bench_guest_gone(&f->b, GUEST);
	bench_run(&f->b, 0);
	g_assert_cmpuint(e->closed, ==, 2);
	guest_tcp_done(&t);
	guest_tcp_done(&u);
}

static void local_service_with_open_streams_may_outlive_the_engine(struct fixture *f, gconstpointer data)
{
	struct echo_service *e = serve_echo(f);
	struct guest_tcp t;
	e->close_at_once = true;
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&t));
	bench_run(&f->b, 0);
	bench_free_engine(&f->b);
	g_assert_cmpuint(e->closed, ==, 0);
	guest_tcp_done(&t);
}

static void local_handshakes_are_bounded(struct fixture *f, gconstpointer data)
{
	serve_echo(f);
	for (unsigned i = 0; i < 2000; i++) {
		struct guest_tcp t;
		guest_tcp_init(&t, &f->b, GUEST, (uint16_t)(10000 + i), GATEWAY, LOCAL_PORT);
		guest_tcp_syn(&t);
		guest_tcp_done(&t);
	}
	bench_run(&f->b, 0);
	g_assert_cmpuint(f->b.r.drops.count[DROP_ENGINE_LIMIT], >, 0);
	struct guest_tcp other;
	guest_tcp_init(&other, &f->b, IP4(192, 168, 122, 9), 40000, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&other));
	guest_tcp_done(&other);
	for (unsigned i = 0; i < 60; i++)
		bench_turn(&f->b, 5 * USEC_PER_SEC);
	guest_tcp_init(&other, &f->b, GUEST, 40000, GATEWAY, LOCAL_PORT);
	g_assert_true(guest_tcp_connect(&other));
	guest_tcp_done(&other);
}

const struct contract_test contract_local[] = {
	CONTRACT_TEST(local_service_serves_several_connections),
	CONTRACT_TEST(local_service_may_refuse),
	CONTRACT_TEST(local_service_may_close_from_its_callback),
	CONTRACT_TEST(local_service_is_told_of_resets_and_of_guests_that_leave),
	CONTRACT_TEST(local_service_with_open_streams_may_outlive_the_engine),
	{ "local_handshakes_are_bounded", local_handshakes_are_bounded, setup_1024_sockets },
	{ 0 },
};
