/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contents and destinations of the server's messages. */
#include "base/macros.h"
#include "support/dhcp_bench.h"

#include <errno.h>

#define A BENCH_MAC(1)
#define B BENCH_MAC(2)

/* The ACK to a client that claims .50. */
static const struct bench_reply *ack_to(struct dhcp_bench *b, struct bench_ask ask)
{
	ask.type = DHCP_REQUEST;
	ask.mac = A;
	if (!ask.ciaddr)
		ask.requested = BENCH_IP(50);
	bench_forget(b);
	bench_send(b, &ask);
	return bench_only_reply(b, DHCP_ACK);
}

static void assert_text(const struct bench_reply *r, uint8_t code, const char *text)
{
	char value[600];
	ssize_t len = dhcp_option_get(r->bytes, r->datagram.len, code, value, sizeof(value));
	g_assert_cmpint(len, >=, 0);
	g_assert_cmpmem(value, (size_t)len, text, strlen(text));
}

static void assert_goes_to(const struct bench_reply *r, ip4_t ip, uint16_t port, const struct mac *mac)
{
	g_assert_cmpuint(ip_to_ip4(&r->datagram.src), ==, BENCH_GATEWAY);
	g_assert_cmpuint(r->datagram.src_port, ==, 67);
	g_assert_cmpuint(ip_to_ip4(&r->datagram.dst), ==, ip);
	g_assert_cmpuint(r->datagram.dst_port, ==, port);
	g_assert_cmpint(r->has_dst_mac, ==, mac != NULL);
	if (mac)
		g_assert_true(mac_equal(r->dst_mac, *mac));
}

static const struct mac broadcast_mac = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

/* RFC 2131 §4.1 */
static void client_without_address_is_reached_by_its_mac(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ip4_t ip = bench_discover(&b, A);
	assert_goes_to(bench_only_reply(&b, DHCP_OFFER), ip, 68, &A);
	assert_goes_to(ack_to(&b, (struct bench_ask){ .requested = ip }), BENCH_IP(50), 68, &A);
	bench_done(&b);
}

static void broadcast_flag_makes_a_broadcast(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .broadcast = true });
	assert_goes_to(r, IP4(255, 255, 255, 255), 68, &broadcast_mac);
	g_assert_true(r->message.header.broadcast);
	bench_done(&b);
}

static void renewing_client_is_reached_at_its_address(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ack_to(&b, (struct bench_ask){ .broadcast = false });
	struct bench_ask renew = { .ciaddr = BENCH_IP(50), .broadcast = true, .src = BENCH_IP(50), .dst = BENCH_GATEWAY };
	assert_goes_to(ack_to(&b, renew), BENCH_IP(50), 68, &A);
	bench_done(&b);
}

/* RFC 2131 §4.1: NAKs are broadcast, because the client may have a wrong address. */
static void naks_are_broadcast(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = A, .ciaddr = IP4(10, 0, 0, 1) });
	const struct bench_reply *nak = bench_only_reply(&b, DHCP_NAK);
	assert_goes_to(nak, IP4(255, 255, 255, 255), 68, &broadcast_mac);
	g_assert_cmpuint(nak->message.header.yiaddr, ==, 0);
	g_assert_cmpuint(nak->message.header.ciaddr, ==, 0);
	bench_done(&b);
}

/* RFC 2131 §4.3.1, table 3: a NAK has no parameters but message and server identifier. */
static void nak_has_message_and_server_only(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct bench_ask ask = { .type = DHCP_REQUEST, .mac = A, .requested = IP4(10, 0, 0, 1), .parameters = "\1\3\6", .client_id = "id" };
	bench_send(&b, &ask);
	const struct bench_reply *nak = bench_only_reply(&b, DHCP_NAK);
	assert_text(nak, DHCP_OPTION_MESSAGE, "wrong network");
	g_assert_cmpuint(bench_number(nak, DHCP_OPTION_SERVER_ID), ==, BENCH_GATEWAY);
	assert_text(nak, DHCP_OPTION_CLIENT_ID, "id");
	for (unsigned code = 1; code < 52; code++)
		g_assert_false(bench_has(nak, (uint8_t)code));
	bench_done(&b);
}

