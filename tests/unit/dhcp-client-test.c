/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client with lanlet's DHCP server on one clock, and with answers made by the test. */
#include "gateway/service.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "service/dhcp/client.h"
#include "support/dhcp_bench.h"
#include "wire/udp.h"

#define MAC BENCH_MAC(7)
#define SERVER_MAC BENCH_MAC(1)
#define FRAME_SIZE 1600

struct fixture {
	struct dhcp_bench bench;
	struct dhcp_client client;
	bool server_is_there;
	unsigned sent, bound, lost;
	uint8_t last[FRAME_SIZE];
	size_t last_len;
	struct dhcp_message message; /* the client's last */
	struct packet packet;
	struct iovec iov;
	struct frame frame;
	struct dhcp_client_lease lease;
};

/* Keeps the client's message; the server gets it after the call. */
static void sent(void *opaque, const void *frame, size_t len)
{
	struct fixture *f = opaque;
	g_assert_cmpuint(len, <=, sizeof(f->last));
	memcpy(f->last, frame, len);
	f->last_len = len;
	f->sent++;
	f->frame = frame_of(&f->iov, f->last, len);
	enum drop_reason why;
	struct udp_view udp;
	g_assert_cmpint(packet_parse(&f->frame, &f->bench.port, &f->bench.arena, &f->packet, &why), ==, 0);
	g_assert_cmpint(packet_udp(&f->packet, &udp), ==, 0);
	g_assert_cmpint(dhcp_parse(udp.payload, udp.len, &f->message), ==, 0);
	g_assert_true(mac_equal(f->message.header.chaddr, MAC));
}

static void bound(void *opaque, const struct dhcp_client_lease *lease)
{
	struct fixture *f = opaque;
	f->bound++;
	f->lease = *lease;
}

static void lost(void *opaque)
{
	((struct fixture *)opaque)->lost++;
}

static const struct dhcp_client_ops ops = { .send = sent, .bound = bound, .lost = lost };

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ .server_is_there = true };
	bench_init(&f->bench);
	f->bench.port.mtu = 9000;
	f->bench.port.first_mac = MAC;
	bench_start(&f->bench);
	dhcp_client_init(&f->client, &(struct dhcp_client_config){ .mac = MAC, .name = "web", .xid = 41, .ops = &ops, .opaque = f });
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	bench_done(&f->bench);
}

/* Sends a server's message to the client; true when the client accepts it. */
static bool answer(struct fixture *f, const void *message, size_t len)
{
	uint8_t bytes[FRAME_SIZE];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	eth_emit(&w, &(struct eth_header){ .dst = MAC, .src = SERVER_MAC, .ethertype = ETH_TYPE_IPV4 });
	struct ipv4_header ip = { .ttl = 64, .protocol = IP_PROTOCOL_UDP, .src = BENCH_GATEWAY, .dst = 0xffffffff };
	ip.total_len = (uint16_t)(IPV4_HEADER_LEN + UDP_HEADER_LEN + len);
	ipv4_emit(&w, &ip);
	udp_emit_ipv4(&w, ip.src, ip.dst, DHCP_SERVER_PORT, DHCP_CLIENT_PORT, message, len);
	g_assert_false(w.failed);
	return dhcp_client_input(&f->client, f->bench.now, bytes, w.len);
}

/* Passes messages between client and server until neither sends another. */
static void converse(struct fixture *f)
{
	for (unsigned seen = 0; seen != f->sent;) {
		seen = f->sent;
		if (!f->server_is_there)
			return;
		struct service *s = &f->bench.dhcp.service;
		bench_forget(&f->bench);
		s->ops->input(s, f->bench.now, &f->packet, &f->bench.sink);
		bench_sleep(&f->bench, USEC_PER_SEC / 2); /* the server probes an address before it offers it */
		for (unsigned i = 0; i < f->bench.replies->len; i++) {
			const struct bench_reply *r = bench_reply_at(&f->bench, i);
			answer(f, r->datagram.payload, r->datagram.len);
		}
	}
}

