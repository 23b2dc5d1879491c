/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stream ports on real socket pairs; the test sets the time. */
#include "base/bytes.h"
#include "base/macros.h"
#include "host/loop.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "link/stream.h"
#include "support/memory_port.h"
#include "support/tcp_segment.h"
#include "wire/eth.h"
#include "wire/framing.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FRAME_MAX_SMALL 1514

struct fixture {
	struct loop loop;
	struct segment segment;
	struct link *link;
	struct memory_port other;
	int client; /* the guest's end of the socket pair */
};

static int add_client(struct fixture *f)
{
	int fds[2];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
	g_assert_cmpint(stream_link_ops.add(f->link, fds[1], NULL), ==, 0);
	return fds[0];
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(loop_init(&f->loop), ==, 0);
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	g_assert_cmpint(stream_link_ops.new(&(struct link_config){ &f->loop.poller, &f->segment, NULL, 65520 }, &f->link), ==, 0);
	memory_port_init(&f->other, &f->segment, "other", LINK_FRAME_MAX);
	f->client = add_client(f);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	if (f->client >= 0)
		close(f->client);
	stream_link_ops.free(f->link, 0);
	memory_port_done(&f->other);
	segment_done(&f->segment);
	loop_done(&f->loop, 0);
}

static void turn(struct fixture *f)
{
	while (loop_dispatch(&f->loop, 0) > 0)
		;
}

static size_t make(uint8_t *buf, size_t size, size_t frame_len, uint8_t fill)
{
	struct bytes_writer w = bytes_writer(buf, size);
	bytes_put_be32(&w, (uint32_t)frame_len);
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, { { 2, 0, 0, 0, 0, fill } }, 0x88b5 });
	uint8_t *payload = bytes_room(&w, frame_len - ETH_HEADER_LEN);
	g_assert_nonnull(payload);
	memset(payload, fill, frame_len - ETH_HEADER_LEN);
	return w.len;
}

static void write_all(int fd, const void *bytes, size_t len)
{
	g_assert_cmpint(send(fd, bytes, len, MSG_NOSIGNAL), ==, (gssize)len);
}

static void frames_arrive_however_they_are_split(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[3000];
	size_t len = make(bytes, sizeof(bytes), 60, 1);
	len += make(bytes + len, sizeof(bytes) - len, 1514, 2);
	len += make(bytes + len, sizeof(bytes) - len, 14, 3);
	for (size_t piece = 1; piece < 200; piece += 7) {
		memory_port_clear(&f->other);
		for (size_t at = 0; at < len; at += piece) {
			write_all(f->client, bytes + at, MIN(piece, len - at));
			turn(f);
		}
		g_assert_cmpuint(f->other.frames->len, ==, 3);
		size_t got;
		const uint8_t *frame = memory_port_frame(&f->other, 1, &got);
		g_assert_cmpmem(frame, got, bytes + 64 + 4, 1514);
	}
}

static void largest_ip_packet_passes_both_ways(struct fixture *f, gconstpointer data)
{
	g_autofree uint8_t *bytes = g_malloc(70000), *back = g_malloc(70000);
	size_t len = make(bytes, 70000, ETH_HEADER_LEN + 65535, 7);
	write_all(f->client, bytes, len);
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 1);
	size_t got;
	const uint8_t *frame = memory_port_frame(&f->other, 0, &got);
	memory_port_input(&f->other, 0, frame, got);
	g_assert_cmpint(recv(f->client, back, 70000, MSG_WAITALL | MSG_DONTWAIT), ==, (gssize)len);
	g_assert_cmpmem(back, len, bytes, len);
}

static void ignore_flush(void *opaque, usec_t now)
{
}

