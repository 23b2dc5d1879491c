/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows from the host to a guest whose host side is opened once the guest has answered: struct engine_opening. */
#include "contract.h"

#include "wire/icmp6.h"
#include "wire/ip.h"
#include "wire/ipv6.h"

#include <errno.h>
#include <unistd.h>

struct opening {
	struct engine_opening o;
	struct server *s;
	unsigned calls;
	int error; /* the error passed to failed(); 0: opened() was called */
};

static int opened(struct engine_opening *o, usec_t now)
{
	struct opening *x = container_of(o, struct opening, o);
	int fd = x->s->listener;
	x->calls++;
	x->s->listener = -1;
	return fd >= 0 ? fd : -ECANCELED;
}

static void failed(struct engine_opening *o, usec_t now, int error)
{
	struct opening *x = container_of(o, struct opening, o);
	x->calls++;
	x->error = error;
}

static bool was_called(void *x)
{
	return ((struct opening *)x)->calls > 0;
}

static bool has_syn(void *t)
{
	return ((struct guest_tcp *)t)->syn_seen;
}

/*
 * Starts an opening to @t, which listens at port 80 and has got the SYN; neither callback was called. False when the engine does not
 * support openings, which is asserted.
 */
static bool begin(struct fixture *f, struct opening *x, struct guest_tcp *t)
{
	struct engine_open how = { .guest = recorder_guest(&f->b.r, GUEST),
				   .to = { recorder_ip(&f->b.r, GUEST), 80 },
				   .source = { recorder_ip(&f->b.r, GATEWAY), 0 },
				   .fd = -1,
				   .opening = &x->o };
	*x = (struct opening){ .o = { opened, failed }, .s = &f->s };
	int r = f->b.ops->open(f->b.engine, bench_now(&f->b), &how);
	g_assert_cmpint(f->b.ops->cancel ? 0 : -EOPNOTSUPP, ==, r);
	g_assert_cmpint(f->row->gaps & GAP_OPENING ? -EOPNOTSUPP : 0, ==, r);
	if (r < 0)
		return false;
	guest_tcp_init(t, &f->b, GUEST, 80, GATEWAY, 0);
	g_assert_true(bench_until(&f->b, has_syn, t));
	g_assert_cmpuint(x->calls, ==, 0);
	return true;
}

/* Asserts that failed() was called once and that the flow has ended. */
static void assert_failed(struct fixture *f, struct opening *x, int error)
{
	struct engine_counters c;
	g_assert_true(bench_until(&f->b, was_called, x));
	bench_run(&f->b, 0);
	g_assert_cmpuint(x->calls, ==, 1);
	g_assert_cmpint(x->error, ==, error);
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 0);
}

static void opening_provides_the_host_side_once_the_guest_has_answered(struct fixture *f, gconstpointer data)
{
	static const size_t len = 200000;
	struct opening x;
	struct guest_tcp t;
	if (!begin(f, &x, &t))
		return;
	uint8_t *bytes = pattern(len);
	server_pair(&f->s);
	server_send(&f->s, "early", 5); /* sent before the engine has the descriptor */
	guest_tcp_segment(&t, TCP_SYN | TCP_ACK, NULL, 0);
	t.established = true;
	g_assert_true(bench_until(&f->b, was_called, &x));
	g_assert_cmpint(x.error, ==, 0);
	g_assert_true(wait_for(&t, 5));
	server_expect(&f->s, len);
	g_assert_true(guest_tcp_send(&t, bytes, len));
	g_assert_true(server_received_all(&f->s, &f->b));
	g_assert_cmpmem(f->s.received->data, f->s.received->len, bytes, len);
	guest_tcp_fin(&t);
	g_assert_true(server_sees_end(&f->s, &f->b));
	server_hang_up(&f->s);
	g_assert_true(bench_until(&f->b, has_fin, &t));
	g_assert_cmpuint(x.calls, ==, 1);
	g_free(bytes);
	guest_tcp_done(&t);
}

static void opening_whose_client_has_left_is_a_reset_for_the_guest(struct fixture *f, gconstpointer data)
{
	struct opening x;
	struct guest_tcp t;
	if (!begin(f, &x, &t))
		return;
	guest_tcp_segment(&t, TCP_SYN | TCP_ACK, NULL, 0); /* opened() has no descriptor to return */
	g_assert_true(bench_until(&f->b, has_reset, &t));
	g_assert_cmpuint(x.calls, ==, 1);
	guest_tcp_done(&t);
}

