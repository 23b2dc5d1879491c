/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offload metadata of guests: what is true reaches the other port as it is, everything else is dropped where it enters. */
#include "lan/segment.h"
#include "sample-frame.h"
#include "wire/dhcp.h"

#define ALL_OFFLOADS (PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6 | PORT_OFFLOAD_USO)
#define GSO_SIZE 1000

struct taker {
	struct port port;
	struct collected out;
};

struct fixture {
	struct segment segment;
	struct arena arena;
	struct taker a, b;
	struct sample s;
};

static void take(struct port *p, usec_t now, const struct frame *f)
{
	collect(&container_of(p, struct taker, port)->out, f);
}

static void flush(struct port *p, usec_t now)
{
}

static const struct port_ops taker_ops = { .send = take, .flush = flush };

static void add(struct fixture *f, struct taker *t, const char *name)
{
	t->out = (struct collected){ .arena = &f->arena };
	port_init(&t->port, &taker_ops, name, 65550, 1500);
	t->port.offloads = ALL_OFFLOADS;
	segment_attach(&f->segment, &t->port);
}

static void setup(struct fixture *f, gconstpointer unused)
{
	arena_init(&f->arena, (size_t)1 << 28);
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	add(f, &f->a, "a");
	add(f, &f->b, "b");
	f->s = (struct sample){ .tcp_flags = TCP_ACK, .payload_len = 100, .partial = true };
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	segment_detach(&f->segment, 0, &f->a.port);
	segment_detach(&f->segment, 0, &f->b.port);
	segment_done(&f->segment);
	arena_done(&f->arena);
}

static uint64_t dropped(const struct fixture *f)
{
	return f->a.port.counters.drops.count[DROP_OFFLOAD];
}

static void sends(struct fixture *f, const struct frame *frame)
{
	struct frame from = *frame;
	from.ingress = &f->a.port;
	f->b.out.n = 0;
	segment_input(&f->segment, 0, &f->a.port, &from);
	segment_flush(&f->segment, 0);
}

static void assert_passes(struct fixture *f, const struct frame *frame)
{
	uint64_t before = dropped(f);
	sends(f, frame);
	g_assert_cmpuint(dropped(f), ==, before);
	g_assert_cmpuint(f->b.out.n, ==, 1);
	const struct frame *got = &f->b.out.frames[0];
	g_assert_cmpint(got->checksum, ==, frame->checksum);
	g_assert_cmpuint(got->csum_start, ==, frame->csum_start);
	g_assert_cmpuint(got->csum_offset, ==, frame->csum_offset);
	g_assert_cmpint(got->gso, ==, frame->gso);
	g_assert_cmpuint(got->gso_size, ==, frame->gso_size);
}

static void assert_dropped(struct fixture *f, const struct frame *frame)
{
	uint64_t before = dropped(f);
	sends(f, frame);
	g_assert_cmpuint(dropped(f), ==, before + 1);
	g_assert_cmpuint(f->segment.drops.count[DROP_OFFLOAD], ==, before + 1);
	g_assert_cmpuint(f->b.out.n, ==, 0);
}

static enum frame_gso gso_of(const struct sample *s)
{
	return s->udp ? FRAME_GSO_UDP : s->v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4;
}

/* Calls @check with each kind of packet that a driver leaves a checksum of. */
static void for_each_kind(struct fixture *f, void (*check)(struct fixture *f, const struct frame *frame))
{
	for (unsigned i = 0; i < 64; i++) {
		f->s = (struct sample){ .v6 = i & 1, .udp = i & 2, .tags = i >> 2 & 3, .tcp_flags = TCP_ACK, .partial = true };
		bool more_headers = i & 16, gso = i & 32;
		f->s.extensions = more_headers ? 3 : 0;
		f->s.ip_options_len = more_headers && !f->s.v6 ? 8 : 0;
		memset(f->s.ip_options, 1, sizeof(f->s.ip_options)); /* no operation */
		f->s.payload_len = gso ? 4500 : 100;
		struct frame frame = sample_frame(&f->s, &f->arena);
		if (gso) {
			frame.gso = gso_of(&f->s);
			frame.gso_size = GSO_SIZE;
		}
		check(f, &frame);
	}
}

