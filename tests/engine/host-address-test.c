/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-up of the host's own address in a namespace whose routes change. */
#include "netns.h"

#include "host/host_address.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW (1000 * USEC_PER_SEC)

static void address_is_that_of_the_default_route(void)
{
	struct host_address h;
	struct ip_addr ip;
	host_address_init(&h);
	g_assert_cmpint(host_address_get(&h, NOW, false, &ip), ==, 0);
	g_assert_cmphex(ip_to_ip4(&ip), ==, IP4(10, 77, 0, 2));
}

static void answer_is_kept_for_a_second(void)
{
	struct host_address h;
	struct ip_addr ip;
	host_address_init(&h);
	g_assert_cmpint(host_address_get(&h, NOW, false, &ip), ==, 0);
	g_assert_cmpint(system("ip route del default"), ==, 0);
	g_assert_cmpint(host_address_get(&h, NOW + USEC_PER_SEC / 2, false, &ip), ==, 0);
	g_assert_cmpint(host_address_get(&h, NOW + USEC_PER_SEC, false, &ip), ==, -ENETUNREACH);
	g_assert_cmpint(system("ip route add default via 10.77.0.1"), ==, 0);
	g_assert_cmpint(host_address_get(&h, NOW + USEC_PER_SEC, false, &ip), ==, -ENETUNREACH);
	g_assert_cmpint(host_address_get(&h, NOW + 3 * USEC_PER_SEC, false, &ip), ==, 0);
}

static void loopback_is_never_the_answer(void)
{
	struct host_address h;
	struct ip_addr ip = ip_from_ip4(IP4(1, 2, 3, 4));
	host_address_init(&h);
	g_assert_cmpint(system("ip route replace default dev lo src 127.0.0.1"), ==, 0);
	g_assert_cmpint(host_address_get(&h, NOW, false, &ip), ==, -ENETUNREACH);
	g_assert_cmphex(ip_to_ip4(&ip), ==, IP4(1, 2, 3, 4));
	g_assert_cmpint(system("ip route replace default via 10.77.0.1 dev host0"), ==, 0);
}

static void families_are_looked_up_apart(void)
{
	struct host_address h;
	struct ip_addr ip;
	host_address_init(&h);
	g_assert_cmpint(host_address_get(&h, NOW, true, &ip), ==, -ENETUNREACH);
	g_assert_cmpint(host_address_get(&h, NOW, false, &ip), ==, 0);
}

int main(int argc, char **argv)
{
	const char *why_not = netns_enter();
	if (why_not) {
		printf("1..0 # SKIP %s\n", why_not);
		return 0;
	}
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/host_address/is_that_of_the_default_route", address_is_that_of_the_default_route);
	g_test_add_func("/host_address/is_kept_for_a_second", answer_is_kept_for_a_second);
	g_test_add_func("/host_address/loopback_is_never_the_answer", loopback_is_never_the_answer);
	g_test_add_func("/host_address/families_are_looked_up_apart", families_are_looked_up_apart);
	return g_test_run();
}
