/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vhost-user ports with a front end that keeps to the protocol. */
#include "base/macros.h"
#include "gateway/engine.h"
#include "gateway/gateway.h"
#include "lan/flow_hash.h"
#include "link/vhost/backlog.h"
#include "support/vhost_world.h"
#include "unit/sample-frame.h"
#include "wire/arp.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void assert_other_got(struct vhost_world *w, unsigned index, GBytes *expected)
{
	gsize expected_len;
	size_t len;
	const void *want = g_bytes_get_data(expected, &expected_len);
	const uint8_t *got = memory_port_frame(&w->other, index, &len);
	g_assert_cmpmem(got, len, want, expected_len);
}

static void assert_front_gets(struct vhost_front *f, GBytes *expected, uint8_t ret_header[NET_HEADER_LEN])
{
	g_autoptr(GBytes) got = vhost_front_receive(f, ret_header);
	g_assert_nonnull(got);
	g_assert_true(g_bytes_equal(got, expected));
}

static void guest_sends(struct vhost_front *f, GBytes *frame)
{
	vhost_front_send(f, NULL, g_bytes_get_data(frame, NULL), g_bytes_get_size(frame), 4096);
}

static void other_sends(struct vhost_world *w, GBytes *frame)
{
	memory_port_input(&w->other, 0, g_bytes_get_data(frame, NULL), g_bytes_get_size(frame));
}

static uint64_t drops(struct vhost_world *w, enum drop_reason why)
{
	g_assert_cmpuint(vhost_world_port(w)->counters.drops.count[why], ==, w->segment.drops.count[why]);
	return w->segment.drops.count[why];
}

/* --- messages --- */

static void offered_features_are_those_that_a_modern_front_end_needs(struct vhost_world *w, gconstpointer data)
{
	uint64_t protocol = vhost_front_ask(&w->front, PROTOCOL_GET_PROTOCOL_FEATURES);
	g_assert_cmphex(protocol, ==,
			VHOST_BIT(0) | VHOST_BIT(2) | VHOST_BIT(3) | VHOST_BIT(4) | VHOST_BIT(5) | VHOST_BIT(9) | VHOST_BIT(13) |
				VHOST_BIT(15) | VHOST_BIT(16));
	g_assert_cmpuint(vhost_front_ask(&w->front, PROTOCOL_GET_QUEUE_NUM), ==, 8);
	g_assert_cmpuint(vhost_front_ask(&w->front, PROTOCOL_GET_MAX_MEM_SLOTS), ==, 64);
	uint64_t features = vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES);
	g_assert_cmphex(features & (VHOST_LINUX | VHOST_BIT(VIRTIO_NET_F_HOST_USO)), ==, VHOST_LINUX | VHOST_BIT(VIRTIO_NET_F_HOST_USO));
}

/* virtio 1.3 §5.1.3.1: several pairs need a control queue, which a front end without them does not have. */
static void several_queues_are_offered_to_front_ends_that_know_of_them(struct vhost_world *w, gconstpointer data)
{
	uint64_t protocol = vhost_front_ask(&w->front, PROTOCOL_GET_PROTOCOL_FEATURES), mq = VHOST_BIT(PROTOCOL_F_MQ);
	g_assert_cmphex(vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES) & VHOST_BIT(VIRTIO_NET_F_MQ), ==, 0);
	uint64_t without = protocol & ~mq;
	vhost_front_tell(&w->front, PROTOCOL_SET_PROTOCOL_FEATURES, 1, &without, sizeof(without), NULL, 0);
	g_assert_cmphex(vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES) & VHOST_BIT(VIRTIO_NET_F_MQ), ==, 0);
	vhost_front_tell(&w->front, PROTOCOL_SET_PROTOCOL_FEATURES, 1, &protocol, sizeof(protocol), NULL, 0);
	g_assert_cmphex(vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES) & VHOST_BIT(VIRTIO_NET_F_MQ), !=, 0);
}

static void acknowledgements_tell_success_from_failure(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_MODERN);
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_NET_SET_MTU, 9000), ==, 0);
	g_assert_cmpuint(vhost_world_port(w)->mtu, ==, 9000);
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_NET_SET_MTU, 10), !=, 0);
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_NET_SET_MTU, 65536), !=, 0);
	g_assert_cmpuint(vhost_world_port(w)->mtu, ==, 9000);
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_SET_FEATURES, VHOST_BIT(63)), !=, 0);
	g_assert_cmpuint(vhost_front_set(&w->front, 99, 0), !=, 0); /* no such request */
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_SET_STATUS, 7), ==, 0);
	g_assert_cmpuint(vhost_front_ask(&w->front, PROTOCOL_GET_STATUS), ==, 7);
}

static void unknown_request_without_a_wish_for_an_answer_is_ignored(struct vhost_world *w, gconstpointer data)
{
	uint64_t features = vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES);
	vhost_front_tell(&w->front, 99, 1, NULL, 0, NULL, 0);
	g_assert_cmpint(recv(w->front.socket, &(uint8_t){ 0 }, 1, MSG_DONTWAIT), ==, -1); /* neither answered nor closed */
	g_assert_cmpint(errno, ==, EAGAIN);
	g_assert_cmpuint(vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES), ==, features);
}

static void every_request_is_acknowledged_as_specified(struct vhost_world *w, gconstpointer data)
{
	static const struct {
		uint32_t request;
		uint64_t payload[2];
		uint32_t len;
		uint64_t refused;
	} requests[] = {
		{ PROTOCOL_SET_OWNER, { 0 }, 0, 0 },
		{ PROTOCOL_SET_FEATURES, { VHOST_LINUX }, 8, 0 },
		{ PROTOCOL_SET_VRING_NUM, { 128ull << 32 }, 8, 0 },
		{ PROTOCOL_SET_VRING_BASE, { 0 }, 8, 0 },
		{ PROTOCOL_SET_VRING_ENABLE, { 1ull << 32 }, 8, 0 },
		{ PROTOCOL_SET_VRING_CALL, { 0x100 }, 8, 0 }, /* none */
		{ PROTOCOL_SET_VRING_ERR, { 0x100 }, 8, 0 },
		{ PROTOCOL_SET_VRING_KICK, { 0x100 }, 8, 1 }, /* to be polled all the time */
		{ PROTOCOL_NET_SET_MTU, { 1500 }, 8, 0 },
		{ PROTOCOL_SET_STATUS, { 1 }, 8, 0 },
		{ PROTOCOL_SET_STATUS, { 256 }, 8, 1 },
		{ PROTOCOL_SET_CONFIG, { 1ull << 32, 0 }, 13, 1 }, /* all fields are read-only */
		{ PROTOCOL_SET_BACKEND_REQ_FD, { 0 }, 0, 1 },      /* without one */
		{ PROTOCOL_RESET_DEVICE, { 0 }, 0, 0 },
		{ PROTOCOL_RESET_OWNER, { 0 }, 0, 0 },
		{ 6, { 0, 0 }, 16, 1 },  /* SET_LOG_BASE */
		{ 22, { 0, 0 }, 16, 1 }, /* IOTLB_MSG */
		{ 31, { 0, 0 }, 16, 1 }, /* GET_INFLIGHT_FD */
		{ 41, { 0, 0 }, 16, 1 }, /* GET_SHARED_OBJECT */
		{ UINT32_MAX, { 0 }, 0, 1 },
	};
	vhost_front_start(&w->front, VHOST_MODERN);
	for (unsigned i = 0; i < VHOST_FRONT_QUEUES; i++)
		vhost_front_stop(&w->front, i);
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
		uint64_t refused;
		vhost_front_tell(&w->front, requests[i].request, 1 | 8, requests[i].payload, requests[i].len, NULL, 0);
		vhost_front_hear(&w->front, requests[i].request, &refused, sizeof(refused));
		g_assert_cmpuint(refused, ==, requests[i].refused);
	}
	vhost_front_ask(&w->front, PROTOCOL_GET_FEATURES);
}