static void opening_is_told_that_the_guest_refused(struct fixture *f, gconstpointer data)
{
	struct opening x;
	struct guest_tcp t;
	if (!begin(f, &x, &t))
		return;
	guest_tcp_reset(&t);
	assert_failed(f, &x, ECONNREFUSED);
	guest_tcp_done(&t);
}

/* Sends an ICMP error with @code from @from about the segment at @seq. */
static void guest_rejects(struct guest_tcp *t, ip4_t from, uint32_t seq, uint8_t code)
{
	const struct recorder *r = &t->b->r;
	struct ip_addr src = recorder_ip(r, from), dst = recorder_ip(r, t->peer);
	uint8_t body[IP_HEADER_ROOM + 8], message[ICMP6_HEADER_LEN + sizeof(body)];
	struct bytes_writer b = bytes_writer(body, sizeof(body)), w = bytes_writer(message, sizeof(message));
	ip_emit(&b, &(struct ip_header){ .src = dst, .dst = recorder_ip(r, t->ip), .protocol = IP_PROTOCOL_TCP, .hop_limit = 64 }, 40);
	bytes_put_be16(&b, t->peer_port);
	bytes_put_be16(&b, t->port);
	bytes_put_be32(&b, seq);
	bool v6 = r->family != FAMILY_IPV4;
	if (v6)
		icmp6_emit(&w, &src, &dst, &(struct icmp6_header){ .type = ICMP6_UNREACHABLE, .code = ICMP6_UNREACHABLE_PORT }, body,
			   b.len);
	else
		icmp4_emit(&w, &(struct icmp4_header){ .type = ICMP4_UNREACHABLE, .code = code }, body, b.len);
	bench_input(t->b, from, t->peer, v6 ? IPV6_NEXT_ICMP : IP_PROTOCOL_ICMP, 63, message, w.len);
}

/* As firewalls do. RFC 5461 §2: it ends a connection that is not established. */
static void opening_is_told_that_the_guests_firewall_refused(struct fixture *f, gconstpointer data)
{
	struct opening x;
	struct guest_tcp t;
	if (!begin(f, &x, &t))
		return;
	uint32_t seq = t.expected - 1;
	guest_rejects(&t, GUEST + 1, seq, ICMP4_UNREACHABLE_PORT);
	guest_rejects(&t, GUEST, seq + 1, ICMP4_UNREACHABLE_PORT);
	bench_run_for(&f->b, 20);
	g_assert_cmpuint(x.calls, ==, 0);
	guest_rejects(&t, GUEST, seq, ICMP4_UNREACHABLE_PORT);
	assert_failed(f, &x, ECONNREFUSED);
	guest_tcp_done(&t);
}

static void opening_is_told_that_the_guest_is_silent(struct fixture *f, gconstpointer data)
{
	struct opening x;
	struct guest_tcp t;
	if (!begin(f, &x, &t))
		return;
	for (unsigned i = 0; i < 300; i++)
		bench_turn(&f->b, USEC_PER_SEC);
	assert_failed(f, &x, ETIMEDOUT);
	guest_tcp_done(&t);
}

static void opening_is_told_that_the_guest_left(struct fixture *f, gconstpointer data)
{
	struct opening x;
	struct guest_tcp t;
	if (!begin(f, &x, &t))
		return;
	bench_guest_gone(&f->b, GUEST);
	assert_failed(f, &x, EHOSTUNREACH);
	guest_tcp_done(&t);
}

static void cancelled_opening_is_not_called_and_ends_the_flow(struct fixture *f, gconstpointer data)
{
	struct opening x;
	struct guest_tcp t;
	struct engine_counters c;
	if (!begin(f, &x, &t))
		return;
	f->b.ops->cancel(f->b.engine, bench_now(&f->b), &x.o);
	memset(&x.o, 0, sizeof(x.o)); /* the engine no longer uses it */
	g_assert_true(bench_until(&f->b, has_reset, &t));
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 0);
	guest_tcp_done(&t);
}

const struct contract_test contract_opening[] = {
	CONTRACT_TEST(opening_provides_the_host_side_once_the_guest_has_answered),
	CONTRACT_TEST(opening_whose_client_has_left_is_a_reset_for_the_guest),
	CONTRACT_TEST(opening_is_told_that_the_guest_refused),
	CONTRACT_TEST(opening_is_told_that_the_guests_firewall_refused),
	CONTRACT_TEST(opening_is_told_that_the_guest_is_silent),
	CONTRACT_TEST(opening_is_told_that_the_guest_left),
	CONTRACT_TEST(cancelled_opening_is_not_called_and_ends_the_flow),
	{ 0 },
};
