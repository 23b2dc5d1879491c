/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagram ports on real socket pairs; the test sets the time. */
#include "base/bytes.h"
#include "host/loop.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "link/datagram.h"
#include "support/memory_port.h"
#include "wire/eth.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct loop loop;
	struct segment segment;
	struct datagram_io io;
	struct datagram_port port;
	struct memory_port other;
	int peer; /* the peer's end of the socket pair */
	int ends, error;
};

static void ended(struct datagram_port *p, usec_t now, int error)
{
	struct fixture *f = (struct fixture *)((char *)p - offsetof(struct fixture, port));
	f->ends++;
	f->error = error;
}

static void set_up(struct fixture *f, gconstpointer type)
{
	int fds[2];
	g_assert_cmpint(loop_init(&f->loop), ==, 0);
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	g_assert_cmpint(datagram_io_init(&f->io, &f->loop.poller, &f->segment), ==, 0);
	memory_port_init(&f->other, &f->segment, "other", LINK_FRAME_MAX);
	g_assert_cmpint(socketpair(AF_UNIX, GPOINTER_TO_INT(type) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
	datagram_port_init(&f->port, &f->io, "datagram", LINK_FRAME_MAX, 1500, ended);
	g_assert_cmpint(datagram_port_start(&f->port, fds[1]), ==, 0);
	f->peer = fds[0];
}

static void tear_down(struct fixture *f, gconstpointer type)
{
	if (f->peer >= 0)
		close(f->peer);
	datagram_port_done(&f->port, 0);
	datagram_io_done(&f->io);
	memory_port_done(&f->other);
	segment_done(&f->segment);
	loop_done(&f->loop, 0);
}

static void turn(struct fixture *f)
{
	while (loop_dispatch(&f->loop, 0) > 0)
		;
}

/* A broadcast of @len bytes, filled with @fill behind the header. */
static const uint8_t *make(size_t len, uint8_t fill)
{
	static uint8_t buf[LINK_FRAME_MAX + 100];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ MAC_BROADCAST, { { 2, 0, 0, 0, 0, fill } }, 0x88b5 });
	memset(buf + ETH_HEADER_LEN, fill, len - ETH_HEADER_LEN);
	return buf;
}

static void input(struct fixture *f, size_t len, uint8_t fill)
{
	memory_port_input(&f->other, 0, make(len, fill), len);
}

static void send_one(struct fixture *f, size_t len, uint8_t fill)
{
	g_assert_cmpint(send(f->peer, make(len, fill), len, MSG_NOSIGNAL), ==, (gssize)len);
}

static void assert_zeros(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		g_assert_cmpuint(bytes[i], ==, 0);
}

static void message_is_a_frame_both_ways(struct fixture *f, gconstpointer type)
{
	static const size_t lengths[] = { 14, 42, 54, 59, 60, 1514, 9234, LINK_FRAME_MAX };
	g_autofree uint8_t *back = g_malloc(LINK_FRAME_MAX + 1);
	for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
		memory_port_clear(&f->other);
		send_one(f, lengths[i], 7);
		turn(f);
		g_assert_cmpuint(f->other.frames->len, ==, 1);
		size_t got, padded = MAX(lengths[i], (size_t)ETH_FRAME_MIN);
		const uint8_t *frame = memory_port_frame(&f->other, 0, &got);
		g_assert_cmpuint(got, ==, padded);
		g_assert_cmpmem(frame, lengths[i], make(lengths[i], 7), lengths[i]);
		assert_zeros(frame + lengths[i], padded - lengths[i]);
		input(f, lengths[i], 9);
		g_assert_cmpint(recv(f->peer, back, LINK_FRAME_MAX + 1, MSG_DONTWAIT), ==, (gssize)padded);
		g_assert_cmpmem(back, lengths[i], make(lengths[i], 9), lengths[i]);
		assert_zeros(back + lengths[i], padded - lengths[i]);
	}
}

static usec_t time_now, time_per_look;

static usec_t turned_clock(void)
{
	return time_now += time_per_look;
}

static unsigned frames_of_a_turn(struct fixture *f, usec_t per_look)
{
	time_per_look = per_look;
	unsigned before = f->other.frames->len;
	g_assert_cmpint(loop_dispatch(&f->loop, 0), ==, 1);
	return f->other.frames->len - before;
}

static void port_whose_frames_take_long_reads_fewer(struct fixture *f, gconstpointer type)
{
	enum { FRAMES = 200 };
	unsigned n = 0;
	g_assert_cmpint(setsockopt(f->peer, SOL_SOCKET, SO_SNDBUF, &(int){ 1024 * 1024 }, sizeof(int)), ==, 0);
	for (; n < FRAMES && send(f->peer, make(60, 1), 60, MSG_NOSIGNAL | MSG_DONTWAIT) == 60; n++)
		;
	if (n < FRAMES) {
		g_test_skip("the socket does not hold enough messages (net.core.wmem_max, net.unix.max_dgram_qlen)");
		return;
	}
	f->loop.clock = turned_clock;
	g_assert_cmpuint(frames_of_a_turn(f, 1000), ==, 64);
	g_assert_cmpuint(frames_of_a_turn(f, 1000), <=, 16);
	unsigned few = frames_of_a_turn(f, 1);
	g_assert_cmpuint(frames_of_a_turn(f, 1), >, few);
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, FRAMES);
}