static void configuration_says_link_queues_and_mtu(struct vhost_world *w, gconstpointer data)
{
	uint8_t request[12 + 12] = { 0, 0, 0, 0, 12 }, reply[12 + 12];
	vhost_front_tell(&w->front, PROTOCOL_GET_CONFIG, 1, request, sizeof(request), NULL, 0);
	vhost_front_hear(&w->front, PROTOCOL_GET_CONFIG, reply, sizeof(reply));
	static const uint8_t expected[] = { 0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 1500 & 0xff, 1500 >> 8 };
	g_assert_cmpmem(reply + 12, 12, expected, sizeof(expected));
	request[0] = 250;
	vhost_front_tell(&w->front, PROTOCOL_GET_CONFIG, 1, request, sizeof(request), NULL, 0);
	vhost_front_hear(&w->front, PROTOCOL_GET_CONFIG, reply, 0); /* outside: refused */
}

/* virtio 1.3 §5.1.4.2: a driver that takes VIRTIO_NET_F_MTU posts buffers for packets of that size. */
static void mtu_is_agreed_on_with_a_driver_that_takes_the_feature(struct vhost_world *w, gconstpointer data)
{
	uint64_t mtu = UINT64_C(1) << VIRTIO_NET_F_MTU;
	vhost_front_start(&w->front, VHOST_LINUX & ~mtu);
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_NET_SET_MTU, 9000), ==, 0);
	g_assert_cmpuint(vhost_world_port(w)->agreed_mtu, ==, 1500);
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_SET_FEATURES, VHOST_LINUX | mtu), ==, 0);
	g_assert_cmpuint(vhost_world_port(w)->agreed_mtu, ==, 9000);
}

static void rarp_moves_the_guest_here(struct vhost_world *w, gconstpointer data)
{
	struct mac mac = { { 0x52, 0x54, 0, 1, 2, 3 } };
	uint64_t number = 0;
	memcpy(&number, mac.b, sizeof(mac.b));
	vhost_front_start(&w->front, VHOST_MODERN);
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_SEND_RARP, number), ==, 0);
	g_assert_cmpuint(w->other.frames->len, ==, 1);
	g_assert_true(segment_find(&w->segment, 0, mac) == vhost_world_port(w));
}

/* --- from the guest --- */

static void frame_from_the_guest_enters_the_segment(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	for (size_t len = 60; len <= 9000; len += 745) {
		g_autoptr(GBytes) frame = vhost_world_frame(len, 1);
		memory_port_clear(&w->other);
		guest_sends(&w->front, frame);
		g_assert_cmpuint(w->other.frames->len, ==, 1);
		assert_other_got(w, 0, frame);
	}
	struct vring_used_entry used;
	for (unsigned i = 0; i < 13; i++)
		g_assert_true(vring_take(&w->front.rings[VHOST_FRONT_TX], &used));
	g_assert_false(vring_take(&w->front.rings[VHOST_FRONT_TX], &used));
}

static void header_may_straddle_pieces(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_MODERN);
	g_autoptr(GBytes) frame = vhost_world_frame(300, 1);
	for (size_t piece = 5; piece < 400; piece = piece * 3 / 2) {
		memory_port_clear(&w->other);
		vhost_front_send(&w->front, NULL, g_bytes_get_data(frame, NULL), 300, MAX(piece, (size_t)312 / 60));
		assert_other_got(w, 0, frame);
	}
}

static void frame_in_many_pieces_arrives(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_MODERN);
	g_autoptr(GBytes) frame = vhost_world_frame(60000, 1);
	vhost_front_send(&w->front, NULL, g_bytes_get_data(frame, NULL), 60000, 1000);
	assert_other_got(w, 0, frame);
}

static void legacy_driver_has_a_short_header_and_needs_no_leave(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, 0);
	g_autoptr(GBytes) frame = vhost_world_frame(200, 1);
	guest_sends(&w->front, frame);
	assert_other_got(w, 0, frame);
	uint8_t header[NET_HEADER_LEN];
	vhost_front_post(&w->front, 1, 1524);
	other_sends(w, frame);
	assert_front_gets(&w->front, frame, header);
}

static void ring_waits_for_leave(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_MODERN);
	vhost_front_tell(&w->front, PROTOCOL_SET_VRING_ENABLE, 1, (uint32_t[]){ VHOST_FRONT_TX, 0 }, 8, NULL, 0);
	g_autoptr(GBytes) frame = vhost_world_frame(200, 1);
	guest_sends(&w->front, frame);
	g_assert_cmpuint(w->other.frames->len, ==, 0);
	vhost_front_tell(&w->front, PROTOCOL_SET_VRING_ENABLE, 1, (uint32_t[]){ VHOST_FRONT_TX, 1 }, 8, NULL, 0);
	assert_other_got(w, 0, frame); /* without another kick */
}

static void calls_come_once_a_batch_and_only_when_wanted(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	g_autoptr(GBytes) frame = vhost_world_frame(200, 1);
	*vring_used_event(&w->front.rings[VHOST_FRONT_TX]) = 1;
	guest_sends(&w->front, frame);
	g_assert_cmpuint(vhost_front_calls(&w->front, VHOST_FRONT_TX), ==, 0);
	guest_sends(&w->front, frame);
	g_assert_cmpuint(vhost_front_await_calls(&w->front, VHOST_FRONT_TX), ==, 1);
	vhost_front_post(&w->front, 64, 2048);
	*vring_used_event(&w->front.rings[VHOST_FRONT_RX]) = 0;
	struct iovec iov;
	struct frame f = frame_of(&iov, g_bytes_get_data(frame, NULL), 200);
	for (unsigned i = 0; i < 10; i++)
		segment_input(&w->segment, 0, &w->other.port, &f);
	g_assert_cmpuint(vhost_front_calls(&w->front, VHOST_FRONT_RX), ==, 0);
	segment_flush(&w->segment, 0);
	g_assert_cmpuint(vhost_front_await_calls(&w->front, VHOST_FRONT_RX), ==, 1);
}

