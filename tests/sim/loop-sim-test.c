/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments joined by cables and hubs in ways that make loops; time is made up.  A cable carries what it is given a
 * millisecond later.  What must hold: frames do not multiply, every guest is still reached exactly once, and a way that
 * was cut opens again when it is needed.
 */
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/loop_guard.h"
#include "lan/segment.h"
#include "support/memory_port.h"
#include "wire/eth.h"
#include "wire/loop_probe.h"

#define N_SEGMENTS 3u
#define N_CABLES 6u
#define FRAME_MAX 1514
#define STEP USEC_PER_MSEC
#define START (1000 * USEC_PER_SEC)
#define STORM_LIMIT 1000u

struct world;

/* One end of a cable; the other is a segment's port too, or a hub. */
struct plug {
	struct port port;
	struct world *world;
	unsigned segment;
	struct plug *far; /* NULL: the hub's */
	GQueue *arriving; /* GBytes */
};

struct world {
	struct segment segments[N_SEGMENTS];
	struct memory_port guests[N_SEGMENTS];
	struct plug plugs[2 * N_CABLES];
	unsigned n_plugs;
	bool uplinks; /* what is plugged in from now on */
	usec_t now;
	uint64_t carried, data; /* frames over all cables; those that are no probes */
};

static void carry(struct port *p, usec_t now, const struct frame *f)
{
	struct plug *from = container_of(p, struct plug, port);
	uint8_t *bytes = g_malloc(f->len);
	frame_copy(f, 0, bytes, f->len);
	g_autoptr(GBytes) copy = g_bytes_new_take(bytes, f->len);
	from->world->carried++;
	from->world->data += bytes[12] == 0x12;
	if (from->far)
		g_queue_push_tail(from->far->arriving, g_bytes_ref(copy));
	for (unsigned i = 0; !from->far && i < from->world->n_plugs; i++)
		if (&from->world->plugs[i] != from && !from->world->plugs[i].far)
			g_queue_push_tail(from->world->plugs[i].arriving, g_bytes_ref(copy));
}

static void carried(struct port *p, usec_t now)
{
}

static const struct port_ops plug_ops = { .send = carry, .flush = carried };

static struct plug *add_plug(struct world *w, unsigned segment)
{
	struct plug *p = &w->plugs[w->n_plugs++];
	*p = (struct plug){ .world = w, .segment = segment, .arriving = g_queue_new() };
	port_init(&p->port, &plug_ops, "plug", FRAME_MAX, 1500);
	p->port.uplink = w->uplinks;
	segment_attach(&w->segments[segment], &p->port);
	return p;
}

static void join(struct world *w, unsigned a, unsigned b)
{
	struct plug *near = add_plug(w, a), *far = add_plug(w, b);
	near->far = far;
	far->far = near;
}

static void unplug(struct world *w, struct plug *p)
{
	if (p->port.segment)
		segment_detach(p->port.segment, w->now, &p->port);
	g_queue_clear_full(p->arriving, (GDestroyNotify)g_bytes_unref);
}

static void set_up(struct world *w, gconstpointer data)
{
	*w = (struct world){ .now = START };
	for (unsigned i = 0; i < N_SEGMENTS; i++) {
		struct segment_config config = { .hash_key = { { 77 * i + 5, i } }, .storm_limit = STORM_LIMIT };
		g_assert_cmpint(segment_init(&w->segments[i], &config), ==, 0);
		memory_port_init(&w->guests[i], &w->segments[i], "guest", FRAME_MAX);
	}
}

static void tear_down(struct world *w, gconstpointer data)
{
	for (unsigned i = 0; i < w->n_plugs; i++) {
		unplug(w, &w->plugs[i]);
		g_queue_free(w->plugs[i].arriving);
	}
	for (unsigned i = 0; i < N_SEGMENTS; i++) {
		memory_port_done(&w->guests[i]);
		segment_done(&w->segments[i]);
	}
}

