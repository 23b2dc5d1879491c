/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway/icmp_error.h"
#include "gateway/reassembly.h"
#include "gateway/ip6.h"
#include "gateway/too_big.h"
#include "lan/fragment.h"
#include "lan/oversize.h"
#include "lan/packet.h"
#include "sample-frame.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

#define ETHERNET_FRAME ((size_t)1514)

struct fixture {
	struct arena arena;
	struct collected out;
	struct sample s;
	struct oversize_limits to;
	struct oversize_result result;
};

static void setup(struct fixture *f, gconstpointer unused)
{
	arena_init(&f->arena, (size_t)64 << 20);
	f->out.arena = &f->arena;
	f->s = (struct sample){ .tcp_flags = TCP_ACK, .payload_len = 5000, .udp = true };
	f->to = (struct oversize_limits){ .max_frame = ETHERNET_FRAME };
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	arena_done(&f->arena);
}

static enum oversize_verdict pass_frame(struct fixture *f, const struct frame *frame)
{
	f->out.n = 0;
	f->result = oversize_pass_frame(frame, &f->to, &f->arena, collect, &f->out);
	for (unsigned i = 0; i < f->out.n; i++)
		if (f->out.frames[i].gso == FRAME_GSO_NONE)
			g_assert_cmpuint(f->out.frames[i].len, <=, f->to.max_frame);
	return f->result.verdict;
}

static enum oversize_verdict pass_sample(struct fixture *f)
{
	struct frame frame = sample_frame(&f->s, &f->arena);
	return pass_frame(f, &frame);
}

static enum oversize_verdict pass_super(struct fixture *f, uint16_t gso_size)
{
	struct frame frame = sample_frame(&f->s, &f->arena);
	frame.gso = f->s.udp ? FRAME_GSO_UDP : f->s.v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4;
	frame.gso_size = gso_size;
	return pass_frame(f, &frame);
}

static void frame_that_fits_passes_untouched(struct fixture *f, gconstpointer unused)
{
	f->s.payload_len = ETHERNET_FRAME - 42;
	struct frame frame = sample_frame(&f->s, &f->arena);
	g_assert_true(oversize_fits(&frame, &f->to));
	size_t used = f->arena.used;
	g_assert_cmpint(pass_frame(f, &frame), ==, OVERSIZE_EMITTED);
	g_assert_cmpuint(f->out.n, ==, 1);
	g_assert_cmpuint(f->arena.used - used, <=, (frame.len + 15) / 16 * 16); /* the collector's copy only */
	g_assert_cmpmem(collected_bytes(&f->out, 0), f->out.frames[0].len, f->s.bytes, frame.len);
}

/* Reassembles everything emitted; the packet that comes out. */
static struct packet reassemble(struct fixture *f)
{
	struct reassembly r;
	struct packet p, whole;
	enum drop_reason why;
	reassembly_init(&r);
	for (unsigned i = 0; i < f->out.n; i++) {
		g_assert_cmpint(packet_parse(&f->out.frames[i], NULL, &f->arena, &p, &why), ==, 0);
		g_assert_true(ipv4_is_fragment(&p.ip));
		g_assert_cmpint(reassembly_input(&r, 1, &p, &whole), ==, i + 1 == f->out.n);
	}
	reassembly_done(&r);
	return whole;
}

static void fragments_reassemble_to_the_datagram(struct fixture *f, gconstpointer unused)
{
	for (int round = 0; round < 400; round++) {
		arena_reset(&f->arena);
		f->s.udp = g_test_rand_bit();
		f->s.partial = g_test_rand_bit();
		f->s.padding = g_test_rand_bit() ? 0 : (size_t)g_test_rand_int_range(0, 30);
		f->s.ip_options_len = (uint8_t)(4 * g_test_rand_int_range(0, 11));
		memset(f->s.ip_options, 1, sizeof(f->s.ip_options));
		f->s.payload_len = (size_t)g_test_rand_int_range(2000, 65000);
		f->to.max_frame = (size_t)g_test_rand_int_range((int)(f->s.payload_len / 100 + 110), 2014);
		f->to.offloads = g_test_rand_bit() ? PORT_OFFLOAD_CHECKSUM : 0;
		g_assert_cmpint(pass_sample(f), ==, OVERSIZE_EMITTED);
		struct packet whole = reassemble(f);
		const uint8_t *l4 = packet_l4(&whole);
		g_assert_cmpmem(l4 + f->s.payload_offset - f->s.l4_offset, whole.l4_len - (f->s.payload_offset - f->s.l4_offset),
				f->s.bytes + f->s.payload_offset, f->s.payload_len);
		struct checksum c = { 0 };
		checksum_add_pseudo4(&c, whole.ip.src, whole.ip.dst, whole.ip.protocol, (uint16_t)whole.l4_len);
		checksum_add(&c, l4, whole.l4_len);
		g_assert_true(checksum_is_right(&c));
		g_assert_cmpuint(whole.ip.options_len, ==, f->s.ip_options_len);
		g_assert_cmpuint(whole.ip.id, ==, SAMPLE_ID);
	}
}

