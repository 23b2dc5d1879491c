/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 4787 §4–5: which peers may answer through a guest's UDP mapping, and for how long. */
#include "engine/native/machine/mapping.h"

#include <glib.h>

#define NOW (100 * USEC_PER_SEC)

static struct ip_endpoint at(unsigned last, uint16_t port)
{
	return (struct ip_endpoint){ ip_from_ip4(IP4(203, 0, 113, last)), port };
}

static struct mapping mapping_to(struct ip_endpoint peer)
{
	struct mapping m;
	mapping_init(&m, NOW);
	g_assert_cmpint(mapping_sent(&m, NOW, &peer, &peer), ==, 0);
	return m;
}

static bool admits(struct mapping *m, enum mapping_filter filter, struct ip_endpoint from)
{
	struct ip_endpoint claimed;
	return mapping_admits(m, filter, &from, &claimed);
}

static void address_dependent_filtering_accepts_other_ports_of_a_peer(void)
{
	struct mapping m = mapping_to(at(1, 1000));
	g_assert_true(admits(&m, MAPPING_FILTER_ADDRESS, at(1, 1000)));
	g_assert_true(admits(&m, MAPPING_FILTER_ADDRESS, at(1, 2000)));
	g_assert_false(admits(&m, MAPPING_FILTER_ADDRESS, at(2, 1000)));
	mapping_done(&m);
}

static void address_and_port_dependent_filtering_refuses_other_ports_of_a_peer(void)
{
	struct mapping m = mapping_to(at(1, 1000));
	g_assert_true(admits(&m, MAPPING_FILTER_ADDRESS_AND_PORT, at(1, 1000)));
	g_assert_false(admits(&m, MAPPING_FILTER_ADDRESS_AND_PORT, at(1, 2000)));
	mapping_done(&m);
}

static void endpoint_independent_filtering_accepts_all_peers(void)
{
	struct mapping m = mapping_to(at(1, 1000));
	g_assert_true(admits(&m, MAPPING_FILTER_NONE, at(2, 53)));
	mapping_done(&m);
}

static void an_answer_comes_from_the_address_that_the_guest_asked(void)
{
	struct ip_endpoint gateway = { ip_from_ip4(IP4(192, 168, 122, 1)), 123 }, host = at(9, 123), claimed;
	struct mapping m;
	mapping_init(&m, NOW);
	mapping_sent(&m, NOW, &gateway, &host);
	g_assert_true(mapping_admits(&m, MAPPING_FILTER_ADDRESS, &host, &claimed));
	g_assert_true(ip_equal(&claimed.addr, &gateway.addr));
	/* Another port of it too. */
	host.port = 999;
	g_assert_true(mapping_admits(&m, MAPPING_FILTER_ADDRESS, &host, &claimed));
	g_assert_true(ip_equal(&claimed.addr, &gateway.addr));
	g_assert_cmpuint(claimed.port, ==, 999);
	mapping_done(&m);
}

static void the_peer_not_used_for_longest_is_forgotten(void)
{
	struct mapping m = mapping_to(at(1, 1));
	for (uint16_t i = 2; i <= MAPPING_PEERS_MAX; i++) {
		struct ip_endpoint p = at(i, i);
		mapping_sent(&m, NOW, &p, &p);
	}
	struct ip_endpoint first = at(1, 1), extra = at(200, 9);
	mapping_sent(&m, NOW, &first, &first);
	mapping_sent(&m, NOW, &extra, &extra);
	g_assert_cmpuint(m.n_peers, ==, MAPPING_PEERS_MAX);
	g_assert_true(admits(&m, MAPPING_FILTER_ADDRESS, at(1, 1)));
	g_assert_true(admits(&m, MAPPING_FILTER_ADDRESS, at(200, 9)));
	g_assert_false(admits(&m, MAPPING_FILTER_ADDRESS, at(2, 2)));
	mapping_done(&m);
}

static void outbound_traffic_refreshes_and_inbound_does_not(void)
{
	struct ip_endpoint peer = at(1, 1000);
	struct mapping m = mapping_to(peer);
	usec_t first = mapping_udp_deadline(&m);
	g_assert_cmpuint(first, >=, NOW + 300 * USEC_PER_SEC);
	admits(&m, MAPPING_FILTER_ADDRESS, peer);
	g_assert_cmpuint(mapping_udp_deadline(&m), ==, first);
	mapping_sent(&m, NOW + USEC_PER_SEC, &peer, &peer);
	g_assert_cmpuint(mapping_udp_deadline(&m), ==, first + USEC_PER_SEC);
	mapping_done(&m);
}

static void a_mapping_for_dns_alone_is_short(void)
{
	struct ip_endpoint other = at(2, 1000);
	struct mapping m = mapping_to(at(1, 53));
	g_assert_cmpuint(mapping_udp_deadline(&m), <, NOW + 60 * USEC_PER_SEC);
	mapping_sent(&m, NOW, &other, &other);
	g_assert_cmpuint(mapping_udp_deadline(&m), >=, NOW + 300 * USEC_PER_SEC);
	mapping_done(&m);
}

static void echo_lasts_a_minute(void)
{
	struct mapping m = mapping_to(at(1, 0));
	g_assert_cmpuint(mapping_echo_deadline(&m), >=, NOW + 60 * USEC_PER_SEC);
	mapping_done(&m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mapping/address_dependent_filtering_accepts_other_ports_of_a_peer",
			address_dependent_filtering_accepts_other_ports_of_a_peer);
	g_test_add_func("/mapping/address_and_port_dependent_filtering_refuses_other_ports_of_a_peer",
			address_and_port_dependent_filtering_refuses_other_ports_of_a_peer);
	g_test_add_func("/mapping/endpoint_independent_filtering_accepts_all_peers", endpoint_independent_filtering_accepts_all_peers);
	g_test_add_func("/mapping/an_answer_comes_from_the_address_that_the_guest_asked",
			an_answer_comes_from_the_address_that_the_guest_asked);
	g_test_add_func("/mapping/the_peer_not_used_for_longest_is_forgotten", the_peer_not_used_for_longest_is_forgotten);
	g_test_add_func("/mapping/outbound_traffic_refreshes_and_inbound_does_not", outbound_traffic_refreshes_and_inbound_does_not);
	g_test_add_func("/mapping/a_mapping_for_dns_alone_is_short", a_mapping_for_dns_alone_is_short);
	g_test_add_func("/mapping/echo_lasts_a_minute", echo_lasts_a_minute);
	return g_test_run();
}
