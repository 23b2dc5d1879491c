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

enum family { IPV4, IPV6 };

static void setup(struct fixture *f, gconstpointer family)
{
	arena_init(&f->arena, (size_t)64 << 20);
	f->segments.arena = f->out.arena = &f->arena;
	f->s = (struct sample){ .v6 = GPOINTER_TO_INT(family) == IPV6, .partial = true, .dont_fragment = true, .tcp_flags = TCP_ACK };
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

static void put_be16(struct fixture *f, unsigned i, size_t at, uint16_t value)
{
	struct bytes_writer w = bytes_writer(segment_bytes(f, i) + at, 2);
	bytes_put_be16(&w, value);
}

static void repair_ipv4(struct fixture *f, unsigned i)
{
	struct checksum ip = { 0 };
	put_be16(f, i, f->s.l3_offset + 10, 0);
	checksum_add(&ip, segment_bytes(f, i) + f->s.l3_offset, f->s.l4_offset - f->s.l3_offset);
	put_be16(f, i, f->s.l3_offset + 10, checksum_value(&ip));
}

/* Sets the IP and TCP checksums of a segment that was changed. */
static void repair(struct fixture *f, unsigned i)
{
	if (!f->s.v6)
		repair_ipv4(f, i);
	put_be16(f, i, f->s.l4_offset + 16, 0);
	struct checksum c = { 0 };
	const uint8_t *bytes = segment_bytes(f, i);
	size_t addresses = f->s.l4_offset - (f->s.v6 ? 32 : 8), len = f->segments.frames[i].len;
	checksum_add_u32(&c, (uint32_t)(len - f->s.l4_offset));
	checksum_add_u32(&c, IP_PROTOCOL_TCP);
	checksum_add(&c, bytes + addresses, len - addresses);
	put_be16(f, i, f->s.l4_offset + 16, checksum_value(&c));
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
	g_assert_cmpint(super->gso, ==, f->s.v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4);
	g_assert_cmpuint(super->gso_size, ==, MSS);
	g_assert_cmpint(super->checksum, ==, FRAME_CHECKSUM_PARTIAL);
	g_assert_cmpuint(super->csum_start, ==, f->s.l4_offset);
	g_assert_cmpuint(super->csum_offset, ==, 16);
	g_assert_true(super->ingress == (struct port *)f);
	g_assert_cmpuint(super->len, ==, f->s.payload_offset + 3 * MSS);
	struct packet p = assert_checksum_right(&f->out, 0);
	g_assert_cmpuint(packet_end(&p), ==, super->len);
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
	if (f->s.v6)
		put_be16(f, i, f->s.l3_offset + 4, (uint16_t)(frame->len - f->s.l4_offset));
	else
		put_be16(f, i, f->s.l3_offset + 2, (uint16_t)(frame->len - f->s.l3_offset));
	repair(f, i);
}

static void a_segment_without_data_passes_unchanged(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 3 * MSS, MSS);
	shorten(f, 1, MSS);
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 3);
	g_assert_cmpint(f->out.frames[1].checksum, ==, FRAME_CHECKSUM_COMPLETE);
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

/* Where a byte of the second of three segments is changed; offsets from the IP header, then from the TCP header. */
struct change {
	const char *what;
	size_t at;
	uint8_t flip;
	bool verified; /* it is data all the same */
};

static const struct change ipv4_changes[] = {
	{ "type of service", 1, 0x04, true }, { "don't fragment", 6, 0x40, true },  { "more fragments", 6, 0x20, false },
	{ "time to live", 8, 0x01, true },    { "source address", 15, 0x01, true }, { "destination address", 19, 0x01, true },
	{ "version", 0, 0x20, false },        { "protocol", 9, 0x01, false },
};

/* RFC 8200 §3 */
static const struct change ipv6_changes[] = {
	{ "traffic class", 0, 0x01, true },
	{ "congestion notification", 1, 0x20, true },
	{ "flow label's first bit", 1, 0x08, true },
	{ "flow label's last bit", 3, 0x01, true },
	{ "hop limit", 7, 0x01, true },
	{ "first byte of the source", 8, 0x01, true },
	{ "last byte of the source", 23, 0x01, true },
	{ "first byte of the destination", 24, 0x01, true },
	{ "last byte of the destination", 39, 0x01, true },
	{ "version", 0, 0x20, false },
	{ "hop-by-hop options", 6, 0 ^ 6, false },
	{ "routing header", 6, 43 ^ 6, false },
	{ "fragment header", 6, 44 ^ 6, false },
	{ "destination options", 6, 60 ^ 6, false },
};