static void relay_gets_the_reply_on_the_server_port(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct bench_ask ask = { .type = DHCP_DISCOVER,
				 .mac = A,
				 .giaddr = BENCH_IP(200),
				 .src = BENCH_IP(200),
				 .dst = BENCH_GATEWAY,
				 .relay = "\1\6port 7\2\6switch",
				 .broadcast = true };
	bench_send(&b, &ask);
	bench_sleep(&b, USEC_PER_SEC);
	const struct bench_reply *offer = bench_only_reply(&b, DHCP_OFFER);
	assert_goes_to(offer, BENCH_IP(200), 67, NULL);
	g_assert_cmpuint(offer->message.header.giaddr, ==, BENCH_IP(200));
	g_assert_true(offer->message.header.broadcast);
	assert_text(offer, DHCP_OPTION_RELAY, "\1\6port 7\2\6switch");

	bench_forget(&b);
	ask.type = DHCP_REQUEST;
	ask.requested = offer->message.header.yiaddr;
	ask.server_id = BENCH_GATEWAY;
	bench_send(&b, &ask);
	assert_goes_to(bench_only_reply(&b, DHCP_ACK), BENCH_IP(200), 67, NULL);
	bench_done(&b);
}

/* RFC 2131 §4.3.2: the relay broadcasts a NAK with this bit. */
static void nak_through_a_relay_has_the_broadcast_bit(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct bench_ask ask = { .type = DHCP_REQUEST, .mac = A, .giaddr = BENCH_IP(200), .requested = IP4(10, 0, 0, 1), .relay = "\1\1x" };
	bench_send(&b, &ask);
	const struct bench_reply *nak = bench_only_reply(&b, DHCP_NAK);
	assert_goes_to(nak, BENCH_IP(200), 67, NULL);
	g_assert_true(nak->message.header.broadcast);
	assert_text(nak, DHCP_OPTION_RELAY, "\1\1x");
	bench_done(&b);
}

/* RFC 3046 §2.1 */
static void relay_information_is_the_last_option(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .giaddr = BENCH_IP(200), .relay = "\1\6port 7" });
	size_t end = r->datagram.len;
	while (r->bytes[end - 1] == 0)
		end--;
	g_assert_cmpuint(r->bytes[end - 1], ==, DHCP_OPTION_END);
	g_assert_cmpmem(r->bytes + end - 11, 10, "\122\10\1\6port 7", 10);
	bench_done(&b);
}

static void inform_is_answered_to_the_clients_address(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_INFORM, .mac = A, .ciaddr = BENCH_IP(200), .src = BENCH_IP(200) });
	assert_goes_to(bench_only_reply(&b, DHCP_ACK), BENCH_IP(200), 68, &A);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_INFORM, .mac = A, .src = BENCH_IP(201) });
	assert_goes_to(bench_only_reply(&b, DHCP_ACK), BENCH_IP(201), 68, &A);
	bench_done(&b);
}

static void reply_carries_the_clients_transaction(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .client_id = "\1an id" });
	g_assert_cmpuint(r->message.header.op, ==, DHCP_BOOTREPLY);
	g_assert_cmphex(r->message.header.xid, ==, bench_xid(A));
	g_assert_true(mac_equal(r->message.header.chaddr, A));
	g_assert_cmpuint(r->message.header.hops, ==, 0);
	g_assert_cmpuint(r->message.header.siaddr, ==, 0);
	assert_text(r, DHCP_OPTION_CLIENT_ID, "\1an id"); /* RFC 6842 */
	bench_done(&b);
}

static void client_id_is_not_sent_to_a_client_without_one(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	ack_to(&b, (struct bench_ask){ .client_id = "x" });
	g_assert_false(bench_has(ack_to(&b, (struct bench_ask){ .client_id = NULL }), DHCP_OPTION_CLIENT_ID));
	bench_done(&b);
}

