/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/gro.h"
#include "lan/gso.h"
#include "sample-frame.h"

#define MSS 1448

struct fixture {
	struct arena arena;
	struct collected segments; /* what goes in, made by cutting a sample up */
	struct collected out;
	struct sample s;
	struct gro gro;
};

static void setup(struct fixture *f, gconstpointer unused)
{
	arena_init(&f->arena, (size_t)64 << 20);
	f->segments.arena = f->out.arena = &f->arena;
	f->s = (struct sample){ .partial = true, .dont_fragment = true, .tcp_flags = TCP_ACK };
	gro_init(&f->gro, &sample_dst, &f->arena, collect, &f->out);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	arena_done(&f->arena);
}

/* Fills f->segments with segments of @mss bytes and @len in all. */
static void make_segments(struct fixture *f, size_t len, uint16_t mss)
{
	f->s.payload_len = len;
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct packet p = parsed(&frame, &f->arena);
	frame.gso = f->s.v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4;
	frame.gso_size = mss;
	f->segments.n = 0;
	g_assert_cmpint(gso_segment(&p, false, collect, &f->segments), ==, 0);
	for (unsigned i = 0; i < f->segments.n; i++)
		f->segments.frames[i].checksum = FRAME_CHECKSUM_COMPLETE;
}

static uint8_t *segment_bytes(struct fixture *f, unsigned i)
{
	return f->segments.frames[i].iov[0].iov_base;
}

static void put_frame_in(struct fixture *f, const struct frame *frame)
{
	g_assert_cmpuint(frame->n_iov, ==, 1);
	if (!gro_take(&f->gro, frame->ingress, frame->iov[0].iov_base, frame->len))
		collect(&f->out, frame);
}

static void put_in(struct fixture *f, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		put_frame_in(f, &f->segments.frames[i]);
}

static void put_all_in(struct fixture *f)
{
	put_in(f, 0, f->segments.n);
	gro_flush(&f->gro);
}

/* Sets the IP and TCP checksums of a segment that was changed. */
static void repair(struct fixture *f, unsigned i)
{
	uint8_t *bytes = segment_bytes(f, i);
	memset(bytes + f->s.l3_offset + 10, 0, 2);
	memset(bytes + f->s.l4_offset + 16, 0, 2);
	struct checksum ip = { 0 };
	checksum_add(&ip, bytes + f->s.l3_offset, f->s.l4_offset - f->s.l3_offset);
	struct bytes_writer w = bytes_writer(bytes + f->s.l3_offset + 10, 2);
	bytes_put_be16(&w, checksum_value(&ip));
	struct packet p = parsed(&f->segments.frames[i], &f->arena);
	w = bytes_writer(bytes + f->s.l4_offset + 16, 2);
	bytes_put_be16(&w, (uint16_t)~sample_layer4_sum(&p, bytes, false));
}

/* Cuts what came out up again and compares it with what went in, byte by byte. */
static void assert_cutting_gives_the_segments_back(struct fixture *f)
{
	struct collected again = { .arena = &f->arena };
	for (unsigned i = 0; i < f->out.n; i++) {
		const struct frame *frame = &f->out.frames[i];
		if (frame->gso == FRAME_GSO_NONE) {
			collect(&again, frame);
			continue;
		}
		struct packet p = parsed(frame, &f->arena);
		g_assert_cmpint(gso_segment(&p, false, collect, &again), ==, 0);
	}
	g_assert_cmpuint(again.n, ==, f->segments.n);
	for (unsigned i = 0; i < again.n; i++)
		g_assert_cmpmem(collected_bytes(&again, i), again.frames[i].len, segment_bytes(f, i), f->segments.frames[i].len);
}