static void wrong_header_drops_only_its_frame(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_MODERN);
	g_autoptr(GBytes) frame = vhost_world_frame(200, 1);
	static const uint8_t header[NET_HEADER_LEN] = { 1, 1, 54, 0, 0xa8, 5, 34, 0, 16, 0 };
	vhost_front_send(&w->front, header, g_bytes_get_data(frame, NULL), 200, 4096);
	vhost_front_send(&w->front, NULL, g_bytes_get_data(frame, NULL), 13, 4096);
	g_assert_cmpuint(drops(w, DROP_VHOST_HEADER), ==, 2);
	guest_sends(&w->front, frame);
	assert_other_got(w, 0, frame);
}

/* --- offloads --- */

static void send_sample(struct vhost_front *f, struct sample *s, enum frame_gso gso, struct arena *arena)
{
	struct frame frame = sample_frame(s, arena);
	uint8_t header[NET_HEADER_LEN];
	frame.gso = gso;
	frame.gso_size = gso == FRAME_GSO_NONE ? 0 : 1400;
	net_header_emit(&frame, ~UINT64_C(0), 0, header);
	vhost_front_send(f, header, s->bytes, frame.len, 4096);
}

static void super_frame_is_cut_and_summed_for_a_port_without_offloads(struct vhost_world *w, gconstpointer data)
{
	struct arena arena;
	arena_init(&arena, 1 << 24);
	vhost_front_start(&w->front, VHOST_LINUX);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		memory_port_clear(&w->other);
		struct sample s = { .v6 = v6, .partial = true, .payload_len = 60000, .dont_fragment = true };
		send_sample(&w->front, &s, v6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4, &arena);
		g_assert_cmpuint(w->other.frames->len, ==, 60000 / 1400 + 1);
		size_t at = 0;
		for (unsigned i = 0; i < w->other.frames->len; i++) {
			size_t len;
			const uint8_t *bytes = memory_port_frame(&w->other, i, &len);
			struct iovec iov;
			struct frame f = frame_of(&iov, bytes, len);
			struct packet p = parsed(&f, &arena);
			g_assert_cmphex(sample_layer4_sum(&p, bytes, false), ==, 0xffff);
			g_assert_cmpmem(bytes + s.payload_offset, len - s.payload_offset, s.bytes + s.payload_offset + at,
					MIN((size_t)1400, 60000 - at));
			at += len - s.payload_offset;
		}
		g_assert_cmpuint(at, ==, 60000);
	}
	arena_done(&arena);
}

static void super_frame_passes_whole_from_guest_to_guest(struct vhost_world *w, gconstpointer data)
{
	struct arena arena;
	struct vhost_front second;
	arena_init(&arena, 1 << 24);
	vhost_world_plug(w, &second);
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_start(&second, VHOST_LINUX);
	vhost_front_post(&second, 100, VHOST_FRONT_BUFFER);
	/* The switch knows where the second guest is, so the frame goes to it alone. */
	uint8_t header[NET_HEADER_LEN] = { 0 };
	g_autoptr(GBytes) hello = vhost_world_frame(60, 9);
	const uint8_t *mac = (const uint8_t *)g_bytes_get_data(hello, NULL) + 6;
	vhost_front_send(&second, header, g_bytes_get_data(hello, NULL), 60, 60);
	memory_port_clear(&w->other);
	struct sample s = { .partial = true, .payload_len = 60000 };
	struct frame frame = sample_frame(&s, &arena);
	memcpy(s.bytes, mac, 6);
	frame.gso = FRAME_GSO_TCP4;
	frame.gso_size = 1400;
	net_header_emit(&frame, ~UINT64_C(0), 0, header);
	vhost_front_send(&w->front, header, s.bytes, frame.len, 4096);
	g_assert_cmpuint(w->other.frames->len, ==, 0);
	g_autoptr(GBytes) got = vhost_front_receive(&second, header);
	g_assert_nonnull(got);
	g_assert_cmpmem(g_bytes_get_data(got, NULL), g_bytes_get_size(got), s.bytes, s.payload_offset + 60000);
	g_assert_cmpuint(header[0], ==, 1);
	g_assert_cmpuint(header[1], ==, 1);
	g_assert_cmpuint(header[10], ==, 30); /* buffers of 2048 bytes */
	vhost_front_done(&second);
	vhost_world_turn(w);
	arena_done(&arena);
}

static void congestion_bit_is_kept_from_a_guest_that_did_not_take_ecn(struct vhost_world *w, gconstpointer data)
{
	struct arena arena;
	struct vhost_front second;
	arena_init(&arena, 1 << 24);
	vhost_world_plug(w, &second);
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_start(&second, VHOST_LINUX);
	vhost_front_post(&second, 100, VHOST_FRONT_BUFFER);
	struct sample s = { .partial = true, .payload_len = 3000, .tcp_flags = TCP_CWR | TCP_ACK };
	send_sample(&w->front, &s, FRAME_GSO_TCP4, &arena);
	uint8_t header[NET_HEADER_LEN];
	unsigned n = 0;
	for (GBytes *got; (got = vhost_front_receive(&second, header)); n++) {
		g_assert_cmpuint(header[1], ==, 0);
		g_bytes_unref(got);
	}
	g_assert_cmpuint(n, ==, 3);
	vhost_front_done(&second);
	vhost_world_turn(w);
	arena_done(&arena);
}

/* How many frames a second guest with @features gets of @s; the header of the last in @ret_header. */
static unsigned second_guest_gets(struct vhost_world *w, struct sample *s, enum frame_gso gso, uint64_t features,
				  uint8_t ret_header[NET_HEADER_LEN])
{
	struct arena arena;
	struct vhost_front second;
	unsigned n = 0;
	arena_init(&arena, 1 << 24);
	vhost_world_plug(w, &second);
	vhost_front_start(&second, features);
	vhost_front_post(&second, 100, VHOST_FRONT_BUFFER);
	send_sample(&w->front, s, gso, &arena);
	g_autoptr(GByteArray) payload = g_byte_array_new();
	for (GBytes *got; (got = vhost_front_receive(&second, ret_header)); n++) {
		gsize len;
		const uint8_t *bytes = g_bytes_get_data(got, &len);
		g_byte_array_append(payload, bytes + s->payload_offset, (guint)(len - s->payload_offset));
		g_bytes_unref(got);
	}
	g_assert_cmpmem(payload->data, payload->len, s->bytes + s->payload_offset, s->payload_len);
	vhost_front_done(&second);
	vhost_world_turn(w);
	arena_done(&arena);
	return n;
}

static void udp_super_frame_is_segmented_only_for_a_guest_without_uso(struct vhost_world *w, gconstpointer data)
{
	uint64_t guest_uso = VHOST_BIT(VIRTIO_NET_F_GUEST_USO4) | VHOST_BIT(VIRTIO_NET_F_GUEST_USO6);
	uint8_t header[NET_HEADER_LEN];
	vhost_front_start(&w->front, VHOST_LINUX | VHOST_BIT(VIRTIO_NET_F_HOST_USO));
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct sample s = { .v6 = v6, .udp = true, .partial = true, .payload_len = 30000 };
		g_assert_cmpuint(second_guest_gets(w, &s, FRAME_GSO_UDP, VHOST_LINUX | guest_uso, header), ==, 1);
		g_assert_cmpuint(header[1], ==, 5); /* VIRTIO_NET_HDR_GSO_UDP_L4 */
		g_assert_cmpuint(header[4] | header[5] << 8, ==, 1400);
		g_assert_cmpuint(second_guest_gets(w, &s, FRAME_GSO_UDP, VHOST_LINUX, header), ==, 30000 / 1400 + 1);
		g_assert_cmpuint(header[1], ==, 0);
	}
}

