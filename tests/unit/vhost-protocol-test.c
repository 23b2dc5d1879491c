/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vhost-user messages and virtio-net headers: bytes to values and back. */
#include "lan/port.h"
#include "link/vhost/net_header.h"
#include "link/vhost/protocol.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))

/* --- messages --- */

static int parse_header(uint32_t request, uint32_t flags, uint32_t size, struct protocol_header *ret)
{
	uint32_t words[] = { request, flags, size };
	return protocol_header_parse((const uint8_t *)words, ret);
}

static int parse(uint32_t request, const void *payload, uint32_t size, unsigned n_fds, struct protocol_message *ret)
{
	return protocol_parse(&(struct protocol_header){ .request = request, .size = size }, payload, n_fds, ret);
}

static void header_is_parsed(void)
{
	struct protocol_header h;
	g_assert_cmpint(parse_header(PROTOCOL_SET_FEATURES, 1 | 8, 8, &h), ==, 0);
	g_assert_cmpuint(h.request, ==, PROTOCOL_SET_FEATURES);
	g_assert_cmpuint(h.size, ==, 8);
	g_assert_true(h.need_reply);
	g_assert_cmpint(parse_header(PROTOCOL_GET_FEATURES, 1, 0, &h), ==, 0);
	g_assert_false(h.need_reply);
}

static void header_of_another_version_or_a_reply_is_refused(void)
{
	struct protocol_header h;
	g_assert_cmpint(parse_header(1, 0, 0, &h), ==, -EBADMSG);
	g_assert_cmpint(parse_header(1, 2, 0, &h), ==, -EBADMSG);
	g_assert_cmpint(parse_header(1, 1 | 4, 0, &h), ==, -EBADMSG);
	g_assert_cmpint(parse_header(1, 1, PROTOCOL_PAYLOAD_MAX + 1, &h), ==, -EBADMSG);
	g_assert_cmpint(parse_header(1, 1, UINT32_MAX, &h), ==, -EBADMSG);
}

static void number_must_be_there_and_nothing_else(void)
{
	struct protocol_message m;
	uint64_t payload[2] = { 0x1122334455667788, 0 };
	g_assert_cmpint(parse(PROTOCOL_SET_FEATURES, payload, 8, 0, &m), ==, 0);
	g_assert_cmpuint(m.number, ==, payload[0]);
	g_assert_cmpint(parse(PROTOCOL_SET_FEATURES, payload, 7, 0, &m), ==, -EBADMSG);
	g_assert_cmpint(parse(PROTOCOL_SET_FEATURES, payload, 9, 0, &m), ==, -EBADMSG);
	g_assert_cmpint(parse(PROTOCOL_SET_FEATURES, payload, 8, 1, &m), ==, -EBADMSG);
}

static void addresses_are_in_the_order_of_the_specification(void)
{
	struct protocol_message m;
	uint64_t payload[] = { 3, 0x1000, 0x3000, 0x2000, 0 };
	g_assert_cmpint(parse(PROTOCOL_SET_VRING_ADDR, payload, sizeof(payload), 0, &m), ==, 0);
	g_assert_cmpuint(m.address.index, ==, 3);
	g_assert_cmpuint(m.address.descriptors, ==, 0x1000);
	g_assert_cmpuint(m.address.used, ==, 0x3000);
	g_assert_cmpuint(m.address.available, ==, 0x2000);
}

static void descriptor_is_there_unless_the_message_says_no(void)
{
	struct protocol_message m;
	uint64_t with = 5, without = 0x100 | 5;
	g_assert_cmpint(parse(PROTOCOL_SET_VRING_CALL, &with, 8, 1, &m), ==, 0);
	g_assert_true(m.fd.has_fd);
	g_assert_cmpuint(m.fd.index, ==, 5);
	g_assert_cmpint(parse(PROTOCOL_SET_VRING_CALL, &with, 8, 0, &m), ==, -EBADMSG);
	g_assert_cmpint(parse(PROTOCOL_SET_VRING_CALL, &without, 8, 1, &m), ==, -EBADMSG);
	g_assert_cmpint(parse(PROTOCOL_SET_VRING_CALL, &without, 8, 0, &m), ==, 0);
	g_assert_false(m.fd.has_fd);
}

