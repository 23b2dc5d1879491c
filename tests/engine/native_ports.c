/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ports of the host that guests' TCP connections leave from. */
#include "native.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_RANGE "/proc/sys/net/ipv4/ip_local_port_range"
#define FEW_FIRST 50000u
#define FEW_LAST 50004u
#define OTHER_GUEST (GUEST + 1)

static void setup_keep(struct fixture *f, gconstpointer row)
{
	native_setup(f, row, &(struct bench_options){ .keep_tcp_ports = true });
}

static uint16_t port_of_peer(const struct server *s)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	g_assert_cmpint(getpeername(s->fd, (struct sockaddr *)&a, &len), ==, 0);
	return ntohs(a.sin_port);
}

/* Connects @guest from @port to @s, which listens; returns the port that @s sees. */
static uint16_t port_seen(struct fixture *f, struct guest_tcp *t, ip4_t guest, uint16_t port, struct server *s)
{
	guest_tcp_init(t, &f->b, guest, port, SERVER, s->port);
	g_assert_true(guest_tcp_connect(t));
	g_assert_true(server_accept(s, &f->b));
	return port_of_peer(s);
}

static void a_source_port_is_kept_on_request_where_it_is_free(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t, u, v, w;
	struct server other = { .listener = -1, .fd = -1 };
	uint16_t port = free_port(), taken = free_port();
	server_listen(&f->s, SERVER, 0);
	server_listen(&other, SERVER, 0);
	g_assert_cmpuint(port_seen(f, &t, GUEST, port, &f->s), ==, port);
	/* Towards another destination the port is free, towards the same one it is not. */
	g_assert_cmpuint(port_seen(f, &u, OTHER_GUEST, port, &other), ==, port);
	server_hang_up(&other);
	g_assert_cmpuint(port_seen(f, &v, OTHER_GUEST + 1, port, &other), !=, port);
	server_hang_up(&other);
	/* A program of the host listens there. */
	struct server listens = { .listener = -1, .fd = -1 };
	server_listen(&listens, INADDR_ANY, taken);
	g_assert_cmpuint(port_seen(f, &w, GUEST, taken, &other), !=, taken);
	server_close(&listens);
	server_close(&other);
	guest_tcp_done(&t);
	guest_tcp_done(&u);
	guest_tcp_done(&v);
	guest_tcp_done(&w);
}

static void low_source_ports_are_not_kept(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 0);
	g_assert_cmpuint(port_seen(f, &t, GUEST, 1023, &f->s), >=, 1024);
	guest_tcp_done(&t);
}

/* A socket that is bound to the port that it connects to would be answered by itself. */
static void a_connection_to_the_same_closed_port_of_the_host_is_refused(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	uint16_t port = free_port();
	guest_tcp_init(&t, &f->b, GUEST, port, SERVER, port);
	g_assert_false(guest_tcp_connect(&t));
	g_assert_true(t.reset_seen);
	guest_tcp_done(&t);
}

static void source_ports_are_the_kernels_by_default(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 0);
	g_assert_cmpuint(port_seen(f, &t, GUEST, 1500, &f->s), !=, 1500);
	guest_tcp_done(&t);
}

/* --- a destination whose ports are used up --- */

static void set_range(const char *text)
{
	int fd = open(PORT_RANGE, O_WRONLY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
	close(fd);
}

static void setup_few_host_ports(struct fixture *f, gconstpointer row)
{
	char text[32];
	snprintf(text, sizeof(text), "%u %u", FEW_FIRST, FEW_LAST);
	set_range(text);
	native_setup_plain(f, row);
}

/* The guest ends first, so TIME_WAIT is at its end, the host's port. */
static void end_connection(struct fixture *f, struct guest_tcp *t)
{
	guest_tcp_fin(t);
	g_assert_true(server_sees_end(&f->s, &f->b));
	server_hang_up(&f->s);
	g_assert_true(bench_until(&f->b, has_fin, t));
	bench_run_for(&f->b, 5);
	guest_tcp_done(t);
}

static void finished_connections_do_not_use_up_a_destination(struct fixture *f, gconstpointer row)
{
	struct guest_tcp t;
	server_listen(&f->s, SERVER, 4000);
	for (uint16_t i = 0; i < 4 * (FEW_LAST - FEW_FIRST + 1); i++) {
		port_seen(f, &t, GUEST, (uint16_t)(20000 + i), &f->s);
		end_connection(f, &t);
	}
	port_seen(f, &t, OTHER_GUEST, 20000, &f->s);
	guest_tcp_done(&t);
	set_range("32768 60999");
}

const struct contract_test native_ports[] = {
	{ "a_source_port_is_kept_on_request_where_it_is_free", a_source_port_is_kept_on_request_where_it_is_free, setup_keep },
	{ "low_source_ports_are_not_kept", low_source_ports_are_not_kept, setup_keep },
	{ "a_connection_to_the_same_closed_port_of_the_host_is_refused", a_connection_to_the_same_closed_port_of_the_host_is_refused,
	  setup_keep },
	{ "source_ports_are_the_kernels_by_default", source_ports_are_the_kernels_by_default, native_setup_plain },
	{ "finished_connections_do_not_use_up_a_destination", finished_connections_do_not_use_up_a_destination, setup_few_host_ports },
	{ 0 },
};