static void every_option_has_its_value(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct bench_ask ask = { .parameters = "\1\3\6\14\17\32\34\63\66\72\73\167", .name = "Web", .max_size = 1500 };
	b.port.mtu = 65520;
	const struct bench_reply *r = ack_to(&b, ask);
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_SUBNET_MASK), ==, 0xffffff00);
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_ROUTER), ==, BENCH_GATEWAY);
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_DNS), ==, BENCH_GATEWAY);
	assert_text(r, DHCP_OPTION_HOST_NAME, "web");
	assert_text(r, DHCP_OPTION_DOMAIN, "lanlet.internal");
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_MTU), ==, 65520);
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_BROADCAST), ==, BENCH_IP(255));
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_LEASE_TIME), ==, 3600);
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_SERVER_ID), ==, BENCH_GATEWAY);
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_T1), ==, 1800);
	g_assert_cmpuint(bench_number(r, DHCP_OPTION_T2), ==, 3150);
	uint8_t search[64];
	ssize_t len = dhcp_option_get(r->bytes, r->datagram.len, DHCP_OPTION_DOMAIN_SEARCH, search, sizeof(search));
	g_assert_cmpmem(search, (size_t)len, "\6lanlet\10internal", 17);
	bench_done(&b);
}

static void options_not_asked_for_are_not_sent(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	b.port.mtu = 65520;
	const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .parameters = "\3", .name = "web" });
	for (unsigned code = 1; code < 255; code++) {
		bool always = code == DHCP_OPTION_TYPE || code == DHCP_OPTION_SERVER_ID || code == DHCP_OPTION_LEASE_TIME ||
			      code == DHCP_OPTION_T1 || code == DHCP_OPTION_T2 || code == DHCP_OPTION_SUBNET_MASK;
		g_assert_cmpint(bench_has(r, (uint8_t)code), ==, always || code == DHCP_OPTION_ROUTER);
	}
	bench_done(&b);
}

/* A client without a mask takes that of the address's class: of 10.9.8.5 it is /8.  dnsmasq and ISC dhcpd send it always, too. */
static void mask_is_sent_unasked(void)
{
	static const char *const lists[] = { "", "\6", "\1\6", "\6\1" };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct dhcp_bench b;
		bench_start_default(&b);
		g_assert_cmpuint(bench_number(ack_to(&b, (struct bench_ask){ .parameters = lists[i] }), DHCP_OPTION_SUBNET_MASK), ==,
				 0xffffff00);
		bench_forget(&b);
		bench_send(&b, &(struct bench_ask){ .type = DHCP_INFORM, .mac = A, .ciaddr = BENCH_IP(200), .parameters = lists[i] });
		g_assert_cmpuint(bench_number(bench_only_reply(&b, DHCP_ACK), DHCP_OPTION_SUBNET_MASK), ==, 0xffffff00);
		bench_done(&b);
	}
}

static void client_without_a_list_gets_the_default_options(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	b.port.mtu = 65520;
	const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .name = "web" });
	static const uint8_t usual[] = { 1, 3, 6, 12, 15, 28, 51, 53, 54, 58, 59 };
	for (unsigned code = 1; code < 255; code++)
		g_assert_cmpint(bench_has(r, (uint8_t)code), ==, memchr(usual, (int)code, sizeof(usual)) != NULL);
	bench_done(&b);
}

/* RFC 2132 §3.3, §9.8 */
static void options_come_in_the_clients_order_but_the_mask_first(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .parameters = "\34\3\1\6" });
	static const uint8_t order[] = { 53, 54, 51, 58, 59, 1, 28, 3, 6, 255 };
	size_t at = DHCP_HEADER_LEN;
	for (size_t i = 0; i < sizeof(order); i++) {
		g_assert_cmpuint(r->bytes[at], ==, order[i]);
		at += 2 + (size_t)r->bytes[at + 1];
	}
	bench_done(&b);
}

static void mtu_is_sent_only_when_it_is_more_than_ethernets_or_configured(void)
{
	static const struct {
		uint16_t configured;
		size_t port;
		uint32_t expected; /* 0: no option */
	} cases[] = {
		{ 0, 1400, 0 },        { 0, 1500, 0 },        { 0, 9000, 9000 },    { 0, 65520, 65520 },
		{ 0, 1 << 20, 65535 }, { 1400, 65520, 1400 }, { 1500, 1500, 1500 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dhcp_bench b;
		bench_init(&b);
		b.config.mtu = cases[i].configured;
		bench_start(&b);
		b.port.mtu = cases[i].port;
		const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .parameters = "\32" });
		if (cases[i].expected)
			g_assert_cmpuint(bench_number(r, DHCP_OPTION_MTU), ==, cases[i].expected);
		else
			g_assert_false(bench_has(r, DHCP_OPTION_MTU));
		bench_done(&b);
	}
}