static void many_messages_arrive_in_order(struct fixture *f, gconstpointer type)
{
	unsigned sent = 0;
	while (sent < 150 && send(f->peer, make(60 + sent, (uint8_t)sent), 60 + sent, MSG_DONTWAIT) > 0)
		sent++;
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, sent);
	for (unsigned i = 0; i < sent; i++) {
		size_t got;
		g_assert_cmpuint(memory_port_frame(&f->other, i, &got)[14], ==, (uint8_t)i);
		g_assert_cmpuint(got, ==, 60 + i);
	}
}

static void message_longer_than_any_frame_is_dropped_and_counted(struct fixture *f, gconstpointer type)
{
	send_one(f, LINK_FRAME_MAX + 1, 1);
	send_one(f, LINK_FRAME_MAX + 90, 1);
	send_one(f, 60, 2);
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 1);
	g_assert_cmpuint(f->segment.drops.count[DROP_DATAGRAM_LENGTH], ==, 2);
}

/* Reads all frames, checks that they are complete, and returns how many. */
static unsigned read_frames(struct fixture *f)
{
	g_autofree uint8_t *buf = g_malloc(LINK_FRAME_MAX);
	unsigned n = 0;
	for (ssize_t len; (len = recv(f->peer, buf, LINK_FRAME_MAX, MSG_DONTWAIT)) > 0; n++) {
		for (ssize_t i = ETH_HEADER_LEN; i < len; i++)
			g_assert_cmpuint(buf[i], ==, buf[len - 1]);
		turn(f);
	}
	return n;
}

static void peer_that_does_not_drain_loses_whole_frames_which_are_counted(struct fixture *f, gconstpointer type)
{
	enum { COUNT = 6000 };
	for (unsigned i = 0; i < COUNT; i++)
		input(f, i % 3 ? 1514 : 9000, (uint8_t)i);
	uint64_t dropped = f->segment.drops.count[DROP_PORT_FULL];
	g_assert_cmpuint(dropped, >, 0);
	g_assert_true(f->port.port.congested);
	g_assert_cmpuint(f->ends, ==, 0);
	unsigned got = read_frames(f);
	g_assert_cmpuint(got + dropped, ==, COUNT);
	/* After draining, the port takes frames again. */
	turn(f);
	g_assert_false(f->port.port.congested);
	g_assert_null(f->port.queue);
	input(f, 60, 1);
	g_assert_cmpuint(read_frames(f), ==, 1);
}

static void batch_larger_than_any_array_goes_out(struct fixture *f, gconstpointer type)
{
	struct iovec iov[20];
	uint8_t frame[14 + 19] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2 };
	iov[0] = (struct iovec){ frame, 14 };
	for (unsigned i = 1; i < 20; i++)
		iov[i] = (struct iovec){ frame + 13 + i, 1 };
	struct frame fr = { .iov = iov, .n_iov = 20, .len = sizeof(frame), .ingress = &f->other.port };
	for (unsigned i = 0; i < 600; i++)
		segment_input(&f->segment, 0, &f->other.port, &fr);
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(read_frames(f) + f->segment.drops.count[DROP_PORT_FULL], ==, 600);
	g_assert_cmpuint(f->segment.drops.count[DROP_PORT_FULL], ==, 0);
}

static void peer_that_is_gone_ends_the_port_once(struct fixture *f, gconstpointer type)
{
	close(f->peer);
	f->peer = -1;
	turn(f);
	for (unsigned i = 0; i < 3; i++)
		input(f, 60, 1);
	turn(f);
	g_assert_cmpint(f->ends, ==, 1);
}

static void empty_message_ends_only_what_has_connections(struct fixture *f, gconstpointer type)
{
	bool connection = GPOINTER_TO_INT(type) == SOCK_SEQPACKET;
	g_assert_cmpint(send(f->peer, "", 0, 0), ==, 0);
	turn(f);
	g_assert_cmpint(f->ends, ==, connection);
	g_assert_cmpuint(f->segment.drops.count[DROP_FRAME_MALFORMED], ==, !connection);
}

static void frames_before_the_end_are_delivered(struct fixture *f, gconstpointer type)
{
	send_one(f, 60, 1);
	close(f->peer);
	f->peer = -1;
	turn(f);
	g_assert_cmpuint(f->other.frames->len, ==, 1);
	g_assert_cmpint(f->ends, ==, 1);
}

#define ADD(name, type, test) g_test_add("/datagram/" name "/" #test, struct fixture, GINT_TO_POINTER(type), set_up, test, tear_down)
#define ADD_BOTH(test) \
	do { \
		ADD("dgram", SOCK_DGRAM, test); \
		ADD("seqpacket", SOCK_SEQPACKET, test); \
	} while (0)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD_BOTH(message_is_a_frame_both_ways);
	ADD_BOTH(many_messages_arrive_in_order);
	ADD_BOTH(port_whose_frames_take_long_reads_fewer);
	ADD_BOTH(message_longer_than_any_frame_is_dropped_and_counted);
	ADD_BOTH(peer_that_does_not_drain_loses_whole_frames_which_are_counted);
	ADD_BOTH(batch_larger_than_any_array_goes_out);
	ADD_BOTH(peer_that_is_gone_ends_the_port_once);
	ADD_BOTH(empty_message_ends_only_what_has_connections);
	ADD("seqpacket", SOCK_SEQPACKET, frames_before_the_end_are_delivered);
	return g_test_run();
}