static const struct change tcp_changes[] = {
	{ "source port", 1, 0x01, true },     { "destination port", 3, 0x01, true },
	{ "acknowledgment", 11, 0x01, true }, { "FIN", 13, TCP_FIN, false },
	{ "SYN", 13, TCP_SYN, false },        { "RST", 13, TCP_RST, false },
	{ "URG", 13, TCP_URG, false },        { "ECE", 13, TCP_ECE, false },
	{ "CWR", 13, TCP_CWR, false },        { "no ACK", 13, TCP_ACK, false },
	{ "window", 15, 0x01, true },         { "urgent pointer", 19, 0x01, true },
	{ "timestamp", 27, 0x01, true },      { "header length below 20 bytes", 12, 0x90, false },
};

static void assert_change_does_not_join(struct fixture *f, size_t header, const struct change *c)
{
	g_test_message("%s", c->what);
	make_segments(f, 3 * MSS, MSS);
	segment_bytes(f, 1)[header + c->at] ^= c->flip;
	repair(f, 1);
	f->out.n = 0;
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 3);
	g_assert_cmpint(f->out.frames[1].checksum, ==, c->verified ? FRAME_CHECKSUM_VERIFIED : FRAME_CHECKSUM_COMPLETE);
	assert_cutting_gives_the_segments_back(f);
}

