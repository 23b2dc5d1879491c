/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames on their way to the ports of VDE: a vde_switch takes 1518 bytes, the plugins of libvdeplug 9234.  IPv4 and IPv6, without a tag,
 * with one and with two: what fits passes unchanged, what does not is fragmented or answered, and what the sender left undone is done.
 */
#include "gateway/icmp_error.h"
#include "gateway/ip6.h"
#include "gateway/too_big.h"
#include "lan/segment.h"
#include "sample-frame.h"
#include "support/memory_port.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

static const struct mac gateway_mac = { { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } };
static const size_t sizes[] = { 1518, 9234 };

struct fixture {
	struct segment segment;
	struct arena arena;
	struct memory_port guest, small, gateway;
	struct sample s;
	struct frame frame;
	size_t max_frame;
};

static void ignore_flush(void *opaque, usec_t now)
{
}

static void too_big(void *opaque, usec_t now, struct packet *p, size_t mtu)
{
	struct fixture *f = opaque;
	struct icmp_answer answer;
	if (too_big_build(p, mtu, gateway_mac, IP4(192, 168, 122, 1), &(struct gateway_ip6){ 0 }, NULL, now, &answer) < 0)
		return;
	struct iovec iov;
	struct frame made = frame_of(&iov, answer.bytes, answer.len);
	segment_input(&f->segment, now, &f->gateway.port, &made);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } }, .snooping = true }), ==, 0);
	arena_init(&f->arena, (size_t)64 << 20);
	memory_port_init(&f->gateway, &f->segment, "gateway", 65535);
	f->segment.gateway = (struct segment_gateway){
		.port = &f->gateway.port,
		.mac = gateway_mac,
		.flush = ignore_flush,
		.too_big = too_big,
		.opaque = f,
	};
	memory_port_init(&f->guest, &f->segment, "guest", 65553);
	memory_port_init(&f->small, &f->segment, "small", sizes[0]);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	f->segment.gateway = (struct segment_gateway){ 0 };
	memory_port_done(&f->guest);
	memory_port_done(&f->small);
	memory_port_done(&f->gateway);
	segment_done(&f->segment);
	arena_done(&f->arena);
}

/* The switch knows where both ends are, and that the receiver takes what its port does. */
static void introduce(struct fixture *f)
{
	memory_port_speak(&f->small, sample_dst, f->small.port.max_frame);
	memory_port_speak(&f->guest, sample_src, 64);
	memory_port_clear(&f->guest);
	memory_port_clear(&f->small);
	memory_port_clear(&f->gateway);
}

static void send_frame(struct fixture *f)
{
	f->frame.ingress = &f->guest.port;
	segment_input(&f->segment, 0, &f->guest.port, &f->frame);
	segment_flush(&f->segment, 0);
}

/* For each size, family and number of tags. */
static void for_each_kind(struct fixture *f, void (*each)(struct fixture *f))
{
	for (unsigned i = 0; i < 12; i++) {
		f->s = (struct sample){ .udp = true, .v6 = i & 1, .tags = i / 2 % 3, .tcp_flags = TCP_ACK };
		f->max_frame = sizes[i / 6];
		f->small.port.max_frame = f->max_frame;
		arena_reset(&f->arena);
		introduce(f);
		each(f);
	}
}

static size_t headers(const struct fixture *f)
{
	return 14 + 4 * f->s.tags + (f->s.v6 ? 40 : 20) + (f->s.udp ? 8 : 32);
}

static void passes_unchanged(struct fixture *f)
{
	f->s.payload_len = f->max_frame - headers(f);
	f->s.dont_fragment = true;
	f->frame = sample_frame(&f->s, &f->arena);
	send_frame(f);
	size_t len;
	const uint8_t *got = memory_port_frame(&f->small, 0, &len);
	g_assert_cmpmem(got, len, f->s.bytes, f->max_frame);
	g_assert_cmpuint(f->small.frames->len, ==, 1);
}

static void largest_frame_passes_unchanged(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, passes_unchanged);
}

static void is_fragmented(struct fixture *f)
{
	if (f->s.v6)
		return;
	f->s.payload_len = 3 * f->max_frame;
	f->frame = sample_frame(&f->s, &f->arena);
	send_frame(f);
	g_autofree uint8_t *whole = g_malloc0(f->s.payload_len + 8);
	size_t total = 0;
	for (unsigned i = 0; i < f->small.frames->len; i++) {
		struct iovec iov;
		size_t len;
		const uint8_t *bytes = memory_port_frame(&f->small, i, &len);
		struct frame got = frame_of(&iov, bytes, len);
		struct packet p = parsed(&got, &f->arena);
		g_assert_cmpmem(bytes, p.l3_offset, f->s.bytes, f->s.l3_offset); /* the tags are still there */
		g_assert_cmpint(p.ip.more_fragments, ==, i + 1 < f->small.frames->len);
		memcpy(whole + p.ip.fragment_offset, bytes + p.l4_offset, p.l4_len);
		total += p.l4_len;
	}
	g_assert_cmpmem(whole, total, f->s.bytes + f->s.l4_offset, f->s.payload_len + 8);
}

static void too_large_without_df_is_fragmented_behind_its_tags(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, is_fragmented);
}

