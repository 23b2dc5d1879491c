/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP to guests with unusual ports, or with little memory. */
#include "native.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* The flow must not wait for a segment of the guest, which may have nothing to send. */
static void a_turn_without_memory_only_delays(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	f->b.r.without_memory = 3;
	server_send(&f->s, "hello", 5);
	g_assert_true(wait_for(&t, 5));
	g_assert_cmpuint(f->b.r.without_memory, ==, 0);
	guest_tcp_done(&t);
}

/* A guest traces the path with one connection: the host's next SYN has the TTL of the guest's last one. */
static void a_repeated_syn_sets_the_ttl(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	guest_tcp_init(&t, &f->b, GUEST, 40000, SILENT, 80);
	guest_tcp_syn(&t);
	bench_run_for(&f->b, 10);
	t.ttl = 1;
	guest_tcp_syn(&t);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_TIME_EXCEEDED, 0, SILENT, IP_PROTOCOL_TCP), ==, ROUTER);
	guest_tcp_done(&t);
}

/* More pieces than one system call takes: the other bytes stay in the queue; they are neither lost nor taken for the end. */
static void rooms_of_many_pieces_are_filled_by_several_reads(struct fixture *f, gconstpointer row)
{
	static const size_t len = 600000;
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	f->b.r.room_pieces = 50;
	uint8_t *bytes = pattern(len);
	server_send(&f->s, bytes, len);
	server_hang_up(&f->s);
	g_assert_true(wait_for(&t, len));
	g_assert_cmpmem(t.received->data, t.received->len, bytes, len);
	g_assert_true(bench_until(&f->b, has_fin, &t));
	g_free(bytes);
	guest_tcp_done(&t);
}

static void set_loopback_mtu(unsigned mtu)
{
	char command[64];
	snprintf(command, sizeof(command), "ip link set lo mtu %u", mtu);
	g_assert_cmpint(system(command), ==, 0);
}

/*
 * A host that reads a little at a time and has a small receive buffer, as at the end of a slow path. What the guest sent and the host
 * has not read must be little: it is late by the time that the path needs for it.
 */
static void an_upload_to_a_slow_host_waits_in_the_guest(struct fixture *f, gconstpointer row)
{
	set_loopback_mtu(1500); /* the loopback's own tells that no slow path is behind it */
	static const size_t len = 4 << 20, settled = 1500000, end = 2000000, most_waiting = 256 * 1024;
	struct guest_tcp t;
	uint8_t *bytes = pattern(len), got[16384];
	size_t read = 0;
	server_listen(&f->s, SERVER, 0);
	g_assert_cmpint(setsockopt(f->s.listener, SOL_SOCKET, SO_RCVBUF, &(int){ 16384 }, sizeof(int)), ==, 0);
	/* The kernel sizes the first send buffer by this. */
	g_assert_cmpint(setsockopt(f->s.listener, IPPROTO_TCP, TCP_MAXSEG, &(int){ 1400 }, sizeof(int)), ==, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(server_accept(&f->s, &f->b));
	uint32_t first = t.next;
	unsigned patience_ms = f->b.patience_ms;
	for (unsigned empty = 0; read < end && empty < 1000;) {
		size_t sent = t.next - first;
		f->b.patience_ms = 1;
		guest_tcp_send(&t, bytes + sent, len - sent);
		ssize_t n = recv(f->s.fd, got, sizeof(got), 0);
		empty = n > 0 ? 0 : empty + 1;
		g_assert_true(n <= 0 || memcmp(got, bytes + read, (size_t)n) == 0);
		read += n > 0 ? (size_t)n : 0;
		if (read > settled)
			g_assert_cmpuint(t.next - first - read, <=, most_waiting);
	}
	f->b.patience_ms = patience_ms;
	g_assert_cmpuint(read, >=, end);
	set_loopback_mtu(65536);
	g_free(bytes);
	guest_tcp_done(&t);
}

/* A guest that only receives would otherwise wait for ever. */
static void a_stopped_network_resets_guests_and_hosts(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	f->b.ops->stop(f->b.engine, bench_now(&f->b));
	bench_run(&f->b, 0);
	g_assert_true(t.reset_seen);
	g_assert_true(server_sees_reset(&f->s, &f->b));
	struct engine_counters c;
	f->b.ops->counters(f->b.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, 0);
	guest_tcp_done(&t);
}

/* The host drops all that arrives for @s, as if it had lost power; or no longer. */
static void set_dead(struct server *s, bool dead)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &none };
	int r = dead ? setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program))
		     : setsockopt(s->fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int));
	g_assert_cmpint(r, ==, 0);
}

static bool is_acknowledged(void *guest_tcp)
{
	struct guest_tcp *t = guest_tcp;
	return t->acked == t->next;
}

/* TCP_USER_TIMEOUT of a guest counts from the first byte that is not acknowledged. */
static void bytes_that_a_dead_host_never_got_are_not_acknowledged(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	set_loopback_mtu(1500); /* nothing waits for peers on the loopback */
	connect_to(f, &t, SERVER, SERVER);
	server_expect(&f->s, 5);
	g_assert_true(guest_tcp_send(&t, "hello", 5));
	g_assert_true(server_received_all(&f->s, &f->b));
	bench_run_for(&f->b, 50);
	set_dead(&f->s, true);
	/* Some segments are acknowledged at once after an ACK that came late. */
	for (unsigned i = 0; i < 20 && is_acknowledged(&t); i++) {
		guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
		bench_run_for(&f->b, 20);
	}
	g_assert_false(is_acknowledged(&t));
	uint32_t next = t.next;
	t.next--; /* the guest repeats the last byte */
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
	g_assert_cmpuint(t.next, ==, next);
	bench_run_for(&f->b, 300);
	g_assert_false(is_acknowledged(&t));
	set_dead(&f->s, false);
	g_assert_true(bench_until(&f->b, is_acknowledged, &t));
	set_loopback_mtu(65536);
	guest_tcp_done(&t);
}