/* @len bytes of one TCP connection, from @at on, as a packet for the gateway. */
static size_t make_segment(uint8_t *buf, size_t size, struct mac gateway, uint32_t at, size_t len)
{
	struct bytes_writer w = bytes_writer(buf, size);
	bytes_put_be32(&w, (uint32_t)(TCP_SEGMENT_HEADERS_LEN + len));
	return w.len + tcp_segment_make(buf + w.len, size - w.len, gateway, (struct mac){ { 2, 0, 0, 0, 0, 9 } }, at, len);
}

static void segments_for_the_gateway_arrive_joined_and_are_counted_one_by_one(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[3000];
	struct mac gateway = { { 2, 0, 0, 0, 0, 1 } };
	f->segment.gateway = (struct segment_gateway){ .port = &f->other.port, .mac = gateway, .flush = ignore_flush };
	f->other.port.offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4;
	size_t len = make_segment(bytes, sizeof(bytes), gateway, 0, 1000);
	size_t half = len + make_segment(bytes + len, sizeof(bytes) - len, gateway, 1000, 1000) - 10;
	write_all(f->client, bytes, half);
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 1);
	write_all(f->client, bytes + half, 10);
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 2);
	write_all(f->client, bytes, half + 10);
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 3);
	size_t got;
	memory_port_frame(&f->other, 2, &got);
	g_assert_cmpuint(got, ==, TCP_SEGMENT_HEADERS_LEN + 2000);
	const struct port *client = container_of(f->segment.ports.prev, struct port, node);
	g_assert_cmpstr(client->ops->kind, ==, "stream");
	g_assert_cmpuint(client->counters.rx_frames, ==, 4);
	g_assert_cmpuint(client->counters.rx_bytes, ==, 4 * (TCP_SEGMENT_HEADERS_LEN + 1000));
	f->segment.gateway.port = NULL;
}

static void impossible_length_closes_that_client_only(struct fixture *f, gconstpointer data)
{
	static const uint32_t bad[] = { 0, 13, LINK_FRAME_MAX + 1, 0xffffffff };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		int fd = add_client(f);
		uint8_t bytes[4];
		struct bytes_writer w = bytes_writer(bytes, 4);
		bytes_put_be32(&w, bad[i]);
		write_all(fd, bytes, 4);
		turn(f);
		g_assert_cmpint(recv(fd, bytes, 1, MSG_DONTWAIT), ==, 0);
		close(fd);
	}
	g_assert_cmpuint(f->segment.drops.count[DROP_STREAM_LENGTH], ==, G_N_ELEMENTS(bad));
	uint8_t bytes[100];
	write_all(f->client, bytes, make(bytes, sizeof(bytes), 60, 1));
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 1);
}

/* Reads all frames from @fd, checks each, and returns how many. */
static unsigned read_frames(struct fixture *f, int fd)
{
	g_autoptr(GByteArray) all = g_byte_array_new();
	uint8_t buf[65536];
	for (;;) {
		turn(f);
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n <= 0)
			break;
		g_byte_array_append(all, buf, (guint)n);
	}
	unsigned count = 0;
	for (size_t at = 0; at < all->len; count++) {
		struct bytes_reader r = bytes_reader(all->data + at, all->len - at);
		uint32_t len = bytes_get_be32(&r);
		const uint8_t *frame = bytes_take(&r, len);
		g_assert_nonnull(frame);
		for (size_t i = ETH_HEADER_LEN; i < len; i++)
			g_assert_cmpuint(frame[i], ==, frame[len - 1]);
		at += 4 + len;
	}
	return count;
}

