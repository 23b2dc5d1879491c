/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of bandwidth, on a segment with a gateway and two guests.  Time is turned by hand. */
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "support/memory_port.h"
#include "wire/eth.h"

#define FRAME_LEN ((size_t)1000)
#define RATE UINT64_C(1000000) /* bytes per second: a frame each millisecond */
#define STEP ((usec_t)500)     /* between frames that come at twice the rate */

static const struct mac gateway_mac = { { 0x52, 0x54, 0, 0, 0, 1 } };

static struct mac mac_of(unsigned n)
{
	return (struct mac){ { 0x52, 0x54, 0, 1, 0, (uint8_t)n } };
}

struct fixture {
	struct segment segment;
	struct memory_port gateway, a, b;
	usec_t now;
	unsigned writable; /* calls */
};

static void gateway_flush(void *opaque, usec_t now)
{
}

static void gateway_writable(void *opaque, usec_t now, struct port *p)
{
	struct fixture *f = opaque;
	f->writable++;
}

static void speak(struct fixture *f, struct memory_port *from, struct mac dst, struct mac src, uint8_t mark)
{
	uint8_t frame[FRAME_LEN] = { 0 };
	struct bytes_writer w = bytes_writer(frame, sizeof(frame));
	eth_emit(&w, &(struct eth_header){ dst, src, 0x88b5 });
	frame[ETH_HEADER_LEN] = mark;
	struct iovec iov;
	struct frame out = frame_of(&iov, frame, sizeof(frame));
	out.ingress = from == &f->gateway ? NULL : &from->port;
	segment_input(&f->segment, f->now, &from->port, &out);
	segment_flush(&f->segment, f->now);
}

/* Frames that @m was sent, without those of the switch itself. */
static unsigned received(const struct memory_port *m)
{
	unsigned n = 0;
	for (unsigned i = 0; i < m->frames->len; i++)
		n += g_bytes_get_size(g_ptr_array_index(m->frames, i)) == FRAME_LEN;
	return n;
}

/* @m has received @n frames, marked 0, 1, ... */
static void assert_in_order(const struct memory_port *m, unsigned n)
{
	g_assert_cmpuint(received(m), ==, n);
	for (unsigned i = 0; i < n; i++)
		g_assert_cmpuint(memory_port_frame(m, i, NULL)[ETH_HEADER_LEN], ==, i);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	memory_port_init(&f->gateway, &f->segment, "gateway", 1514);
	segment_detach(&f->segment, 0, &f->gateway.port);
	f->gateway.port.uplink = true;
	segment_set_gateway(&f->segment, &(struct segment_gateway){
						 .port = &f->gateway.port,
						 .mac = gateway_mac,
						 .flush = gateway_flush,
						 .writable = gateway_writable,
						 .opaque = f,
					 });
	memory_port_init(&f->a, &f->segment, "a", 1514);
	memory_port_init(&f->b, &f->segment, "b", 1514);
	f->now = 1000000;
	speak(f, &f->a, gateway_mac, mac_of('a'), 0);
	speak(f, &f->b, gateway_mac, mac_of('b'), 0);
	memory_port_clear(&f->gateway);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	memory_port_done(&f->a);
	memory_port_done(&f->b);
	memory_port_done(&f->gateway);
	segment_done(&f->segment);
}

/* Goes on to @until, with what is due meanwhile. */
static void wait_until(struct fixture *f, usec_t until)
{
	while (segment_deadline(&f->segment) <= until) {
		f->now = MAX(f->now, segment_deadline(&f->segment));
		segment_expire(&f->segment, f->now);
		segment_flush(&f->segment, f->now);
	}
	f->now = until;
}

static void limit_port(struct fixture *f, struct memory_port *m, struct bandwidth limit)
{
	m->port.bandwidth = limit;
	segment_settle_port(&f->segment, &m->port);
}

/* Frames from @from at twice the rate for @time. */
static void press(struct fixture *f, struct memory_port *from, struct mac dst, struct mac src, usec_t time)
{
	for (usec_t end = f->now + time; f->now < end; wait_until(f, f->now + STEP))
		speak(f, from, dst, src, 0);
}

static void assert_within_5_percent(uint64_t got, uint64_t wanted)
{
	g_assert_cmpuint(got, >=, wanted * 95 / 100);
	g_assert_cmpuint(got, <=, wanted * 105 / 100);
}

/* --- the rate --- */

static void average_is_exact_in_each_direction(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .in = { .average = RATE }, .out = { .average = RATE } });
	press(f, &f->a, gateway_mac, mac_of('a'), 20 * USEC_PER_SEC);
	assert_within_5_percent(received(&f->gateway) * FRAME_LEN, 20 * RATE);
	press(f, &f->gateway, mac_of('a'), gateway_mac, 20 * USEC_PER_SEC);
	assert_within_5_percent(received(&f->a) * FRAME_LEN, 20 * RATE);
}