static void a_segment_with_other_headers_does_not_join(struct fixture *f, gconstpointer unused)
{
	const struct change *ip = f->s.v6 ? ipv6_changes : ipv4_changes;
	size_t n = f->s.v6 ? G_N_ELEMENTS(ipv6_changes) : G_N_ELEMENTS(ipv4_changes);
	make_segments(f, MSS, MSS); /* for the offsets */
	for (size_t i = 0; i < n; i++)
		assert_change_does_not_join(f, f->s.l3_offset, &ip[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(tcp_changes); i++)
		assert_change_does_not_join(f, f->s.l4_offset, &tcp_changes[i]);
}

static void a_segment_of_the_other_family_does_not_join(struct fixture *f, gconstpointer unused)
{
	make_segments(f, 4 * MSS, MSS);
	put_in(f, 0, 2);
	f->s.v6 = !f->s.v6;
	make_segments(f, 4 * MSS, MSS);
	put_in(f, 2, 4);
	gro_flush(&f->gro);
	g_assert_cmpuint(f->out.n, ==, 2);
	g_assert_cmpint(f->out.frames[0].gso, ==, f->s.v6 ? FRAME_GSO_TCP4 : FRAME_GSO_TCP6);
	g_assert_cmpint(f->out.frames[1].gso, ==, f->s.v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4);
	assert_checksum_right(&f->out, 0);
	assert_checksum_right(&f->out, 1);
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

static void assert_damage_passes_unchanged(struct fixture *f, size_t at)
{
	make_segments(f, 3 * MSS, MSS);
	segment_bytes(f, 1)[at] ^= 1;
	f->out.n = 0;
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 3);
	g_assert_cmpint(f->out.frames[1].checksum, ==, FRAME_CHECKSUM_COMPLETE);
	assert_cutting_gives_the_segments_back(f);
}

static void segment_with_a_wrong_checksum_passes_unchanged(struct fixture *f, gconstpointer unused)
{
	make_segments(f, MSS, MSS);                            /* for the offsets */
	assert_damage_passes_unchanged(f, f->s.l4_offset - 1); /* in the pseudo-header */
	assert_damage_passes_unchanged(f, f->s.l4_offset + 16);
	assert_damage_passes_unchanged(f, f->s.payload_offset + 8);
	if (!f->s.v6)
		assert_damage_passes_unchanged(f, f->s.l3_offset + 10);
}

/* The IP length of the second segment is @more than the frame has. */
static void assert_length_passes_unchanged(struct fixture *f, int more)
{
	make_segments(f, 3 * MSS, MSS);
	size_t len = f->segments.frames[1].len - (f->s.v6 ? f->s.l4_offset : f->s.l3_offset);
	put_be16(f, 1, f->s.l3_offset + (f->s.v6 ? 4 : 2), (uint16_t)((int)len + more));
	repair(f, 1);
	f->out.n = 0;
	put_all_in(f);
	g_assert_cmpuint(f->out.n, ==, 3);
	g_assert_cmpint(f->out.frames[1].checksum, ==, FRAME_CHECKSUM_COMPLETE);
}

static void a_segment_with_a_wrong_length_passes_unchanged(struct fixture *f, gconstpointer unused)
{
	assert_length_passes_unchanged(f, 1);
	assert_length_passes_unchanged(f, -1);
	assert_length_passes_unchanged(f, -0x400);
}

/* RFC 2675 §2: the payload length is 0, the hop-by-hop option that has the real one may be missing. */
static void a_jumbogram_passes_unchanged(struct fixture *f, gconstpointer unused)
{
	for (int option = 0; option < 2; option++) {
		make_segments(f, 3 * MSS, MSS);
		put_be16(f, 1, f->s.l3_offset + 4, 0);
		if (option)
			segment_bytes(f, 1)[f->s.l3_offset + 6] = 0;
		repair(f, 1);
		f->out.n = 0;
		put_all_in(f);
		g_assert_cmpuint(f->out.n, ==, 3);
		g_assert_cmpint(f->out.frames[1].checksum, ==, FRAME_CHECKSUM_COMPLETE);
	}
}

static void truncated_segments_pass_unchanged(struct fixture *f, gconstpointer unused)
{
	make_segments(f, MSS, MSS);
	for (size_t len = 0; len < f->s.payload_offset + 1; len++) {
		uint8_t *exact = g_memdup2(segment_bytes(f, 0), len);
		struct iovec iov;
		struct frame frame = frame_of(&iov, exact, len);
		put_frame_in(f, &frame);
		g_free(exact);
		g_assert_cmpuint(f->out.n, ==, len + 1);
	}
}

static void frames_that_cannot_be_joined_pass_unchanged(struct fixture *f, gconstpointer kind)
{
	static const struct sample samples[] = {
		{ .tags = 1 },
		{ .v6 = true, .tags = 1 },
		{ .ip_options_len = 4, .ip_options = { 1, 1, 1, 1 } },
		{ .v6 = true, .extensions = 1 },
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
#define ADD_FOR(family, path, name) g_test_add("/gro/" path #name, struct fixture, GINT_TO_POINTER(family), setup, name, teardown)
#define ADD(name) \
	do { \
		ADD_FOR(IPV4, "", name); \
		ADD_FOR(IPV6, "ipv6/", name); \
	} while (0)
	ADD(segments_join_and_cutting_gives_them_back);
	ADD(super_frame_carries_its_offload_metadata);
	ADD(single_segment_passes_unchanged_and_verified);
	ADD(frames_for_other_macs_are_not_joined);
	ADD(a_push_is_not_kept_waiting);
	ADD(a_short_segment_is_the_last);
	ADD(a_segment_without_data_passes_unchanged);
	ADD(a_longer_segment_does_not_join_a_shorter_one);
	ADD(segments_do_not_join_over_a_gap);
	ADD(a_super_frame_is_no_longer_than_ip_allows);
	ADD(a_segment_with_other_headers_does_not_join);
	ADD(a_segment_of_the_other_family_does_not_join);
	ADD(a_segment_from_another_mac_does_not_join);
	ADD(a_segment_from_another_port_does_not_join);
	ADD(segment_with_a_wrong_checksum_passes_unchanged);
	ADD(a_segment_with_a_wrong_length_passes_unchanged);
	ADD(truncated_segments_pass_unchanged);
	ADD_FOR(IPV6, "ipv6/", a_jumbogram_passes_unchanged);
	ADD(trailing_bytes_are_not_taken_for_data);
	ADD(without_memory_segments_pass_one_by_one);
#undef ADD
#define ADD(name, kind) \
	g_test_add("/gro/" name, struct fixture, GSIZE_TO_POINTER(kind), setup, frames_that_cannot_be_joined_pass_unchanged, teardown)
	ADD("tagged_frames_pass_as_they_came", 0);
	ADD("ipv6/tagged_frames_pass_as_they_came", 1);
	ADD("ip_options_pass_as_they_came", 2);
	ADD("ipv6/extension_headers_pass_as_they_came", 3);
#undef ADD
	return g_test_run();
}
