/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/host_change.h"

#include "wire/rtnetlink.h"

#include <glib.h>

#define T0 (1000 * USEC_PER_SEC)

static void note(struct host_changes *c, usec_t now, enum rtnetlink_type type, const char *address, unsigned length)
{
	struct rtnetlink_event e = { .type = type, .length = length };
	g_assert_cmpint(ip_parse(address, &e.addr), ==, 0);
	e.v6 = !ip_is_v4(&e.addr);
	host_changes_note(c, now, &e);
}

static void expect_lost(const struct host_change *change, const char *address)
{
	char text[IP_TEXT_SIZE];
	g_assert_cmpuint(change->n_lost, ==, 1);
	g_assert_cmpstr(ip_format(&change->lost[0], text), ==, address);
}

static void nothing_is_pending_at_first(void)
{
	struct host_changes c;
	struct host_change change;
	host_changes_init(&c);
	g_assert_true(host_changes_deadline(&c) == USEC_INFINITY);
	g_assert_false(host_changes_take(&c, T0, &change));
}

static void removed_address_is_news_soon_and_lost_within_half_a_second(void)
{
	struct host_changes c;
	struct host_change change;
	host_changes_init(&c);
	note(&c, T0, RTNETLINK_ADDRESS_REMOVED, "192.0.2.7", 0);
	usec_t due = host_changes_deadline(&c);
	g_assert_cmpuint(due - T0, <, 100 * USEC_PER_MSEC);
	g_assert_true(host_changes_take(&c, due, &change));
	g_assert_true(change.news);
	g_assert_cmpuint(change.n_lost, ==, 0);
	due = host_changes_deadline(&c);
	g_assert_cmpuint(due - T0, <, USEC_PER_SEC / 2);
	g_assert_false(host_changes_take(&c, due - 1, &change));
	g_assert_true(host_changes_take(&c, due, &change));
	expect_lost(&change, "192.0.2.7");
	g_assert_false(change.news || change.any);
	g_assert_true(host_changes_deadline(&c) == USEC_INFINITY);
}

static void address_that_comes_back_is_not_lost(void)
{
	struct host_changes c;
	struct host_change change;
	host_changes_init(&c);
	note(&c, T0, RTNETLINK_ADDRESS_REMOVED, "192.0.2.7", 0);
	note(&c, T0, RTNETLINK_ADDRESS_REMOVED, "192.0.2.8", 0);
	note(&c, T0 + 200 * USEC_PER_MSEC, RTNETLINK_ADDRESS_ADDED, "192.0.2.7", 0);
	g_assert_true(host_changes_take(&c, T0 + USEC_PER_SEC, &change));
	expect_lost(&change, "192.0.2.8");
	note(&c, T0, RTNETLINK_ADDRESS_REMOVED, "192.0.2.7", 0);
	note(&c, T0, RTNETLINK_ADDRESS_ADDED, "192.0.2.7", 0);
	g_assert_true(host_changes_take(&c, T0 + USEC_PER_SEC, &change));
	g_assert_true(change.news);
	g_assert_cmpuint(change.n_lost, ==, 0);
	g_assert_true(host_changes_deadline(&c) == USEC_INFINITY);
}

/* A flow's end must not wait for a host whose addresses change all the time. */
static void later_changes_do_not_put_off_earlier_ones(void)
{
	struct host_changes c;
	struct host_change change;
	host_changes_init(&c);
	for (unsigned i = 0; i < 50; i++) {
		usec_t now = T0 + i * 10 * USEC_PER_MSEC;
		note(&c, now, RTNETLINK_ADDRESS_REMOVED, i == 0 ? "192.0.2.7" : "192.0.2.8", 0);
		note(&c, now, RTNETLINK_ROUTE_CHANGED, "0.0.0.0", 0);
		if (host_changes_take(&c, now, &change) && change.n_lost > 0)
			return;
	}
	g_assert_not_reached();
}

static void only_ways_to_the_internet_are_news(void)
{
	static const struct {
		const char *destination;
		unsigned length;
		bool news;
	} routes[] = {
		{ "0.0.0.0", 0, true }, { "128.0.0.0", 1, true }, { "10.0.0.0", 8, false }, { "192.0.2.0", 24, false },
		{ "::", 0, true },      { "2000::", 3, true },    { "2001::", 16, false },  { "fe80::", 64, false },
	};
	struct host_changes c;
	for (size_t i = 0; i < G_N_ELEMENTS(routes); i++) {
		host_changes_init(&c);
		note(&c, T0, RTNETLINK_ROUTE_CHANGED, routes[i].destination, routes[i].length);
		g_assert_cmpint(host_changes_deadline(&c) != USEC_INFINITY, ==, routes[i].news);
	}
}

static void link_local_addresses_of_interfaces_that_come_and_go_are_ignored(void)
{
	struct host_changes c;
	host_changes_init(&c);
	note(&c, T0, RTNETLINK_ADDRESS_ADDED, "fe80::1", 0);
	note(&c, T0, RTNETLINK_ADDRESS_REMOVED, "fe80::1", 0);
	note(&c, T0, RTNETLINK_OTHER, "192.0.2.7", 0);
	g_assert_true(host_changes_deadline(&c) == USEC_INFINITY);
}

static void after_an_overrun_any_address_may_be_lost(void)
{
	struct host_changes c;
	struct host_change change;
	host_changes_init(&c);
	note(&c, T0, RTNETLINK_OVERRUN, "::", 0);
	g_assert_true(host_changes_take(&c, T0 + USEC_PER_SEC, &change));
	g_assert_true(change.news && change.any);
	g_assert_false(host_changes_take(&c, T0 + 2 * USEC_PER_SEC, &change));
}

static void more_lost_addresses_than_can_be_told_apart_are_any(void)
{
	struct host_changes c;
	struct host_change change;
	host_changes_init(&c);
	for (unsigned i = 0; i <= HOST_CHANGE_LOST_MAX; i++) {
		g_autofree char *text = g_strdup_printf("192.0.2.%u", i);
		note(&c, T0, RTNETLINK_ADDRESS_REMOVED, text, 0);
		note(&c, T0, RTNETLINK_ADDRESS_REMOVED, text, 0);
		g_assert_cmpint(c.pending.any, ==, i == HOST_CHANGE_LOST_MAX);
	}
	/* One that comes back leaves room, but what was not noted may still be lost. */
	note(&c, T0, RTNETLINK_ADDRESS_ADDED, "192.0.2.0", 0);
	g_assert_true(host_changes_take(&c, T0 + USEC_PER_SEC, &change));
	g_assert_true(change.any);
	g_assert_cmpuint(change.n_lost, ==, HOST_CHANGE_LOST_MAX - 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/host_change/" #name, name)
	TEST(nothing_is_pending_at_first);
	TEST(removed_address_is_news_soon_and_lost_within_half_a_second);
	TEST(address_that_comes_back_is_not_lost);
	TEST(later_changes_do_not_put_off_earlier_ones);
	TEST(only_ways_to_the_internet_are_news);
	TEST(link_local_addresses_of_interfaces_that_come_and_go_are_ignored);
	TEST(after_an_overrun_any_address_may_be_lost);
	TEST(more_lost_addresses_than_can_be_told_apart_are_any);
#undef TEST
	return g_test_run();
}