static void segments_join_and_cutting_gives_them_back(struct fixture *f, gconstpointer unused)
{
	for (int round = 0; round < 300; round++) {
		uint16_t mss = (uint16_t)g_test_rand_int_range(80, 9000);
		f->s.tcp_flags = g_test_rand_bit() ? TCP_ACK : TCP_ACK | TCP_PSH;
		make_segments(f, (size_t)g_test_rand_int_range(1, 65000), mss);
		f->out.n = 0;
		put_all_in(f);
		g_assert_cmpuint(f->out.n, ==, (f->segments.n + FRAME_IOV_MAX - 2) / (FRAME_IOV_MAX - 1));
		assert_cutting_gives_the_segments_back(f);
		arena_reset(&f->arena);
	}
}

static void super_frame_carries_its_offload_metadata(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 3 * MSS, MSS);
	for (unsigned i = 0; i < 3; i++)
		f->segments.frames[i].ingress = (struct port *)f;
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 1);
	const struct frame *super = &f->out.frames[0];
	g_assert_cmpint(super->gso, ==, FRAME_GSO_TCP4);
	g_assert_cmpuint(super->gso_size, ==, MSS);
	g_assert_cmpint(super->checksum, ==, FRAME_CHECKSUM_PARTIAL);
	g_assert_cmpuint(super->csum_start, ==, f->s.l4_offset);
	g_assert_cmpuint(super->csum_offset, ==, 16);
	g_assert_true(super->ingress == (struct port *)f);
	g_assert_cmpuint(super->len, ==, f->s.payload_offset + 3 * MSS);
}

static void single_segment_passes_unchanged_and_verified(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 500, MSS);
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 1);
	g_assert_cmpint(f->out.frames[0].gso, ==, FRAME_GSO_NONE);
	g_assert_cmpint(f->out.frames[0].checksum, ==, FRAME_CHECKSUM_VERIFIED);
	assert_cutting_gives_the_segments_back(f);
}

static void frames_for_other_macs_are_not_joined(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 4 * MSS, MSS);
	struct mac other = sample_dst;
	other.b[5]++;
	f->gro.destination = &other;
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 4);
	for (unsigned i = 0; i < 4; i++)
		g_assert_cmpint(f->out.frames[i].checksum, ==, FRAME_CHECKSUM_COMPLETE);
}

static void a_push_is_not_kept_waiting(struct fixture *f, gconstpointer unused)
{
	f->s.tcp_flags = TCP_ACK | TCP_PSH;
	make_segments(f, 3 * MSS, MSS);
	put_in(f, 0, 3);
	g_assert_cmpuint(f->out.n, ==, 1);
	g_assert_cmphex(collected_bytes(&f->out, 0)[f->s.l4_offset + 13], ==, TCP_ACK | TCP_PSH);
}

static void a_short_segment_is_the_last(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 2 * MSS + 10, MSS);
	put_in(f, 0, 3);
	g_assert_cmpuint(f->out.n, ==, 1);
	assert_cutting_gives_the_segments_back(f);
}

/* Takes @cut bytes off the end of segment @i. */
static void shorten(struct fixture *f, unsigned i, size_t cut)
{
	struct frame *frame = &f->segments.frames[i];
	struct iovec *iov = (struct iovec *)(uintptr_t)frame->iov;
	frame->len -= cut;
	iov->iov_len -= cut;
	struct bytes_writer w = bytes_writer(segment_bytes(f, i) + f->s.l3_offset + 2, 2);
	bytes_put_be16(&w, (uint16_t)(frame->len - f->s.l3_offset));
	repair(f, i);
}

/* Of a super-frame, every segment but the last is as long as the first. */
static void a_longer_segment_does_not_join_a_shorter_one(struct fixture *f, gconstpointer unused)
{
	const uint32_t cut = MSS - 100;
	make_segments(f, 2 * MSS, MSS);
	shorten(f, 0, cut);
	uint8_t *seq = segment_bytes(f, 1) + f->s.l4_offset + 4;
	struct bytes_reader r = bytes_reader(seq, 4);
	uint32_t value = bytes_get_be32(&r) - cut;
	struct bytes_writer w = bytes_writer(seq, 4);
	bytes_put_be32(&w, value);
	repair(f, 1);
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 2);
	assert_cutting_gives_the_segments_back(f);
}

