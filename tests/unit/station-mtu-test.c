/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of more than 1500 bytes between guests: a network card may not take what its port does, so they reach a station only when it has
 * shown to take them; else they are fragmented, or the sender is told.  IPv4 and IPv6, without a tag, with one and with two.
 */
#include "lan/segment.h"
#include "sample-frame.h"
#include "support/memory_port.h"

#define FRAME_MAX 65553
#define OFFLOADS (PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6 | PORT_OFFLOAD_USO)

static const struct mac gateway_mac = { { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } };

struct fixture {
	struct segment segment;
	struct arena arena;
	struct memory_port sender, station, gateway;
	struct sample s;
	unsigned n_told;
	size_t told_mtu;
};

static void ignore_flush(void *opaque, usec_t now)
{
}

static void note_too_big(void *opaque, usec_t now, struct packet *p, size_t mtu)
{
	struct fixture *f = opaque;
	f->n_told++;
	f->told_mtu = mtu;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = { { 1, 2 } } }), ==, 0);
	arena_init(&f->arena, (size_t)64 << 20);
	memory_port_init(&f->sender, &f->segment, "sender", FRAME_MAX);
	memory_port_init(&f->station, &f->segment, "station", FRAME_MAX);
	memory_port_init(&f->gateway, &f->segment, "gateway", FRAME_MAX);
	f->segment.gateway = (struct segment_gateway){
		.port = &f->gateway.port, .mac = gateway_mac, .flush = ignore_flush, .too_big = note_too_big, .opaque = f
	};
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	f->segment.gateway = (struct segment_gateway){ 0 };
	memory_port_done(&f->sender);
	memory_port_done(&f->station);
	memory_port_done(&f->gateway);
	segment_done(&f->segment);
	arena_done(&f->arena);
}

static void forget_frames(struct fixture *f)
{
	memory_port_clear(&f->sender);
	memory_port_clear(&f->station);
	memory_port_clear(&f->gateway);
	f->station.port.counters.drops.count[DROP_FRAG_NEEDED] = 0;
	f->n_told = 0;
}

/* The station is known by a short frame. */
static void introduce(struct fixture *f)
{
	memory_port_speak(&f->station, sample_dst, 64);
	forget_frames(f);
}

/* The station shows that it takes IP packets of @len bytes. */
static void show(struct fixture *f, size_t len)
{
	memory_port_speak(&f->station, sample_dst, ETH_HEADER_LEN + len);
	forget_frames(f);
}

static void start_again(struct fixture *f)
{
	segment_detach(&f->segment, 0, &f->station.port);
	memory_port_done(&f->station);
	memory_port_init(&f->station, &f->segment, "station", FRAME_MAX);
	arena_reset(&f->arena);
}

/* For each family and number of tags, with a station that is known by a short frame. */
static void for_each_kind(struct fixture *f, bool udp, void (*each)(struct fixture *f))
{
	for (unsigned i = 0; i < 6; i++) {
		f->s = (struct sample){ .udp = udp, .v6 = i & 1, .tags = i / 2, .tcp_flags = TCP_ACK };
		start_again(f);
		introduce(f);
		each(f);
	}
}

/* The length of the headers behind Ethernet's. */
static size_t headers(const struct fixture *f)
{
	return (f->s.v6 ? 40 : 20) + (f->s.udp ? 8 : 32);
}

static size_t l3_offset(const struct fixture *f)
{
	return ETH_HEADER_LEN + 4 * f->s.tags;
}

static void send_frame(struct fixture *f, struct frame *frame)
{
	frame->ingress = &f->sender.port;
	segment_input(&f->segment, 0, &f->sender.port, frame);
	segment_flush(&f->segment, 0);
}

/* Sends an IP packet of @len bytes. */
static void send_packet(struct fixture *f, size_t len)
{
	f->s.payload_len = len - headers(f);
	struct frame frame = sample_frame(&f->s, &f->arena);
	send_frame(f, &frame);
}

static void send_super(struct fixture *f, size_t payload_len, uint16_t gso_size)
{
	f->s.partial = true;
	f->s.payload_len = payload_len;
	struct frame frame = sample_frame(&f->s, &f->arena);
	frame.gso = f->s.udp ? FRAME_GSO_UDP : f->s.v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4;
	frame.gso_size = gso_size;
	send_frame(f, &frame);
}