static void sleep_until(struct fixture *f, usec_t until)
{
	while (dhcp_client_deadline(&f->client) <= until) {
		bench_sleep(&f->bench, MAX(dhcp_client_deadline(&f->client), f->bench.now) - f->bench.now);
		dhcp_client_expire(&f->client, f->bench.now);
		converse(f);
	}
	if (until > f->bench.now)
		bench_sleep(&f->bench, until - f->bench.now);
}

static void get_lease(struct fixture *f)
{
	dhcp_client_start(&f->client, f->bench.now);
	converse(f);
	g_assert_cmpint(f->client.state, ==, DHCP_CLIENT_BOUND);
}

static void lease_is_obtained_from_the_dhcp_server_of_lanlet(struct fixture *f, gconstpointer data)
{
	get_lease(f);
	g_assert_cmpuint(f->bound, ==, 1);
	g_assert_cmpuint(f->sent, ==, 2);
	g_assert_true(prefix4_contains((struct prefix4){ IP4(192, 168, 122, 0), 24 }, f->lease.address));
	g_assert_cmphex(f->lease.server, ==, BENCH_GATEWAY);
	g_assert_cmphex(f->lease.router, ==, BENCH_GATEWAY);
	g_assert_cmpuint(f->lease.prefix_length, ==, 24);
	g_assert_cmpuint(f->lease.n_dns, ==, 1);
	g_assert_cmphex(f->lease.dns[0], ==, BENCH_GATEWAY);
	g_assert_cmpuint(f->lease.lease_s, ==, 3600);
	g_assert_cmpuint(f->lease.mtu, ==, 9000);
	g_assert_true(mac_equal(f->lease.server_mac, SERVER_MAC));
}

/* RFC 2131 §4.4.5: at half the time, unicast, with ciaddr and neither option 50 nor 54. */
static void lease_is_renewed_at_t1(struct fixture *f, gconstpointer data)
{
	get_lease(f);
	usec_t start = f->bench.now;
	f->server_is_there = false;
	sleep_until(f, start + 1801 * USEC_PER_SEC);
	g_assert_cmpint(f->client.state, ==, DHCP_CLIENT_RENEWING);
	g_assert_true(mac_equal(f->packet.eth.dst, SERVER_MAC));
	g_assert_cmphex(f->packet.ip.src, ==, f->lease.address);
	g_assert_cmphex(f->message.header.ciaddr, ==, f->lease.address);
	g_assert_cmphex(f->message.requested, ==, 0);
	g_assert_cmphex(f->message.server_id, ==, 0);
	f->server_is_there = true;
	converse(f);
	g_assert_cmpint(f->client.state, ==, DHCP_CLIENT_BOUND);
	g_assert_cmpuint(f->bound, ==, 2);
	g_assert_cmpuint(f->lost, ==, 0);
}

static void lease_is_renewed_while_the_server_answers(struct fixture *f, gconstpointer data)
{
	get_lease(f);
	ip4_t address = f->lease.address;
	sleep_until(f, f->bench.now + 24 * 3600 * USEC_PER_SEC);
	g_assert_cmpuint(f->lost, ==, 0);
	g_assert_cmpuint(f->bound, >=, 40);
	g_assert_cmpuint(f->sent, <, 100);
	g_assert_cmphex(f->lease.address, ==, address);
}

static void lease_is_lost_at_its_end_without_a_server(struct fixture *f, gconstpointer data)
{
	get_lease(f);
	f->server_is_there = false;
	usec_t end = f->client.end;
	sleep_until(f, end - USEC_PER_SEC);
	g_assert_cmpint(f->client.state, ==, DHCP_CLIENT_REBINDING);
	g_assert_true(mac_is_group(f->packet.eth.dst)); /* to any server */
	g_assert_cmpuint(f->lost, ==, 0);
	g_assert_cmpuint(f->sent, <, 30);
	sleep_until(f, end + USEC_PER_SEC / 2);
	g_assert_cmpuint(f->lost, ==, 1);
	g_assert_cmpint(f->message.type, ==, DHCP_DISCOVER);
	f->server_is_there = true;
	sleep_until(f, end + 60 * USEC_PER_SEC);
	g_assert_cmpuint(f->bound, ==, 2);
}