static void metadata_of_the_parsed_header_passes(struct fixture *f, gconstpointer unused)
{
	for_each_kind(f, assert_passes);
}

static void check_other_fields(struct fixture *f, const struct frame *frame)
{
	for (unsigned start = 0; start <= f->s.l4_offset + 2u; start++) {
		struct frame lie = *frame;
		lie.csum_start = (uint16_t)start;
		if (start != f->s.l4_offset)
			assert_dropped(f, &lie);
	}
	for (unsigned offset = 0; offset < 40; offset++) {
		struct frame lie = *frame;
		lie.csum_offset = (uint16_t)offset;
		if (offset != sample_checksum_at(f->s.udp))
			assert_dropped(f, &lie);
	}
	struct frame lie = *frame;
	lie.csum_start = 3;
	lie.csum_offset = 1000;
	assert_dropped(f, &lie);
}

static void every_other_field_is_refused(struct fixture *f, gconstpointer unused)
{
	for_each_kind(f, check_other_fields);
}

static void check_other_gso(struct fixture *f, const struct frame *frame)
{
	for (unsigned gso = FRAME_GSO_TCP4; gso <= FRAME_GSO_UDP; gso++) {
		struct frame lie = *frame;
		lie.gso = gso;
		lie.gso_size = GSO_SIZE;
		if (gso == gso_of(&f->s))
			assert_passes(f, &lie);
		else
			assert_dropped(f, &lie);
		lie.gso_size = 0;
		assert_dropped(f, &lie);
		lie.gso_size = GSO_SIZE;
		lie.checksum = FRAME_CHECKSUM_COMPLETE;
		assert_dropped(f, &lie);
	}
}

static void segmentation_must_match_family_and_protocol(struct fixture *f, gconstpointer unused)
{
	for_each_kind(f, check_other_gso);
}

/* More segments than GSO_SEGMENTS_MAX are work for others that costs the sender one frame. */
static void too_many_segments_are_refused(struct fixture *f, gconstpointer unused)
{
	f->s.payload_len = 60000;
	struct frame frame = sample_frame(&f->s, &f->arena);
	frame.gso = FRAME_GSO_TCP4;
	frame.gso_size = 1;
	assert_dropped(f, &frame);
}

/* Rewrites the IPv4 header of a sample in one piece. */
static struct frame with_ipv4(struct fixture *f, void (*change)(struct ipv4_header *ip), struct iovec *iov)
{
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct packet p = parsed(&frame, &f->arena);
	*iov = (struct iovec){ f->s.bytes, frame.len };
	frame.iov = iov;
	frame.n_iov = 1;
	change(&p.ip);
	struct bytes_writer w = bytes_writer(f->s.bytes + f->s.l3_offset, ipv4_header_len(&p.ip));
	ipv4_emit(&w, &p.ip);
	return frame;
}

static void make_first_fragment(struct ipv4_header *ip)
{
	ip->more_fragments = true;
}

static void make_later_fragment(struct ipv4_header *ip)
{
	ip->fragment_offset = 8;
}

static void make_icmp(struct ipv4_header *ip)
{
	ip->protocol = IP_PROTOCOL_ICMP;
}

static void make_sctp(struct ipv4_header *ip)
{
	ip->protocol = 132;
}

static void make_truncated(struct ipv4_header *ip)
{
	ip->total_len = IPV4_HEADER_LEN + 10;
}

static void only_whole_tcp_and_udp_leave_checksums(struct fixture *f, gconstpointer unused)
{
	void (*const changes[])(struct ipv4_header *) = { make_first_fragment, make_later_fragment, make_icmp, make_sctp, make_truncated };
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct iovec iov;
		struct frame frame = with_ipv4(f, changes[i], &iov);
		assert_dropped(f, &frame);
	}
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct iovec iov = { f->s.bytes, frame.len };
	frame.iov = &iov;
	frame.n_iov = 1;
	f->s.bytes[f->s.l3_offset + 12] ^= 1; /* the header checksum is wrong now */
	assert_dropped(f, &frame);
	f->s.bytes[f->s.l3_offset + 12] ^= 1;
	f->s.bytes[13] = 0x06; /* ARP */
	assert_dropped(f, &frame);
	f->s.bytes[12] = 0x88; /* nothing known */
	assert_dropped(f, &frame);
}