static void super_frame_with_cwr_passes_whole_only_with_guest_ecn(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	struct sample s = { .partial = true, .payload_len = 3000, .tcp_flags = TCP_CWR | TCP_ACK };
	vhost_front_start(&w->front, VHOST_LINUX | VHOST_BIT(VIRTIO_NET_F_HOST_ECN));
	g_assert_cmpuint(second_guest_gets(w, &s, FRAME_GSO_TCP4, VHOST_LINUX | VHOST_BIT(VIRTIO_NET_F_GUEST_ECN), header), ==, 1);
	g_assert_cmpuint(header[1], ==, 1 | 0x80); /* VIRTIO_NET_HDR_GSO_TCPV4 and _ECN */
}

/* --- to the guest --- */

static void frame_to_the_guest_is_spread_over_mergeable_buffers(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_post(&w->front, 200, VHOST_FRONT_BUFFER);
	for (size_t len = 60; len < 65000; len += 12345) {
		g_autoptr(GBytes) frame = vhost_world_frame(len, 2);
		other_sends(w, frame);
		assert_front_gets(&w->front, frame, header);
		g_assert_cmpuint(header[10], ==, (len + 12 + 2047) / 2048);
	}
}

static void frame_too_large_for_a_buffer_is_dropped(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	vhost_front_start(&w->front, VHOST_MODERN);
	vhost_front_post(&w->front, 2, 500);
	g_autoptr(GBytes) large = vhost_world_frame(600, 2), small = vhost_world_frame(400, 2);
	other_sends(w, large);
	g_assert_cmpuint(drops(w, DROP_VHOST_BUFFER), ==, 1);
	other_sends(w, small);
	assert_front_gets(&w->front, small, header);
}

static void frame_without_a_driver_is_dropped(struct vhost_world *w, gconstpointer data)
{
	g_autoptr(GBytes) frame = vhost_world_frame(100, 2);
	other_sends(w, frame);
	g_assert_cmpuint(drops(w, DROP_VHOST_STOPPED), ==, 1);
}

static void full_ring_congests_until_the_guest_refills_it(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	g_autoptr(GBytes) frame = vhost_world_frame(1500, 2), super = vhost_world_frame(5000, 2);
	for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
		vhost_front_start(&w->front, event_idx ? VHOST_LINUX : VHOST_LINUX & ~VHOST_BIT(VIRTIO_F_EVENT_IDX));
		struct port *p = vhost_world_port(w);
		uint64_t before = drops(w, DROP_PORT_FULL);
		vhost_front_post(&w->front, 2, VHOST_FRONT_BUFFER);
		other_sends(w, frame);
		g_assert_false(p->congested);
		other_sends(w, super); /* one buffer is not enough */
		g_assert_true(p->congested);
		other_sends(w, frame); /* waits behind that frame */
		g_assert_cmpuint(drops(w, DROP_PORT_FULL), ==, before);
		assert_front_gets(&w->front, frame, header);
		g_assert_null(vhost_front_receive(&w->front, header));
		if (event_idx)
			g_assert_cmpuint(vring_avail_event(&w->front.rings[VHOST_FRONT_RX]), ==, 2);
		else
			g_assert_cmpuint(w->front.rings[VHOST_FRONT_RX].used[0], ==, 0);
		vhost_front_post(&w->front, 10, VHOST_FRONT_BUFFER);
		vhost_front_kick(&w->front, VHOST_FRONT_RX);
		g_assert_false(p->congested);
		assert_front_gets(&w->front, super, header);
		assert_front_gets(&w->front, frame, header);
		other_sends(w, super);
		assert_front_gets(&w->front, super, header);
		vhost_front_stop(&w->front, VHOST_FRONT_RX);
		vhost_front_stop(&w->front, VHOST_FRONT_TX);
	}
}

static void frames_wait_in_order_until_there_are_too_many(struct vhost_world *w, gconstpointer data)
{
	enum { FRAMES = 1000 };
	uint8_t header[NET_HEADER_LEN];
	unsigned received = 0;
	vhost_front_start(&w->front, VHOST_LINUX);
	for (unsigned i = 0; i < FRAMES; i++) {
		g_autoptr(GBytes) frame = vhost_world_frame(1400 + i % 100, 2);
		other_sends(w, frame);
	}
	unsigned kept = FRAMES - (unsigned)drops(w, DROP_PORT_FULL);
	/* Broadcasts may fill only half of the queue. */
	g_assert_cmpuint(kept, >, BACKLOG_BYTES_MAX / 2 / 2048);
	g_assert_cmpuint(kept, <=, BACKLOG_BYTES_MAX / 2 / 1400);
	g_assert_true(vhost_world_port(w)->crowded);
	while (received < kept) {
		g_assert_true(vhost_world_port(w)->congested);
		vhost_front_post(&w->front, 100, VHOST_FRONT_BUFFER);
		vhost_front_kick(&w->front, VHOST_FRONT_RX);
		for (unsigned i = 0; i < 100 && received < kept; i++, received++) {
			g_autoptr(GBytes) frame = vhost_world_frame(1400 + received % 100, 2);
			assert_front_gets(&w->front, frame, header);
		}
	}
	g_assert_false(vhost_world_port(w)->congested);
	g_assert_false(vhost_world_port(w)->crowded);
}

/* The driver has posted all its buffers and will not kick. */
static void frame_that_waits_too_long_for_buffers_is_dropped(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	g_autoptr(GBytes) large = vhost_world_frame(5000, 2), small = vhost_world_frame(400, 2);
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_post(&w->front, 2, VHOST_FRONT_BUFFER);
	other_sends(w, large);
	memory_port_input(&w->other, 50 * USEC_PER_MSEC, g_bytes_get_data(small, NULL), 400);
	g_assert_null(vhost_front_receive(&w->front, header));
	memory_port_input(&w->other, USEC_PER_SEC, g_bytes_get_data(small, NULL), 400);
	g_assert_cmpuint(drops(w, DROP_PORT_FULL), ==, 1);
	assert_front_gets(&w->front, small, header);
	assert_front_gets(&w->front, small, header);
}

static void stopped_queue_drops_its_backlog(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	g_autoptr(GBytes) old = vhost_world_frame(300, 2), fresh = vhost_world_frame(400, 2);
	vhost_front_start(&w->front, VHOST_LINUX);
	other_sends(w, old);
	uint32_t base = vhost_front_stop(&w->front, VHOST_FRONT_RX);
	vhost_front_start_ring(&w->front, VHOST_FRONT_RX, base);
	vhost_front_post(&w->front, 10, VHOST_FRONT_BUFFER);
	vhost_front_kick(&w->front, VHOST_FRONT_RX);
	other_sends(w, fresh);
	assert_front_gets(&w->front, fresh, header);
}