/* RFC 791 §3.1: record route (7) is in the first fragment only, router alert (148) and loose source route (131) in all. */
static void only_copied_options_are_in_later_fragments(struct fixture *f, gconstpointer unused)
{
	static const uint8_t options[] = { 1, 7, 7, 4, 0, 0, 0, 0, 131, 7, 4, 9, 9, 9, 9, 0x94, 4, 0, 0, 0 };
	static const uint8_t copied[] = { 131, 7, 4, 9, 9, 9, 9, 0x94, 4, 0, 0, 0 };
	memcpy(f->s.ip_options, options, sizeof(options));
	f->s.ip_options_len = sizeof(options);
	g_assert_cmpint(pass_sample(f), ==, OVERSIZE_EMITTED);
	/* the zero bytes inside record route belong to it; option 0 ends the list behind router alert */
	struct packet first = parsed(&f->out.frames[0], &f->arena), later = parsed(&f->out.frames[1], &f->arena);
	g_assert_cmpmem(first.ip.options, first.ip.options_len, options, sizeof(options));
	g_assert_cmpmem(later.ip.options, later.ip.options_len, copied, sizeof(copied));
}

static void malformed_options_end_the_list(struct fixture *f, gconstpointer unused)
{
	static const uint8_t options[] = { 0x94, 4, 0, 0, 131, 200, 4, 9 };
	memcpy(f->s.ip_options, options, sizeof(options));
	f->s.ip_options_len = sizeof(options);
	g_assert_cmpint(pass_sample(f), ==, OVERSIZE_EMITTED);
	struct packet later = parsed(&f->out.frames[1], &f->arena);
	g_assert_cmpmem(later.ip.options, later.ip.options_len, options, 4);
}

/* A fragment in the middle of a datagram stays in the middle. */
static void fragment_may_be_cut_again(struct fixture *f, gconstpointer unused)
{
	f->s.payload_len = 4000;
	f->to.max_frame = 2014;
	g_assert_cmpint(pass_sample(f), ==, OVERSIZE_EMITTED);
	struct collected *again = g_new0(struct collected, 1);
	again->arena = &f->arena;
	f->to.max_frame = 600;
	for (unsigned i = 0; i < f->out.n; i++) {
		struct oversize_result r = oversize_pass_frame(&f->out.frames[i], &f->to, &f->arena, collect, again);
		g_assert_cmpint(r.verdict, ==, OVERSIZE_EMITTED);
	}
	g_assert_cmpuint(again->n, >, f->out.n);
	f->out = *again;
	g_free(again);
	for (unsigned i = 0; i < f->out.n; i++)
		f->out.frames[i].iov = &f->out.iov[i];
	struct packet whole = reassemble(f);
	g_assert_cmpmem(packet_l4(&whole), whole.l4_len, f->s.bytes + f->s.l4_offset, 4008);
}

static void fragment_that_ends_behind_65535_is_dropped(struct fixture *f, gconstpointer unused)
{
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct packet p = parsed(&frame, &f->arena);
	p.ip.fragment_offset = 65528;
	struct bytes_writer w = bytes_writer(f->s.bytes + p.l3_offset, IPV4_HEADER_LEN);
	ipv4_emit(&w, &p.ip);
	g_assert_cmpint(pass_frame(f, &frame), ==, OVERSIZE_DROPPED);
	g_assert_cmpuint(f->out.n, ==, 0);
}