static void segments_do_not_join_over_a_gap(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 5 * MSS, MSS);
	put_in(f, 0, 2);
	put_in(f, 3, 5);
	gro_flush(&f->gro);
	g_assert_cmpuint(f->out.n, ==, 2);
	put_in(f, 1, 2);
	put_in(f, 0, 1);
	gro_flush(&f->gro);
	g_assert_cmpuint(f->out.n, ==, 4);
}

static void a_super_frame_is_no_longer_than_ip_allows(struct fixture *f, gconstpointer unused)
{
	size_t at = 0;
	for (int round = 0; round < 3; round++) {
		make_segments(f, 20 * MSS, MSS);
		for (unsigned i = 0; i < f->segments.n; i++, at += MSS) {
			uint32_t seq = SAMPLE_SEQ + (uint32_t)at;
			struct bytes_writer w = bytes_writer(segment_bytes(f, i) + f->s.l4_offset + 4, 4);
			bytes_put_be32(&w, seq);
			repair(f, i);
		}
		put_in(f, 0, 20);
	}
	gro_flush(&f->gro);
	g_assert_cmpuint(f->out.n, ==, 2);
	g_assert_cmpuint(f->out.frames[0].len, ==, f->s.payload_offset + 45 * MSS);
	g_assert_cmpuint(f->out.frames[1].len, ==, f->s.payload_offset + 15 * MSS);
}

/* Where a byte of the second of three segments is changed; offsets from the IP header. */
static const struct change {
	const char *what;
	size_t at;
	uint8_t flip;
	bool verified; /* it is data all the same */
} changes[] = {
	{ "type of service", 1, 0x04, true }, { "don't fragment", 6, 0x40, true },    { "more fragments", 6, 0x20, false },
	{ "time to live", 8, 0x01, true },    { "source address", 15, 0x01, true },   { "destination address", 19, 0x01, true },
	{ "source port", 21, 0x01, true },    { "destination port", 23, 0x01, true }, { "acknowledgment", 31, 0x01, true },
	{ "FIN", 33, TCP_FIN, false },        { "SYN", 33, TCP_SYN, false },          { "RST", 33, TCP_RST, false },
	{ "URG", 33, TCP_URG, false },        { "ECE", 33, TCP_ECE, false },          { "CWR", 33, TCP_CWR, false },
	{ "no ACK", 33, TCP_ACK, false },     { "window", 35, 0x01, true },           { "timestamp", 47, 0x01, true },
};

static void a_segment_with_other_headers_does_not_join(struct fixture *f, gconstpointer unused)
{
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		const struct change *c = &changes[i];
		g_test_message("%s", c->what);
		make_segments(f, 3 * MSS, MSS);
		segment_bytes(f, 1)[f->s.l3_offset + c->at] ^= c->flip;
		repair(f, 1);
		f->out.n = 0;
		put_all_in(f);
		g_assert_cmpuint(f->out.n, ==, 3);
		g_assert_cmpint(f->out.frames[1].checksum, ==, c->verified ? FRAME_CHECKSUM_VERIFIED : FRAME_CHECKSUM_COMPLETE);
		assert_cutting_gives_the_segments_back(f);
	}
}

static void a_segment_from_another_mac_does_not_join(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 3 * MSS, MSS);
	segment_bytes(f, 1)[11] ^= 1;
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 3);
}

static void a_segment_from_another_port_does_not_join(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 4 * MSS, MSS);
	f->segments.frames[2].ingress = f->segments.frames[3].ingress = (struct port *)f;
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 2);
	g_assert_null(f->out.frames[0].ingress);
	g_assert_true(f->out.frames[1].ingress == (struct port *)f);
	g_assert_cmpuint(f->out.frames[1].joined, ==, 2);
}