static void lent_rooms_are_the_guests_buffers(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	struct port_room rooms[8];
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_post(&w->front, 7, VHOST_FRONT_BUFFER);
	struct port *p = vhost_world_port(w);
	g_assert_cmpuint(p->ops->reserve(p, 0, 8, 4000, rooms), ==, 3); /* two buffers each */
	struct frame frames[2];
	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmpuint(rooms[i].n_iov, ==, 2);
		g_assert_cmpuint(rooms[i].size, ==, 4096 - NET_HEADER_LEN);
		memset(rooms[i].iov[0].iov_base, 'a' + (int)i, rooms[i].iov[0].iov_len);
		memset(rooms[i].iov[1].iov_base, 'A' + (int)i, rooms[i].iov[1].iov_len);
		frames[i] = (struct frame){ .iov = rooms[i].iov, .n_iov = 2, .len = 4000 };
	}
	frames[1].len = 1000; /* the last one needs only one of its buffers */
	p->ops->commit(p, 0, frames, 2);
	p->ops->flush(p, 0);
	g_autoptr(GBytes) first = vhost_front_receive(&w->front, header);
	g_assert_cmpuint(g_bytes_get_size(first), ==, 4000);
	g_assert_cmpuint(header[10], ==, 2);
	const char *bytes = g_bytes_get_data(first, NULL);
	g_assert_cmpint(bytes[0], ==, 'a');
	g_assert_cmpint(bytes[2035], ==, 'a');
	g_assert_cmpint(bytes[2036], ==, 'A');
	g_autoptr(GBytes) second = vhost_front_receive(&w->front, header);
	g_assert_cmpuint(g_bytes_get_size(second), ==, 1000);
	g_assert_cmpuint(header[10], ==, 1);
	/* The unused buffers are free again: four. */
	g_autoptr(GBytes) frame = vhost_world_frame(8000, 2);
	other_sends(w, frame);
	assert_front_gets(&w->front, frame, header);
	g_assert_cmpuint(p->ops->reserve(p, 0, 1, 4000, rooms), ==, 0);
	g_assert_true(p->congested);
	p->ops->commit(p, 0, NULL, 0);
}

/* The guest's buffers are full of its own bytes. */
static void short_frame_in_a_lent_room_is_padded_with_zeros(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	struct port_room rooms[4];
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_post(&w->front, 1, VHOST_FRONT_BUFFER);
	vhost_front_post(&w->front, 2, 40); /* the padding is in two pieces */
	struct port *p = vhost_world_port(w);
	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmpuint(p->ops->reserve(p, 0, 1, 43, rooms), ==, 1);
		g_assert_cmpuint(rooms[0].size, >=, ETH_FRAME_MIN);
		g_assert_cmpuint(rooms[0].n_iov, ==, i + 1);
		for (unsigned k = 0; k < rooms[0].n_iov; k++)
			memset(rooms[0].iov[k].iov_base, 'x', rooms[0].iov[k].iov_len);
		struct frame frame = { .iov = rooms[0].iov, .n_iov = rooms[0].n_iov, .len = 15 };
		p->ops->commit(p, 0, &frame, 1);
		p->ops->flush(p, 0);
		g_autoptr(GBytes) got = vhost_front_receive(&w->front, header);
		size_t len;
		const char *bytes = g_bytes_get_data(got, &len);
		g_assert_cmpuint(len, ==, ETH_FRAME_MIN);
		g_assert_cmpuint(header[10], ==, i + 1);
		for (size_t at = 0; at < len; at++)
			g_assert_cmpint(bytes[at], ==, at < 15 ? 'x' : 0);
	}
}

static void introduce_guest(struct vhost_world *w, const struct gateway *g, struct mac guest, ip4_t ip)
{
	uint8_t arp[60] = { 0 };
	struct bytes_writer writer = bytes_writer(arp, sizeof(arp));
	eth_emit(&writer, &(struct eth_header){ .dst = g->config.mac, .src = guest, .ethertype = ETH_TYPE_ARP });
	arp_emit(&writer, &(struct arp_message){ .operation = ARP_REPLY,
						 .sender_mac = guest,
						 .sender_ip = ip,
						 .target_mac = g->config.mac,
						 .target_ip = g->config.ip });
	vhost_front_send(&w->front, NULL, arp, sizeof(arp), 4096);
}

static void engine_writes_into_the_guests_buffers(struct vhost_world *w, gconstpointer data)
{
	struct gateway g;
	uint8_t header[NET_HEADER_LEN];
	struct mac guest = { { 2, 0, 0, 0, 0, 1 } }, gateway = { { 2, 0, 0, 0, 0, 9 } };
	ip4_t ip = IP4(192, 168, 122, 2);
	struct gateway_config config = { .mac = gateway, .ip = IP4(192, 168, 122, 1), .subnet = { IP4(192, 168, 122, 0), 24 } };
	g_assert_cmpint(gateway_init(&g, &w->segment, &config), ==, 0);
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_post(&w->front, 100, VHOST_FRONT_BUFFER);
	introduce_guest(w, &g, guest, ip);

	struct port_room rooms[4];
	struct engine_env *env = &g.env;
	struct ip_addr addr = ip_from_ip4(ip);
	struct guest *to = gateway_expect(&g, 0, &addr);
	g_assert_nonnull(to);
	g_assert_cmpuint(env->ops->reserve(env, 0, to, 0, 4, 60000, rooms), ==, 3); /* of 30 buffers each */
	struct iovec iov = { rooms[0].iov[0].iov_base, 100 };
	memset(iov.iov_base, 0x45, 100);
	struct engine_packet small = { .iov = &iov, .n_iov = 1, .len = 100, .checksum_partial = true, .csum_start = 20, .csum_offset = 16 };
	env->ops->commit(env, 0, &small, 1);
	segment_flush(&w->segment, 0);
	g_autoptr(GBytes) got = vhost_front_receive(&w->front, header);
	g_assert_nonnull(got);
	g_assert_cmpuint(g_bytes_get_size(got), ==, 114);
	const uint8_t *bytes = g_bytes_get_data(got, NULL);
	g_assert_cmpmem(bytes, 6, guest.b, 6);
	g_assert_cmpmem(bytes + 6, 6, gateway.b, 6);
	g_assert_cmpuint(bytes[14], ==, 0x45);
	g_assert_cmpuint(header[0], ==, 1);
	g_assert_cmpuint(header[6], ==, 34);
	g_assert_cmpuint(g.port.counters.rx_frames, ==, 1);

	/* Unused buffers are lent again; when none is left, the engine has to wait. */
	for (unsigned i = 0; i < 3; i++) {
		g_assert_cmpuint(env->ops->reserve(env, 0, to, 0, 1, 60000, rooms), ==, 1);
		struct engine_packet p = { .iov = rooms[0].iov, .n_iov = rooms[0].n_iov, .len = 60000 };
		env->ops->commit(env, 0, &p, 1);
	}
	g_assert_cmpuint(env->ops->reserve(env, 0, to, 0, 1, 60000, rooms), ==, 0);
	segment_flush(&w->segment, 0);
	gateway_done(&g, 0);
}