static void what_is_below_the_limit_does_not_wait(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .in = { .average = 3 * RATE }, .out = { .average = 3 * RATE } });
	for (unsigned i = 1; i <= 5000; i++) {
		speak(f, &f->a, gateway_mac, mac_of('a'), 0);
		speak(f, &f->gateway, mac_of('a'), gateway_mac, 0);
		g_assert_cmpuint(received(&f->gateway), ==, i);
		g_assert_cmpuint(received(&f->a), ==, i);
		wait_until(f, f->now + STEP);
	}
	g_assert_cmpuint(f->segment.drops.count[DROP_BANDWIDTH], ==, 0);
}

static void frames_keep_their_order(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .out = { .average = RATE, .burst = 3000 } });
	for (uint8_t i = 0; i < 100; i++)
		speak(f, &f->a, gateway_mac, mac_of('a'), i);
	wait_until(f, f->now + USEC_PER_SEC);
	assert_in_order(&f->gateway, 100);
}

static void burst_passes_after_a_pause_at_the_peak_rate(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .out = { .average = RATE, .peak = 10 * RATE, .burst = 50000 } });
	for (unsigned i = 0; i < 60; i++)
		speak(f, &f->a, gateway_mac, mac_of('a'), 0);
	g_assert_cmpuint(received(&f->gateway), <=, 21); /* 2 ms of the peak rate */
	wait_until(f, f->now + 6000);
	g_assert_cmpuint(received(&f->gateway), >=, 50);
	g_assert_cmpuint(received(&f->gateway), <=, 57); /* the average gives six more */
	wait_until(f, f->now + 20000);
	g_assert_cmpuint(received(&f->gateway), ==, 60);
}

static void without_a_peak_the_burst_passes_at_once(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .out = { .average = RATE, .burst = 50000 } });
	for (unsigned i = 0; i < 60; i++)
		speak(f, &f->a, gateway_mac, mac_of('a'), 0);
	g_assert_cmpuint(received(&f->gateway), ==, 51); /* the last one takes what is left */
}

/* --- waiting --- */

static void what_waits_is_bounded_and_the_rest_is_counted(struct fixture *f, gconstpointer data)
{
	struct rate_limit limit = { .average = RATE, .burst = FRAME_LEN };
	unsigned fit = (unsigned)(rate_patience(&limit) / FRAME_LEN);
	limit_port(f, &f->a, (struct bandwidth){ .out = limit });
	for (unsigned i = 0; i < 1000; i++)
		speak(f, &f->a, gateway_mac, mac_of('a'), 0);
	unsigned passed = received(&f->gateway);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_BANDWIDTH], ==, 1000 - passed - fit);
	wait_until(f, f->now + USEC_PER_SEC);
	g_assert_cmpuint(received(&f->gateway), ==, passed + fit);
}

static void engine_is_told_to_wait_and_to_go_on(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .in = { .average = RATE, .burst = FRAME_LEN } });
	unsigned n = 0;
	for (; !port_is_busy(&f->a.port); n++)
		speak(f, &f->gateway, mac_of('a'), gateway_mac, 0);
	g_assert_cmpuint(n * FRAME_LEN, <=, rate_patience(&f->a.port.bandwidth.in) / 2 + 4 * FRAME_LEN);
	segment_port_writable(&f->segment, f->now, &f->a.port); /* the port itself has room, but the limit counts */
	g_assert_cmpuint(f->writable, ==, 0);
	wait_until(f, f->now + USEC_PER_SEC);
	g_assert_false(port_is_busy(&f->a.port));
	g_assert_cmpuint(f->writable, ==, 1);
	g_assert_cmpuint(received(&f->a), ==, n);
}

static void frames_that_wait_go_with_their_port(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .in = { .average = RATE, .burst = 1 }, .out = { .average = RATE, .burst = 1 } });
	for (unsigned i = 0; i < 10; i++) {
		speak(f, &f->a, gateway_mac, mac_of('a'), 0);
		speak(f, &f->gateway, mac_of('a'), gateway_mac, 0);
	}
	segment_detach(&f->segment, f->now, &f->a.port);
	segment_attach(&f->segment, &f->a.port);
	unsigned before = received(&f->gateway);
	wait_until(f, f->now + USEC_PER_SEC);
	g_assert_cmpuint(received(&f->gateway), ==, before);
}