static void client_that_does_not_read_loses_whole_frames_and_others_lose_none(struct fixture *f, gconstpointer data)
{
	enum { COUNT = 4000 };
	uint8_t bytes[9018];
	for (unsigned i = 0; i < COUNT; i++) {
		size_t len = make(bytes, sizeof(bytes), i % 3 ? 1514 : 9000, (uint8_t)i);
		memory_port_input(&f->other, 0, bytes + 4, len - 4);
	}
	int second = add_client(f);
	uint64_t dropped = f->segment.drops.count[DROP_PORT_FULL];
	g_assert_cmpuint(dropped, >, 0);
	size_t len = make(bytes, sizeof(bytes), 60, 9);
	memory_port_input(&f->other, 0, bytes + 4, len - 4);
	g_assert_cmpuint(read_frames(f, second), ==, 1);
	unsigned got = read_frames(f, f->client);
	g_assert_cmpuint(got + f->segment.drops.count[DROP_PORT_FULL], ==, COUNT + 1);
	g_assert_cmpuint(got, >, 0);
	/* After draining, the port takes frames again. */
	memory_port_input(&f->other, 0, bytes + 4, len - 4);
	g_assert_cmpuint(read_frames(f, f->client), ==, 1);
	close(second);
}

static void client_that_disconnects_leaves_no_port_behind(struct fixture *f, gconstpointer data)
{
	g_assert_cmpuint(f->segment.n_ports, ==, 2);
	for (int i = 0; i < 100; i++) {
		int fd = add_client(f);
		uint8_t bytes[100];
		write_all(fd, bytes, make(bytes, sizeof(bytes), 60, 1) - (size_t)(i % 50));
		close(fd);
		turn(f);
	}
	g_assert_cmpuint(f->segment.n_ports, ==, 2);
}

/* One edge stands for the frames and for the end behind them. */
static void frames_sent_before_the_end_of_a_connection_arrive(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[100];
	size_t len = make(bytes, sizeof(bytes), 60, 1);
	write_all(f->client, bytes, len);
	close(f->client);
	f->client = add_client(f);
	write_all(f->client, bytes, len);
	shutdown(f->client, SHUT_WR);
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 2);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
}

static void more_than_is_read_at_once_arrives(struct fixture *f, gconstpointer data)
{
	enum { FRAMES = 40, FRAME_LEN = 60000 };
	g_autofree uint8_t *bytes = g_malloc(FRAMES * (FRAME_LEN + FRAMING_LENGTH_BYTES));
	size_t len = 0, sent = 0;
	for (unsigned i = 0; i < FRAMES; i++)
		len += make(bytes + len, FRAME_LEN + FRAMING_LENGTH_BYTES, FRAME_LEN, (uint8_t)i);
	/* Root may have a buffer larger than the port's. */
	setsockopt(f->client, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ 4 * 1024 * 1024 }, sizeof(int));
	while (sent < len) {
		ssize_t n = send(f->client, bytes + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			g_assert_cmpint(errno, ==, EAGAIN);
		else
			sent += (size_t)n;
		turn(f);
	}
	g_assert_cmpuint(f->other.frames->len, ==, FRAMES);
}

static usec_t time_now, time_per_look;

static usec_t turned_clock(void)
{
	return time_now += time_per_look;
}

static void turn_clock(struct fixture *f, usec_t per_look)
{
	time_per_look = per_look;
	f->loop.clock = turned_clock;
}

static uint8_t fill_of(const struct fixture *f, unsigned i)
{
	size_t len;
	return memory_port_frame(&f->other, i, &len)[ETH_HEADER_LEN];
}

enum { SMALL_FRAMES = 2000 };

static void write_small_frames(int fd)
{
	g_autoptr(GByteArray) all = g_byte_array_new();
	uint8_t bytes[100];
	for (unsigned i = 0; i < SMALL_FRAMES; i++)
		g_byte_array_append(all, bytes, (guint)make(bytes, sizeof(bytes), 60, (uint8_t)(i % 250)));
	write_all(fd, all->data, all->len);
}