/* What a host takes in an answer: type, MTU, and that it is about its own packet. */
static void assert_answered(struct fixture *f, size_t mtu)
{
	struct iovec iov;
	size_t len;
	const uint8_t *bytes = memory_port_frame(&f->guest, 0, &len);
	struct frame got = frame_of(&iov, bytes, len);
	g_assert_cmpuint(f->guest.frames->len, ==, 1);
	struct packet p = parsed(&got, &f->arena);
	g_assert_cmpmem(bytes, 6, sample_src.b, 6);
	g_assert_cmpmem(bytes + 12, p.l3_offset - 12, f->s.bytes + 12, f->s.l3_offset - 12);
	const uint8_t *icmp = bytes + p.l4_offset;
	g_assert_cmpuint(icmp[0], ==, f->s.v6 ? ICMP6_PACKET_TOO_BIG : ICMP4_UNREACHABLE);
	g_assert_cmpuint(icmp[1], ==, f->s.v6 ? 0 : ICMP4_UNREACHABLE_FRAG_NEEDED);
	g_assert_cmpuint((size_t)icmp[6] << 8 | icmp[7], ==, mtu);
	g_assert_cmpmem(icmp + 8, 28, f->s.bytes + f->s.l3_offset, 28);
}

static void is_answered(struct fixture *f)
{
	uint64_t before = f->small.port.counters.drops.count[DROP_FRAG_NEEDED];
	f->s.payload_len = f->max_frame - headers(f) + 1;
	f->s.dont_fragment = true;
	f->frame = sample_frame(&f->s, &f->arena);
	send_frame(f);
	g_assert_cmpuint(f->small.frames->len, ==, 0);
	g_assert_cmpuint(f->small.port.counters.drops.count[DROP_FRAG_NEEDED], ==, before + 1);
	assert_answered(f, f->max_frame - 14 - 4 * f->s.tags);
}

static void too_large_with_df_or_ipv6_is_answered_with_its_tags(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, is_answered);
}

static void is_segmented(struct fixture *f)
{
	f->s.udp = false;
	f->s.partial = true;
	f->s.payload_len = 40000;
	f->frame = sample_frame(&f->s, &f->arena);
	f->frame.gso = f->s.v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4;
	f->frame.gso_size = (uint16_t)(f->max_frame - headers(f) - 40);
	send_frame(f);
	struct collected *out = g_new0(struct collected, 1);
	out->arena = &f->arena;
	size_t payload = 0;
	for (unsigned i = 0; i < f->small.frames->len; i++) {
		struct iovec iov;
		size_t len;
		const uint8_t *bytes = memory_port_frame(&f->small, i, &len);
		struct frame got = frame_of(&iov, bytes, len);
		collect(out, &got);
		struct packet p = assert_checksum_right(out, i);
		g_assert_cmpmem(bytes, p.l3_offset, f->s.bytes, f->s.l3_offset);
		g_assert_cmpmem(bytes + headers(f), len - headers(f), f->s.bytes + f->s.payload_offset + payload, len - headers(f));
		payload += len - headers(f);
	}
	g_assert_cmpuint(payload, ==, f->s.payload_len);
	g_free(out);
}

static void super_frame_behind_tags_is_cut_with_right_checksums(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, is_segmented);
}

static void is_completed(struct fixture *f)
{
	f->s.partial = true;
	f->s.payload_len = 200;
	f->frame = sample_frame(&f->s, &f->arena);
	send_frame(f);
	struct collected *out = g_new0(struct collected, 1);
	out->arena = &f->arena;
	struct iovec iov;
	size_t len;
	const uint8_t *bytes = memory_port_frame(&f->small, 0, &len);
	struct frame got = frame_of(&iov, bytes, len);
	collect(out, &got);
	assert_checksum_right(out, 0);
	g_free(out);
}

static void checksum_behind_tags_is_completed(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, is_completed);
}

static void unknown_ethertype_passes_or_is_counted(struct fixture *f, gconstpointer data)
{
	f->s = (struct sample){ .udp = true, .payload_len = 1000 };
	introduce(f);
	f->frame = sample_frame(&f->s, &f->arena);
	f->s.bytes[12] = 0x88;
	f->s.bytes[13] = 0xcc;
	send_frame(f);
	size_t len;
	const uint8_t *got = memory_port_frame(&f->small, 0, &len);
	g_assert_cmpmem(got, len, f->s.bytes, f->frame.len);
	f->s.payload_len = 2000;
	f->frame = sample_frame(&f->s, &f->arena);
	f->s.bytes[12] = 0x88;
	f->s.bytes[13] = 0xcc;
	send_frame(f);
	g_assert_cmpuint(f->small.port.counters.drops.count[DROP_OVERSIZE], ==, 1);
	f->frame.gso = FRAME_GSO_TCP4; /* an unknown format cannot be segmented */
	f->frame.gso_size = 500;
	send_frame(f);
	g_assert_cmpuint(f->guest.port.counters.drops.count[DROP_OFFLOAD], ==, 1);
	g_assert_cmpuint(f->small.port.counters.drops.count[DROP_OVERSIZE], ==, 1);
	g_assert_cmpuint(f->small.frames->len, ==, 1);
}

#define TEST(name) g_test_add("/segment-size/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(largest_frame_passes_unchanged);
	TEST(too_large_without_df_is_fragmented_behind_its_tags);
	TEST(too_large_with_df_or_ipv6_is_answered_with_its_tags);
	TEST(super_frame_behind_tags_is_cut_with_right_checksums);
	TEST(checksum_behind_tags_is_completed);
	TEST(unknown_ethertype_passes_or_is_counted);
	return g_test_run();
}