static void gateway_frames_are_marked_valid_only_with_guest_csum(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	vhost_front_start(&w->front, VHOST_MODERN);
	vhost_front_post(&w->front, 1, 1526);
	g_autoptr(GBytes) frame = vhost_world_frame(100, 2);
	struct iovec iov;
	struct frame f = frame_of(&iov, g_bytes_get_data(frame, NULL), 100);
	f.checksum = FRAME_CHECKSUM_VERIFIED;
	segment_input(&w->segment, 0, &w->other.port, &f);
	segment_flush(&w->segment, 0);
	assert_front_gets(&w->front, frame, header);
	g_assert_cmpuint(header[0], ==, 0);
}

/* --- busy polling --- */

static void start_polled(struct vhost_world *w, uint64_t features)
{
	vhost_front_done(&w->front);
	vhost_link_ops.free(w->link, 0);
	struct link_config config = { .poller = &w->loop.poller, .segment = &w->segment, .mtu = 1500, .busy_poll = true };
	g_assert_cmpint(vhost_link_ops.new(&config, &w->link), ==, 0);
	vhost_world_plug(w, &w->front);
	vhost_front_start(&w->front, features);
	vhost_link_ops.settle(w->link);
}

/* As a driver does that must not kick. */
static void put_without_a_kick(struct vhost_world *w)
{
	g_autoptr(GBytes) frame = vhost_world_frame(100, 1);
	memcpy(w->front.memory + (3 << 20) + NET_HEADER_LEN, g_bytes_get_data(frame, NULL), 100);
	vring_add(&w->front.rings[VHOST_FRONT_TX], &(struct vring_piece){ 3 << 20, NET_HEADER_LEN + 100, false }, 1);
}

static usec_t time_now;

static usec_t slow_clock(void)
{
	return time_now += 100;
}

/* The front end kicks once. */
static void frames_of_a_full_ring_let_others_have_their_turn(struct vhost_world *w, gconstpointer data)
{
	enum { FRAMES = 200 };
	vhost_front_start(&w->front, VHOST_LINUX);
	w->loop.clock = slow_clock;
	for (unsigned i = 0; i < FRAMES; i++)
		put_without_a_kick(w);
	g_assert_cmpint(eventfd_write(w->front.kick[VHOST_FRONT_TX], 1), ==, 0);
	loop_dispatch(&w->loop, 0);
	g_assert_cmpuint(w->other.frames->len, >, 0);
	g_assert_cmpuint(w->other.frames->len, <, FRAMES);
	vhost_world_turn(w);
	g_assert_cmpuint(w->other.frames->len, ==, FRAMES);
}

static void polled_ring_needs_no_kick_until_it_is_settled(struct vhost_world *w, gconstpointer data)
{
	for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
		start_polled(w, event_idx ? VHOST_LINUX : VHOST_MODERN);
		const struct vring *v = &w->front.rings[VHOST_FRONT_TX];
		memory_port_clear(&w->other);
		g_assert_false(vhost_link_ops.has_work(w->link));
		put_without_a_kick(w);
		vhost_front_kick(&w->front, VHOST_FRONT_TX);
		g_assert_cmpuint(w->other.frames->len, ==, 1);
		if (event_idx)
			g_assert_cmpuint(vring_avail_event(v), ==, 0); /* in the past: no kick */
		else
			g_assert_cmpuint(v->used[0], ==, 1); /* VIRTQ_USED_F_NO_NOTIFY */
		for (unsigned i = 2; i < 5; i++) {
			g_assert_false(vhost_link_ops.has_work(w->link));
			put_without_a_kick(w);
			g_assert_true(vhost_link_ops.has_work(w->link));
			vhost_link_ops.poll(w->link, 0);
			vhost_world_turn(w);
			g_assert_cmpuint(w->other.frames->len, ==, i);
		}
		vhost_link_ops.settle(w->link);
		g_assert_false(vhost_link_ops.has_work(w->link));
		if (event_idx)
			g_assert_cmpuint(vring_avail_event(v), ==, 4);
		else
			g_assert_cmpuint(v->used[0], ==, 0);
	}
}

static void frames_that_arrive_while_a_polled_ring_is_settled_are_delivered(struct vhost_world *w, gconstpointer data)
{
	start_polled(w, VHOST_LINUX);
	put_without_a_kick(w);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	put_without_a_kick(w);
	vhost_link_ops.settle(w->link);
	vhost_world_turn(w);
	g_assert_cmpuint(w->other.frames->len, ==, 2);
}

static void polled_ring_may_be_stopped_and_its_port_go(struct vhost_world *w, gconstpointer data)
{
	start_polled(w, VHOST_LINUX);
	put_without_a_kick(w);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	vhost_front_stop(&w->front, VHOST_FRONT_TX);
	g_assert_false(vhost_link_ops.has_work(w->link));
	vhost_front_start_ring(&w->front, VHOST_FRONT_TX, 1);
	put_without_a_kick(w);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(w->other.frames->len, ==, 2);
	close(w->front.socket);
	vhost_world_turn(w);
	g_assert_false(vhost_link_ops.has_work(w->link));
	vhost_link_ops.poll(w->link, 0);
	vhost_link_ops.settle(w->link);
	w->front.socket = vhost_world_connect(w);
}

/* --- several queues --- */

static void start_two_pairs(struct vhost_world *w)
{
	w->front.n_pairs = 2;
	vhost_front_start(&w->front, VHOST_LINUX | VHOST_BIT(VIRTIO_NET_F_MQ));
	for (w->front.pair = 0; w->front.pair < 2; w->front.pair++)
		vhost_front_post(&w->front, 100, VHOST_FRONT_BUFFER);
	w->front.pair = 0;
}

/* A datagram between UDP port @port of the guest and port 80 of the other side, in either direction. */
static GBytes *datagram(uint16_t port, bool from_guest)
{
	uint8_t *bytes = g_malloc0(60);
	struct bytes_writer writer = bytes_writer(bytes, 60);
	ip4_t guest = IP4(192, 168, 122, 2), other = IP4(192, 168, 122, 3);
	eth_emit(&writer, &(struct eth_header){ MAC_BROADCAST, { { 2, 0, 0, 0, 0, from_guest ? 1 : 2 } }, ETH_TYPE_IPV4 });
	ipv4_emit(&writer, &(struct ipv4_header){ .total_len = 46,
						  .ttl = 9,
						  .protocol = IP_PROTOCOL_UDP,
						  .src = from_guest ? guest : other,
						  .dst = from_guest ? other : guest });
	bytes_put_be16(&writer, from_guest ? port : 80);
	bytes_put_be16(&writer, from_guest ? 80 : port);
	return g_bytes_new_take(bytes, 60);
}

