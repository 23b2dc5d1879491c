/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/pcapng.h"

#include <errno.h>
#include <glib.h>

static void assert_written(const struct bytes_writer *w, const uint8_t *expected, size_t len)
{
	g_assert_false(w->failed);
	g_assert_cmpmem(w->data, w->len, expected, len);
}

static void section_names_system_and_application(void)
{
	static const uint8_t expected[] = {
		0x0a, 0x0d, 0x0d, 0x0a, 52,   0,    0,    0,                  /* type, length */
		0x4d, 0x3c, 0x2b, 0x1a, 1,    0,    0,    0,                  /* byte order, version 1.0 */
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,               /* length not known */
		3,    0,    5,    0,    'L',  'i',  'n',  'u',  'x', 0, 0, 0, /* shb_os */
		4,    0,    3,    0,    'l',  'a',  'n',  0,                  /* shb_userappl */
		0,    0,    0,    0,    52,   0,    0,    0,
	};
	uint8_t buf[PCAPNG_BLOCK_ROOM];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	pcapng_put_section(&w, &(struct pcapng_section){ .os = "Linux", .application = "lan" });
	assert_written(&w, expected, sizeof(expected));
}

static void interface_has_name_description_resolution_and_filter(void)
{
	static const uint8_t expected[] = {
		1,  0, 0, 0, 64,  0,   0,   0,   1,   0,   0, 0, 96, 0, 0, 0, /* Ethernet, snaplen */
		2,  0, 3, 0, 'w', 'e', 'b', 0,                                /* if_name */
		3,  0, 6, 0, 's', 't', 'r', 'e', 'a', 'm', 0, 0,              /* if_description */
		9,  0, 1, 0, 9,   0,   0,   0,                                /* if_tsresol: nanoseconds */
		11, 0, 5, 0, 0,   'i', 'c', 'm', 'p', 0,   0, 0,              /* if_filter: text */
		0,  0, 0, 0, 64,  0,   0,   0,
	};
	uint8_t buf[PCAPNG_BLOCK_ROOM];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	pcapng_put_interface(&w, &(struct pcapng_interface){ .name = "web", .description = "stream", .filter = "icmp", .snaplen = 96 });
	assert_written(&w, expected, sizeof(expected));
}

static void packet_has_time_flags_drop_count_and_comment(void)
{
	static const uint8_t frame[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 0xaa };
	static const uint8_t expected[] = {
		6,    0,    0,    0,    84,   0,    0,    0,    7,    0,   0, 0, /* interface */
		0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55,                  /* time: high half, low half */
		15,   0,    0,    0,    60,   0,    0,    0,                     /* captured, on the wire */
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,    0,    0,    0,   0, 1,
		0x88, 0xb5, 0xaa, 0,    2,    0,    4,    0,    0x0d, 0,   0, 0, /* epb_flags: inbound, broadcast */
		4,    0,    8,    0,    9,    0,    0,    0,    0,    0,   0, 0, /* epb_dropcount */
		1,    0,    6,    0,    'w',  'e',  'b',  ' ',  'i',  'n', 0, 0, /* opt_comment */
		0,    0,    0,    0,    84,   0,    0,    0,
	};
	struct pcapng_packet p = {
		.interface = 7,
		.when_ns = UINT64_C(0x1122334455667788),
		.len = 60,
		.captured = sizeof(frame),
		.bytes = frame,
		.direction = PCAPNG_INBOUND,
		.lost = 9,
		.comment = "web in",
	};
	uint8_t buf[PCAPNG_BLOCK_ROOM + sizeof(frame)];
	struct bytes_writer w = bytes_writer(buf, pcapng_packet_room(&p));
	pcapng_put_packet(&w, &p);
	assert_written(&w, expected, sizeof(expected));
}