static void dont_fragment_and_ipv6_are_too_big(struct fixture *f, gconstpointer unused)
{
	for (unsigned tags = 0; tags <= 2; tags++) {
		f->s.tags = tags;
		f->s.v6 = false;
		f->s.dont_fragment = true;
		g_assert_cmpint(pass_sample(f), ==, OVERSIZE_TOO_BIG);
		g_assert_cmpuint(f->result.mtu, ==, 1500 - 4 * tags);
		g_assert_cmpint(f->result.why, ==, DROP_FRAG_NEEDED);
		f->s.v6 = true;
		g_assert_cmpint(pass_sample(f), ==, OVERSIZE_TOO_BIG);
		g_assert_cmpuint(f->result.mtu, ==, 1500 - 4 * tags);
		g_assert_cmpuint(f->out.n, ==, 0);
	}
}

static void padding_behind_a_packet_that_fits_is_cut_off(struct fixture *f, gconstpointer unused)
{
	f->s.payload_len = 1000;
	f->s.padding = 1000;
	f->s.dont_fragment = true;
	g_assert_cmpint(pass_sample(f), ==, OVERSIZE_EMITTED);
	g_assert_cmpuint(f->out.n, ==, 1);
	g_assert_cmpmem(collected_bytes(&f->out, 0), f->out.frames[0].len, f->s.bytes, 1042);
}

static void oversize_frame_that_is_not_ip_is_dropped_with_its_reason(struct fixture *f, gconstpointer unused)
{
	struct frame frame = sample_frame(&f->s, &f->arena);
	f->s.bytes[12] = 0x88; /* LLDP */
	f->s.bytes[13] = 0xcc;
	g_assert_cmpint(pass_frame(f, &frame), ==, OVERSIZE_DROPPED);
	g_assert_cmpint(f->result.why, ==, DROP_OVERSIZE);
	f->s.bytes[12] = 0x08;
	f->s.bytes[13] = 0x00;
	f->s.bytes[14 + 10] ^= 1;
	g_assert_cmpint(pass_frame(f, &frame), ==, OVERSIZE_DROPPED);
	g_assert_cmpint(f->result.why, ==, DROP_IP_MALFORMED);
}

static void port_too_small_for_any_fragment_is_a_named_drop(struct fixture *f, gconstpointer unused)
{
	f->to.max_frame = 14 + 20 + 7;
	g_assert_cmpint(pass_sample(f), ==, OVERSIZE_DROPPED);
	g_assert_cmpint(f->result.why, ==, DROP_OVERSIZE);
}

static void partial_checksum_is_completed_for_a_port_that_does_not(struct fixture *f, gconstpointer unused)
{
	f->s.partial = true;
	for (int round = 0; round < 300; round++) {
		arena_reset(&f->arena);
		f->s.v6 = g_test_rand_bit();
		f->s.udp = g_test_rand_bit();
		f->s.tags = (unsigned)g_test_rand_int_range(0, 3);
		f->s.payload_len = (size_t)g_test_rand_int_range(0, 1300);
		g_assert_cmpint(pass_sample(f), ==, OVERSIZE_EMITTED);
		g_assert_cmpuint(f->out.n, ==, 1);
		g_assert_cmpint(f->out.frames[0].checksum, ==, FRAME_CHECKSUM_VERIFIED);
		assert_checksum_right(&f->out, 0);
		g_assert_cmpmem(collected_bytes(&f->out, 0) + f->s.payload_offset, f->s.payload_len, f->s.bytes + f->s.payload_offset,
				f->s.payload_len);
	}
}

/* RFC 768: UDP sends a sum of 0 as 0xffff. RFC 9293 §3.1: TCP sends it as 0. */
static void completed_checksum_of_zero_is_0xffff_in_udp_only(struct fixture *f, gconstpointer unused)
{
	f->s.partial = true;
	f->s.payload_len = 100;
	for (unsigned udp = 0; udp < 2; udp++) {
		f->s.udp = udp;
		struct frame frame = sample_frame(&f->s, &f->arena);
		struct iovec one = { f->s.bytes, frame.len };
		frame.iov = &one;
		frame.n_iov = 1;
		uint8_t *payload = f->s.bytes + f->s.payload_offset;
		size_t field = (size_t)frame.csum_start + frame.csum_offset;
		memset(payload, 0, 2);
		f->out.n = 0;
		oversize_pass_frame(&frame, &f->to, &f->arena, collect, &f->out);
		memcpy(payload, collected_bytes(&f->out, 0) + field, 2); /* now the sum over all is 0xffff */
		f->out.n = 0;
		oversize_pass_frame(&frame, &f->to, &f->arena, collect, &f->out);
		const uint8_t *sent = collected_bytes(&f->out, 0) + field;
		g_assert_cmphex(sent[0] << 8 | sent[1], ==, udp ? 0xffff : 0);
	}
}

