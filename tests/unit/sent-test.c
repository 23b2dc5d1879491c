/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of packets that were sent, for ICMP errors about them (RFC 5508 REQ-4). */
#include "engine/native/machine/sent.h"

#include "wire/ip.h"

#include <glib.h>

static void assert_found(const struct native_sent *s, uint16_t key, uint16_t id, uint8_t tos, bool has_df)
{
	struct ip_header h = { 0 };
	g_assert_true(native_sent_find(s, key, &h));
	g_assert_cmphex(h.id, ==, id);
	g_assert_cmphex(h.traffic_class, ==, tos);
	g_assert_cmpint(h.dont_fragment, ==, has_df);
}

static void last_sixteen_packets_are_found(void)
{
	struct native_sent s = { 0 };
	for (uint16_t i = 1; i <= 40; i++) {
		native_sent_add(&s, i, (uint8_t)(4 * i), i % 3 == 0, (uint16_t)(1000 + i));
		for (uint16_t k = i > 16 ? i - 15 : 1; k <= i; k++)
			assert_found(&s, k, (uint16_t)(1000 + k), (uint8_t)(4 * k), k % 3 == 0);
	}
}

static void forgotten_packet_is_not_found(void)
{
	struct native_sent s = { 0 };
	struct ip_header h = { .id = 7, .traffic_class = 8, .dont_fragment = true };
	for (uint16_t i = 1; i <= 17; i++)
		native_sent_add(&s, i, 0, false, i);
	g_assert_false(native_sent_find(&s, 1, &h));
	g_assert_cmpuint(h.id, ==, 7);
	g_assert_cmpuint(h.traffic_class, ==, 8);
	g_assert_true(h.dont_fragment);
}

static void latest_of_packets_with_one_key_is_found(void)
{
	struct native_sent s = { 0 };
	native_sent_add(&s, 5, 1, true, 10);
	native_sent_add(&s, 5, 2, false, 11);
	native_sent_add(&s, 6, 3, true, 12);
	assert_found(&s, 5, 11, 2, false);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sent/last_sixteen_packets_are_found", last_sixteen_packets_are_found);
	g_test_add_func("/sent/forgotten_packet_is_not_found", forgotten_packet_is_not_found);
	g_test_add_func("/sent/latest_of_packets_with_one_key_is_found", latest_of_packets_with_one_key_is_found);
	return g_test_run();
}
