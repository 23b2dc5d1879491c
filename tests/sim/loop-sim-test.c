/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments joined by cables and hubs so that there are loops, in simulated time.  A cable delivers a frame after a
 * millisecond.  Frames must not multiply, every guest must be reached exactly once, and a blocked port must open again
 * when its path is needed.
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

/* One end of a cable, a port of a segment; the other end is another port or a hub. */
struct plug {
	struct port port;
	struct world *world;
	unsigned segment;
	struct plug *far; /* NULL: the hub */
	GQueue *arriving; /* GBytes */
};

struct world {
	struct segment segments[N_SEGMENTS];
	struct memory_port guests[N_SEGMENTS];
	struct plug plugs[2 * N_CABLES];
	unsigned n_plugs;
	bool uplinks; /* for ports added from now on */
	usec_t now;
	uint64_t carried, data; /* all frames over cables; frames that are not probes */
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

/* Each guest receives the broadcast of each other guest once, over at most @hops cables. */
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

static void one_of_two_cables_between_segments_is_blocked(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 0, 1);
	broadcast(w, 0);
	run(w, 15 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 1);
	assert_everybody_is_reached_once(w, 2, 3);
}

static void broadcast_in_a_new_loop_stops_soon(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 0, 1);
	broadcast(w, 0);
	run(w, 60 * USEC_PER_SEC);
	uint64_t before = w->carried;
	run(w, 10 * USEC_PER_SEC);
	g_assert_cmpuint(w->carried - before, <, 20);
	g_assert_cmpuint(count_blocked(w), ==, 1);
	/* In the first seconds the storm limits of four ports apply. */
	g_assert_cmpuint(w->carried, <, 4 * 5 * STORM_LIMIT);
	assert_everybody_is_reached_once(w, 2, 3);
}

static void blocked_cable_is_used_when_the_other_is_removed(struct world *w, gconstpointer data)
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
	run(w, LOOP_TRY_TIME + USEC_PER_SEC); /* the loop is open: the port need not wait for its full time */
	g_assert_cmpuint(count_blocked(w), ==, 0);
	assert_everybody_is_reached_once(w, 2, 1);
}

static void lasting_loop_stays_blocked(struct world *w, gconstpointer data)
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

static void one_cable_of_a_ring_is_blocked(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 1, 2);
	join(w, 2, 0);
	broadcast(w, 2);
	run(w, 30 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 1);
	assert_everybody_is_reached_once(w, 3, 4);
}

static void chain_of_segments_is_not_blocked(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 1, 2);
	broadcast(w, 1);
	run(w, 60 * USEC_PER_SEC);
	g_assert_cmpuint(count_blocked(w), ==, 0);
	assert_everybody_is_reached_once(w, 3, 2);
}

static void one_of_two_cables_to_a_hub_is_blocked(struct world *w, gconstpointer data)
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

/* Uplinks are probed before any guest sends a frame. */
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

/* --- probes made by the test, on one segment --- */

static void feed(struct world *w, struct plug *p, const void *bytes, size_t len)
{
	g_queue_push_tail(p->arriving, g_bytes_new(bytes, len));
	run(w, STEP);
}

/* The last probe sent out of @p, which is not delivered. */
static GBytes *take_probe(struct world *w, struct plug *p)
{
	p->port.loop.probed_at = 0; /* may be probed again at once */
	loop_guard_suspect(&w->segments[p->segment].loops, w->now, &p->port);
	segment_expire(&w->segments[p->segment], w->now);
	return g_queue_pop_tail(p->far->arriving);
}

/* The guard looks at the ports in this list only, however many there are. */
static void ports_that_wait_for_nothing_cost_nothing(struct world *w, gconstpointer data)
{
	const struct loop_guard *loops = &w->segments[0].loops;
	broadcast(w, 0);
	run(w, STEP);
	g_assert_false(list_empty(&loops->due));
	run(w, 4 * USEC_PER_SEC);
	g_assert_true(list_empty(&loops->due));
	g_assert_cmpuint(loop_guard_deadline(loops), ==, USEC_INFINITY);
}

static void port_that_reflects_frames_is_blocked(struct world *w, gconstpointer data)
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

/* The port gets its own frames back while the loop exists, but blocking it would not help the others. */
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

static void forged_or_old_probe_blocks_no_port(struct world *w, gconstpointer data)
{
	join(w, 0, 1);
	join(w, 0, 2);
	run(w, 5 * USEC_PER_SEC);
	g_autoptr(GBytes) probe = take_probe(w, &w->plugs[0]);
	/* From the tag on backwards: once probes of another segment were heard, blocking is left to that one. */
	for (unsigned at = ETH_HEADER_LEN + 31; at >= ETH_HEADER_LEN; at--) {
		uint8_t forged[LOOP_PROBE_LEN];
		memcpy(forged, g_bytes_get_data(probe, NULL), sizeof(forged));
		forged[at] ^= 1;
		feed(w, &w->plugs[2], forged, sizeof(forged));
		g_assert_cmpuint(count_blocked(w), ==, 0);
	}
	run(w, 6 * USEC_PER_SEC);
	feed(w, &w->plugs[2], g_bytes_get_data(probe, NULL), LOOP_PROBE_LEN);
	g_assert_cmpuint(count_blocked(w), ==, 0);
}

static void guest_that_moves_is_not_a_loop(struct world *w, gconstpointer data)
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

static void blocked_port_counts_its_drops(struct world *w, gconstpointer data)
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
	TEST(one_of_two_cables_between_segments_is_blocked);
	TEST(broadcast_in_a_new_loop_stops_soon);
	TEST(blocked_cable_is_used_when_the_other_is_removed);
	TEST(lasting_loop_stays_blocked);
	TEST(one_cable_of_a_ring_is_blocked);
	TEST(chain_of_segments_is_not_blocked);
	TEST(one_of_two_cables_to_a_hub_is_blocked);
	TEST(guest_is_blocked_rather_than_an_uplink);
	TEST(uplink_finds_a_loop_that_closes_later_far_away);
	TEST(ports_that_wait_for_nothing_cost_nothing);
	TEST(port_that_reflects_frames_is_blocked);
	for (unsigned looped = 0; looped < 2; looped++) {
		g_autofree char *path = g_strdup_printf("/loop-sim/network_with_a_loop_behind_its_only_cable_stays/%u", looped);
		g_test_add(path, struct world, GUINT_TO_POINTER(looped), set_up, network_with_a_loop_behind_its_only_cable_stays,
			   tear_down);
	}
	TEST(forged_or_old_probe_blocks_no_port);
	TEST(guest_that_moves_is_not_a_loop);
	TEST(silent_ports_are_not_probed_and_idle_ones_not_for_long);
	TEST(blocked_port_counts_its_drops);
	return g_test_run();
}