static void partial_checksum_is_left_to_a_port_that_completes_it(struct fixture *f, gconstpointer unused)
{
	f->s.partial = true;
	f->s.payload_len = 100;
	f->to.offloads = PORT_OFFLOAD_CHECKSUM;
	g_assert_cmpint(pass_sample(f), ==, OVERSIZE_EMITTED);
	g_assert_cmpint(f->out.frames[0].checksum, ==, FRAME_CHECKSUM_PARTIAL);
}

static void checksum_field_outside_the_frame_is_refused(struct fixture *f, gconstpointer unused)
{
	f->s.payload_len = 100;
	struct frame frame = sample_frame(&f->s, &f->arena);
	frame.checksum = FRAME_CHECKSUM_PARTIAL;
	frame.csum_start = (uint16_t)(frame.len - 1);
	g_assert_cmpint(pass_frame(f, &frame), ==, OVERSIZE_DROPPED);
	frame.csum_start = 0xffff;
	frame.csum_offset = 0xffff;
	g_assert_cmpint(pass_frame(f, &frame), ==, OVERSIZE_DROPPED);
	g_assert_cmpuint(f->out.n, ==, 0);
}

static void super_frame_passes_whole_where_the_port_takes_it(struct fixture *f, gconstpointer unused)
{
	static const struct {
		bool v6, udp;
		unsigned offload;
	} kinds[] = { { false, false, PORT_OFFLOAD_TSO4 },
		      { true, false, PORT_OFFLOAD_TSO6 },
		      { false, true, PORT_OFFLOAD_USO },
		      { true, true, PORT_OFFLOAD_USO } };
	f->s.partial = true;
	f->s.payload_len = 30000;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		f->s.v6 = kinds[i].v6;
		f->s.udp = kinds[i].udp;
		f->to.offloads = PORT_OFFLOAD_CHECKSUM | kinds[i].offload;
		g_assert_cmpint(pass_super(f, 1400), ==, OVERSIZE_EMITTED);
		g_assert_cmpuint(f->out.n, ==, 1);
		g_assert_cmpint(f->out.frames[0].gso, !=, FRAME_GSO_NONE);
		f->to.offloads = (unsigned)~kinds[i].offload;
		g_assert_cmpint(pass_super(f, 1400), ==, OVERSIZE_EMITTED);
		g_assert_cmpuint(f->out.n, ==, 22);
		for (unsigned j = 0; j < f->out.n; j++)
			assert_checksum_right(&f->out, j);
	}
}

/* As a router: the sender learns the path MTU instead of having its segments cut behind its back. */
static void super_frame_of_segments_too_big_is_answered_before_any_goes_out(struct fixture *f, gconstpointer unused)
{
	f->s = (struct sample){ .partial = true, .tcp_flags = TCP_ACK, .payload_len = 60000, .dont_fragment = true };
	f->to.offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6;
	g_assert_cmpint(pass_super(f, 1449), ==, OVERSIZE_TOO_BIG);
	g_assert_cmpuint(f->result.mtu, ==, 1500);
	f->s.v6 = true;
	g_assert_cmpint(pass_super(f, 1449), ==, OVERSIZE_TOO_BIG);
	g_assert_cmpuint(f->out.n, ==, 0);
	f->s.v6 = false;
	g_assert_cmpint(pass_super(f, 1448), ==, OVERSIZE_EMITTED);
	g_assert_cmpuint(f->out.n, ==, 1);
	f->s.payload_len = 1000; /* its one segment fits whatever it announces */
	g_assert_cmpint(pass_super(f, 9000), ==, OVERSIZE_EMITTED);
}

static void segments_too_big_without_df_are_fragmented(struct fixture *f, gconstpointer unused)
{
	f->s = (struct sample){ .partial = true, .tcp_flags = TCP_ACK, .payload_len = 8000 };
	f->to.offloads = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4;
	g_assert_cmpint(pass_super(f, 4000), ==, OVERSIZE_EMITTED);
	g_assert_cmpuint(f->out.n, ==, 6);
	struct collected both = f->out;
	for (unsigned i = 0; i < 2; i++) {
		f->out.n = 3;
		memcpy(f->out.frames, both.frames + 3 * i, 3 * sizeof(both.frames[0]));
		struct packet whole = reassemble(f);
		g_assert_cmpuint(whole.l4_len, ==, 32 + 4000);
		struct checksum c = { 0 };
		checksum_add_pseudo4(&c, whole.ip.src, whole.ip.dst, whole.ip.protocol, (uint16_t)whole.l4_len);
		checksum_add(&c, packet_l4(&whole), whole.l4_len);
		g_assert_true(checksum_is_right(&c));
	}
}

