/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listing of flows: engine_ops.flows. */
#include "contract.h"

#include <netinet/in.h>

struct sighting {
	struct engine_flow flow;
	unsigned times;
};

/* Flows found by a walk, by guest port. */
struct walk {
	struct sighting seen[65536];
	unsigned n, n_in_slice, largest_slice, n_slices;
};

static void see(void *opaque, const struct engine_flow *flow)
{
	struct walk *w = opaque;
	struct sighting *s = &w->seen[flow->guest.port];
	s->flow = *flow;
	s->times++;
	w->n++;
	w->n_in_slice++;
}

static void step(struct fixture *f, struct walk *w, uint64_t *cursor, unsigned max)
{
	w->n_in_slice = 0;
	f->b.ops->flows(f->b.engine, cursor, max, see, w);
	w->n_slices++;
	w->largest_slice = MAX(w->largest_slice, w->n_in_slice);
}

static struct walk *walk(struct fixture *f, unsigned max)
{
	struct walk *w = g_new0(struct walk, 1);
	for (uint64_t cursor = 0; cursor != ENGINE_FLOWS_END;)
		step(f, w, &cursor, max);
	return w;
}

static void assert_flow(const struct walk *w, uint16_t guest_port, uint8_t protocol, ip4_t remote, uint16_t remote_port)
{
	const struct sighting *s = &w->seen[guest_port];
	g_assert_cmpuint(s->times, ==, 1);
	g_assert_cmpuint(s->flow.protocol, ==, protocol);
	g_assert_cmphex(family_ip4(&s->flow.guest.addr), ==, GUEST);
	g_assert_cmphex(family_ip4(&s->flow.remote.addr), ==, remote);
	g_assert_cmpuint(s->flow.remote.port, ==, remote_port);
	g_assert_nonnull(s->flow.state);
	g_assert_false(s->flow.inbound);
}

static void every_flow_is_seen_once_with_both_its_sides(struct fixture *f, gconstpointer data)
{
	enum { N = 10 };
	struct guest_tcp t[N];
	usec_t before = bench_now(&f->b);
	server_listen(&f->s, SERVER, 0);
	for (uint16_t i = 0; i < N; i++) {
		guest_tcp_init(&t[i], &f->b, GUEST, (uint16_t)(40000 + i), SERVER, f->s.port);
		g_assert_true(guest_tcp_connect(&t[i]));
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), SERVER, 9, "x", 1, 63);
	}
	bench_run(&f->b, 0);
	for (unsigned max = 1; max < 1000; max *= 10) {
		struct walk *w = walk(f, max);
		g_assert_cmpuint(w->n, ==, 2 * N);
		g_assert_cmpuint(w->largest_slice, <=, max);
		for (uint16_t i = 0; i < N; i++) {
			assert_flow(w, (uint16_t)(40000 + i), IP_PROTOCOL_TCP, SERVER, f->s.port);
			assert_flow(w, (uint16_t)(5000 + i), IP_PROTOCOL_UDP, SERVER, 9);
			g_assert_cmpuint(w->seen[40000 + i].flow.since, >=, before);
		}
		g_free(w);
	}
	for (unsigned i = 0; i < N; i++)
		guest_tcp_done(&t[i]);
}

static void flow_to_the_gateway_is_shown_as_the_guest_knows_it(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, GATEWAY, HOST);
	struct walk *w = walk(f, 64);
	g_assert_cmpuint(w->n, ==, 1);
	assert_flow(w, t.port, IP_PROTOCOL_TCP, GATEWAY, f->s.port);
	g_free(w);
	guest_tcp_done(&t);
}

static void bytes_are_counted_each_way_where_they_are_known(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	uint8_t *bytes = pattern(300000);
	connect_to(f, &t, SERVER, SERVER);
	server_expect(&f->s, 100000);
	g_assert_true(guest_tcp_send(&t, bytes, 100000));
	g_assert_true(server_received_all(&f->s, &f->b));
	server_send(&f->s, bytes, 300000);
	g_assert_true(wait_for(&t, 300000));
	bench_run_for(&f->b, 50); /* the last ACK */
	struct walk *w = walk(f, 64);
	const struct engine_flow *flow = &w->seen[t.port].flow;
	g_assert_cmpuint(w->n, ==, 1);
	if (f->row->gaps & GAP_FLOW_DETAILS) {
		g_assert_false(flow->counts_bytes);
	} else {
		g_assert_cmpstr(flow->state, ==, "established");
		g_assert_true(flow->counts_bytes);
		g_assert_cmpuint(flow->from_guest, ==, 100000);
		g_assert_cmpuint(flow->to_guest, ==, 300000);
		g_assert_cmpuint(flow->rtt_us, >, 0);
	}
	g_free(w);
	g_free(bytes);
	guest_tcp_done(&t);
}

static void flows_may_come_and_go_during_a_walk(struct fixture *f, gconstpointer data)
{
	enum { N = 40 };
	struct walk *w = g_new0(struct walk, 1);
	uint64_t cursor = 0;
	for (uint16_t i = 0; i < N; i++) {
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), SERVER, 9, "x", 1, 63);
		guest_udp_send(&f->b, IP4(192, 168, 122, 8), (uint16_t)(6000 + i), SERVER, 9, "x", 1, 63);
	}
	bench_run(&f->b, 0);
	step(f, w, &cursor, 8);
	bench_guest_gone(&f->b, IP4(192, 168, 122, 8));
	for (uint16_t i = 0; i < 2 * N; i++)
		guest_udp_send(&f->b, IP4(192, 168, 122, 9), (uint16_t)(7000 + i), SERVER, 9, "x", 1, 63);
	bench_run(&f->b, 0);
	while (cursor != ENGINE_FLOWS_END)
		step(f, w, &cursor, 8);
	for (unsigned i = 0; i < N; i++)
		g_assert_cmpuint(w->seen[5000 + i].times, ==, 1);
	for (unsigned i = 0; i < 65536; i++)
		g_assert_cmpuint(w->seen[i].times, <=, 1);
	g_free(w);
}

static void flow_from_the_host_is_inbound(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 80, GATEWAY, 0);
	server_pair(&f->s);
	struct engine_open how = { .guest = recorder_guest(&f->b.r, GUEST),
				   .to = { recorder_ip(&f->b.r, GUEST), 80 },
				   .source = { recorder_ip(&f->b.r, GATEWAY), 0 },
				   .fd = f->s.listener };
	f->s.listener = -1;
	g_assert_cmpint(f->b.ops->open(f->b.engine, bench_now(&f->b), &how), ==, 0);
	bench_run_for(&f->b, 50);
	struct walk *w = walk(f, 64);
	g_assert_cmpuint(w->n, ==, 1);
	g_assert_cmpuint(w->seen[80].times, ==, 1);
	g_assert_true(w->seen[80].flow.inbound);
	g_free(w);
	guest_tcp_done(&t);
}

const struct contract_test contract_flows[] = {
	CONTRACT_TEST(every_flow_is_seen_once_with_both_its_sides),
	CONTRACT_TEST_EXCEPT(EXCEPT_NAT64, flow_to_the_gateway_is_shown_as_the_guest_knows_it),
	CONTRACT_TEST(bytes_are_counted_each_way_where_they_are_known),
	CONTRACT_TEST(flows_may_come_and_go_during_a_walk),
	CONTRACT_TEST(flow_from_the_host_is_inbound),
	{ 0 },
};
