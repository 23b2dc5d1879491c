/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP to guests with unusual ports, or with little memory. */
#include "native.h"

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

const struct contract_test native_tcp[] = {
	{ "a_turn_without_memory_only_delays", a_turn_without_memory_only_delays, native_setup_plain },
	{ "a_repeated_syn_sets_the_ttl", a_repeated_syn_sets_the_ttl, native_setup_plain },
	{ "rooms_of_many_pieces_are_filled_by_several_reads", rooms_of_many_pieces_are_filled_by_several_reads, native_setup_plain },
	{ 0 },
};