static void memory_that_runs_out_is_a_named_drop(struct fixture *f, gconstpointer unused)
{
	struct arena empty;
	arena_init(&empty, 0);
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct iovec one = { f->s.bytes, frame.len };
	frame.iov = &one;
	frame.n_iov = 1;
	struct oversize_result r = oversize_pass_frame(&frame, &f->to, &empty, collect, &f->out);
	g_assert_cmpint(r.verdict, ==, OVERSIZE_DROPPED);
	g_assert_cmpint(r.why, ==, DROP_NO_MEMORY);
	arena_done(&empty);
}

static const struct mac gateway_mac = { { 0x52, 0x54, 0, 0, 0, 1 } };

static int answer(struct fixture *f, const struct frame *frame, struct icmp_answer *ret)
{
	struct packet cause = parsed(frame, &f->arena);
	return too_big_build(&cause, 1400, gateway_mac, IP4(192, 168, 122, 1), &(struct gateway_ip6){ 0 }, NULL, 0, ret);
}

static void assert_addressed_back(const struct fixture *f, const struct icmp_answer *a)
{
	const uint8_t *bytes = a->bytes;
	g_assert_cmpmem(bytes, 6, sample_src.b, 6);
	g_assert_cmpmem(bytes + 6, 6, gateway_mac.b, 6);
	g_assert_cmpmem(bytes + 12, f->s.l3_offset - 12, f->s.bytes + 12, f->s.l3_offset - 12);
}

static void ipv4_answer_is_fragmentation_needed_from_the_gateway(struct fixture *f, gconstpointer unused)
{
	for (f->s.tags = 0; f->s.tags <= 2; f->s.tags++) {
		struct frame frame = sample_frame(&f->s, &f->arena);
		struct icmp_answer a;
		g_assert_cmpint(answer(f, &frame, &a), ==, 0);
		assert_addressed_back(f, &a);
		struct iovec iov;
		struct frame back = frame_of(&iov, a.bytes, a.len);
		struct icmp4_header icmp;
		struct packet p = parsed(&back, &f->arena);
		g_assert_cmphex(p.ip.src, ==, IP4(192, 168, 122, 1));
		g_assert_cmphex(p.ip.dst, ==, IP4(192, 168, 122, 2));
		g_assert_cmpint(icmp4_parse((const uint8_t *)a.bytes + p.l4_offset, p.l4_len, &icmp), ==, 0);
		g_assert_cmpuint(icmp.type, ==, ICMP4_UNREACHABLE);
		g_assert_cmpuint(icmp.code, ==, ICMP4_UNREACHABLE_FRAG_NEEDED);
		g_assert_cmpuint(icmp.rest, ==, 1400);
		size_t quoted_at = p.l4_offset + ICMP4_HEADER_LEN;
		g_assert_cmpmem((const uint8_t *)a.bytes + quoted_at, a.len - quoted_at, f->s.bytes + f->s.l3_offset, 548);
	}
}

static void ipv6_answer_is_packet_too_big(struct fixture *f, gconstpointer unused)
{
	f->s.v6 = true;
	for (f->s.tags = 0; f->s.tags <= 2; f->s.tags++) {
		struct frame frame = sample_frame(&f->s, &f->arena);
		struct icmp_answer a;
		g_assert_cmpint(answer(f, &frame, &a), ==, 0);
		assert_addressed_back(f, &a);
		struct iovec iov;
		struct frame back = frame_of(&iov, a.bytes, a.len);
		struct packet p = parsed(&back, &f->arena);
		g_assert_cmpuint(packet_end(&p), ==, a.len);
		g_assert_cmpuint(packet_end(&p) - p.l3_offset, ==, IPV6_MTU_MIN);
		g_assert_cmpuint(p.ip6.src.b[15], ==, 3);
		g_assert_cmpuint(p.ip6.dst.b[15], ==, 2);
		g_assert_cmpuint(p.protocol, ==, IPV6_NEXT_ICMP);
		const uint8_t *icmp = (const uint8_t *)a.bytes + p.l4_offset;
		g_assert_cmphex(sample_layer4_sum(&p, a.bytes, false), ==, 0xffff);
		g_assert_cmpuint(icmp[0], ==, ICMP6_PACKET_TOO_BIG);
		g_assert_cmpuint(icmp[1], ==, 0);
		g_assert_cmpuint(icmp[6] << 8 | icmp[7], ==, 1400);
		g_assert_cmpmem(icmp + 8, 1232, f->s.bytes + f->s.l3_offset, 1232);
	}
}