static void deliver(struct world *w, struct plug *p)
{
	for (unsigned n = p->arriving->length; n > 0; n--) {
		g_autoptr(GBytes) bytes = g_queue_pop_head(p->arriving);
		struct iovec iov;
		struct frame f = frame_of(&iov, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
		f.ingress = &p->port;
		if (p->port.segment)
			segment_input(p->port.segment, w->now, &p->port, &f);
		if (p->port.segment)
			segment_flush(p->port.segment, w->now);
	}
}

static void run(struct world *w, usec_t span)
{
	for (usec_t end = w->now + span; w->now < end; w->now += STEP) {
		for (unsigned i = 0; i < w->n_plugs; i++)
			deliver(w, &w->plugs[i]);
		for (unsigned i = 0; i < N_SEGMENTS; i++) {
			if (segment_deadline(&w->segments[i]) <= w->now)
				segment_expire(&w->segments[i], w->now);
			segment_flush(&w->segments[i], w->now);
		}
	}
}

static unsigned count_blocked(const struct world *w)
{
	unsigned n = 0;
	for (unsigned i = 0; i < w->n_plugs; i++)
		n += w->plugs[i].port.segment && !loop_passes(&w->plugs[i].port.loop);
	return n;
}

static void broadcast(struct world *w, unsigned guest)
{
	uint8_t buf[60] = { 0 };
	struct bytes_writer writer = bytes_writer(buf, sizeof(buf));
	struct mac src = { { 0x52, 0x54, 0, 0, 0, (uint8_t)(guest + 1) } };
	eth_emit(&writer, &(struct eth_header){ MAC_BROADCAST, src, 0x1234 });
	memory_port_input(&w->guests[guest], w->now, buf, sizeof(buf));
}

static unsigned count_received(const struct memory_port *p)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->frames->len; i++) {
		size_t len;
		const uint8_t *bytes = memory_port_frame(p, i, &len);
		n += bytes[12] == 0x12 && bytes[13] == 0x34;
	}
	return n;
}

/* Each guest hears the broadcast of each other once, over at most @hops cables each. */
static void assert_everybody_is_reached_once(struct world *w, unsigned n_segments, unsigned hops)
{
	for (unsigned from = 0; from < n_segments; from++) {
		for (unsigned i = 0; i < n_segments; i++)
			memory_port_clear(&w->guests[i]);
		uint64_t before = w->data;
		broadcast(w, from);
		run(w, 20 * STEP);
		for (unsigned i = 0; i < n_segments; i++)
			g_assert_cmpuint(count_received(&w->guests[i]), ==, i != from);
		g_assert_cmpuint(w->data - before, <=, hops);
	}
}

static void two_segments_joined_twice_lose_one_cable(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 0, 1);
	broadcast(w, 0);
	run(w, 15 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 1);
	assert_everybody_is_reached_once(w, 2, 3);
}

static void broadcast_in_a_fresh_loop_does_not_go_round_for_long(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 0, 1);
	broadcast(w, 0);
	run(w, 60 * USEC_PER_SEC);
	uint64_t before = w->carried;
	run(w, 10 * USEC_PER_SEC);
	g_assert_cmpuint(w->carried - before, <, 20);
	g_assert_cmpuint(count_blocked(w), ==, 1);
	/* The first seconds belong to the storm limits of four ports. */
	g_assert_cmpuint(w->carried, <, 4 * 5 * STORM_LIMIT);
	assert_everybody_is_reached_once(w, 2, 3);
}

static void cable_that_was_cut_is_used_when_the_other_goes(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 0, 1);
	broadcast(w, 0);
	run(w, 15 * USEC_PER_SEC);
	unsigned cut = 0;
	while (loop_passes(&w->plugs[cut].port.loop))
		cut++;
	unplug(w, &w->plugs[cut < 2 ? 2 : 0]);
	unplug(w, &w->plugs[cut < 2 ? 3 : 1]);
	run(w, LOOP_TRY_TIME + USEC_PER_SEC); /* the loop's other end is gone: it need not sit out its time */
	g_assert_cmpuint(count_blocked(w), ==, 0);
	assert_everybody_is_reached_once(w, 2, 1);
}