static void unanswered_messages_are_repeated_at_growing_intervals(struct fixture *f, gconstpointer data)
{
	f->server_is_there = false;
	usec_t start = f->bench.now;
	dhcp_client_start(&f->client, start);
	sleep_until(f, start + 120 * USEC_PER_SEC);
	g_assert_cmpint(f->message.type, ==, DHCP_DISCOVER);
	g_assert_cmpuint(f->sent, >=, 8);
	g_assert_cmpuint(f->sent, <=, 12);
	g_assert_cmpuint(f->bound, ==, 0);
}

/* --- answers made by the test --- */

struct says {
	enum dhcp_type type;
	uint32_t xid;
	struct mac mac;
	const char *domain;
	ip4_t address;
	const char *search; /* option 119 */
	size_t search_len;
};

static bool say(struct fixture *f, const struct says *s)
{
	uint8_t bytes[600];
	struct dhcp_writer w;
	struct dhcp_header h = { .op = DHCP_BOOTREPLY, .xid = s->xid, .yiaddr = s->address, .chaddr = s->mac };
	dhcp_writer_init(&w, bytes, sizeof(bytes), &h);
	dhcp_put_u8(&w, DHCP_OPTION_TYPE, (uint8_t)s->type);
	dhcp_put_be32(&w, DHCP_OPTION_SERVER_ID, BENCH_GATEWAY);
	dhcp_put_be32(&w, DHCP_OPTION_LEASE_TIME, 100);
	if (s->domain)
		dhcp_put(&w, DHCP_OPTION_DOMAIN, s->domain, strlen(s->domain));
	if (s->search)
		dhcp_put(&w, DHCP_OPTION_DOMAIN_SEARCH, s->search, s->search_len);
	return answer(f, bytes, dhcp_finish(&w));
}

static void answers_to_other_clients_are_ignored(struct fixture *f, gconstpointer data)
{
	dhcp_client_start(&f->client, f->bench.now);
	g_assert_false(say(f, &(struct says){ DHCP_OFFER, f->client.xid + 1, MAC, NULL, BENCH_IP(9) }));
	g_assert_false(say(f, &(struct says){ DHCP_OFFER, f->client.xid, BENCH_MAC(8), NULL, BENCH_IP(9) }));
	g_assert_cmpint(f->client.state, ==, DHCP_CLIENT_SELECTING);
	g_assert_true(say(f, &(struct says){ DHCP_ACK, f->client.xid, MAC, NULL, BENCH_IP(9) })); /* nothing was requested */
	g_assert_cmpint(f->client.state, ==, DHCP_CLIENT_SELECTING);
	g_assert_true(say(f, &(struct says){ DHCP_OFFER, f->client.xid, MAC, NULL, BENCH_IP(9) }));
	g_assert_cmpint(f->client.state, ==, DHCP_CLIENT_REQUESTING);
	g_assert_cmphex(f->message.requested, ==, BENCH_IP(9));
	g_assert_cmphex(f->message.server_id, ==, BENCH_GATEWAY);
}

static void take_address(struct fixture *f, const char *domain, ip4_t ip)
{
	dhcp_client_start(&f->client, f->bench.now);
	say(f, &(struct says){ DHCP_OFFER, f->client.xid, MAC, domain, BENCH_IP(9) });
	say(f, &(struct says){ DHCP_ACK, f->client.xid, MAC, domain, ip });
}

