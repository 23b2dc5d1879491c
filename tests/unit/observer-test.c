/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "support/memory_port.h"
#include "support/tcp_segment.h"
#include "wire/eth.h"

#define FRAME_MAX 1514

struct sight {
	char what; /* 'i', 'o', 'w' for own, 'd', 'g', 't' */
	unsigned port;
	size_t len;
	enum drop_reason why;
};

struct fixture {
	struct segment segment;
	struct memory_port a, b, c;
	struct observer observer;
	GArray *sights; /* struct sight */
};

static void saw(struct observer *o, struct sight s)
{
	g_array_append_val(container_of(o, struct fixture, observer)->sights, s);
}

static void saw_frame(struct observer *o, const struct port *p, enum observed how, const struct frame *f)
{
	saw(o, (struct sight){ .what = "iow"[how], .port = p->id, .len = f->len });
}

static void saw_drop(struct observer *o, const struct port *p, enum drop_reason why, const struct frame *f)
{
	saw(o, (struct sight){ .what = 'd', .port = p ? p->id : 0, .len = f ? f->len : 0, .why = why });
}

static void saw_port_go(struct observer *o, const struct port *p)
{
	saw(o, (struct sight){ .what = 'g', .port = p->id });
}

static void saw_turn_end(struct observer *o)
{
	saw(o, (struct sight){ .what = 't' });
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	memory_port_init(&f->a, &f->segment, "a", FRAME_MAX);
	memory_port_init(&f->b, &f->segment, "b", FRAME_MAX);
	memory_port_init(&f->c, &f->segment, "c", FRAME_MAX);
	f->sights = g_array_new(FALSE, FALSE, sizeof(struct sight));
	f->observer = (struct observer){ .frame = saw_frame, .drop = saw_drop, .port_gone = saw_port_go, .turn_ends = saw_turn_end };
	segment_observe(&f->segment, &f->observer);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	memory_port_done(&f->a);
	memory_port_done(&f->b);
	memory_port_done(&f->c);
	segment_done(&f->segment);
	g_array_unref(f->sights);
}

static void input(struct memory_port *p, struct mac dst, struct mac src, size_t payload)
{
	uint8_t buf[FRAME_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	eth_emit(&w, &(struct eth_header){ dst, src, 0x88b5 });
	bytes_put_zeros(&w, payload);
	memory_port_input(p, 0, buf, w.len);
}

static const struct mac mac_a = { { 2, 0, 0, 0, 0, 1 } }, mac_b = { { 2, 0, 0, 0, 0, 2 } };

/* "i1 o2 t": what was seen at which port. */
static void assert_saw(struct fixture *f, const char *expected)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (unsigned i = 0; i < f->sights->len; i++) {
		const struct sight *s = &g_array_index(f->sights, struct sight, i);
		g_string_append_printf(text, "%s%c", i ? " " : "", s->what);
		if (s->what != 't')
			g_string_append_printf(text, "%u", s->port);
	}
	g_assert_cmpstr(text->str, ==, expected);
	g_array_set_size(f->sights, 0);
}

static void frame_is_seen_where_it_enters_and_where_it_leaves(struct fixture *f, gconstpointer data)
{
	input(&f->a, MAC_BROADCAST, mac_a, 46);
	g_assert_cmpuint(g_array_index(f->sights, struct sight, 0).len, ==, 60);
	assert_saw(f, "i1 o2 o3 t");
	input(&f->b, mac_a, mac_b, 46);
	assert_saw(f, "i2 o1 t");
}

static void drop_is_seen_with_its_reason_and_frame(struct fixture *f, gconstpointer data)
{
	input(&f->a, mac_b, MAC_BROADCAST, 50);
	const struct sight *drop = &g_array_index(f->sights, struct sight, 1);
	g_assert_cmpint(drop->why, ==, DROP_SOURCE_MAC);
	g_assert_cmpuint(drop->len, ==, 64);
	assert_saw(f, "i1 d1 t");
	segment_drop(&f->segment, NULL, DROP_VDE_REQUEST, NULL);
	assert_saw(f, "d0");
}

static void ignore_flush(void *opaque, usec_t now)
{
}

static size_t make_segment(bool v6, uint8_t bytes[static 200], struct mac src, uint32_t seq, size_t len)
{
	return (v6 ? tcp_segment_make6 : tcp_segment_make)(bytes, 200, mac_b, src, seq, len);
}

