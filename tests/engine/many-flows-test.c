/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hundred thousand flows in the native engine, complete except for descriptors: one unix socket is the host side of all of them,
 * and the event loop watches nothing. The test measures their heap use, and that a turn of one flow costs no more than among few
 * flows.
 */
#include "base/macros.h"
#include "engine/native/datagram.h"
#include "engine/native/native.h"
#include "recorder.h"
#include "wire/checksum.h"
#include "wire/tcp.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MANY 100000u
#define FLOWS_PER_GUEST 50000u
#define FEW 8u
#define GIGABYTE ((size_t)1000 * 1000 * 1000)
#define GATEWAY IP4(192, 168, 122, 1)
#define START (1000 * USEC_PER_SEC)

#if defined(__SANITIZE_ADDRESS__)
#define ALLOCATOR_COUNTS false
#else
#define ALLOCATOR_COUNTS true
#endif

struct world {
	struct poller poller;
	struct recorder r;
	struct engine *engine;
	int fds[2];
};

static int idle_watch(struct poller *p, struct watch *w, int fd, unsigned events)
{
	w->fd = fd;
	w->events = events;
	w->active = true;
	return 0;
}

static int idle_rewatch(struct poller *p, struct watch *w, unsigned events)
{
	w->events = events;
	return 0;
}

static void idle_unwatch(struct poller *p, struct watch *w)
{
	w->active = false;
}

static void idle_defer(struct poller *p, struct deferred *d)
{
	g_assert_not_reached();
}

/* All flows share the descriptor: it is closed at the end of the test. */
static const struct poller_ops idle_poller_ops = {
	.watch = idle_watch,
	.rewatch = idle_rewatch,
	.unwatch = idle_unwatch,
	.close = idle_unwatch,
	.defer = idle_defer,
};

static void world_init(struct world *w)
{
	*w = (struct world){ .poller = { &idle_poller_ops } };
	recorder_init(&w->r);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, w->fds), ==, 0);
	const struct engine_config config = {
		.env = &w->r.env,
		.poller = &w->poller,
		.hash_key = { { 1, 2 } },
		.gateway = GATEWAY,
		.subnet = { IP4(192, 168, 122, 0), 24 },
		.max_sockets = 2 * MANY,
	};
	g_assert_cmpint(native_engine_ops.new(&config, &w->engine), ==, 0);
}

static void world_done(struct world *w)
{
	native_engine_ops.free(w->engine);
	recorder_done(&w->r);
	close(w->fds[0]);
	close(w->fds[1]);
}

static ip4_t guest_of(unsigned i)
{
	return IP4(192, 168, 122, 2) + i / FLOWS_PER_GUEST;
}

static uint16_t port_of(unsigned i)
{
	return (uint16_t)(1024 + i % FLOWS_PER_GUEST);
}

static void guest_sends(struct world *w, unsigned i, uint8_t flags, uint32_t seq, uint32_t ack)
{
	uint8_t bytes[TCP_HEADER_MAX];
	struct bytes_writer b = bytes_writer(bytes, sizeof(bytes));
	tcp_emit(&b,
		 &(struct tcp_header){ .src_port = port_of(i), .dst_port = 2000, .seq = seq, .ack = ack, .flags = flags, .window = 60000 });
	struct packet_bytes p;
	packet_bytes_make(&w->r, &p, guest_of(i), GATEWAY, IP_PROTOCOL_TCP, 64, bytes, b.len);
	p.frame.checksum = FRAME_CHECKSUM_VERIFIED;
	native_engine_ops.input(w->engine, START, &p.packet);
}

static void turn(struct world *w)
{
	native_engine_ops.flush(w->engine, START);
	if (native_engine_ops.deadline(w->engine) <= START)
		native_engine_ops.expire(w->engine, START);
}