static void memory_table_has_a_descriptor_for_each_region(void)
{
	struct protocol_message m;
	struct {
		uint32_t n, padding;
		uint64_t regions[8][4];
	} table = { .n = 2, .regions = { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } } };
	g_assert_cmpint(parse(PROTOCOL_SET_MEM_TABLE, &table, 8 + 64, 2, &m), ==, 0);
	g_assert_cmpuint(m.regions.n, ==, 2);
	g_assert_cmpuint(m.regions.at[1].guest, ==, 5);
	g_assert_cmpuint(m.regions.at[1].size, ==, 6);
	g_assert_cmpuint(m.regions.at[1].user, ==, 7);
	g_assert_cmpuint(m.regions.at[1].offset, ==, 8);
	g_assert_cmpint(parse(PROTOCOL_SET_MEM_TABLE, &table, sizeof(table), 2, &m), ==, 0); /* the whole array */
	g_assert_cmpint(parse(PROTOCOL_SET_MEM_TABLE, &table, 8 + 64, 1, &m), ==, -EBADMSG);
	g_assert_cmpint(parse(PROTOCOL_SET_MEM_TABLE, &table, 8 + 63, 2, &m), ==, -EBADMSG);
	table.n = 9;
	g_assert_cmpint(parse(PROTOCOL_SET_MEM_TABLE, &table, sizeof(table), 8, &m), ==, -EBADMSG);
	table.n = UINT32_MAX;
	g_assert_cmpint(parse(PROTOCOL_SET_MEM_TABLE, &table, sizeof(table), 8, &m), ==, -EBADMSG);
}

static void configuration_has_a_largest_size(void)
{
	struct protocol_message m;
	uint32_t payload[3 + 64] = { 4, 12, 0 };
	g_assert_cmpint(parse(PROTOCOL_GET_CONFIG, payload, 12 + 12, 0, &m), ==, 0);
	g_assert_cmpuint(m.config.offset, ==, 4);
	g_assert_cmpuint(m.config.size, ==, 12);
	payload[1] = PROTOCOL_CONFIG_MAX + 1;
	g_assert_cmpint(parse(PROTOCOL_GET_CONFIG, payload, 12 + 12, 0, &m), ==, -EBADMSG);
}

static void unknown_and_malformed_requests_have_different_errors(void)
{
	struct protocol_message m;
	g_assert_cmpint(parse(0, NULL, 0, 0, &m), ==, -ENOSYS);
	g_assert_cmpint(parse(31, NULL, 0, 0, &m), ==, -ENOSYS); /* GET_INFLIGHT_FD: not offered */
	g_assert_cmpint(parse(UINT32_MAX, NULL, 0, 0, &m), ==, -ENOSYS);
	g_assert_cmpint(protocol_reply_of(31), ==, PROTOCOL_REPLY_ACK);
}

static void replies_are_as_specified(void)
{
	uint8_t bytes[PROTOCOL_REPLY_SIZE_MAX];
	uint32_t words[5];
	g_assert_cmpuint(protocol_emit_ring(bytes, PROTOCOL_GET_VRING_BASE, 1, 77), ==, sizeof(words));
	memcpy(words, bytes, sizeof(words));
	g_assert_cmpuint(words[0], ==, PROTOCOL_GET_VRING_BASE);
	g_assert_cmpuint(words[1], ==, 1 | 4);
	g_assert_cmpuint(words[2], ==, 8);
	g_assert_cmpuint(words[3], ==, 1);
	g_assert_cmpuint(words[4], ==, 77);
	g_assert_cmpuint(protocol_emit_number(bytes, 1, 9), ==, 20);
	g_assert_cmpuint(protocol_emit_config(bytes, PROTOCOL_GET_CONFIG, 0, bytes + 100, 12), ==, 12 + 12 + 12);
	g_assert_cmpuint(protocol_emit_config(bytes, PROTOCOL_GET_CONFIG, 300, NULL, 12), ==, 12);
}