/* The gateway is port 2. */
static void segments_that_are_joined_are_seen_one_by_one(struct fixture *f, gconstpointer v6)
{
	uint8_t bytes[3][200];
	f->segment.gateway = (struct segment_gateway){ .port = &f->b.port, .mac = mac_b, .flush = ignore_flush };
	f->b.port.offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6;
	for (unsigned i = 0; i < 3; i++) {
		size_t len = make_segment(v6, bytes[i], mac_a, i * 100, 100);
		segment_input_batch(&f->segment, 0, &f->a.port, bytes[i], len, i < 2);
	}
	assert_saw(f, "i1 i1 i1");
	segment_flush(&f->segment, 0);
	assert_saw(f, "o2 t");
	f->segment.gateway.port = NULL;
}

/* The gateway is port 2, and its MAC is the source. */
static void drops_of_segments_that_were_joined_are_seen_one_by_one(struct fixture *f, gconstpointer v6)
{
	static const size_t payloads[] = { 100, 100, 30 };
	size_t headers_len = v6 ? TCP_SEGMENT_HEADERS6_LEN : TCP_SEGMENT_HEADERS_LEN;
	uint8_t bytes[3][200];
	f->segment.gateway = (struct segment_gateway){ .port = &f->b.port, .mac = mac_b, .flush = ignore_flush };
	for (unsigned i = 0; i < 3; i++) {
		size_t len = make_segment(v6, bytes[i], mac_b, i * 100, payloads[i]);
		segment_input_batch(&f->segment, 0, &f->a.port, bytes[i], len, i < 2);
	}
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_GATEWAY_MAC], ==, 3);
	for (unsigned i = 0; i < 3; i++)
		g_assert_cmpuint(g_array_index(f->sights, struct sight, 3 + i).len, ==, headers_len + payloads[i]);
	assert_saw(f, "i1 i1 i1 d1 d1 d1 t");
	f->segment.gateway.port = NULL;
}

static void detached_port_is_reported(struct fixture *f, gconstpointer data)
{
	segment_detach(&f->segment, 0, &f->b.port);
	assert_saw(f, "g2");
	segment_attach(&f->segment, &f->b.port);
}

static void queries_of_the_switch_itself_are_its_own(struct fixture *f, gconstpointer data)
{
	input(&f->a, mac_b, mac_a, 46); /* a port that has sent a frame is probed for loops */
	memory_port_clear(&f->a);
	memory_port_clear(&f->b);
	memory_port_clear(&f->c);
	g_array_set_size(f->sights, 0);
	usec_t now = segment_deadline(&f->segment);
	g_assert_cmpuint(now, !=, USEC_INFINITY);
	segment_expire(&f->segment, now);
	g_assert_cmpuint(f->sights->len, >, 0);
	g_assert_cmpuint(f->sights->len, ==, f->a.frames->len + f->b.frames->len + f->c.frames->len);
	for (unsigned i = 0; i < f->sights->len; i++)
		g_assert_cmpint(g_array_index(f->sights, struct sight, i).what, ==, 'w');
	segment_flush(&f->segment, now);
}

static void each_observer_sees_frames_until_it_is_removed(struct fixture *f, gconstpointer data)
{
	struct fixture other = { .sights = g_array_new(FALSE, FALSE, sizeof(struct sight)), .observer = f->observer };
	segment_observe(&f->segment, &other.observer);
	input(&f->a, MAC_BROADCAST, mac_a, 46);
	assert_saw(f, "i1 o2 o3 t");
	assert_saw(&other, "i1 o2 o3 t");
	segment_unobserve(&f->segment, &f->observer);
	segment_unobserve(&f->segment, &f->observer);
	input(&f->a, MAC_BROADCAST, mac_a, 46);
	assert_saw(f, "");
	assert_saw(&other, "i1 o2 o3 t");
	segment_unobserve(&f->segment, &other.observer);
	input(&f->a, MAC_BROADCAST, mac_a, 46);
	assert_saw(&other, "");
	g_array_unref(other.sights);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/observer/" #name, struct fixture, NULL, set_up, name, tear_down)
#define TEST6(name) g_test_add("/observer/ipv6/" #name, struct fixture, GINT_TO_POINTER(1), set_up, name, tear_down)
	TEST(frame_is_seen_where_it_enters_and_where_it_leaves);
	TEST(drop_is_seen_with_its_reason_and_frame);
	TEST(segments_that_are_joined_are_seen_one_by_one);
	TEST6(segments_that_are_joined_are_seen_one_by_one);
	TEST(drops_of_segments_that_were_joined_are_seen_one_by_one);
	TEST6(drops_of_segments_that_were_joined_are_seen_one_by_one);
	TEST(detached_port_is_reported);
	TEST(queries_of_the_switch_itself_are_its_own);
	TEST(each_observer_sees_frames_until_it_is_removed);
	return g_test_run();
}
