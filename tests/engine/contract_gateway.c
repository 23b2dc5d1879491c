/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gateway's address as a destination, and that no address reaches the host's loopback. */
#include "contract.h"

#include "base/macros.h"
#include "gateway/closed.h"

#include <errno.h>
#include <netinet/in.h>

static void gateway_is_the_host_for_services_on_all_addresses(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	connect_to(f, &t, GATEWAY, INADDR_ANY);
	server_send(&f->s, "welcome", 7);
	g_assert_true(wait_for(&t, 7));
	g_assert_cmphex(server_peer(&f->s), ==, HOST);
	guest_tcp_done(&t);

	struct server udp = { .listener = -1, .fd = -1 };
	struct sockaddr_in from;
	server_bind_udp(&udp, INADDR_ANY);
	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, udp.port, "ping", 4, 63);
	server_expect_datagram(&udp, &f->b, "ping", 4, &from);
	server_answer(&udp, &from, "pong", 4);
	assert_datagram(&f->b, GATEWAY, udp.port, GUEST, 5000, "pong", 4);
	server_close(&udp);
}

static void gateway_hides_services_on_loopback(struct fixture *f, gconstpointer data)
{
	struct server udp = { .listener = -1, .fd = -1 };
	struct guest_tcp t;
	server_listen(&f->s, INADDR_LOOPBACK, 0);
	server_bind_udp(&udp, INADDR_LOOPBACK);
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, f->s.port);
	guest_tcp_syn(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	g_assert_false(t.syn_seen);
	g_assert_false(server_has_visitor(&f->s));
	guest_tcp_done(&t);

	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, udp.port, "anyone?", 7, 63);
	g_assert_cmphex(assert_icmp_error(&f->b, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT, GATEWAY, IP_PROTOCOL_UDP), ==, GATEWAY);
	g_assert_false(server_has_datagram(&udp));
	server_close(&udp);
}

static void gateway_is_loopback_with_host_loopback(struct fixture *f, gconstpointer data)
{
	struct server udp = { .listener = -1, .fd = -1 };
	struct sockaddr_in from;
	struct guest_tcp t;
	connect_to(f, &t, GATEWAY, INADDR_LOOPBACK);
	server_send(&f->s, "welcome", 7);
	g_assert_true(wait_for(&t, 7));
	guest_tcp_done(&t);
	server_bind_udp(&udp, INADDR_LOOPBACK);
	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, udp.port, "ping", 4, 63);
	server_expect_datagram(&udp, &f->b, "ping", 4, &from);
	server_answer(&udp, &from, "pong", 4);
	assert_datagram(&f->b, GATEWAY, udp.port, GUEST, 5000, "pong", 4);
	server_close(&udp);
}

static void gateway_refuses_when_the_host_has_no_address(struct fixture *f, gconstpointer data)
{
	struct guest_tcp t;
	f->b.r.host_address_result = -ENETUNREACH;
	server_listen(&f->s, INADDR_ANY, 0);
	guest_tcp_init(&t, &f->b, GUEST, 40000, GATEWAY, f->s.port);
	guest_tcp_syn(&t);
	g_assert_true(bench_until(&f->b, has_reset, &t));
	guest_tcp_done(&t);
	guest_udp_send(&f->b, GUEST, 5000, GATEWAY, f->s.port, "anyone?", 7, 63);
	struct recorded_error *e = bench_error(&f->b);
	g_assert_nonnull(e);
	g_assert_cmpuint(e->code, ==, ICMP4_UNREACHABLE_PORT);
	g_free(e);
	g_assert_false(server_has_visitor(&f->s));
}