static void loop_that_stays_stays_cut(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 0, 1);
	broadcast(w, 0);
	run(w, 15 * USEC_PER_SEC);
	for (unsigned i = 0; i < 12; i++) {
		uint64_t before = w->carried;
		run(w, 10 * USEC_PER_SEC);
		g_assert_cmpuint(w->carried - before, <, 30);
		g_assert_cmpuint(count_blocked(w), ==, 1);
		assert_everybody_is_reached_once(w, 2, 3);
	}
}

static void ring_of_three_segments_loses_one_cable(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 1, 2);
	join(w, 2, 0);
	broadcast(w, 2);
	run(w, 30 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 1);
	assert_everybody_is_reached_once(w, 3, 4);
}

static void chain_of_segments_is_left_alone(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 1, 2);
	broadcast(w, 1);
	run(w, 60 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 0);
	assert_everybody_is_reached_once(w, 3, 2);
}

static void two_cables_to_a_switch_that_knows_nothing_lose_one(struct world *w, gconstpointer data)
{
	add_plug(w, 0);
	add_plug(w, 0);
	add_plug(w, 1);
	broadcast(w, 1);
	run(w, 15 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 1);
	g_assert_false(loop_passes(&w->plugs[1].port.loop)); /* the later one */
	assert_everybody_is_reached_once(w, 2, 2);
}

static void guest_is_blocked_rather_than_an_uplink(struct world *w, gconstpointer data)
{
	add_plug(w, 0);
	w->uplinks = true;
	add_plug(w, 0);
	run(w, 5 * USEC_PER_SEC);
	g_assert_false(loop_passes(&w->plugs[0].port.loop));
	g_assert_true(loop_passes(&w->plugs[1].port.loop));
}

/* Uplinks find out by themselves, before anybody sends anything. */
static void uplink_finds_a_loop_that_closes_later_far_away(struct world *w, gconstpointer data)
{
	w->uplinks = true;
	join(w, 0, 1);
	run(w, 20 * USEC_PER_SEC);
	add_plug(w, 0);
	run(w, 20 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 0);
	add_plug(w, 1); /* both are on the hub now */
	run(w, 20 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 1);
	assert_everybody_is_reached_once(w, 2, 3);
}

/* --- by hand, on one segment --- */

static void feed(struct world *w, struct plug *p, const void *bytes, size_t len)
{
	g_queue_push_tail(p->arriving, g_bytes_new(bytes, len));
	run(w, STEP);
}

/* The probe that was sent out of @p last; it arrives at its far end, which is not delivered. */
static GBytes *take_probe(struct world *w, struct plug *p)
{
	p->port.loop.probes_left = 1;
	p->port.loop.next_probe = w->now;
	p->world->segments[p->segment].loops.deadline = w->now;
	segment_expire(&w->segments[p->segment], w->now);
	return g_queue_pop_tail(p->far->arriving);
}

static void port_that_sends_back_what_it_gets_is_blocked(struct world *w, gconstpointer data)
{
	struct plug *p = add_plug(w, 0);
	p->far = p;
	broadcast(w, 0);
	run(w, 10 * USEC_PER_SEC);
	g_assert_false(loop_passes(&p->port.loop));
	char why[LOOP_TEXT_SIZE];
	loop_guard_describe(&w->segments[0].loops, w->now, &p->port, why);
	g_assert_nonnull(strstr(why, "blocked: a loop"));
}

/* It gets back what it sends as long as the loop is there, but can do nothing for the others by leaving. */
static void network_with_a_loop_behind_its_only_cable_stays(struct world *w, gconstpointer data)
{
	unsigned looped = GPOINTER_TO_UINT(data), other = 1 - looped;
	w->uplinks = true;
	struct plug *only = add_plug(w, other);
	w->uplinks = false;
	add_plug(w, looped);
	run(w, 7 * USEC_PER_SEC);
	add_plug(w, looped);
	broadcast(w, other);
	for (unsigned i = 0; i < 15; i++) {
		run(w, USEC_PER_SEC);
		g_assert_true(loop_passes(&only->port.loop));
	}
	g_assert_cmpuint(count_blocked(w), ==, 1);
	assert_everybody_is_reached_once(w, 2, 2);
}