static void small_frames_of_a_client_let_another_have_its_turn(struct fixture *f, gconstpointer data)
{
	int second = add_client(f);
	uint8_t bytes[100];
	turn_clock(f, 100);
	write_small_frames(f->client);
	write_all(second, bytes, make(bytes, sizeof(bytes), 60, 255));
	loop_dispatch(&f->loop, 0);
	unsigned got = f->other.frames->len;
	g_assert_cmpuint(got, <, SMALL_FRAMES / 8);
	g_assert_cmpuint(fill_of(f, got - 1), ==, 255);
	/* The rest is in the buffer and in the socket: nothing else wakes the connection. */
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, SMALL_FRAMES + 1);
	for (unsigned i = 0; i < SMALL_FRAMES; i++)
		g_assert_cmpuint(fill_of(f, i < got - 1 ? i : i + 1), ==, i % 250);
	close(second);
}

static void frames_that_waited_when_the_client_left_arrive(struct fixture *f, gconstpointer data)
{
	turn_clock(f, 1000);
	write_small_frames(f->client);
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(f->other.frames->len, <, SMALL_FRAMES);
	close(f->client);
	f->client = -1;
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, SMALL_FRAMES);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
}

/* Acknowledgements for each turn, and joined segments, need long turns. */
static void cheap_frames_of_a_whole_read_pass_in_one_turn(struct fixture *f, gconstpointer data)
{
	g_autoptr(GByteArray) all = g_byte_array_new();
	uint8_t bytes[1518];
	for (unsigned i = 0; i < 100; i++)
		g_byte_array_append(all, bytes, (guint)make(bytes, sizeof(bytes), 1514, 1));
	turn_clock(f, 1);
	write_all(f->client, all->data, all->len);
	loop_dispatch(&f->loop, 0);
	g_assert_cmpuint(f->other.frames->len, ==, 100);
	g_assert_cmpuint(f->other.flushes, ==, 1);
}

static void client_may_disconnect_while_frames_are_sent_to_it(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[100];
	size_t len = make(bytes, sizeof(bytes), 60, 1);
	close(f->client);
	f->client = -1;
	for (int i = 0; i < 3; i++)
		memory_port_input(&f->other, 0, bytes + 4, len - 4);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 1);
}

static void two_hundred_clients_each_get_a_broadcast(struct fixture *f, gconstpointer data)
{
	int fds[200];
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		fds[i] = add_client(f);
	uint8_t bytes[100];
	write_all(f->client, bytes, make(bytes, sizeof(bytes), 60, 1));
	turn(f);
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		g_assert_cmpuint(read_frames(f, fds[i]), ==, 1);
		close(fds[i]);
	}
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 2);
}

static void storm_of_broadcasts_leaves_room_for_frames_meant_for_one_client(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[1518];
	struct mac client = { { 2, 0, 0, 0, 0, 1 } };
	write_all(f->client, bytes, make(bytes, sizeof(bytes), 60, client.b[5]));
	turn(f);
	size_t len = make(bytes, sizeof(bytes), 1514, 2);
	while (f->segment.drops.count[DROP_PORT_FULL] < 1000)
		memory_port_input(&f->other, 0, bytes + 4, len - 4);
	memcpy(bytes + 4, client.b, sizeof(client.b));
	for (int i = 0; i < 100; i++)
		memory_port_input(&f->other, 0, bytes + 4, len - 4);
	g_assert_cmpuint(f->segment.drops.count[DROP_PORT_FULL], ==, 1000);
	read_frames(f, f->client);
	/* Broadcasts pass again once the client has drained its queue. */
	memory_port_input(&f->other, 0, bytes + 4, make(bytes, sizeof(bytes), 60, 2) - 4);
	g_assert_cmpuint(read_frames(f, f->client), ==, 1);
}

/* A listener of the link at an address that the kernel chose; its descriptor, which the link owns, in @ret_fd unless that is NULL. */
static void listen_as(struct fixture *f, const struct port_identity *identity, struct sockaddr_un *ret, socklen_t *ret_len, int *ret_fd)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*ret_len = sizeof(*ret);
	g_assert_cmpint(bind(fd, (struct sockaddr *)ret, sizeof(sa_family_t)), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)ret, ret_len), ==, 0);
	g_assert_cmpint(listen(fd, 5), ==, 0);
	g_assert_cmpint(stream_link_ops.listen(f->link, fd, identity, NULL, 0), ==, 0);
	if (ret_fd)
		*ret_fd = fd;
}