/* A UDP packet with a TCP packet of @inner bytes in it, @inner_at bytes behind the UDP header, whose checksum is left. */
static struct frame tunnel(struct fixture *f, size_t inner_at, struct iovec *iov)
{
	f->s = (struct sample){ .udp = true, .payload_len = 200 };
	struct frame frame = sample_frame(&f->s, &f->arena);
	*iov = (struct iovec){ f->s.bytes, frame.len };
	frame.iov = iov;
	frame.n_iov = 1;
	frame.checksum = FRAME_CHECKSUM_PARTIAL;
	frame.csum_start = (uint16_t)(f->s.payload_offset + inner_at);
	frame.csum_offset = TCP_CHECKSUM_AT;
	return frame;
}

static void checksum_inside_a_tunnel_is_completed(struct fixture *f, gconstpointer unused)
{
	struct iovec iov;
	struct frame frame = tunnel(f, 42, &iov);
	size_t field = (size_t)frame.csum_start + frame.csum_offset;
	struct checksum c = { 0 };
	checksum_add(&c, f->s.bytes + frame.csum_start, frame.len - frame.csum_start);
	sends(f, &frame);
	g_assert_cmpuint(dropped(f), ==, 0);
	g_assert_cmpuint(f->b.out.n, ==, 1);
	g_assert_cmpint(f->b.out.frames[0].checksum, ==, FRAME_CHECKSUM_VERIFIED);
	const uint8_t *bytes = collected_bytes(&f->b.out, 0);
	g_assert_cmphex(bytes[field] << 8 | bytes[field + 1], ==, checksum_value(&c));
	g_assert_cmpmem(bytes, field, f->s.bytes, field);
	g_assert_cmpmem(bytes + field + 2, frame.len - field - 2, f->s.bytes + field + 2, frame.len - field - 2);
}

static void field_beyond_the_packet_in_a_tunnel_is_refused(struct fixture *f, gconstpointer unused)
{
	struct iovec iov;
	struct frame frame = tunnel(f, 200 - TCP_CHECKSUM_AT - 1, &iov);
	assert_dropped(f, &frame);
	frame = tunnel(f, 42, &iov);
	frame.csum_offset = 10; /* of an IPv4 header */
	assert_dropped(f, &frame);
	frame = tunnel(f, 42, &iov);
	frame.gso = FRAME_GSO_TCP4;
	frame.gso_size = 50;
	assert_dropped(f, &frame);
}

/* What a pinned port sends is checked with the bytes that leave: here the field is the client's MAC in a DHCP message. */
static void completed_bytes_are_the_checked_ones(struct fixture *f, gconstpointer unused)
{
	struct iovec iov;
	struct frame frame = tunnel(f, DHCP_CHADDR_AT + 4 - TCP_CHECKSUM_AT, &iov);
	uint8_t *message = f->s.bytes + f->s.payload_offset;
	f->a.port.pinned = sample_src;
	f->s.bytes[f->s.l4_offset + 2] = 0;
	f->s.bytes[f->s.l4_offset + 3] = DHCP_SERVER_PORT;
	memset(f->s.bytes + f->s.l4_offset + UDP_CHECKSUM_AT, 0, 2);
	message[DHCP_HLEN_AT] = 6;
	memcpy(message + DHCP_CHADDR_AT, sample_src.b, 6);
	struct frame plain = frame;
	plain.checksum = FRAME_CHECKSUM_COMPLETE;
	sends(f, &plain);
	g_assert_cmpuint(f->b.out.n, ==, 1);
	sends(f, &frame);
	g_assert_cmpuint(f->b.out.n, ==, 0);
	g_assert_cmpuint(f->a.port.counters.drops.count[DROP_PINNED_MAC], ==, 1);
}

#define TEST(name) g_test_add("/offload/" #name, struct fixture, NULL, setup, name, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(metadata_of_the_parsed_header_passes);
	TEST(every_other_field_is_refused);
	TEST(segmentation_must_match_family_and_protocol);
	TEST(too_many_segments_are_refused);
	TEST(only_whole_tcp_and_udp_leave_checksums);
	TEST(checksum_inside_a_tunnel_is_completed);
	TEST(field_beyond_the_packet_in_a_tunnel_is_refused);
	TEST(completed_bytes_are_the_checked_ones);
	return g_test_run();
}
