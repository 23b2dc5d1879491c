/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include "base/log.h"
#include "base/macros.h"
#include "guest.h"
#include "host/clock.h"
#include "wire/checksum.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 30000 /* long, so that a busy machine does not fail a test */

unsigned count_fds(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	g_assert_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void write_log(void *opaque, enum log_level level, const char *line)
{
	g_test_message("%s", line);
}

void bench_init(struct bench *b, const struct engine_ops *ops, const struct bench_options *options)
{
	static struct log log = { .level = LOG_LEVEL_DEBUG, .write = write_log };
	*b = (struct bench){ .ops = ops, .patience_ms = PATIENCE_MS };
	recorder_init(&b->r);
	b->r.family = options->family;
	b->r.host_address = HOST;
	b->r.host_address_result = 0;
	if (options->guest_mtu > 0)
		b->r.guest_mtu = options->guest_mtu;
	g_assert_cmpint(loop_init(&b->loop), ==, 0);
	b->tcp = g_ptr_array_new();
	g_queue_init(&b->datagrams);
	g_queue_init(&b->messages);
	g_queue_init(&b->strays);
	const struct engine_config config = {
		.env = &b->r.env,
		.poller = &b->loop.poller,
		.log = &log,
		.hash_key = { { 1, 2 } },
		.gateway = GATEWAY,
		.subnet = { IP4(192, 168, 122, 0), 24 },
		.ip6 = family_gateway(options->family),
		.host_loopback = options->host_loopback,
		.keep_tcp_ports = options->keep_tcp_ports,
		.no_peek_off = options->no_peek_off,
		.no_udp_offload = options->no_udp_offload,
		.max_sockets = options->max_sockets,
		.max_ports = options->max_ports,
	};
	g_assert_cmpint(ops->new (&config, &b->engine), ==, 0);
	b->r.engine_ops = ops;
	b->r.engine = b->engine;
}

void bench_guest_gone(struct bench *b, ip4_t guest)
{
	struct ip_addr addr = recorder_ip(&b->r, guest);
	b->ops->guest_gone(b->engine, bench_now(b), recorder_guest(&b->r, guest), &addr);
}

static void free_packet(gpointer p)
{
	recorded_packet_free(p);
}

void bench_forget(struct bench *b)
{
	recorder_clear(&b->r);
	g_queue_clear_full(&b->datagrams, free_packet);
	g_queue_clear_full(&b->messages, free_packet);
	g_queue_clear_full(&b->strays, free_packet);
}

void bench_free_engine(struct bench *b)
{
	b->ops->free(b->engine);
	b->engine = b->r.engine = NULL;
}

void bench_done(struct bench *b)
{
	bench_free_engine(b);
	loop_done(&b->loop, bench_now(b));
	bench_forget(b);
	recorder_done(&b->r);
	g_ptr_array_unref(b->tcp);
}

usec_t bench_now(const struct bench *b)
{
	return clock_now() + b->turned;
}

static struct guest *sender(struct bench *b, ip4_t src)
{
	struct ip_addr addr = recorder_ip(&b->r, src);
	const struct guest_address *a = b->spoof ? guest_find_address(&b->r.guests, &addr) : NULL;
	return a ? a->guest : recorder_guest_at(&b->r, b->port ? b->port : &b->r.port, src);
}

/* What has no DF in IPv4 is in IPv6 what its source has fragmented. */
static void set_fields(const struct bench *b, struct packet *p)
{
	if (packet_is_v4(p)) {
		p->ip.dont_fragment = b->dont_fragment;
		p->ip.tos = b->tos;
		p->ip.id = b->id;
	} else {
		p->ip6.came_in_fragments = !b->dont_fragment;
		p->ip6.traffic_class = b->tos;
	}
}

void bench_input(struct bench *b, ip4_t src, ip4_t dst, uint8_t protocol, uint8_t ttl, const void *l4, size_t len)
{
	struct packet_bytes p;
	packet_bytes_make_from(&b->r, &p, sender(b, src), src, dst, protocol, ttl, l4, len);
	if (b->port)
		g_assert_nonnull(guest_payer(&b->r.guests, b->port));
	p.packet.port = b->port;
	set_fields(b, &p.packet);
	b->ops->input(b->engine, bench_now(b), &p.packet);
}

void bench_input_frame(struct bench *b, ip4_t src, ip4_t dst, uint8_t protocol, const void *l4, size_t len, enum frame_checksum checksum,
		       enum frame_gso gso, uint16_t gso_size)
{
	struct packet_bytes p;
	packet_bytes_make(&b->r, &p, src, dst, protocol, 63, l4, len);
	p.frame.checksum = checksum;
	p.frame.gso = gso;
	p.frame.gso_size = gso_size;
	b->ops->input(b->engine, bench_now(b), &p.packet);
}

static void assert_l4_checksum(const struct recorded_packet *p)
{
	struct checksum c = { 0 };
	if (p->ip.protocol != IP_PROTOCOL_ICMP)
		checksum_add_pseudo4(&c, p->ip.src, p->ip.dst, p->ip.protocol, (uint16_t)p->l4_len);
	checksum_add(&c, p->l4, p->l4_len);
	g_assert_true(checksum_is_right(&c));
}

static void sort_tcp(struct bench *b, struct recorded_packet *p)
{
	struct bytes_reader r = bytes_reader(p->l4, p->l4_len);
	struct tcp_header h;
	g_assert_cmpint(tcp_parse(&r, &h), ==, 0);
	for (unsigned i = 0; i < b->tcp->len; i++) {
		struct guest_tcp *t = g_ptr_array_index(b->tcp, i);
		if (t->ip != p->ip.dst || t->port != h.dst_port || t->peer != p->ip.src)
			continue;
		if (t->peer_port != 0 && t->peer_port != h.src_port)
			continue;
		guest_tcp_input(t, &h, r.at, r.left, p->gso_size);
		recorded_packet_free(p);
		return;
	}
	g_queue_push_tail(&b->strays, p);
}

/* Sorts the engine's packets and asserts that all are well-formed. */
static void sort_packets(struct bench *b)
{
	struct recorded_packet *p;
	while ((p = recorder_packet(&b->r))) {
		assert_l4_checksum(p);
		if (p->ip.protocol == IP_PROTOCOL_TCP)
			sort_tcp(b, p);
		else if (p->ip.protocol == IP_PROTOCOL_UDP)
			g_queue_push_tail(&b->datagrams, p);
		else
			g_queue_push_tail(&b->messages, p);
	}
	/* The turn has ended: memory that the engine borrowed is given back. */
	arena_reset(&b->r.arena);
}

static void run_due(struct bench *b)
{
	usec_t now = bench_now(b);
	b->ops->flush(b->engine, now);
	g_assert_cmpint(loop_dispatch(&b->loop, now), >=, 0);
	if (b->ops->deadline(b->engine) <= now)
		b->ops->expire(b->engine, now);
	b->ops->flush(b->engine, now);
	sort_packets(b);
	b->ops->flush(b->engine, now);
}

void bench_run(struct bench *b, int wait_ms)
{
	run_due(b);
	usec_t now = bench_now(b), deadline = b->ops->deadline(b->engine);
	if (deadline != USEC_INFINITY)
		wait_ms = deadline <= now ? 0 : (int)MIN((usec_t)wait_ms, (deadline - now) / USEC_PER_MSEC + 1);
	if (loop_has_work(&b->loop))
		wait_ms = 0;
	struct pollfd p = { .fd = b->loop.epoll_fd, .events = POLLIN };
	poll(&p, 1, wait_ms);
	run_due(b);
}

bool bench_until(struct bench *b, bool (*done)(void *), void *opaque)
{
	usec_t end = clock_now() + b->patience_ms * USEC_PER_MSEC;
	bench_run(b, 0);
	while (!done(opaque)) {
		if (clock_now() >= end)
			return false;
		bench_run(b, 10);
	}
	return true;
}

void bench_run_for(struct bench *b, int ms)
{
	usec_t end = clock_now() + (usec_t)ms * USEC_PER_MSEC;
	do
		bench_run(b, 5);
	while (clock_now() < end);
}

void bench_turn(struct bench *b, usec_t us)
{
	enum { TURNS_MAX = 10000 };
	b->turned += us;
	bench_run(b, 0);
	for (unsigned i = 0; i < TURNS_MAX && b->ops->deadline(b->engine) <= bench_now(b); i++)
		bench_run(b, 0);
	bench_run(b, 0);
}

static bool has_one(void *queue)
{
	return !g_queue_is_empty(queue);
}

struct recorded_packet *bench_datagram(struct bench *b)
{
	bench_until(b, has_one, &b->datagrams);
	return g_queue_pop_head(&b->datagrams);
}

struct recorded_packet *bench_message(struct bench *b)
{
	bench_until(b, has_one, &b->messages);
	return g_queue_pop_head(&b->messages);
}

struct recorded_error *bench_error(struct bench *b)
{
	bench_until(b, has_one, &b->r.errors);
	return recorder_error(&b->r);
}
