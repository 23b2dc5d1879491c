/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/capture_filter.h"

#include "network/capture.h"

#include <glib.h>
#include <string.h>

static struct capture_filter *compile(const char *text)
{
	g_autofree char *error = NULL;
	struct capture_filter *f = capture_filter_new(text, CAPTURE_SNAPLEN_MAX, &error);
	if (!f)
		g_error("%s: %s", text, error);
	return f;
}

static bool is_built_in(void)
{
	g_autofree char *error = NULL;
	struct capture_filter *f = capture_filter_new("icmp", CAPTURE_SNAPLEN_MAX, &error);
	capture_filter_free(f);
	if (!f)
		g_test_skip(error);
	return f;
}

static void filter_takes_only_matching_frames(void)
{
	static const uint8_t arp[60] = { [12] = 8, 6 }, ip[60] = { [12] = 8, 0, 0x45, [23] = 1 };
	if (!is_built_in())
		return;
	struct capture_filter *f = compile("icmp");
	g_assert_false(capture_filter_wants(f, arp, sizeof(arp), sizeof(arp)));
	g_assert_true(capture_filter_wants(f, ip, sizeof(ip), sizeof(ip)));
	g_assert_false(capture_filter_wants(f, ip, 20, 20)); /* it ends before the protocol */
	capture_filter_free(f);
}

static void wrong_filter_is_refused_with_a_reason(void)
{
	static const char *const wrong[] = { "icmp or or", "port", "tcp[", "host 999.1.1.1", "vlan foo", "(" };
	if (!is_built_in())
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autofree char *error = NULL;
		g_assert_null(capture_filter_new(wrong[i], CAPTURE_SNAPLEN_MAX, &error));
		g_assert_cmpstr(error, !=, "");
	}
}

static void usual_filters_need_the_head_of_a_frame_only(void)
{
	static const char *const usual[] = { "icmp",
					     "arp",
					     "tcp port 80",
					     "udp and host 192.168.122.7",
					     "ether host 52:54:00:00:00:01",
					     "tcp[tcpflags] & tcp-syn != 0",
					     "net 10.0.0.0/8 and not port 53",
					     "vlan 7" };
	if (!is_built_in())
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(usual); i++) {
		struct capture_filter *f = compile(usual[i]);
		g_assert_cmpuint(capture_filter_reach(f), <=, 128);
		capture_filter_free(f);
	}
	struct capture_filter *deep = compile("udp[1000] = 1");
	g_assert_cmpuint(capture_filter_reach(deep), >, 1000);
	capture_filter_free(deep);
}

/* A random IP packet, with options, fragments and lengths of all kinds. */
static void make_frame(GRand *rand, uint8_t *frame, size_t len)
{
	static const uint8_t protocols[] = { 1, 6, 17, 58 };
	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(g_rand_int_range(rand, 0, 4) ? 0 : g_rand_int(rand));
	frame[12] = g_rand_int_range(rand, 0, 8) ? 8 : 0x86;
	frame[13] = frame[12] == 8 ? (uint8_t)(g_rand_int_range(rand, 0, 8) ? 0 : 6) : 0xdd;
	frame[14] = (uint8_t)((frame[12] == 8 ? 0x40 : 0x60) | g_rand_int_range(rand, 0, 16));
	frame[23] = protocols[g_rand_int_range(rand, 0, G_N_ELEMENTS(protocols))];
	frame[20] = protocols[g_rand_int_range(rand, 0, G_N_ELEMENTS(protocols))];
}

static void head_decides_as_the_whole_frame_does(void)
{
	static const char *const filters[] = {
		"tcp port 80",
		"port 0",
		"udp[8:4] = 0",
		"tcp[13] & 2 != 0",
		"icmp[icmptype] = 0",
		"ip[2:2] > 100",
		"greater 300",
		"less 100",
		"ip6 and tcp port 0",
		"ether[100] = 0",
		"ether broadcast",
		"ether multicast",
		"tcp[((tcp[12] & 0xf0) >> 2):4] = 0",
		"ip[6:2] & 0x1fff = 0",
		"vlan and icmp",
		"not ip",
		"ip6 protochain 6",
	};
	if (!is_built_in())
		return;
	GRand *rand = g_rand_new_with_seed(7);
	unsigned wanted = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
		struct capture_filter *f = compile(filters[i]);
		for (unsigned k = 0; k < 2000; k++) {
			uint8_t frame[600];
			size_t len = (size_t)g_rand_int_range(rand, 24, sizeof(frame));
			make_frame(rand, frame, len);
			bool whole = capture_filter_wants(f, frame, len, len);
			g_assert_cmpint(capture_filter_wants(f, frame, MIN(len, capture_filter_reach(f)), len), ==, whole);
			wanted += whole;
		}
		capture_filter_free(f);
	}
	g_assert_cmpuint(wanted, >, 1000);
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/capture-filter/filter_takes_only_matching_frames", filter_takes_only_matching_frames);
	g_test_add_func("/capture-filter/wrong_filter_is_refused_with_a_reason", wrong_filter_is_refused_with_a_reason);
	g_test_add_func("/capture-filter/usual_filters_need_the_head_of_a_frame_only", usual_filters_need_the_head_of_a_frame_only);
	g_test_add_func("/capture-filter/head_decides_as_the_whole_frame_does", head_decides_as_the_whole_frame_does);
	return g_test_run();
}
