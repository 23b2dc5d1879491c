/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine of an isolated network. */
#include "contract.h"

#include <errno.h>
#include <netinet/in.h>

static void null_refuses_everything(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	server_listen(&f->s, INADDR_ANY, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	guest_tcp_syn(&t);
	guest_udp_send(&f->b, GUEST, 5000, SERVER, 9, "x", 1, 63);
	guest_ping(&f->b, GUEST, SERVER, 1, 1, "", 0, 63);
	for (unsigned i = 0; i < 3; i++) {
		struct recorded_error *e = bench_error(&f->b);
		g_assert_nonnull(e);
		g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_NET);
		g_free(e);
	}
	guest_tcp_done(&t);
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, f->s.port);
	guest_tcp_syn(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	guest_tcp_done(&t);
	g_assert_false(server_has_visitor(&f->s));
	g_assert_cmpint(f->b.ops->local(f->b.engine, 53, NULL), ==, -EOPNOTSUPP);
	uint64_t cursor = 0;
	f->b.ops->flows(f->b.engine, &cursor, 64, NULL, NULL);
	g_assert_cmpuint(cursor, ==, ENGINE_FLOWS_END);
	g_assert_cmpint(f->b.ops->open(f->b.engine, 0, &(struct engine_open){ .fd = -1 }), ==, -EOPNOTSUPP);
}

const struct contract_test contract_null[] = {
	CONTRACT_TEST(null_refuses_everything),
	{ 0 },
};