/* It would repeat them, and take its peer for dead in the end. */
static void a_guest_is_acknowledged_what_waits_for_a_peer_that_does_not_read(struct fixture *f, gconstpointer row)
{
	static const size_t len = 500;
	struct guest_tcp t;
	uint8_t *bytes = pattern(len);
	set_loopback_mtu(1500); /* nothing waits for peers on the loopback */
	server_listen(&f->s, SERVER, 0);
	g_assert_cmpint(setsockopt(f->s.listener, SOL_SOCKET, SO_RCVBUF, &(int){ 2048 }, sizeof(int)), ==, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, SERVER, f->s.port);
	g_assert_true(guest_tcp_connect(&t));
	g_assert_true(server_accept(&f->s, &f->b));
	for (unsigned i = 0; i < 7; i++) {
		bench_run_for(&f->b, 1050); /* after a pause no ACK is sent at once */
		guest_tcp_segment(&t, TCP_ACK | TCP_PSH, bytes, len);
		bench_run_for(&f->b, 500);
		g_assert_true(is_acknowledged(&t));
	}
	set_loopback_mtu(65536);
	g_free(bytes);
	guest_tcp_done(&t);
}

/* As one whose Nagle algorithm holds back the second half of a request, for which the peer waits before it acknowledges the first. */
static void a_guest_that_waited_for_an_ack_waits_only_once(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	set_loopback_mtu(1500); /* nothing waits for peers on the loopback */
	connect_to(f, &t, SERVER, SERVER);
	bench_run_for(&f->b, 50);
	set_dead(&f->s, true);
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
	bench_run_for(&f->b, 50);
	g_assert_false(is_acknowledged(&t));
	set_dead(&f->s, false);
	g_assert_true(bench_until(&f->b, is_acknowledged, &t));
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
	bench_run_for(&f->b, 1100);
	g_assert_true(is_acknowledged(&t));
	set_dead(&f->s, true);
	guest_tcp_segment(&t, TCP_ACK | TCP_PSH, "x", 1);
	bench_run_for(&f->b, 500);
	g_assert_true(is_acknowledged(&t));
	set_loopback_mtu(65536);
	guest_tcp_done(&t);
}

static bool has_answered(void *guest_tcp)
{
	return ((struct guest_tcp *)guest_tcp)->peer_window > 0;
}

static void send_keepalive(struct guest_tcp *t)
{
	t->peer_window = 0;
	t->next--;
	guest_tcp_segment(t, TCP_ACK, NULL, 0);
	t->next++;
}

static void a_keepalive_is_answered_only_when_the_host_is_alive(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	connect_to(f, &t, SERVER, SERVER);
	bench_run_for(&f->b, 1100); /* the kernel's clock for keepalives counts seconds */
	send_keepalive(&t);
	g_assert_true(bench_until(&f->b, has_answered, &t));
	set_dead(&f->s, true);
	for (unsigned i = 0; i < 2; i++) {
		bench_run_for(&f->b, 1100);
		send_keepalive(&t);
		bench_run_for(&f->b, 300);
		g_assert_false(has_answered(&t));
	}
	set_dead(&f->s, false);
	bench_run_for(&f->b, 800);
	send_keepalive(&t);
	g_assert_true(bench_until(&f->b, has_answered, &t));
	server_expect(&f->s, 4);
	g_assert_true(guest_tcp_send(&t, "ping", 4));
	g_assert_true(server_received_all(&f->s, &f->b));
	guest_tcp_done(&t);
}

const struct contract_test native_tcp[] = {
	{ "a_turn_without_memory_only_delays", a_turn_without_memory_only_delays, native_setup_plain },
	{ "a_repeated_syn_sets_the_ttl", a_repeated_syn_sets_the_ttl, native_setup_plain },
	{ "rooms_of_many_pieces_are_filled_by_several_reads", rooms_of_many_pieces_are_filled_by_several_reads, native_setup_plain },
	{ "an_upload_to_a_slow_host_waits_in_the_guest", an_upload_to_a_slow_host_waits_in_the_guest, native_setup_plain },
	{ "a_stopped_network_resets_guests_and_hosts", a_stopped_network_resets_guests_and_hosts, native_setup_plain },
	{ "a_guest_is_acknowledged_what_waits_for_a_peer_that_does_not_read",
	  a_guest_is_acknowledged_what_waits_for_a_peer_that_does_not_read, native_setup_plain },
	{ "bytes_that_a_dead_host_never_got_are_not_acknowledged", bytes_that_a_dead_host_never_got_are_not_acknowledged,
	  native_setup_plain },
	{ "a_guest_that_waited_for_an_ack_waits_only_once", a_guest_that_waited_for_an_ack_waits_only_once, native_setup_plain },
	{ "a_keepalive_is_answered_only_when_the_host_is_alive", a_keepalive_is_answered_only_when_the_host_is_alive, native_setup_plain },
	{ 0 },
};
