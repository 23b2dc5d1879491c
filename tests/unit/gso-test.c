/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/gso.h"
#include "sample-frame.h"

struct fixture {
	struct arena arena;
	struct collected out;
	struct sample s;
};

static void setup(struct fixture *f, gconstpointer unused)
{
	arena_init(&f->arena, (size_t)64 << 20);
	f->out.arena = &f->arena;
	f->s = (struct sample){ .partial = true, .tcp_flags = TCP_ACK, .payload_len = 10000 };
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	arena_done(&f->arena);
}

static int segment(struct fixture *f, enum frame_gso gso, uint16_t gso_size, bool partial)
{
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct packet p = parsed(&frame, &f->arena);
	frame.gso = gso;
	frame.gso_size = gso_size;
	f->out.n = 0;
	return gso_segment(&p, partial, collect, &f->out);
}

/* Each segment by itself: headers, checksum, place in the stream.  Together: the payload. */
static void assert_segments_equal_the_super_frame(struct fixture *f, uint16_t gso_size)
{
	size_t at = 0;
	g_assert_cmpuint(f->out.n, ==, (f->s.payload_len + gso_size - 1) / gso_size);
	for (unsigned i = 0; i < f->out.n; i++) {
		struct packet p = assert_checksum_right(&f->out, i);
		const uint8_t *bytes = collected_bytes(&f->out, i);
		g_assert_cmpuint(packet_end(&p), ==, f->out.frames[i].len);
		g_assert_cmpuint(p.l4_offset, ==, f->s.l4_offset);
		g_assert_cmpmem(bytes, p.l3_offset, f->s.bytes, f->s.l3_offset);
		if (!f->s.v6)
			g_assert_cmpuint(p.ip.id, ==, (uint16_t)(SAMPLE_ID + i));
		struct bytes_reader r = bytes_reader(bytes + p.l4_offset, p.l4_len);
		if (f->s.udp) {
			struct udp_header udp;
			g_assert_cmpint(udp_parse(&r, &udp), ==, 0);
			g_assert_cmpuint(udp.len, ==, p.l4_len);
			g_assert_cmpuint(udp.dst_port, ==, 2000);
		} else {
			struct tcp_header tcp;
			g_assert_cmpint(tcp_parse(&r, &tcp), ==, 0);
			g_assert_cmpuint(tcp.seq, ==, (uint32_t)(SAMPLE_SEQ + at));
			g_assert_cmpuint(tcp.ack, ==, 5);
			g_assert_cmpuint(tcp.ts_value, ==, 77);
		}
		g_assert_cmpuint(r.left, ==, MIN((size_t)gso_size, f->s.payload_len - at));
		g_assert_cmpmem(r.at, r.left, f->s.bytes + f->s.payload_offset + at, r.left);
		at += r.left;
	}
	g_assert_cmpuint(at, ==, f->s.payload_len);
}

static void random_super_frames_fall_into_right_segments(struct fixture *f, gconstpointer unused)
{
	for (int round = 0; round < 600; round++) {
		arena_reset(&f->arena);
		f->s.v6 = g_test_rand_bit();
		f->s.udp = g_test_rand_bit();
		f->s.tags = (unsigned)g_test_rand_int_range(0, 3);
		f->s.extensions = f->s.v6 ? (unsigned)g_test_rand_int_range(0, 3) : 0;
		f->s.ip_options_len = f->s.v6 ? 0 : (uint8_t)(4 * g_test_rand_int_range(0, 11));
		memset(f->s.ip_options, 1, sizeof(f->s.ip_options));
		f->s.partial = g_test_rand_int_range(0, 8) > 0;
		f->s.payload_len = (size_t)g_test_rand_int_range(1, 65000);
		uint16_t gso_size = (uint16_t)g_test_rand_int_range(80, 9000);
		enum frame_gso gso = f->s.udp ? FRAME_GSO_UDP : f->s.v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4;
		bool partial = g_test_rand_bit();
		g_assert_cmpint(segment(f, gso, gso_size, partial), ==, 0);
		for (unsigned i = 0; i < f->out.n; i++)
			g_assert_cmpint(f->out.frames[i].checksum, ==, partial ? FRAME_CHECKSUM_PARTIAL : FRAME_CHECKSUM_VERIFIED);
		assert_segments_equal_the_super_frame(f, gso_size);
	}
}

static uint8_t flags_of(const struct fixture *f, unsigned i)
{
	return collected_bytes(&f->out, i)[f->s.l4_offset + 13];
}