/* The pair of queues on which an answer to @port arrives. */
static unsigned pair_of_answer(struct vhost_world *w, uint16_t port)
{
	uint8_t header[NET_HEADER_LEN];
	g_autoptr(GBytes) answer = datagram(port, false), got = NULL;
	other_sends(w, answer);
	for (w->front.pair = 0; w->front.pair < 2; w->front.pair++)
		if ((got = vhost_front_receive(&w->front, header)))
			break;
	g_assert_nonnull(got);
	g_assert_true(g_bytes_equal(got, answer));
	return w->front.pair;
}

static void conversation_comes_by_the_pair_that_the_guest_sent_it_by(struct vhost_world *w, gconstpointer data)
{
	start_two_pairs(w);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (uint16_t port = 1000; port < 1016; port++) {
			g_autoptr(GBytes) frame = datagram(port, true);
			w->front.pair = (port + turn) % 2; /* the guest moves the flow to another processor */
			guest_sends(&w->front, frame);
			g_assert_cmpuint(pair_of_answer(w, port), ==, (port + turn) % 2);
		}
	}
}

static void conversations_that_the_guest_has_not_sent_are_spread(struct vhost_world *w, gconstpointer data)
{
	unsigned n[2] = { 0 };
	start_two_pairs(w);
	for (uint16_t port = 1000; port < 1064; port++) {
		unsigned pair = pair_of_answer(w, port);
		g_assert_cmpuint(pair_of_answer(w, port), ==, pair);
		n[pair]++;
	}
	g_assert_cmpuint(n[0], >, 8);
	g_assert_cmpuint(n[1], >, 8);
}

static void conversations_of_a_pair_that_was_disabled_come_by_another(struct vhost_world *w, gconstpointer data)
{
	start_two_pairs(w);
	g_autoptr(GBytes) frame = datagram(1000, true);
	w->front.pair = 1;
	guest_sends(&w->front, frame);
	g_assert_cmpuint(pair_of_answer(w, 1000), ==, 1);
	for (uint32_t ring = 2; ring < 4; ring++)
		vhost_front_tell(&w->front, PROTOCOL_SET_VRING_ENABLE, 1, (uint32_t[]){ ring, 0 }, 8, NULL, 0);
	g_assert_cmpuint(pair_of_answer(w, 1000), ==, 0);
}

static void rooms_are_lent_by_the_pair_of_the_conversation(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	struct port_room room;
	start_two_pairs(w);
	struct port *p = vhost_world_port(w);
	struct ip_endpoint guest = { ip_from_ip4(IP4(192, 168, 122, 2)), 1000 };
	for (unsigned pair = 0; pair < 2; pair++) {
		g_autoptr(GBytes) frame = datagram(1000, true);
		w->front.pair = pair;
		guest_sends(&w->front, frame);
		g_assert_cmpuint(p->ops->reserve(p, flow_hash(&guest, NULL), 1, 100, &room), ==, 1);
		memset(room.iov[0].iov_base, 'a', 100);
		p->ops->commit(p, 0, &(struct frame){ .iov = room.iov, .n_iov = 1, .len = 100 }, 1);
		p->ops->flush(p, 0);
		g_autoptr(GBytes) got = vhost_front_receive(&w->front, header);
		g_assert_nonnull(got);
	}
}

static void full_pair_congests_until_it_is_refilled(struct vhost_world *w, gconstpointer data)
{
	w->front.n_pairs = 2;
	vhost_front_start(&w->front, VHOST_LINUX | VHOST_BIT(VIRTIO_NET_F_MQ));
	vhost_front_post(&w->front, 10, VHOST_FRONT_BUFFER);
	g_autoptr(GBytes) frame = datagram(1000, true), answer = datagram(1000, false);
	w->front.pair = 1;
	guest_sends(&w->front, frame);
	other_sends(w, answer);
	g_assert_true(vhost_world_port(w)->congested);
	vhost_front_post(&w->front, 10, VHOST_FRONT_BUFFER);
	vhost_front_kick(&w->front, 2);
	g_assert_false(vhost_world_port(w)->congested);
	g_assert_cmpuint(pair_of_answer(w, 1000), ==, 1);
}

/* --- coming and going --- */

static void ring_continues_where_it_was_stopped(struct vhost_world *w, gconstpointer data)
{
	vhost_front_start(&w->front, VHOST_LINUX);
	g_autoptr(GBytes) frame = vhost_world_frame(100, 1);
	for (unsigned i = 0; i < 3; i++)
		guest_sends(&w->front, frame);
	uint32_t base = vhost_front_stop(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(base, ==, 3);
	guest_sends(&w->front, frame); /* the device ignores it */
	g_assert_cmpuint(w->other.frames->len, ==, 3);
	vhost_front_start_ring(&w->front, VHOST_FRONT_TX, base);
	g_assert_cmpuint(w->other.frames->len, ==, 4);
}

static void reconnected_front_end_continues_in_the_same_memory(struct vhost_world *w, gconstpointer data)
{
	uint8_t header[NET_HEADER_LEN];
	vhost_front_start(&w->front, VHOST_LINUX);
	vhost_front_post(&w->front, 20, VHOST_FRONT_BUFFER);
	g_autoptr(GBytes) frame = vhost_world_frame(100, 1);
	guest_sends(&w->front, frame);
	other_sends(w, frame);
	close(w->front.socket);
	vhost_world_turn(w);
	g_assert_cmpuint(w->segment.n_ports, ==, 1);
	guest_sends(&w->front, frame); /* while the link is not running */
	w->front.socket = vhost_world_connect(w);
	vhost_front_set(&w->front, PROTOCOL_SET_PROTOCOL_FEATURES, VHOST_BIT(PROTOCOL_F_REPLY_ACK));
	g_assert_cmpuint(vhost_front_set(&w->front, PROTOCOL_SET_FEATURES, VHOST_LINUX), ==, 0);
	vhost_front_set_memory(&w->front);
	/* As QEMU does after the back end has gone: continue at the used index. */
	for (unsigned i = 0; i < VHOST_FRONT_QUEUES; i++)
		vhost_front_start_ring(&w->front, i, w->front.rings[i].used[1]);
	g_assert_cmpuint(w->other.frames->len, ==, 2);
	other_sends(w, frame);
	assert_front_gets(&w->front, frame, header);
	assert_front_gets(&w->front, frame, header);
}

static void driver_starts_again_after_a_reset(struct vhost_world *w, gconstpointer data)
{
	g_autoptr(GBytes) frame = vhost_world_frame(100, 1);
	static const uint64_t features[] = { VHOST_LINUX, VHOST_MODERN, VHOST_BIT(VHOST_USER_F_PROTOCOL_FEATURES), VHOST_LINUX };
	for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) { /* as firmware, then as operating systems */
		vhost_front_start(&w->front, features[i]);
		guest_sends(&w->front, frame);
		g_assert_cmpuint(w->other.frames->len, ==, i + 1);
		if (i % 2)
			vhost_front_tell(&w->front, PROTOCOL_RESET_DEVICE, 1, NULL, 0, NULL, 0);
		else
			vhost_front_set(&w->front, PROTOCOL_SET_STATUS, 0);
		guest_sends(&w->front, frame);
		g_assert_cmpuint(w->other.frames->len, ==, i + 1);
	}
}