static void nak_restarts_the_client(struct fixture *f, gconstpointer data)
{
	take_address(f, NULL, BENCH_IP(9));
	g_assert_cmpuint(f->bound, ==, 1);
	f->server_is_there = false;
	sleep_until(f, f->client.t1);
	g_assert_true(say(f, &(struct says){ DHCP_NAK, f->client.xid, MAC, NULL, 0 }));
	g_assert_cmpuint(f->lost, ==, 1);
	g_assert_cmpint(f->message.type, ==, DHCP_DISCOVER);
}

static void invalid_domain_is_not_reported(struct fixture *f, gconstpointer data)
{
	take_address(f, "lab.internal", BENCH_IP(9));
	g_assert_cmpstr(f->lease.domain, ==, "lab.internal");
	take_address(f, "lab\nnameserver 6.6.6.6", BENCH_IP(9));
	g_assert_cmpstr(f->lease.domain, ==, "");
}

static void search_list_has_valid_domains_only(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} cases[] = {
		{ "\3lab\4test\0\3c_d\0", 15, "lab.test c_d" },
		{ "\3lab\4test\0\1b\xc0\4", 14, "lab.test" }, /* compressed (RFC 3397 §2) */
		{ "\3lab\0\3a\nb\0\1c", 13, "lab" },
		{ "\3lab\0\5ab", 8, "lab" }, /* cut short */
		{ "\xc0\0", 2, "" },
		{ "", 0, "" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		dhcp_client_start(&f->client, f->bench.now);
		say(f, &(struct says){ DHCP_OFFER, f->client.xid, MAC, NULL, BENCH_IP(9) });
		say(f, &(struct says){ DHCP_ACK, f->client.xid, MAC, NULL, BENCH_IP(9), cases[i].bytes, cases[i].len });
		g_assert_cmpstr(f->lease.search, ==, cases[i].text);
	}
	char many[255];
	for (size_t i = 0; i < sizeof(many); i += 5)
		memcpy(many + i, "\3lab", 5);
	dhcp_client_start(&f->client, f->bench.now);
	say(f, &(struct says){ DHCP_OFFER, f->client.xid, MAC, NULL, BENCH_IP(9) });
	say(f, &(struct says){ DHCP_ACK, f->client.xid, MAC, NULL, BENCH_IP(9), many, sizeof(many) });
	g_assert_cmpuint(strlen(f->lease.search), ==, 51 * 4 - 1);
}

static void impossible_address_is_not_accepted(struct fixture *f, gconstpointer data)
{
	static const ip4_t bad[] = { 0, IP4(127, 0, 0, 1), IP4(224, 0, 0, 1), 0xffffffff, IP4(0, 1, 2, 3) };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		take_address(f, NULL, bad[i]);
	g_assert_cmpuint(f->bound, ==, 0);
}

static void lease_is_released(struct fixture *f, gconstpointer data)
{
	get_lease(f);
	dhcp_client_release(&f->client, f->bench.now);
	g_assert_cmpint(f->message.type, ==, DHCP_RELEASE);
	g_assert_cmphex(f->message.header.ciaddr, ==, f->lease.address);
	g_assert_cmpuint(dhcp_client_deadline(&f->client), ==, USEC_INFINITY);
	unsigned before = f->sent;
	dhcp_client_release(&f->client, f->bench.now);
	g_assert_cmpuint(f->sent, ==, before);
}

#define TEST(name) g_test_add("/dhcp-client/" #name, struct fixture, NULL, set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(lease_is_obtained_from_the_dhcp_server_of_lanlet);
	TEST(lease_is_renewed_at_t1);
	TEST(lease_is_renewed_while_the_server_answers);
	TEST(lease_is_lost_at_its_end_without_a_server);
	TEST(unanswered_messages_are_repeated_at_growing_intervals);
	TEST(answers_to_other_clients_are_ignored);
	TEST(nak_restarts_the_client);
	TEST(invalid_domain_is_not_reported);
	TEST(search_list_has_valid_domains_only);
	TEST(impossible_address_is_not_accepted);
	TEST(lease_is_released);
	return g_test_run();
}