static void assert_whole(struct fixture *f, size_t len)
{
	size_t got;
	g_assert_cmpuint(f->station.frames->len, ==, 1);
	memory_port_frame(&f->station, 0, &got);
	g_assert_cmpuint(got, ==, l3_offset(f) + len);
	g_assert_cmpuint(f->n_told, ==, 0);
}

static void assert_fragments(struct fixture *f, size_t payload_len, size_t mtu)
{
	size_t total = 0;
	for (unsigned i = 0; i < f->station.frames->len; i++) {
		struct iovec iov;
		size_t len;
		const uint8_t *bytes = memory_port_frame(&f->station, i, &len);
		struct frame fragment = frame_of(&iov, bytes, len);
		struct packet p = parsed(&fragment, &f->arena);
		g_assert_cmpuint(p.ip.total_len, <=, mtu);
		g_assert_cmpuint(p.ip.fragment_offset, ==, f->s.udp ? total : 0);
		total += p.l4_len;
	}
	g_assert_cmpuint(total, ==, payload_len);
}

static void assert_told(struct fixture *f, size_t mtu)
{
	g_assert_cmpuint(f->station.frames->len, ==, 0);
	g_assert_cmpuint(f->station.port.counters.drops.count[DROP_FRAG_NEEDED], ==, 1);
	g_assert_cmpuint(f->n_told, ==, 1);
	g_assert_cmpuint(f->told_mtu, ==, mtu);
}

static void is_fragmented(struct fixture *f)
{
	if (f->s.v6)
		return;
	send_packet(f, 8000);
	g_assert_cmpuint(f->station.frames->len, ==, 6);
	assert_fragments(f, 8000 - 20, 1500);
}

static void packet_without_df_is_fragmented_to_1500(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, true, is_fragmented);
}

static void is_answered(struct fixture *f)
{
	f->s.dont_fragment = true;
	send_packet(f, 1501);
	assert_told(f, 1500);
}

/* RFC 1191 §4, RFC 8201 §4. */
static void sender_of_a_packet_that_must_stay_whole_is_told_1500(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, true, is_answered);
}

static void passes_at_1500(struct fixture *f)
{
	f->s.dont_fragment = true;
	send_packet(f, 1500);
	assert_whole(f, 1500);
}

static void packet_of_1500_bytes_passes(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, true, passes_at_1500);
}

static void tcp_passes(struct fixture *f)
{
	f->s.dont_fragment = true;
	send_packet(f, 9000);
	assert_whole(f, 9000);
}

/* RFC 9293 §3.7.1. */
static void tcp_passes_whole_because_the_receivers_mss_limits_it(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, false, tcp_passes);
}

static void super_frame_passes(struct fixture *f)
{
	f->station.port.offloads = OFFLOADS;
	f->s.dont_fragment = true;
	send_super(f, 60000, 8948);
	assert_whole(f, headers(f) + 60000);
}

static void tcp_super_frame_passes_whole(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, false, super_frame_passes);
}

static void datagrams_are_fragmented(struct fixture *f)
{
	f->station.port.offloads = OFFLOADS;
	if (f->s.v6) {
		send_super(f, 8000, 4000);
		assert_told(f, 1500);
		return;
	}
	send_super(f, 8000, 4000);
	g_assert_cmpuint(f->station.frames->len, ==, 6);
	size_t len;
	for (unsigned i = 0; i < 6; i++) {
		memory_port_frame(&f->station, i, &len);
		g_assert_cmpuint(len, <=, l3_offset(f) + 1500);
	}
}

static void udp_super_frame_with_large_datagrams_is_fragmented_or_answered(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, true, datagrams_are_fragmented);
}

static void small_datagrams_pass(struct fixture *f)
{
	f->station.port.offloads = OFFLOADS;
	send_super(f, 8000, 1400);
	assert_whole(f, headers(f) + 8000);
}

static void udp_super_frame_with_small_datagrams_passes_whole(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, true, small_datagrams_pass);
}

static void shows_9000(struct fixture *f)
{
	f->s.dont_fragment = true;
	show(f, 9000);
	send_packet(f, 9000);
	assert_whole(f, 9000);
	forget_frames(f);
	send_packet(f, 9001);
	assert_told(f, 9000);
}

static void station_gets_packets_as_large_as_it_has_sent(struct fixture *f, gconstpointer data)
{
	for_each_kind(f, true, shows_9000);
}

