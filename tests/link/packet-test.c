/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports on sockets with one peer that keep packet boundaries: SOCK_SEQPACKET, socket pairs, UDP. */
#include "base/bytes.h"
#include "host/loop.h"
#include "lan/segment.h"
#include "link/datagram.h"
#include "link/packet.h"
#include "support/memory_port.h"
#include "wire/eth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
	struct loop loop;
	struct segment segment;
	struct link *link;
	struct memory_port other;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(loop_init(&f->loop), ==, 0);
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	g_assert_cmpint(packet_link_ops.new(&(struct link_config){ &f->loop.poller, &f->segment, NULL, 65520 }, &f->link), ==, 0);
	memory_port_init(&f->other, &f->segment, "other", LINK_FRAME_MAX);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	packet_link_ops.free(f->link, 0);
	memory_port_done(&f->other);
	segment_done(&f->segment);
	loop_done(&f->loop, 0);
}

static void turn(struct fixture *f)
{
	while (loop_dispatch(&f->loop, 0) > 0)
		;
}

static unsigned ports(const struct fixture *f)
{
	return f->segment.n_ports - 1;
}

static const struct port *last_port(const struct fixture *f)
{
	return container_of(f->segment.ports.prev, struct port, node);
}

static const uint8_t *make(uint8_t source, size_t len)
{
	static uint8_t buf[LINK_FRAME_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, { { 2, 0, 0, 0, 0, source } }, 0x88b5 });
	memset(buf + ETH_HEADER_LEN, source, len - ETH_HEADER_LEN);
	return buf;
}

/* @fd is the other end of a port: frames pass both ways. */
static void assert_passes(struct fixture *f, int fd, size_t len)
{
	uint8_t buf[2000];
	memory_port_clear(&f->other);
	g_assert_cmpint(send(fd, make(1, len), len, 0), ==, (gssize)len);
	for (int i = 0; i < 3000 && f->other.frames->len == 0; i++) {
		turn(f);
		g_usleep(i > 10 ? 10000 : 0); /* the kernel's loopback may take a moment */
	}
	size_t got;
	const uint8_t *frame = memory_port_frame(&f->other, 0, &got);
	g_assert_cmpmem(frame, got, make(1, len), len);
	memory_port_input(&f->other, 0, make(2, len), len);
	g_assert_cmpint(recv(fd, buf, sizeof(buf), 0), ==, (gssize)len);
	g_assert_cmpmem(buf, len, make(2, len), len);
}

static void listen_anywhere(struct fixture *f, struct sockaddr_un *ret, socklen_t *ret_len)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*ret_len = sizeof(*ret);
	g_assert_cmpint(bind(fd, (struct sockaddr *)ret, sizeof(sa_family_t)), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)ret, ret_len), ==, 0);
	g_assert_cmpint(listen(fd, 5), ==, 0);
	g_assert_cmpint(packet_link_ops.listen(f->link, fd, NULL, NULL, 0), ==, 0);
}

static void connection_to_the_listener_is_a_port_until_it_ends(struct fixture *f, gconstpointer data)
{
	struct sockaddr_un a;
	socklen_t len;
	listen_anywhere(f, &a, &len);
	int fds[3];
	for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		g_assert_cmpint(connect(fds[i], (struct sockaddr *)&a, len), ==, 0);
		turn(f);
		g_assert_cmpuint(ports(f), ==, i + 1);
		g_assert_true(g_str_has_prefix(last_port(f)->name, "seqpacket"));
	}
	assert_passes(f, fds[2], 1514);
	g_assert_cmpint(send(fds[0], make(3, 60), 60, 0), ==, 60);
	close(fds[0]); /* frames sent before still arrive */
	memory_port_clear(&f->other);
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 1);
	g_assert_cmpuint(ports(f), ==, 2);
	close(fds[1]);
	close(fds[2]);
	turn(f);
	g_assert_cmpuint(ports(f), ==, 0);
}

static void end_of_a_socket_pair_is_a_port_with_the_name_and_mac_it_was_given(struct fixture *f, gconstpointer data)
{
	static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET };
	for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
		int fds[2];
		struct port_identity identity = { .name = "web", .pinned = { { 2, 0, 0, 0, 0, 1 } } };
		g_assert_cmpint(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, fds), ==, 0);
		g_assert_cmpint(packet_link_ops.add(f->link, fds[1], &identity), ==, 0);
		g_assert_cmpstr(last_port(f)->name, ==, "web");
		assert_passes(f, fds[0], 60);
		memory_port_clear(&f->other);
		g_assert_cmpint(send(fds[0], make(9, 60), 60, 0), ==, 60); /* not its MAC */
		turn(f);
		g_assert_cmpuint(f->other.frames->len, ==, 0);
		close(fds[0]);
		memory_port_input(&f->other, 0, make(2, 60), 60);
		turn(f);
		g_assert_cmpuint(ports(f), ==, 0);
	}
}

/* A UDP socket at a port of loopback that the kernel chose. */
static int udp_anywhere(struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret);
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	g_assert_cmpint(bind(fd, (struct sockaddr *)ret, len), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)ret, &len), ==, 0);
	return fd;
}

static void udp_port_ignores_datagrams_from_other_addresses(struct fixture *f, gconstpointer data)
{
	struct sockaddr_in here, there, stranger;
	int port = udp_anywhere(&here), guest = udp_anywhere(&there), other = udp_anywhere(&stranger);
	g_assert_cmpint(connect(port, (struct sockaddr *)&there, sizeof(there)), ==, 0);
	g_assert_cmpint(connect(guest, (struct sockaddr *)&here, sizeof(here)), ==, 0);
	g_assert_cmpint(packet_link_ops.add(f->link, port, NULL), ==, 0);
	g_assert_true(g_str_has_prefix(last_port(f)->name, "udp"));
	g_assert_cmpuint(last_port(f)->mtu, ==, 1500);
	assert_passes(f, guest, 1514);
	memory_port_clear(&f->other);
	sendto(other, make(5, 60), 60, 0, (struct sockaddr *)&here, sizeof(here));
	assert_passes(f, guest, 60);
	g_assert_cmpuint(f->other.frames->len, ==, 1);
	close(guest);
	close(other);
}

static void udp_port_outlives_a_guest_that_is_not_there(struct fixture *f, gconstpointer data)
{
	struct sockaddr_in here, there;
	int port = udp_anywhere(&here), guest = udp_anywhere(&there);
	close(guest);
	g_assert_cmpint(connect(port, (struct sockaddr *)&there, sizeof(there)), ==, 0);
	g_assert_cmpint(packet_link_ops.add(f->link, port, NULL), ==, 0);
	for (unsigned i = 0; i < 20; i++) {
		memory_port_input(&f->other, 0, make(2, 60), 60);
		turn(f);
	}
	g_assert_cmpuint(ports(f), ==, 1);
	guest = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(guest, (struct sockaddr *)&there, sizeof(there)), ==, 0);
	g_assert_cmpint(connect(guest, (struct sockaddr *)&here, sizeof(here)), ==, 0);
	assert_passes(f, guest, 60);
	close(guest);
}

#define TEST(name) g_test_add("/packet/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(connection_to_the_listener_is_a_port_until_it_ends);
	TEST(end_of_a_socket_pair_is_a_port_with_the_name_and_mac_it_was_given);
	TEST(udp_port_ignores_datagrams_from_other_addresses);
	TEST(udp_port_outlives_a_guest_that_is_not_there);
	return g_test_run();
}