static void memory_can_be_added_and_removed_while_rings_run(struct vhost_world *w, gconstpointer data)
{
	uint64_t region[] = { 0, VRING_GUEST + VHOST_FRONT_MEMORY, 4096, VRING_USER + VHOST_FRONT_MEMORY, 0 };
	g_autoptr(GBytes) frame = vhost_world_frame(100, 1);
	int fd = memfd_create("more", MFD_CLOEXEC);
	g_assert_cmpint(ftruncate(fd, 4096), ==, 0);
	g_assert_cmpint(pwrite(fd, g_bytes_get_data(frame, NULL), 100, 12), ==, 100);
	vhost_front_start(&w->front, VHOST_LINUX);
	uint64_t ack;
	vhost_front_tell(&w->front, PROTOCOL_ADD_MEM_REG, 1 | 8, region, sizeof(region), &fd, 1);
	vhost_front_hear(&w->front, PROTOCOL_ADD_MEM_REG, &ack, 8);
	g_assert_cmpuint(ack, ==, 0);
	vhost_front_tell(&w->front, PROTOCOL_ADD_MEM_REG, 1 | 8, region, sizeof(region), &fd, 1);
	vhost_front_hear(&w->front, PROTOCOL_ADD_MEM_REG, &ack, 8);
	g_assert_cmpuint(ack, ==, 0); /* once more, for another pair of queues */
	vring_add(&w->front.rings[VHOST_FRONT_TX], &(struct vring_piece){ VHOST_FRONT_MEMORY, 112, false }, 1);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	assert_other_got(w, 0, frame);
	vhost_front_tell(&w->front, PROTOCOL_REM_MEM_REG, 1 | 8, region, sizeof(region), NULL, 0);
	vhost_front_hear(&w->front, PROTOCOL_REM_MEM_REG, &ack, 8);
	g_assert_cmpuint(ack, ==, 0);
	guest_sends(&w->front, frame);
	g_assert_cmpuint(w->other.frames->len, ==, 2);
	vring_add(&w->front.rings[VHOST_FRONT_TX], &(struct vring_piece){ VHOST_FRONT_MEMORY, 112, false }, 1);
	vhost_front_kick(&w->front, VHOST_FRONT_TX);
	g_assert_cmpuint(drops(w, DROP_VHOST_RING), ==, 1);
	close(fd);
}

static void front_end_is_accepted_as_soon_as_a_descriptor_is_free(struct vhost_world *w, gconstpointer data)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t address_len = sizeof(address);
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_assert_cmpint(bind(listening, (struct sockaddr *)&address, sizeof(sa_family_t)), ==, 0);
	g_assert_cmpint(getsockname(listening, (struct sockaddr *)&address, &address_len), ==, 0);
	g_assert_cmpint(listen(listening, 5), ==, 0);
	g_assert_cmpint(vhost_link_ops.listen(w->link, listening, NULL, NULL, 0), ==, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, address_len), ==, 0);
	g_assert_cmpuint(vhost_link_ops.deadline(w->link), ==, USEC_INFINITY);

	struct rlimit before, none = { .rlim_cur = (rlim_t)fd + 1 };
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
	none.rlim_max = before.rlim_max;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
	vhost_world_turn(w);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
	g_assert_cmpuint(w->segment.n_ports, ==, 2);
	vhost_link_ops.expire(w->link, vhost_link_ops.deadline(w->link));
	vhost_world_turn(w);
	g_assert_cmpuint(w->segment.n_ports, ==, 3);
	g_assert_cmpuint(vhost_link_ops.deadline(w->link), ==, USEC_INFINITY);
	close(fd);
	vhost_world_turn(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add("/vhost/" #name, struct vhost_world, NULL, vhost_world_set_up, name, vhost_world_tear_down)
	TEST(offered_features_are_those_that_a_modern_front_end_needs);
	TEST(several_queues_are_offered_to_front_ends_that_know_of_them);
	TEST(acknowledgements_tell_success_from_failure);
	TEST(unknown_request_without_a_wish_for_an_answer_is_ignored);
	TEST(every_request_is_acknowledged_as_specified);
	TEST(configuration_says_link_queues_and_mtu);
	TEST(mtu_is_agreed_on_with_a_driver_that_takes_the_feature);
	TEST(rarp_moves_the_guest_here);
	TEST(frame_from_the_guest_enters_the_segment);
	TEST(header_may_straddle_pieces);
	TEST(frame_in_many_pieces_arrives);
	TEST(legacy_driver_has_a_short_header_and_needs_no_leave);
	TEST(ring_waits_for_leave);
	TEST(calls_come_once_a_batch_and_only_when_wanted);
	TEST(wrong_header_drops_only_its_frame);
	TEST(super_frame_is_cut_and_summed_for_a_port_without_offloads);
	TEST(super_frame_passes_whole_from_guest_to_guest);
	TEST(congestion_bit_is_kept_from_a_guest_that_did_not_take_ecn);
	TEST(udp_super_frame_is_segmented_only_for_a_guest_without_uso);
	TEST(super_frame_with_cwr_passes_whole_only_with_guest_ecn);
	TEST(frame_to_the_guest_is_spread_over_mergeable_buffers);
	TEST(frame_too_large_for_a_buffer_is_dropped);
	TEST(frame_without_a_driver_is_dropped);
	TEST(full_ring_congests_until_the_guest_refills_it);
	TEST(frames_wait_in_order_until_there_are_too_many);
	TEST(frame_that_waits_too_long_for_buffers_is_dropped);
	TEST(stopped_queue_drops_its_backlog);
	TEST(lent_rooms_are_the_guests_buffers);
	TEST(short_frame_in_a_lent_room_is_padded_with_zeros);
	TEST(engine_writes_into_the_guests_buffers);
	TEST(gateway_frames_are_marked_valid_only_with_guest_csum);
	TEST(frames_of_a_full_ring_let_others_have_their_turn);
	TEST(polled_ring_needs_no_kick_until_it_is_settled);
	TEST(frames_that_arrive_while_a_polled_ring_is_settled_are_delivered);
	TEST(polled_ring_may_be_stopped_and_its_port_go);
	TEST(conversation_comes_by_the_pair_that_the_guest_sent_it_by);
	TEST(conversations_that_the_guest_has_not_sent_are_spread);
	TEST(conversations_of_a_pair_that_was_disabled_come_by_another);
	TEST(rooms_are_lent_by_the_pair_of_the_conversation);
	TEST(full_pair_congests_until_it_is_refilled);
	TEST(ring_continues_where_it_was_stopped);
	TEST(reconnected_front_end_continues_in_the_same_memory);
	TEST(driver_starts_again_after_a_reset);
	TEST(memory_can_be_added_and_removed_while_rings_run);
	TEST(front_end_is_accepted_as_soon_as_a_descriptor_is_free);
	return g_test_run();
}