/* --- virtio-net headers --- */

static const uint64_t all = ~UINT64_C(0);

static struct frame frame_of_len(uint8_t *bytes, size_t len, struct iovec *iov)
{
	return frame_of(iov, bytes, len);
}

static void offloads_round_trip(void)
{
	uint8_t bytes[200] = { [34 + 12] = 5 << 4 }, header[NET_HEADER_LEN];
	struct iovec iov;
	struct frame f = frame_of_len(bytes, sizeof(bytes), &iov), again = f;
	f.checksum = FRAME_CHECKSUM_PARTIAL;
	f.csum_start = 34;
	f.csum_offset = 16;
	f.gso_size = 1448;
	for (f.gso = FRAME_GSO_NONE; f.gso <= FRAME_GSO_UDP; f.gso++) {
		net_header_emit(&f, all, 3, header);
		g_assert_cmpuint(header[10], ==, 3);
		g_assert_cmpint(net_header_parse(header, all, &again), ==, 0);
		g_assert_cmpint(again.gso, ==, f.gso);
		g_assert_cmpuint(again.gso_size, ==, f.gso == FRAME_GSO_NONE ? 0 : 1448);
		g_assert_cmpint(again.checksum, ==, FRAME_CHECKSUM_PARTIAL);
		g_assert_cmpuint(again.csum_start, ==, 34);
		g_assert_cmpuint(again.csum_offset, ==, 16);
	}
}

static void header_bytes_are_those_of_virtio(void)
{
	/* TCPv4 with 1448 bytes a segment, headers of 54. */
	static const uint8_t expected[NET_HEADER_LEN] = { 1, 1, 54, 0, 0xa8, 5, 34, 0, 16, 0, 1, 0 };
	uint8_t bytes[200] = { [34 + 12] = 5 << 4 }, header[NET_HEADER_LEN];
	struct iovec iov;
	struct frame f = frame_of_len(bytes, sizeof(bytes), &iov);
	f.checksum = FRAME_CHECKSUM_PARTIAL;
	f.csum_start = 34;
	f.csum_offset = 16;
	f.gso = FRAME_GSO_TCP4;
	f.gso_size = 1448;
	net_header_emit(&f, all, 1, header);
	g_assert_cmpmem(header, sizeof(header), expected, sizeof(expected));
	bytes[34 + 13] = 0x80; /* CWR */
	net_header_emit(&f, all, 1, header);
	g_assert_cmpuint(header[1], ==, 0x81);
	g_assert_true(net_header_needs_ecn(&f));
}

static void data_valid_is_set_only_with_guest_csum(void)
{
	uint8_t bytes[60] = { 0 }, header[NET_HEADER_LEN];
	struct iovec iov;
	struct frame f = frame_of_len(bytes, sizeof(bytes), &iov);
	f.checksum = FRAME_CHECKSUM_VERIFIED;
	net_header_emit(&f, BIT(VIRTIO_F_VERSION_1), 1, header);
	g_assert_cmpuint(header[0], ==, 0);
	net_header_emit(&f, BIT(VIRTIO_NET_F_GUEST_CSUM), 1, header);
	g_assert_cmpuint(header[0], ==, 2);
	f.checksum = FRAME_CHECKSUM_COMPLETE;
	net_header_emit(&f, BIT(VIRTIO_NET_F_GUEST_CSUM), 1, header);
	g_assert_cmpuint(header[0], ==, 0);
}