static void fin_and_push_go_last_and_cwr_first(struct fixture *f, gconstpointer unused)
{
	f->s.tcp_flags = TCP_ACK | TCP_FIN | TCP_PSH | TCP_CWR | TCP_ECE;
	g_assert_cmpint(segment(f, FRAME_GSO_TCP4, 4000, false), ==, 0);
	g_assert_cmpuint(f->out.n, ==, 3);
	g_assert_cmphex(flags_of(f, 0), ==, TCP_ACK | TCP_ECE | TCP_CWR);
	g_assert_cmphex(flags_of(f, 1), ==, TCP_ACK | TCP_ECE);
	g_assert_cmphex(flags_of(f, 2), ==, TCP_ACK | TCP_ECE | TCP_FIN | TCP_PSH);
}

static void one_segment_keeps_all_flags(struct fixture *f, gconstpointer unused)
{
	f->s.tcp_flags = TCP_ACK | TCP_FIN | TCP_PSH | TCP_CWR;
	f->s.payload_len = 1000;
	g_assert_cmpint(segment(f, FRAME_GSO_TCP4, 1000, false), ==, 0);
	g_assert_cmpuint(f->out.n, ==, 1);
	g_assert_cmphex(flags_of(f, 0), ==, f->s.tcp_flags);
}

static void frame_that_contradicts_its_gso_type_is_refused(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(segment(f, FRAME_GSO_TCP6, 1000, false), ==, -EBADMSG);
	g_assert_cmpint(segment(f, FRAME_GSO_UDP, 1000, false), ==, -EBADMSG);
	g_assert_cmpint(segment(f, FRAME_GSO_TCP4, 0, false), ==, -EBADMSG);
	f->s.v6 = true;
	g_assert_cmpint(segment(f, FRAME_GSO_TCP4, 1000, false), ==, -EBADMSG);
	f->s.udp = true;
	g_assert_cmpint(segment(f, FRAME_GSO_TCP6, 1000, false), ==, -EBADMSG);
	g_assert_cmpuint(f->out.n, ==, 0);
}

/* A guest that announces segments of one byte would make us build 64,000 frames of one. */
static void number_of_segments_is_bounded(struct fixture *f, gconstpointer unused)
{
	f->s.payload_len = GSO_SEGMENTS_MAX;
	g_assert_cmpint(segment(f, FRAME_GSO_TCP4, 1, false), ==, 0);
	f->s.payload_len++;
	g_assert_cmpint(segment(f, FRAME_GSO_TCP4, 1, false), ==, -EBADMSG);
	g_assert_cmpuint(f->out.n, ==, 0);
}

static void payload_is_not_copied(struct fixture *f, gconstpointer unused)
{
	f->s.payload_len = 60000;
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct packet p = parsed(&frame, &f->arena);
	struct iovec one = { f->s.bytes, frame.len };
	frame.iov = &one;
	frame.n_iov = 1;
	frame.gso = FRAME_GSO_TCP4;
	frame.gso_size = 1448;
	struct arena headers;
	arena_init(&headers, 60000);
	p.arena = &headers;
	g_assert_cmpint(gso_segment(&p, true, collect, &f->out), ==, 0);
	g_assert_cmpuint(headers.used, <, 42 * (96 + FRAME_HEADROOM));
	arena_done(&headers);
}

static void without_memory_an_error_is_returned(struct fixture *f, gconstpointer unused)
{
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct packet p = parsed(&frame, &f->arena);
	frame.gso = FRAME_GSO_TCP4;
	frame.gso_size = 100;
	f->arena.limit = f->arena.used + 30000; /* the copies of the collector count too */
	f->out.arena = &(struct arena){ .limit = (size_t)1 << 20 };
	g_assert_cmpint(gso_segment(&p, true, collect, &f->out), ==, 0);
	f->arena.limit = f->arena.used + 300;
	g_assert_cmpint(gso_segment(&p, true, collect, &f->out), ==, -ENOMEM);
	arena_done(f->out.arena);
}

#define ADD(name) g_test_add("/gso/" #name, struct fixture, NULL, setup, name, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(random_super_frames_fall_into_right_segments);
	ADD(fin_and_push_go_last_and_cwr_first);
	ADD(one_segment_keeps_all_flags);
	ADD(frame_that_contradicts_its_gso_type_is_refused);
	ADD(number_of_segments_is_bounded);
	ADD(payload_is_not_copied);
	ADD(without_memory_an_error_is_returned);
	return g_test_run();
}