/* Its segments have at least 40 bytes of headers. */
static void segments_of_a_super_frame_show_their_size(struct fixture *f, gconstpointer data)
{
	f->s = (struct sample){ .tcp_flags = TCP_ACK, .partial = true, .payload_len = 60000 };
	introduce(f);
	struct frame frame = sample_frame(&f->s, &f->arena);
	memcpy(f->s.bytes, sample_src.b, 6);
	memcpy(f->s.bytes + 6, sample_dst.b, 6);
	frame.gso = FRAME_GSO_TCP4;
	frame.gso_size = 8948;
	frame.ingress = &f->station.port;
	segment_input(&f->segment, 0, &f->station.port, &frame);
	segment_flush(&f->segment, 0);
	g_assert_cmpuint(segment_mtu(&f->segment, 0, sample_dst), ==, 8948 + 40);
}

/* A SYN from the station with an MSS of @mss. */
static void send_syn(struct fixture *f, uint8_t ttl, uint16_t mss)
{
	uint8_t bytes[128];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct ipv4_header ip = {
		.total_len = 44, .ttl = ttl, .protocol = IP_PROTOCOL_TCP, .src = IP4(10, 0, 0, 3), .dst = IP4(10, 0, 0, 2)
	};
	eth_emit(&w, &(struct eth_header){ sample_src, sample_dst, ETH_TYPE_IPV4 });
	ipv4_emit(&w, &ip);
	tcp_emit(&w, &(struct tcp_header){ .src_port = 1, .dst_port = 2, .flags = TCP_SYN, .has_mss = true, .mss = mss });
	g_assert_cmpuint(w.len, ==, ETH_HEADER_LEN + ip.total_len);
	memory_port_input(&f->station, 0, bytes, w.len);
}

/* RFC 9293 §3.7.1.  A SYN that the station has forwarded shows the MTU of another machine. */
static void mss_of_a_station_shows_its_mtu(struct fixture *f, gconstpointer data)
{
	introduce(f);
	send_syn(f, 63, 65480);
	g_assert_cmpuint(segment_mtu(&f->segment, 0, sample_dst), ==, 1500);
	send_syn(f, 64, 1460);
	g_assert_cmpuint(segment_mtu(&f->segment, 0, sample_dst), ==, 1500);
	send_syn(f, 64, 65480);
	g_assert_cmpuint(segment_mtu(&f->segment, 0, sample_dst), ==, 65520);
}

static void port_limits_what_a_station_has_shown(struct fixture *f, gconstpointer data)
{
	show(f, 60000);
	f->station.port.max_frame = ETH_HEADER_LEN + 9000;
	g_assert_cmpuint(segment_mtu(&f->segment, 0, sample_dst), ==, 9000);
}

static void what_a_station_has_shown_is_forgotten_with_its_port(struct fixture *f, gconstpointer data)
{
	show(f, 9000);
	start_again(f);
	introduce(f);
	g_assert_cmpuint(segment_mtu(&f->segment, 0, sample_dst), ==, 1500);
	/* Or it moves while both are there. */
	show(f, 9000);
	memory_port_speak(&f->sender, sample_dst, 64);
	g_assert_cmpuint(segment_mtu(&f->segment, 0, sample_dst), ==, 1500);
}

static void what_a_station_has_shown_is_forgotten_when_it_starts(struct fixture *f, gconstpointer data)
{
	f->s = (struct sample){ .udp = true, .dont_fragment = true };
	show(f, 9000);
	segment_forget_mtu(&f->segment, sample_dst);
	send_packet(f, 9000);
	assert_told(f, 1500);
}

static void what_a_station_has_shown_is_forgotten_when_its_entry_ages(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	show(f, 9000);
	memcpy(bytes + 6, sample_dst.b, 6);
	memory_port_input(&f->station, FDB_AGE, bytes, sizeof(bytes));
	g_assert_cmpuint(segment_mtu(&f->segment, FDB_AGE, sample_dst), ==, 9000);
	memory_port_input(&f->station, 2 * FDB_AGE + 1, bytes, sizeof(bytes));
	g_assert_cmpuint(segment_mtu(&f->segment, 2 * FDB_AGE + 1, sample_dst), ==, 1500);
}

static void station_of_a_port_that_has_agreed_on_an_mtu_gets_it_at_once(struct fixture *f, gconstpointer data)
{
	f->s = (struct sample){ .udp = true, .dont_fragment = true };
	introduce(f);
	f->station.port.agreed_mtu = 9000;
	send_packet(f, 9000);
	assert_whole(f, 9000);
	forget_frames(f);
	send_packet(f, 9001);
	assert_told(f, 9000);
}