static void gateway_and_the_hosts_own_address_are_kept_apart(struct fixture *f, gconstpointer data)
{
	struct guest_tcp by_gateway, by_address;
	server_listen(&f->s, INADDR_ANY, 0);
	guest_tcp_init(&by_gateway, &f->b, GUEST, 40000, GATEWAY, f->s.port);
	guest_tcp_init(&by_address, &f->b, GUEST, 40000, HOST, f->s.port);
	g_assert_true(guest_tcp_connect(&by_gateway));
	g_assert_true(server_accept(&f->s, &f->b));
	server_send(&f->s, "one", 3);
	server_hang_up(&f->s);
	g_assert_true(guest_tcp_connect(&by_address));
	g_assert_true(server_accept(&f->s, &f->b));
	server_send(&f->s, "two", 3);
	g_assert_true(wait_for(&by_gateway, 3));
	g_assert_true(wait_for(&by_address, 3));
	g_assert_cmpmem(by_gateway.received->data, by_gateway.received->len, "one", 3);
	g_assert_cmpmem(by_address.received->data, by_address.received->len, "two", 3);
	guest_tcp_done(&by_gateway);
	guest_tcp_done(&by_address);
}

/*
 * Addresses that the gateway drops before an engine sees them, and those that libslirp takes for the host: the engine itself must
 * not let them reach loopback.
 */
static void loopback_cannot_be_reached_by_any_address(struct fixture *f, gconstpointer data)
{
	static const ip4_t tries[] = {
		IP4(127, 0, 0, 1), IP4(127, 0, 0, 53), IP4(127, 255, 255, 255), IP4(0, 0, 0, 0),       IP4(0, 0, 0, 1),
		IP4(240, 0, 0, 0), IP4(240, 0, 0, 1),  IP4(240, 0, 0, 2),       IP4(240, 0, 0, 3),     IP4(240, 0, 0, 4),
		IP4(240, 0, 0, 7), IP4(240, 0, 0, 8),  IP4(255, 255, 255, 255), IP4(224, 0, 0, 1),     IP4(192, 168, 122, 0),
		IP4(10, 0, 2, 2),  IP4(10, 0, 2, 3),   IP4(192, 168, 122, 2),   IP4(192, 168, 122, 3), IP4(192, 168, 122, 255),
	};
	struct server tcp[2] = { { .listener = -1, .fd = -1 }, { .listener = -1, .fd = -1 } };
	server_listen(&tcp[0], INADDR_LOOPBACK, 0);
	server_listen(&tcp[1], IP4(127, 0, 0, 53), tcp[0].port);
	server_bind_udp(&f->s, INADDR_LOOPBACK);
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		struct guest_tcp t;
		guest_tcp_init(&t, &f->b, GUEST, (uint16_t)(40000 + i), tries[i], tcp[0].port);
		guest_tcp_syn(&t);
		guest_udp_send(&f->b, GUEST, (uint16_t)(5000 + i), tries[i], f->s.port, "anyone?", 7, 63);
		guest_ping(&f->b, GUEST, tries[i], 1, 1, "", 0, 63);
		guest_tcp_done(&t);
	}
	bench_run_for(&f->b, 200);
	g_assert_false(server_has_visitor(&tcp[0]));
	g_assert_false(server_has_visitor(&tcp[1]));
	g_assert_false(server_has_datagram(&f->s));
	for (GList *l = f->b.strays.head; l; l = l->next) {
		const struct recorded_packet *p = l->data;
		g_assert_cmphex(p->l4[13] & TCP_SYN, ==, 0);
	}
	server_close(&tcp[0]);
	server_close(&tcp[1]);
}

/* Addresses of the host in the test's namespace, see netns.c. */
static const struct {
	ip4_t ip;
	unsigned group;
} closed[] = {
	{ IP4(169, 254, 169, 254), CLOSED_METADATA }, { IP4(100, 100, 100, 200), CLOSED_METADATA },
	{ IP4(168, 63, 129, 16), CLOSED_METADATA },   { IP4(192, 0, 0, 192), CLOSED_METADATA },
	{ IP4(169, 254, 7, 7), CLOSED_LINK_LOCAL },
};