static void probe_that_is_forged_or_old_blocks_nobody(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 0, 2);
	run(w, 5 * USEC_PER_SEC);
	g_autoptr(GBytes) probe = take_probe(w, &w->plugs[0]);
	for (unsigned at = ETH_HEADER_LEN; at < ETH_HEADER_LEN + 32; at++) {
		uint8_t forged[LOOP_PROBE_LEN];
		memcpy(forged, g_bytes_get_data(probe, NULL), sizeof(forged));
		forged[at] ^= 1;
		feed(w, &w->plugs[2], forged, sizeof(forged));
	}
	g_assert_cmpuint(count_blocked(w), ==, 0);
	run(w, 6 * USEC_PER_SEC);
	feed(w, &w->plugs[2], g_bytes_get_data(probe, NULL), LOOP_PROBE_LEN);
	g_assert_cmpuint(count_blocked(w), ==, 0);
}

static void guest_that_moves_is_no_loop(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	run(w, 5 * USEC_PER_SEC);
	for (unsigned i = 0; i < 10; i++) {
		uint8_t buf[60] = { 0x52, 0x54, 0, 0, 0, 9, 0x52, 0x54, 0, 0, 0, 1, 0x12, 0x34 };
		broadcast(w, 0);
		run(w, 500 * STEP);
		feed(w, &w->plugs[0], buf, sizeof(buf));
		run(w, 500 * STEP);
	}
	g_assert_cmpuint(count_blocked(w), ==, 0);
}

static void silent_ports_are_not_probed_and_idle_ones_not_for_long(struct world *w, gconstpointer data)
{
	add_plug(w, 0);
	run(w, 10 * USEC_PER_SEC);
	g_assert_cmpuint(w->carried, ==, 0);
	g_assert_cmpuint(segment_deadline(&w->segments[0]), ==, USEC_INFINITY);
	broadcast(w, 0);
	run(w, 10 * USEC_PER_SEC);
	g_assert_cmpuint(segment_deadline(&w->segments[0]), ==, USEC_INFINITY);
}

static void blocked_port_counts_what_it_does_not_pass(struct world *w, gconstpointer data)
{
	add_plug(w, 0);
	add_plug(w, 0);
	broadcast(w, 0);
	run(w, USEC_PER_SEC);
	struct port *blocked = &w->plugs[1].port;
	g_assert_false(loop_passes(&blocked->loop));
	uint64_t before = blocked->counters.drops.count[DROP_LOOP];
	broadcast(w, 0);
	run(w, 10 * STEP);
	g_assert_cmpuint(blocked->counters.drops.count[DROP_LOOP], ==, before + 1);
}

#define TEST(name) g_test_add("/loop-sim/" #name, struct world, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(two_segments_joined_twice_lose_one_cable);
	TEST(broadcast_in_a_fresh_loop_does_not_go_round_for_long);
	TEST(cable_that_was_cut_is_used_when_the_other_goes);
	TEST(loop_that_stays_stays_cut);
	TEST(ring_of_three_segments_loses_one_cable);
	TEST(chain_of_segments_is_left_alone);
	TEST(two_cables_to_a_switch_that_knows_nothing_lose_one);
	TEST(guest_is_blocked_rather_than_an_uplink);
	TEST(uplink_finds_a_loop_that_closes_later_far_away);
	TEST(port_that_sends_back_what_it_gets_is_blocked);
	for (unsigned looped = 0; looped < 2; looped++) {
		g_autofree char *path = g_strdup_printf("/loop-sim/network_with_a_loop_behind_its_only_cable_stays/%u", looped);
		g_test_add(path, struct world, GUINT_TO_POINTER(looped), set_up, network_with_a_loop_behind_its_only_cable_stays,
			   tear_down);
	}
	TEST(probe_that_is_forged_or_old_blocks_nobody);
	TEST(guest_that_moves_is_no_loop);
	TEST(silent_ports_are_not_probed_and_idle_ones_not_for_long);
	TEST(blocked_port_counts_what_it_does_not_pass);
	return g_test_run();
}