/* The MTU of the relay's port is not that of the path behind the relay. */
static void mtu_is_not_sent_behind_a_relay(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	b.port.mtu = 65520;
	g_assert_false(bench_has(ack_to(&b, (struct bench_ask){ .parameters = "\32", .giaddr = BENCH_IP(200) }), DHCP_OPTION_MTU));
	bench_done(&b);
}

/* A nested machine or a container: nothing tells what the bridge in the guest carries. */
static void mtu_is_not_sent_to_stations_behind_the_card(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	b.port.mtu = 65520;
	g_assert_cmpuint(bench_number(ack_to(&b, (struct bench_ask){ .parameters = "\32" }), DHCP_OPTION_MTU), ==, 65520);
	for (unsigned through = 0; through < 2; through++) {
		bench_forget(&b);
		struct bench_ask inner = { .type = DHCP_REQUEST, .mac = B, .requested = BENCH_IP(51), .parameters = "\32" };
		if (through)
			inner.through = A; /* a bridge that translates MACs */
		bench_send(&b, &inner);
		g_assert_false(bench_has(bench_only_reply(&b, DHCP_ACK), DHCP_OPTION_MTU));
	}
	g_assert_cmpuint(bench_number(ack_to(&b, (struct bench_ask){ .parameters = "\32" }), DHCP_OPTION_MTU), ==, 65520);
	bench_done(&b);
}

/* The first station behind a switch is no network card at the end of the port's path. */
static void mtu_is_not_sent_behind_an_uplink(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	b.port.mtu = 65520;
	b.port.uplink = true;
	g_assert_false(bench_has(ack_to(&b, (struct bench_ask){ .parameters = "\32" }), DHCP_OPTION_MTU));
	bench_done(&b);
}

/*
 * dhcpcd puts the MTU on routes, without asking the card, so that an e1000 would have to send and take 65520 bytes: only what the card has
 * agreed on (vhost-user) is safe.  Other clients set it at the card, whose driver refuses what it cannot do.
 */
static void mtu_is_sent_to_dhcpcd_only_as_far_as_the_card_has_agreed(void)
{
	static const struct {
		const char *vendor_class;
		size_t agreed;
		uint32_t expected; /* 0: no option */
	} cases[] = {
		{ "dhcpcd-9.4.1:Linux-6.1.0:x86_64:GenuineIntel", 1500, 0 },
		{ "dhcpcd-10.1.0", 9000, 9000 },
		{ "dhcpcd", 65520, 65520 },
		{ "dhcpc", 1500, 65520 },
		{ "MSFT 5.0", 1500, 65520 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dhcp_bench b;
		bench_start_default(&b);
		b.port.mtu = 65520;
		b.port.agreed_mtu = cases[i].agreed;
		const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .parameters = "\32", .vendor_class = cases[i].vendor_class });
		if (cases[i].expected)
			g_assert_cmpuint(bench_number(r, DHCP_OPTION_MTU), ==, cases[i].expected);
		else
			g_assert_false(bench_has(r, DHCP_OPTION_MTU));
		bench_done(&b);
	}
}

static void configured_mtu_is_sent_to_all(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.mtu = 9000;
	bench_start(&b);
	b.port.mtu = 9000;
	g_assert_cmpuint(bench_number(ack_to(&b, (struct bench_ask){ .parameters = "\32" }), DHCP_OPTION_MTU), ==, 9000);
	bench_forget(&b);
	bench_send(&b, &(struct bench_ask){ .type = DHCP_REQUEST, .mac = B, .requested = BENCH_IP(51), .parameters = "\32" });
	g_assert_cmpuint(bench_number(bench_only_reply(&b, DHCP_ACK), DHCP_OPTION_MTU), ==, 9000);
	bench_done(&b);
}

static void mtu_of_the_port_is_known_after_the_probe_too(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	b.port.mtu = 65520;
	bench_send(&b, &(struct bench_ask){ .type = DHCP_DISCOVER, .mac = A, .parameters = "\32" });
	b.port.mtu = 1500;
	bench_sleep(&b, USEC_PER_SEC);
	g_assert_cmpuint(bench_number(bench_only_reply(&b, DHCP_OFFER), DHCP_OPTION_MTU), ==, 65520);
	bench_done(&b);
}