/* RFC 4443 §2.4(e) */
static void ipv6_answers_are_not_sent_about_errors_or_to_invalid_sources(struct fixture *f, gconstpointer unused)
{
	f->s.v6 = true;
	struct frame frame = sample_frame(&f->s, &f->arena);
	struct icmp_answer a;
	uint8_t *ip = f->s.bytes + 14, *src = ip + 8, *dst = ip + 24;
	ip[6] = IPV6_NEXT_ICMP;
	f->s.bytes[f->s.l4_offset] = ICMP6_PACKET_TOO_BIG;
	g_assert_cmpint(answer(f, &frame, &a), ==, -EPERM);
	f->s.bytes[f->s.l4_offset] = ICMP6_REDIRECT;
	g_assert_cmpint(answer(f, &frame, &a), ==, -EPERM);
	f->s.bytes[f->s.l4_offset] = ICMP6_ECHO_REQUEST;
	g_assert_cmpint(answer(f, &frame, &a), ==, 0);
	ip[6] = IPV6_NEXT_FRAGMENT;
	f->s.bytes[f->s.l4_offset] = IPV6_NEXT_ICMP;
	g_assert_cmpint(answer(f, &frame, &a), ==, -EPERM);
	ip[6] = IP_PROTOCOL_UDP;
	src[0] = 0xff;
	g_assert_cmpint(answer(f, &frame, &a), ==, -EPERM);
	memset(src, 0, 16);
	g_assert_cmpint(answer(f, &frame, &a), ==, -EPERM);
	src[0] = 0xfd;
	dst[0] = 0xff;
	g_assert_cmpint(answer(f, &frame, &a), ==, -EPERM);
}

static void answers_are_held_to_the_limit_of_the_sending_port(struct fixture *f, gconstpointer unused)
{
	struct icmp_limit limit = { 0 };
	struct port port = { .id = 9 };
	struct icmp_answer a;
	for (unsigned i = 0; i <= ICMP_LIMIT_PORT_BURST; i++) {
		f->s.v6 = i % 2;
		struct frame frame = sample_frame(&f->s, &f->arena);
		frame.ingress = &port;
		struct packet cause = parsed(&frame, &f->arena);
		g_assert_cmpint(too_big_build(&cause, 1400, gateway_mac, 1, &(struct gateway_ip6){ 0 }, &limit, 5, &a), ==,
				i < ICMP_LIMIT_PORT_BURST ? 0 : -EBUSY);
	}
}

#define ADD(name) g_test_add("/oversize/" #name, struct fixture, NULL, setup, name, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(frame_that_fits_passes_untouched);
	ADD(fragments_reassemble_to_the_datagram);
	ADD(only_copied_options_are_in_later_fragments);
	ADD(malformed_options_end_the_list);
	ADD(fragment_may_be_cut_again);
	ADD(fragment_that_ends_behind_65535_is_dropped);
	ADD(dont_fragment_and_ipv6_are_too_big);
	ADD(padding_behind_a_packet_that_fits_is_cut_off);
	ADD(oversize_frame_that_is_not_ip_is_dropped_with_its_reason);
	ADD(port_too_small_for_any_fragment_is_a_named_drop);
	ADD(partial_checksum_is_completed_for_a_port_that_does_not);
	ADD(completed_checksum_of_zero_is_0xffff_in_udp_only);
	ADD(partial_checksum_is_left_to_a_port_that_completes_it);
	ADD(checksum_field_outside_the_frame_is_refused);
	ADD(super_frame_passes_whole_where_the_port_takes_it);
	ADD(super_frame_of_segments_too_big_is_answered_before_any_goes_out);
	ADD(segments_too_big_without_df_are_fragmented);
	ADD(memory_that_runs_out_is_a_named_drop);
	ADD(ipv4_answer_is_fragmentation_needed_from_the_gateway);
	ADD(ipv6_answer_is_packet_too_big);
	ADD(ipv6_answers_are_not_sent_about_errors_or_to_invalid_sources);
	ADD(answers_are_held_to_the_limit_of_the_sending_port);
	return g_test_run();
}