/* Stations of one port differ. */
static void each_station_has_an_mtu_of_its_own(struct fixture *f, gconstpointer data)
{
	struct mac other = { { 2, 0, 0, 0, 0, 7 } };
	memory_port_speak(&f->station, other, ETH_HEADER_LEN + 9000);
	introduce(f);
	g_assert_cmpuint(segment_mtu(&f->segment, 0, other), ==, 9000);
	g_assert_cmpuint(segment_mtu(&f->segment, 0, sample_dst), ==, 1500);
}

/* Of the ports that get a flooded packet, only those with a station that takes it get it whole. */
static void flooded_packet_is_fragmented_for_ports_that_have_not_shown_more(struct fixture *f, gconstpointer data)
{
	struct mac known = { { 2, 0, 0, 0, 0, 7 } };
	f->s = (struct sample){ .udp = true };
	send_packet(f, 4000);
	assert_fragments(f, 4000 - 20, 1500);
	memory_port_speak(&f->station, known, ETH_HEADER_LEN + 4000);
	forget_frames(f);
	send_packet(f, 4000);
	assert_whole(f, 4000);
}

/* No station is known to be the one that it is for, and multicast must not be answered (RFC 1122 §3.2.2). */
static void flooded_packet_with_df_is_counted_and_not_answered(struct fixture *f, gconstpointer data)
{
	f->s = (struct sample){ .udp = true, .dont_fragment = true };
	send_packet(f, 4000);
	g_assert_cmpuint(f->station.frames->len, ==, 0);
	g_assert_cmpuint(f->station.port.counters.drops.count[DROP_FRAG_NEEDED], ==, 1);
	g_assert_cmpuint(f->n_told, ==, 0);
}

static void without_a_gateway_it_is_counted(struct fixture *f, gconstpointer data)
{
	f->segment.gateway = (struct segment_gateway){ 0 };
	f->s = (struct sample){ .udp = true, .dont_fragment = true };
	introduce(f);
	send_packet(f, 4000);
	g_assert_cmpuint(f->station.frames->len, ==, 0);
	g_assert_cmpuint(f->station.port.counters.drops.count[DROP_FRAG_NEEDED], ==, 1);
}

/* Only IP has a way to tell the sender. */
static void long_frame_that_is_not_ip_passes(struct fixture *f, gconstpointer data)
{
	introduce(f);
	g_autofree uint8_t *bytes = g_malloc0(9014);
	memcpy(bytes, sample_dst.b, 6);
	memcpy(bytes + 6, sample_src.b, 6);
	bytes[12] = 0x88;
	bytes[13] = 0xb6;
	memory_port_input(&f->sender, 0, bytes, 9014);
	assert_whole(f, 9000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/station-mtu/" #name, struct fixture, NULL, set_up, name, tear_down)
	TEST(packet_without_df_is_fragmented_to_1500);
	TEST(sender_of_a_packet_that_must_stay_whole_is_told_1500);
	TEST(packet_of_1500_bytes_passes);
	TEST(tcp_passes_whole_because_the_receivers_mss_limits_it);
	TEST(tcp_super_frame_passes_whole);
	TEST(udp_super_frame_with_large_datagrams_is_fragmented_or_answered);
	TEST(udp_super_frame_with_small_datagrams_passes_whole);
	TEST(station_gets_packets_as_large_as_it_has_sent);
	TEST(segments_of_a_super_frame_show_their_size);
	TEST(mss_of_a_station_shows_its_mtu);
	TEST(port_limits_what_a_station_has_shown);
	TEST(what_a_station_has_shown_is_forgotten_with_its_port);
	TEST(what_a_station_has_shown_is_forgotten_when_it_starts);
	TEST(what_a_station_has_shown_is_forgotten_when_its_entry_ages);
	TEST(station_of_a_port_that_has_agreed_on_an_mtu_gets_it_at_once);
	TEST(each_station_has_an_mtu_of_its_own);
	TEST(flooded_packet_is_fragmented_for_ports_that_have_not_shown_more);
	TEST(flooded_packet_with_df_is_counted_and_not_answered);
	TEST(without_a_gateway_it_is_counted);
	TEST(long_frame_that_is_not_ip_passes);
#undef TEST
	return g_test_run();
}