static void configured_dns_servers_are_sent_instead(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.n_dns = 2;
	b.config.dns[0] = IP4(9, 9, 9, 9);
	b.config.dns[1] = IP4(1, 1, 1, 1);
	bench_start(&b);
	assert_text(ack_to(&b, (struct bench_ask){ .parameters = "\6" }), DHCP_OPTION_DNS, "\11\11\11\11\1\1\1\1");
	bench_done(&b);
}

static void network_without_domain_sends_none(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.domain = NULL;
	bench_start(&b);
	const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .parameters = "\17\167" });
	g_assert_false(bench_has(r, DHCP_OPTION_DOMAIN));
	g_assert_false(bench_has(r, DHCP_OPTION_DOMAIN_SEARCH));
	bench_done(&b);
}

static void offer_and_ack_have_the_same_options(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	struct bench_ask ask = { .type = DHCP_DISCOVER, .mac = A, .parameters = "\1\3\6\14\17\34\167", .name = "web" };
	bench_send(&b, &ask);
	bench_sleep(&b, USEC_PER_SEC);
	struct bench_reply offer = *bench_only_reply(&b, DHCP_OFFER);
	bench_forget(&b);
	ask.type = DHCP_REQUEST;
	ask.requested = offer.message.header.yiaddr;
	ask.server_id = BENCH_GATEWAY;
	bench_send(&b, &ask);
	struct bench_reply ack = *bench_only_reply(&b, DHCP_ACK);
	g_assert_cmpuint(offer.bytes[DHCP_HEADER_LEN + 2], ==, DHCP_OFFER);
	offer.bytes[DHCP_HEADER_LEN + 2] = DHCP_ACK;
	g_assert_cmpmem(offer.bytes, offer.datagram.len, ack.bytes, ack.datagram.len);
	bench_done(&b);
}

/* BOOTP-sized: RFC 951 §3 */
static void short_replies_are_padded(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	const struct bench_reply *r = ack_to(&b, (struct bench_ask){ .parameters = "\1" });
	g_assert_cmpuint(r->datagram.len, ==, 300);
	bench_done(&b);
}