static void connections_to_a_socket_with_an_identity_have_it(struct fixture *f, gconstpointer data)
{
	static const struct port_identity web = { .name = "web",
						  .pinned = { { 2, 0, 0, 0, 0, 1 } },
						  .properties = { .guard = PORT_GUARD_OFF, .may_route = true } };
	struct sockaddr_un own, other;
	socklen_t own_len, other_len;
	int listening;
	listen_as(f, &web, &own, &own_len, &listening);
	listen_as(f, NULL, &other, &other_len, NULL);
	int fds[3];
	for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		g_assert_cmpint(connect(fds[i], (struct sockaddr *)(i < 2 ? &own : &other), i < 2 ? own_len : other_len), ==, 0);
	}
	turn(f);
	unsigned found = 0;
	list_for_each(node, &f->segment.ports) {
		const struct port *p = container_of(node, struct port, node);
		bool is_web = strcmp(p->name, web.name) == 0;
		g_assert_true(is_web == mac_equal(p->pinned, web.pinned) && is_web == p->may_route && is_web != p->guarded);
		found += is_web;
	}
	g_assert_cmpuint(found, ==, 2);

	/* Connections outlive the socket that they came by. */
	unsigned ports = f->segment.n_ports;
	stream_link_ops.unlisten(f->link, 0, listening);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, ports);
	g_assert_cmpint(connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&own, own_len), ==, -1);
	for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	turn(f);
}

static void client_is_accepted_as_soon_as_a_descriptor_is_free(struct fixture *f, gconstpointer data)
{
	struct sockaddr_un address;
	socklen_t address_len;
	listen_as(f, NULL, &address, &address_len, NULL);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, address_len), ==, 0);
	g_assert_cmpuint(stream_link_ops.deadline(f->link), ==, USEC_INFINITY);

	struct rlimit before, none = { .rlim_cur = (rlim_t)fd + 1 };
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	none.rlim_max = before.rlim_max;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	turn(f);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	g_assert_cmpuint(f->segment.n_ports, ==, 2);
	turn(f); /* the listener pauses between attempts */
	g_assert_cmpuint(f->segment.n_ports, ==, 2);

	usec_t deadline = stream_link_ops.deadline(f->link);
	g_assert_cmpuint(deadline, <=, 2 * USEC_PER_SEC);
	stream_link_ops.expire(f->link, deadline);
	turn(f);
	g_assert_cmpuint(f->segment.n_ports, ==, 3);
	g_assert_cmpuint(stream_link_ops.deadline(f->link), ==, USEC_INFINITY);
	close(fd);
}

#define TEST(name) g_test_add("/stream/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(frames_arrive_however_they_are_split);
	TEST(largest_ip_packet_passes_both_ways);
	TEST(segments_for_the_gateway_arrive_joined_and_are_counted_one_by_one);
	TEST(impossible_length_closes_that_client_only);
	TEST(client_that_does_not_read_loses_whole_frames_and_others_lose_none);
	TEST(client_that_disconnects_leaves_no_port_behind);
	TEST(frames_sent_before_the_end_of_a_connection_arrive);
	TEST(more_than_is_read_at_once_arrives);
	TEST(small_frames_of_a_client_let_another_have_its_turn);
	TEST(frames_that_waited_when_the_client_left_arrive);
	TEST(cheap_frames_of_a_whole_read_pass_in_one_turn);
	TEST(client_may_disconnect_while_frames_are_sent_to_it);
	TEST(two_hundred_clients_each_get_a_broadcast);
	TEST(storm_of_broadcasts_leaves_room_for_frames_meant_for_one_client);
	TEST(connections_to_a_socket_with_an_identity_have_it);
	TEST(client_is_accepted_as_soon_as_a_descriptor_is_free);
	return g_test_run();
}