static void header_with_features_not_negotiated_is_refused(void)
{
	uint8_t bytes[60] = { 0 };
	struct iovec iov;
	struct frame f = frame_of_len(bytes, sizeof(bytes), &iov);
	static const struct {
		uint8_t header[NET_HEADER_LEN_SHORT];
		uint64_t features;
		int expected;
	} cases[] = {
		{ { 0 }, 0, 0 },
		{ { 1, 0, 0, 0, 0, 0, 34, 0, 16, 0 }, BIT(VIRTIO_NET_F_CSUM), 0 },
		{ { 1, 0, 0, 0, 0, 0, 34, 0, 16, 0 }, 0, -EBADMSG },
		{ { 1, 0, 0, 0, 0, 0, 34, 0, 25, 0 }, BIT(VIRTIO_NET_F_CSUM), -EBADMSG }, /* behind the frame */
		{ { 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, BIT(VIRTIO_NET_F_CSUM), -EBADMSG },
		{ { 1, 1, 0, 0, 10, 0, 34, 0, 16, 0 }, BIT(VIRTIO_NET_F_CSUM), -EBADMSG },
		{ { 1, 1, 0, 0, 10, 0, 34, 0, 16, 0 }, BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4), 0 },
		{ { 1, 1, 0, 0, 0, 0, 34, 0, 16, 0 }, BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4), -EBADMSG },  /* size 0 */
		{ { 0, 1, 0, 0, 10, 0, 34, 0, 16, 0 }, BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4), -EBADMSG }, /* no checksum */
		{ { 1, 3, 0, 0, 10, 0, 34, 0, 16, 0 }, ~UINT64_C(0), -EBADMSG }, /* UFO is not offered */
		{ { 1, 0x7f, 0, 0, 10, 0, 34, 0, 16, 0 }, ~UINT64_C(0), -EBADMSG },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(net_header_parse(cases[i].header, cases[i].features, &f), ==, cases[i].expected);
}

static void port_offloads_follow_the_negotiated_features(void)
{
	g_assert_cmpuint(net_header_offloads(0), ==, 0);
	g_assert_cmpuint(net_header_offloads(BIT(VIRTIO_NET_F_GUEST_TSO4)), ==, 0); /* needs GUEST_CSUM */
	uint64_t csum = BIT(VIRTIO_NET_F_GUEST_CSUM);
	g_assert_cmpuint(net_header_offloads(csum), ==, PORT_OFFLOAD_CHECKSUM);
	g_assert_cmpuint(net_header_offloads(csum | BIT(VIRTIO_NET_F_GUEST_TSO4)), ==, PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4);
	g_assert_cmpuint(net_header_offloads(csum | BIT(VIRTIO_NET_F_GUEST_USO4)), ==, PORT_OFFLOAD_CHECKSUM); /* both families or none */
	g_assert_cmpuint(net_header_offloads(all), ==, PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 | PORT_OFFLOAD_TSO6 | PORT_OFFLOAD_USO);
	g_assert_cmpuint(net_header_len(0), ==, 10);
	g_assert_cmpuint(net_header_len(BIT(VIRTIO_NET_F_MRG_RXBUF)), ==, 12);
	g_assert_cmpuint(net_header_len(BIT(VIRTIO_F_VERSION_1)), ==, 12);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/vhost-protocol/" #name, name)
	TEST(header_is_parsed);
	TEST(header_of_another_version_or_a_reply_is_refused);
	TEST(number_must_be_there_and_nothing_else);
	TEST(addresses_are_in_the_order_of_the_specification);
	TEST(descriptor_is_there_unless_the_message_says_no);
	TEST(memory_table_has_a_descriptor_for_each_region);
	TEST(configuration_has_a_largest_size);
	TEST(unknown_and_malformed_requests_have_different_errors);
	TEST(replies_are_as_specified);
#undef TEST
#define TEST(name) g_test_add_func("/vhost-net-header/" #name, name)
	TEST(offloads_round_trip);
	TEST(header_bytes_are_those_of_virtio);
	TEST(data_valid_is_set_only_with_guest_csum);
	TEST(header_with_features_not_negotiated_is_refused);
	TEST(port_offloads_follow_the_negotiated_features);
	return g_test_run();
}