/* RFC 2132 §9.10; 576 without the option. */
static void replies_stay_within_the_maximum_size_of_the_client(void)
{
	g_autofree char *label = g_strnfill(60, 'x');
	g_autofree char *domain = g_strdup_printf("%s.%s.%s.%s", label, label, label, label);
	g_autofree char *relay = g_strnfill(200, 'r');
	static const struct {
		uint16_t client;
		size_t port, most;
	} cases[] = {
		{ 0, 1500, 548 }, { 576, 1500, 548 }, { 700, 1500, 672 }, { 1500, 1500, 1472 }, { 65535, 65520, 1472 }, { 1500, 600, 572 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dhcp_bench b;
		bench_init(&b);
		b.config.domain = domain;
		bench_start(&b);
		b.port.mtu = cases[i].port;
		struct bench_ask ask = { .parameters = "\1\3\6\17\167\34", .max_size = cases[i].client, .client_id = relay };
		const struct bench_reply *r = ack_to(&b, ask);
		g_assert_cmpuint(r->datagram.len, <=, cases[i].most);
		g_assert_true(bench_has(r, DHCP_OPTION_ROUTER));
		/* 200 + 243 + 244 bytes do not fit 548, even with file and sname. */
		g_assert_cmpint(bench_has(r, DHCP_OPTION_DOMAIN_SEARCH), ==, cases[i].most >= 1400);
		bench_done(&b);
	}
}

static void assert_search(struct dhcp_bench *b, uint16_t max_size, const char *want, size_t want_len)
{
	uint8_t search[1024];
	const struct bench_reply *r = ack_to(b, (struct bench_ask){ .parameters = "\167", .max_size = max_size });
	ssize_t len = dhcp_option_get(r->bytes, r->datagram.len, DHCP_OPTION_DOMAIN_SEARCH, search, sizeof(search));
	g_assert_cmpmem(search, (size_t)len, want, want_len);
}

/* RFC 3397 */
static void hosts_domains_are_searched_behind_the_guests_own(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	static const char *const domains[] = { "office.example", "a..b", "LANLET.internal", "lab", "lab", "" };
	dhcp_set_search(&b.dhcp, domains, ARRAY_SIZE(domains));
	assert_search(&b, 0, "\6lanlet\10internal\0\6office\7example\0\3lab", 38);
	dhcp_set_search(&b.dhcp, NULL, 0);
	assert_search(&b, 0, "\6lanlet\10internal", 17);
	bench_done(&b);
}

static void search_list_is_as_long_as_there_is_room(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	g_autofree char *label = g_strnfill(60, 'x');
	g_autofree char *domain = g_strdup_printf("%s.%s.%s", label, label, label), *other = g_strdup_printf("a.%s", domain);
	const char *domains[] = { domain, other };
	dhcp_set_search(&b.dhcp, domains, 2);
	g_autoptr(GByteArray) want = g_byte_array_new();
	g_byte_array_append(want, (const uint8_t *)"\6lanlet\10internal", 17);
	for (int i = 0; i < 3; i++) {
		g_byte_array_append(want, (const uint8_t *)"\74", 1);
		g_byte_array_append(want, (const uint8_t *)label, 60);
	}
	g_byte_array_append(want, (const uint8_t *)"", 1);
	assert_search(&b, 576, (const char *)want->data, want->len);
	bench_done(&b);
}

static void isolated_network_has_no_router(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.no_router = true;
	bench_start(&b);
	g_assert_false(bench_has(ack_to(&b, (struct bench_ask){ .parameters = "\1\3\6" }), DHCP_OPTION_ROUTER));
	g_assert_false(bench_has(ack_to(&b, (struct bench_ask){ 0 }), DHCP_OPTION_ROUTER));
	bench_done(&b);
}

/* Asserts option 81 of @r: the flags, two response codes of 255, then @name, @len bytes. */
static void assert_fqdn(const struct bench_reply *r, uint8_t flags, const char *name, size_t len)
{
	uint8_t value[300];
	ssize_t got = dhcp_option_get(r->bytes, r->datagram.len, DHCP_OPTION_FQDN, value, sizeof(value));
	g_assert_cmpint(got, >=, 3);
	g_assert_cmphex(value[0], ==, flags);
	g_assert_cmpuint(value[1], ==, 255);
	g_assert_cmpuint(value[2], ==, 255);
	g_assert_cmpmem(value + 3, (size_t)got - 3, name, len);
}

/* RFC 4702 §4: N and S are the server's, E is the client's, O says that S is not what the client asked for. */
static void fqdn_is_echoed_to_clients_that_send_it(void)
{
	static const char labels[] = "\3web\6lanlet\10internal", text[] = "web.lanlet.internal";
	static const struct {
		uint8_t client, expected;
	} cases[] = { { 0, 3 }, { 1, 1 }, { 4, 7 }, { 5, 5 }, { 8, 3 }, { 0xf2, 3 } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dhcp_bench b;
		bench_start_default(&b);
		bool encoded = cases[i].client & 4;
		struct bench_ask ask = { .fqdn = encoded ? "\3Web\7example" : "Web.example",
					 .fqdn_flags = cases[i].client,
					 .parameters = "\1" };
		struct bench_ask discover = ask;
		discover.type = DHCP_DISCOVER;
		discover.mac = A;
		bench_send(&b, &discover);
		bench_sleep(&b, USEC_PER_SEC);
		size_t len = encoded ? sizeof(labels) : sizeof(text) - 1;
		assert_fqdn(bench_only_reply(&b, DHCP_OFFER), cases[i].expected, encoded ? labels : text, len);
		ask.requested = bench_only_reply(&b, DHCP_OFFER)->message.header.yiaddr;
		ask.server_id = BENCH_GATEWAY;
		ask.type = DHCP_REQUEST;
		ask.mac = A;
		bench_forget(&b);
		bench_send(&b, &ask);
		assert_fqdn(bench_only_reply(&b, DHCP_ACK), cases[i].expected, encoded ? labels : text, len);
		bench_done(&b);
	}
}

static void refused_fqdn_is_not_entered(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	assert_fqdn(ack_to(&b, (struct bench_ask){ .fqdn = "wpad", .fqdn_flags = 1 }), 0x0a, "", 0);
	assert_fqdn(ack_to(&b, (struct bench_ask){ .fqdn = "", .fqdn_flags = 4 }), 0x0c, "", 0);
	g_assert_false(bench_has(ack_to(&b, (struct bench_ask){ .name = "web", .parameters = "\121" }), DHCP_OPTION_FQDN));
	bench_done(&b);
}

static void fqdn_of_a_network_without_domain_is_one_label(void)
{
	struct dhcp_bench b;
	bench_init(&b);
	b.config.domain = NULL;
	bench_start(&b);
	assert_fqdn(ack_to(&b, (struct bench_ask){ .fqdn = "web.example", .fqdn_flags = 1 }), 1, "web", 3);
	assert_fqdn(ack_to(&b, (struct bench_ask){ .fqdn = "\3web\7example", .fqdn_flags = 5 }), 5, "\3web", 4);
	bench_done(&b);
}

static void refused_name_is_not_sent(void)
{
	struct dhcp_bench b;
	bench_start_default(&b);
	g_assert_false(bench_has(ack_to(&b, (struct bench_ask){ .parameters = "\14", .name = "-no-" }), DHCP_OPTION_HOST_NAME));
	g_assert_false(bench_has(ack_to(&b, (struct bench_ask){ .parameters = "\14" }), DHCP_OPTION_HOST_NAME));
	bench_done(&b);
}

static void reserved_name_is_sent(void)
{
	static const struct reservation r = { .mac = { { 0x52, 0x54, 0, 0, 0, 1 } }, .ip = BENCH_IP(50), .name = "db" };
	struct dhcp_bench b;
	bench_init(&b);
	b.config.reservations = &r;
	b.config.n_reservations = 1;
	bench_start(&b);
	assert_text(ack_to(&b, (struct bench_ask){ .parameters = "\14", .name = "other" }), DHCP_OPTION_HOST_NAME, "db");
	bench_done(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/dhcp-reply/" #name, name)
	TEST(client_without_address_is_reached_by_its_mac);
	TEST(broadcast_flag_makes_a_broadcast);
	TEST(renewing_client_is_reached_at_its_address);
	TEST(naks_are_broadcast);
	TEST(nak_has_message_and_server_only);
	TEST(relay_gets_the_reply_on_the_server_port);
	TEST(nak_through_a_relay_has_the_broadcast_bit);
	TEST(relay_information_is_the_last_option);
	TEST(inform_is_answered_to_the_clients_address);
	TEST(reply_carries_the_clients_transaction);
	TEST(client_id_is_not_sent_to_a_client_without_one);
	TEST(every_option_has_its_value);
	TEST(options_not_asked_for_are_not_sent);
	TEST(mask_is_sent_unasked);
	TEST(client_without_a_list_gets_the_default_options);
	TEST(options_come_in_the_clients_order_but_the_mask_first);
	TEST(mtu_is_sent_only_when_it_is_more_than_ethernets_or_configured);
	TEST(mtu_is_not_sent_behind_a_relay);
	TEST(mtu_is_not_sent_to_stations_behind_the_card);
	TEST(mtu_is_not_sent_behind_an_uplink);
	TEST(mtu_is_sent_to_dhcpcd_only_as_far_as_the_card_has_agreed);
	TEST(configured_mtu_is_sent_to_all);
	TEST(mtu_of_the_port_is_known_after_the_probe_too);
	TEST(configured_dns_servers_are_sent_instead);
	TEST(network_without_domain_sends_none);
	TEST(offer_and_ack_have_the_same_options);
	TEST(short_replies_are_padded);
	TEST(replies_stay_within_the_maximum_size_of_the_client);
	TEST(hosts_domains_are_searched_behind_the_guests_own);
	TEST(search_list_is_as_long_as_there_is_room);
	TEST(isolated_network_has_no_router);
	TEST(fqdn_is_echoed_to_clients_that_send_it);
	TEST(refused_fqdn_is_not_entered);
	TEST(fqdn_of_a_network_without_domain_is_one_label);
	TEST(refused_name_is_not_sent);
	TEST(reserved_name_is_sent);
	return g_test_run();
}