static void segment_with_a_wrong_checksum_passes_unchanged(struct fixture *f, gconstpointer unused)
{
	static const size_t at[] = { 10, 36, 60 }; /* IP checksum, TCP checksum, payload */
	for (size_t i = 0; i < G_N_ELEMENTS(at); i++) {
		make_segments(f, 3 * MSS, MSS);
		segment_bytes(f, 1)[f->s.l3_offset + at[i]] ^= 1;
		f->out.n = 0;
		put_all_in(f);
		g_assert_cmpuint(f->out.n, ==, 3);
		g_assert_cmpint(f->out.frames[1].checksum, ==, FRAME_CHECKSUM_COMPLETE);
		assert_cutting_gives_the_segments_back(f);
	}
}

static void frames_that_cannot_be_joined_pass_unchanged(struct fixture *f, gconstpointer kind)
{
	static const struct sample samples[] = {
		{ .tags = 1 },
		{ .v6 = true },
		{ .ip_options_len = 4, .ip_options = { 1, 1, 1, 1 } },
	};
	f->s = samples[GPOINTER_TO_SIZE(kind)];
	f->s.partial = true;
	f->s.tcp_flags = TCP_ACK;
	make_segments(f, 3 * MSS, MSS);
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 3);
	for (unsigned i = 0; i < 3; i++)
		g_assert_cmpint(f->out.frames[i].checksum, ==, FRAME_CHECKSUM_COMPLETE);
	assert_cutting_gives_the_segments_back(f);
}

static void trailing_bytes_are_not_taken_for_data(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 3 * MSS, MSS);
	struct iovec longer = f->segments.frames[1].iov[0];
	struct frame padded = f->segments.frames[1];
	uint8_t bytes[2000] = { 0 };
	memcpy(bytes, longer.iov_base, longer.iov_len);
	longer = (struct iovec){ bytes, longer.iov_len + 6 };
	padded.iov = &longer;
	padded.len += 6;
	put_in(f, 0, 1);
	put_frame_in(f, &padded);
	put_in(f, 2, 3);
	gro_flush(&f->gro);
	g_assert_cmpuint(f->out.n, ==, 3);
	g_assert_cmpuint(f->out.frames[1].len, ==, padded.len);
}

static void without_memory_segments_pass_one_by_one(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 3 * MSS, MSS);
	struct arena empty;
	arena_init(&empty, 0);
	f->gro.arena = &empty;
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 3);
	assert_cutting_gives_the_segments_back(f);
	arena_done(&empty);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add("/gro/" #name, struct fixture, NULL, setup, name, teardown)
	ADD(segments_join_and_cutting_gives_them_back);
	ADD(super_frame_carries_its_offload_metadata);
	ADD(single_segment_passes_unchanged_and_verified);
	ADD(frames_for_other_macs_are_not_joined);
	ADD(a_push_is_not_kept_waiting);
	ADD(a_short_segment_is_the_last);
	ADD(a_longer_segment_does_not_join_a_shorter_one);
	ADD(segments_do_not_join_over_a_gap);
	ADD(a_super_frame_is_no_longer_than_ip_allows);
	ADD(a_segment_with_other_headers_does_not_join);
	ADD(a_segment_from_another_mac_does_not_join);
	ADD(a_segment_from_another_port_does_not_join);
	ADD(segment_with_a_wrong_checksum_passes_unchanged);
	ADD(trailing_bytes_are_not_taken_for_data);
	ADD(without_memory_segments_pass_one_by_one);
#undef ADD
#define ADD(name, kind) \
	g_test_add("/gro/" name, struct fixture, GSIZE_TO_POINTER(kind), setup, frames_that_cannot_be_joined_pass_unchanged, teardown)
	ADD("tagged_frames_pass_as_they_came", 0);
	ADD("ipv6_passes_as_it_came", 1);
	ADD("ip_options_pass_as_they_came", 2);
#undef ADD
	return g_test_run();
}