static void limit_can_be_taken_away(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .out = { .average = RATE, .burst = 1 } });
	for (unsigned i = 0; i < 10; i++)
		speak(f, &f->a, gateway_mac, mac_of('a'), 0);
	limit_port(f, &f->a, (struct bandwidth){ 0 });
	wait_until(f, f->now);
	memory_port_clear(&f->gateway);
	for (unsigned i = 0; i < 1000; i++)
		speak(f, &f->a, gateway_mac, mac_of('a'), 0);
	g_assert_cmpuint(received(&f->gateway), ==, 1000);
	g_assert_true(f->a.port.is_plain);
}

static void what_waits_goes_in_order_when_the_limit_is_taken_away(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .out = { .average = RATE, .burst = 1 } });
	for (uint8_t i = 0; i < 10; i++)
		speak(f, &f->a, gateway_mac, mac_of('a'), i);
	limit_port(f, &f->a, (struct bandwidth){ 0 });
	speak(f, &f->a, gateway_mac, mac_of('a'), 10);
	wait_until(f, f->now);
	assert_in_order(&f->gateway, 11);
	g_assert_null(f->a.port.shaper);
}

static void engine_goes_on_when_the_limit_is_taken_away(struct fixture *f, gconstpointer data)
{
	limit_port(f, &f->a, (struct bandwidth){ .in = { .average = RATE, .burst = FRAME_LEN } });
	unsigned n = 0;
	for (; !port_is_busy(&f->a.port); n++)
		speak(f, &f->gateway, mac_of('a'), gateway_mac, 0);
	limit_port(f, &f->a, (struct bandwidth){ 0 });
	wait_until(f, f->now);
	g_assert_cmpuint(f->writable, ==, 1);
	g_assert_cmpuint(received(&f->a), ==, n);
	g_assert_null(f->a.port.shaper);
}

/* --- the limit of the network --- */

static void network_limit_counts_what_passes_the_gateway_only(struct fixture *f, gconstpointer data)
{
	segment_set_bandwidth(&f->segment, &(struct bandwidth){ .in = { .average = RATE }, .out = { .average = RATE } });
	press(f, &f->a, mac_of('b'), mac_of('a'), 10 * USEC_PER_SEC);
	g_assert_cmpuint(received(&f->b) * FRAME_LEN, ==, 20 * RATE);
	g_assert_cmpuint(f->segment.drops.count[DROP_BANDWIDTH], ==, 0);
	press(f, &f->a, gateway_mac, mac_of('a'), 10 * USEC_PER_SEC);
	assert_within_5_percent(received(&f->gateway) * FRAME_LEN, 10 * RATE);
}

static void guests_share_the_network_s_limit(struct fixture *f, gconstpointer data)
{
	segment_set_bandwidth(&f->segment, &(struct bandwidth){ .in = { .average = RATE }, .out = { .average = RATE } });
	for (usec_t end = f->now + 10 * USEC_PER_SEC; f->now < end; wait_until(f, f->now + STEP)) {
		for (unsigned i = 0; i < 3; i++)
			speak(f, &f->gateway, mac_of('a'), gateway_mac, 0);
		speak(f, &f->gateway, mac_of('b'), gateway_mac, 0);
	}
	assert_within_5_percent((received(&f->a) + received(&f->b)) * FRAME_LEN, 10 * RATE);
	g_assert_cmpuint(received(&f->b) * 10, >=, received(&f->a) * 9);
}

static void both_limits_hold(struct fixture *f, gconstpointer data)
{
	segment_set_bandwidth(&f->segment, &(struct bandwidth){ .out = { .average = RATE } });
	limit_port(f, &f->a, (struct bandwidth){ .out = { .average = RATE / 4 } });
	press(f, &f->a, gateway_mac, mac_of('a'), 20 * USEC_PER_SEC);
	assert_within_5_percent(received(&f->gateway) * FRAME_LEN, 5 * RATE);
}

#define TEST(name) g_test_add("/shaper/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(average_is_exact_in_each_direction);
	TEST(what_is_below_the_limit_does_not_wait);
	TEST(frames_keep_their_order);
	TEST(burst_passes_after_a_pause_at_the_peak_rate);
	TEST(without_a_peak_the_burst_passes_at_once);
	TEST(what_waits_is_bounded_and_the_rest_is_counted);
	TEST(engine_is_told_to_wait_and_to_go_on);
	TEST(frames_that_wait_go_with_their_port);
	TEST(limit_can_be_taken_away);
	TEST(what_waits_goes_in_order_when_the_limit_is_taken_away);
	TEST(engine_goes_on_when_the_limit_is_taken_away);
	TEST(network_limit_counts_what_passes_the_gateway_only);
	TEST(guests_share_the_network_s_limit);
	TEST(both_limits_hold);
	return g_test_run();
}