static uint32_t flags_of(struct pcapng_packet p)
{
	uint8_t buf[PCAPNG_BLOCK_ROOM + 64];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	pcapng_put_packet(&w, &p);
	g_assert_false(w.failed);
	const uint8_t *at = buf + 28 + ((p.captured + 3) & ~3u) + 4;
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void flags_hold_direction_reception_and_offloads(void)
{
	static const uint8_t unicast[14] = { 0x52, 0x54 }, multicast[14] = { 1, 0, 0x5e };
	g_assert_cmphex(flags_of((struct pcapng_packet){ .direction = PCAPNG_OUTBOUND, .bytes = unicast, .captured = 14, .len = 14 }), ==,
			0x6);
	g_assert_cmphex(flags_of((struct pcapng_packet){ .direction = PCAPNG_INBOUND, .bytes = multicast, .captured = 14, .len = 14 }), ==,
			0x9);
	g_assert_cmphex(flags_of((struct pcapng_packet){ .direction = PCAPNG_INBOUND, .bytes = unicast, .captured = 4, .len = 14 }), ==,
			0x1);
	g_assert_cmphex(flags_of((struct pcapng_packet){ .direction = PCAPNG_INBOUND,
							 .bytes = unicast,
							 .captured = 14,
							 .len = 14,
							 .segmentation = true,
							 .checksum_unfinished = true }),
			==, 0xa05);
}

static void statistics_count_received_and_lost_packets(void)
{
	static const uint8_t expected[] = {
		5, 0, 0, 0, 76, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, /* interface, time */
		2, 0, 8, 0, 0,  0, 0, 0, 2, 0, 0, 0,                         /* isb_starttime */
		3, 0, 8, 0, 0,  0, 0, 0, 3, 0, 0, 0,                         /* isb_endtime */
		4, 0, 8, 0, 4,  0, 0, 0, 0, 0, 0, 0,                         /* isb_ifrecv */
		5, 0, 8, 0, 5,  0, 0, 0, 0, 0, 0, 0,                         /* isb_ifdrop */
		0, 0, 0, 0, 76, 0, 0, 0,
	};
	uint8_t buf[PCAPNG_BLOCK_ROOM];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	pcapng_put_statistics(&w, &(struct pcapng_statistics){ .interface = 1, .when_ns = 3, .started_ns = 2, .received = 4, .lost = 5 });
	assert_written(&w, expected, sizeof(expected));
	struct pcapng_block block;
	size_t need;
	g_assert_cmpint(pcapng_parse_block(buf, w.len, &block, &need), ==, 1);
	g_assert_cmpuint(block.interface, ==, 1);
	g_assert_cmpuint(block.lost, ==, 5);
}

static void long_texts_are_truncated(void)
{
	g_autofree char *text = g_strnfill(100000, 'x');
	uint8_t buf[PCAPNG_BLOCK_ROOM];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	pcapng_put_interface(&w, &(struct pcapng_interface){ .name = text, .description = text, .filter = text });
	g_assert_false(w.failed);
	struct pcapng_block block;
	size_t need;
	g_assert_cmpint(pcapng_parse_block(buf, w.len, &block, &need), ==, 1);
	g_assert_cmpuint(block.len, ==, w.len);
}

static void consecutive_blocks_are_read(void)
{
	uint8_t frame[61] = { 2 }, buf[2 * PCAPNG_BLOCK_ROOM + sizeof(frame)];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	pcapng_put_section(&w, &(struct pcapng_section){ .application = "lanlet" });
	size_t first = w.len, need;
	struct pcapng_block block;
	pcapng_put_packet(&w,
			  &(struct pcapng_packet){
				  .interface = 3, .bytes = frame, .captured = 61, .len = 61, .lost = UINT64_C(1) << 40, .comment = "x" });
	g_assert_cmpint(pcapng_parse_block(buf, w.len, &block, &need), ==, 1);
	g_assert_cmpuint(block.type, ==, PCAPNG_SECTION);
	g_assert_cmpuint(block.len, ==, first);
	g_assert_cmpint(pcapng_parse_block(buf + first, w.len - first, &block, &need), ==, 1);
	g_assert_cmpuint(block.type, ==, PCAPNG_PACKET);
	g_assert_cmpuint(block.len, ==, w.len - first);
	g_assert_cmpuint(block.interface, ==, 3);
	g_assert_cmpuint(block.lost, ==, UINT64_C(1) << 40);
	for (size_t len = 0; len < w.len - first; len++) {
		g_assert_cmpint(pcapng_parse_block(buf + first, len, &block, &need), ==, 0);
		g_assert_cmpuint(need, ==, len < 8 ? 8 : w.len - first);
	}
}

static void invalid_blocks_are_refused(void)
{
	static const uint8_t bad[][12] = { { 6, 0, 0, 0, 8 }, { 6, 0, 0, 0, 13 }, { 6, 0, 0, 0, 0, 0, 0, 1 } };
	/* A packet whose captured length exceeds its block. */
	static const uint8_t lying[32] = { 6, 0, 0, 0, 32, [20] = 0xff, 0xff, 0xff, 0xff };
	struct pcapng_block block;
	size_t need;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(pcapng_parse_block(bad[i], sizeof(bad[i]), &block, &need), ==, -EBADMSG);
	g_assert_cmpint(pcapng_parse_block(lying, sizeof(lying), &block, &need), ==, 1);
	g_assert_cmpuint(block.lost, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pcapng/section_names_system_and_application", section_names_system_and_application);
	g_test_add_func("/pcapng/interface_has_name_description_resolution_and_filter",
			interface_has_name_description_resolution_and_filter);
	g_test_add_func("/pcapng/packet_has_time_flags_drop_count_and_comment", packet_has_time_flags_drop_count_and_comment);
	g_test_add_func("/pcapng/flags_hold_direction_reception_and_offloads", flags_hold_direction_reception_and_offloads);
	g_test_add_func("/pcapng/statistics_count_received_and_lost_packets", statistics_count_received_and_lost_packets);
	g_test_add_func("/pcapng/long_texts_are_truncated", long_texts_are_truncated);
	g_test_add_func("/pcapng/consecutive_blocks_are_read", consecutive_blocks_are_read);
	g_test_add_func("/pcapng/invalid_blocks_are_refused", invalid_blocks_are_refused);
	return g_test_run();
}