/* Opens a flow to guest port @i and completes the handshake; returns its initial sequence number. */
static uint32_t open_flow(struct world *w, unsigned i)
{
	struct engine_open how = {
		.guest = recorder_guest(&w->r, guest_of(i)),
		.to = { ip_from_ip4(guest_of(i)), port_of(i) },
		.source = { ip_from_ip4(GATEWAY), 2000 },
		.fd = w->fds[0],
	};
	g_assert_cmpint(native_engine_ops.open(w->engine, START, &how), ==, 0);
	turn(w);
	struct recorded_packet *syn = recorder_packet(&w->r);
	g_assert_nonnull(syn);
	struct bytes_reader r = bytes_reader(syn->l4, syn->l4_len);
	struct tcp_header h;
	g_assert_cmpint(tcp_parse(&r, &h), ==, 0);
	recorded_packet_free(syn);
	guest_sends(w, i, TCP_SYN | TCP_ACK, 0, h.seq + 1);
	turn(w);
	recorder_clear(&w->r);
	return h.seq;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The CPU time of the cheapest of many turns of flow @i: other load on the machine only adds to it. */
static uint64_t cost_of_turn(struct world *w, unsigned i, uint32_t iss)
{
	uint64_t least = UINT64_MAX;
	for (unsigned n = 0; n < 500; n++) {
		uint64_t before = cpu_ns();
		guest_sends(w, i, TCP_ACK, 1, iss + 1);
		turn(w);
		least = MIN(least, cpu_ns() - before);
		recorder_clear(&w->r);
	}
	return least;
}

static void a_hundred_thousand_tcp_flows_fit_a_gigabyte(void)
{
	struct world w;
	struct engine_counters c;
	world_init(&w);
	for (unsigned i = 0; i < FEW; i++)
		open_flow(&w, i);
	uint64_t among_few = cost_of_turn(&w, 0, open_flow(&w, FEW));
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	uint32_t iss = 0;
	for (unsigned i = FEW + 1; i < MANY; i++)
		iss = open_flow(&w, i);
	native_engine_ops.counters(w.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, MANY);
	g_assert_cmpuint(c.flows_refused, ==, 0);
	size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	uint64_t among_many = cost_of_turn(&w, MANY - 1, iss);
	g_test_message("TCP: %zu bytes for each of %u flows; a turn of one of them %" PRIu64 " ns, among few %" PRIu64 " ns", bytes / MANY,
		       MANY, among_many, among_few);
	if (ALLOCATOR_COUNTS)
		g_assert_cmpuint(bytes, <, GIGABYTE);
	/* Visiting every flow would cost some hundred times as much as the turn itself. */
	g_assert_cmpuint(among_many, <, 20 * among_few);
	struct ip_addr gone = ip_from_ip4(guest_of(0));
	native_engine_ops.guest_gone(w.engine, START, recorder_guest(&w.r, guest_of(0)), &gone);
	native_engine_ops.counters(w.engine, &c);
	g_assert_cmpuint(c.flows_tcp, ==, MANY - FLOWS_PER_GUEST);
	world_done(&w);
}

/* A UDP flow without its socket: object, table entry, peers, timer. */
static void a_hundred_thousand_udp_mappings_fit_a_gigabyte(void)
{
	struct flow_table table;
	struct wheel *wheel = g_new(struct wheel, 1);
	g_autofree struct native_datagram **flows = g_new(struct native_datagram *, MANY);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	flow_table_init(&table, &(struct hash_key){ { 1, 2 } });
	wheel_init(wheel, START);
	for (unsigned i = 0; i < MANY; i++) {
		struct native_datagram *d = flows[i] = calloc(1, sizeof(*d));
		g_assert_nonnull(d);
		d->base.flow.key.guest = (struct ip_endpoint){ ip_from_ip4(guest_of(i)), port_of(i) };
		g_assert_cmpint(flow_table_add(&table, &d->base.flow), ==, 0);
		struct ip_endpoint peer = { ip_from_ip4(IP4(203, 0, 113, 5)), 9 };
		mapping_init(&d->mapping, START);
		g_assert_cmpint(mapping_sent(&d->mapping, START, &peer, &peer), ==, 0);
		wheel_timer_init(&d->base.timer);
		wheel_arm(wheel, &d->base.timer, mapping_udp_deadline(&d->mapping));
	}
	size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	g_test_message("UDP: %zu bytes for each of %u flows", bytes / MANY, MANY);
	if (ALLOCATOR_COUNTS)
		g_assert_cmpuint(bytes, <, GIGABYTE);
	for (unsigned i = 0; i < MANY; i++) {
		struct flow *f = flow_table_find(&table, &flows[i]->base.flow.key);
		g_assert_true(f == &flows[i]->base.flow);
	}
	unsigned longest = 0;
	for (size_t b = 0; b < table.by_key.n_buckets; b++) {
		unsigned n = 0;
		for (struct hash_node *f = table.by_key.buckets[b]; f; f = f->next)
			n++;
		longest = MAX(longest, n);
	}
	g_assert_cmpuint(longest, <, 16); /* a look-up walks one bucket only */
	unsigned fired = 0;
	while (wheel_pop(wheel, START + 300 * USEC_PER_SEC))
		fired++;
	g_assert_cmpuint(fired, ==, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		mapping_done(&flows[i]->mapping);
		free(flows[i]);
	}
	flow_table_done(&table);
	g_free(wheel);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/many-flows/a_hundred_thousand_tcp_flows_fit_a_gigabyte", a_hundred_thousand_tcp_flows_fit_a_gigabyte);
	g_test_add_func("/many-flows/a_hundred_thousand_udp_mappings_fit_a_gigabyte", a_hundred_thousand_udp_mappings_fit_a_gigabyte);
	return g_test_run();
}