static void knock(struct fixture *f, ip4_t ip, uint16_t tcp_port, uint16_t udp_port, struct guest_tcp *ret)
{
	static uint16_t port = 42000;
	guest_tcp_init(ret, &f->b, GUEST, port, ip, tcp_port);
	guest_tcp_syn(ret);
	guest_udp_send(&f->b, GUEST, port, ip, udp_port, "anyone?", 7, 63);
	guest_ping(&f->b, GUEST, ip, port, 1, "", 0, 63);
	port++;
}

/* The gateway does not pass these packets on; an engine that had one would have to refuse it all the same. */
static void closed_destinations_cannot_be_reached(struct fixture *f, gconstpointer data)
{
	struct server udp = { .listener = -1, .fd = -1 };
	server_listen(&f->s, INADDR_ANY, 0);
	server_bind_udp(&udp, INADDR_ANY);
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		struct guest_tcp t;
		f->b.r.env.opened = (CLOSED_METADATA | CLOSED_LINK_LOCAL) & ~closed[i].group;
		knock(f, closed[i].ip, f->s.port, udp.port, &t);
		bench_run_for(&f->b, 50);
		g_assert_false(t.syn_seen);
		guest_tcp_done(&t);
	}
	g_assert_false(server_has_visitor(&f->s));
	g_assert_false(server_has_datagram(&udp));
	for (struct recorded_packet *p; (p = g_queue_pop_head(&f->b.messages));) {
		g_assert_cmpuint(p->l4[0], !=, ICMP4_ECHO_REPLY);
		recorded_packet_free(p);
	}
	server_close(&udp);
}

static void closed_destinations_are_reached_when_they_are_opened(struct fixture *f, gconstpointer data)
{
	struct server udp = { .listener = -1, .fd = -1 };
	struct sockaddr_in from;
	server_listen(&f->s, INADDR_ANY, 0);
	server_bind_udp(&udp, INADDR_ANY);
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		struct guest_tcp t;
		f->b.r.env.opened = closed[i].group;
		knock(f, closed[i].ip, f->s.port, udp.port, &t);
		g_assert_true(server_accept(&f->s, &f->b));
		server_expect_datagram(&udp, &f->b, "anyone?", 7, &from);
		struct recorded_packet *reply = bench_message(&f->b);
		g_assert_nonnull(reply);
		g_assert_cmpuint(reply->l4[0], ==, ICMP4_ECHO_REPLY);
		g_assert_cmphex(reply->ip.src, ==, closed[i].ip);
		recorded_packet_free(reply);
		server_hang_up(&f->s);
		guest_tcp_done(&t);
	}
	server_close(&udp);
}

/* What an engine does not translate the gateway refuses: gateway6/outside_is_unreachable_at_once. */
static void ipv6_is_translated(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(f->b.ops->ipv6, ==, !(f->row->gaps & GAP_IPV6));
}

const struct contract_test contract_gateway[] = {
	CONTRACT_TEST(ipv6_is_translated),
	CONTRACT_TEST_EXCEPT(EXCEPT_NAT64, gateway_is_the_host_for_services_on_all_addresses),
	CONTRACT_TEST(gateway_hides_services_on_loopback),
	{ "gateway_is_loopback_with_host_loopback", gateway_is_loopback_with_host_loopback, setup_host_loopback, EXCEPT_NAT64 },
	CONTRACT_TEST(gateway_refuses_when_the_host_has_no_address),
	CONTRACT_TEST_EXCEPT(EXCEPT_NAT64, gateway_and_the_hosts_own_address_are_kept_apart),
	CONTRACT_TEST_EXCEPT(EXCEPT_IPV6, loopback_cannot_be_reached_by_any_address),
	CONTRACT_TEST_EXCEPT(EXCEPT_IPV6, closed_destinations_cannot_be_reached),
	CONTRACT_TEST_EXCEPT(EXCEPT_IPV6, closed_destinations_are_reached_when_they_are_opened),
	{ 0 },
};
