/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IPv6 client with lanlet's advertisements and DHCPv6 server on one clock, and with answers made by the test. */
#include "service/dhcp6/client.h"

#include "base/macros.h"
#include "gateway/gateway.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "service/dhcp6/dhcp6.h"
#include "service/nd.h"
#include "service/ra.h"
#include "support/memory_port.h"
#include "wire/dhcp.h"
#include "wire/ra.h"
#include "wire/udp.h"

#include <errno.h>

#define FRAME_MAX 1514
#define SECOND USEC_PER_SEC
#define LEASE_TIME 3600u

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 1 } }, mac = { { 2, 0, 0, 0, 0, 2 } };

struct fixture {
	struct segment segment;
	struct gateway gateway;
	struct nd_service nd;
	struct ra_service ra;
	struct dhcp6 dhcp;
	struct memory_port port;
	struct dhcp6_client client;
	struct dhcp6_client_state state; /* as it was told last */
	unsigned n_changes, n_sent;
	GPtrArray *sent; /* GBytes that the segment has not got yet */
	bool is_deaf;    /* the segment gets nothing */
	usec_t now;
};

static void sent(void *opaque, const void *frame, size_t len)
{
	struct fixture *f = opaque;
	f->n_sent++;
	g_ptr_array_add(f->sent, g_bytes_new(frame, len));
}

static void changed(void *opaque, const struct dhcp6_client_state *state)
{
	struct fixture *f = opaque;
	f->n_changes++;
	f->state = *state;
}

static const struct dhcp6_client_ops ops = { sent, changed };

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ .now = 1000 * SECOND, .sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref) };
	struct hash_key key = { { 5, 6 } };
	struct prefix6 prefix = { { { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a } }, 64 };
	struct gateway_ip6 ip6 = { .on = false };
	if (!data)
		ip6 = gateway_ip6_of(&prefix);
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	g_assert_cmpint(gateway_init(&f->gateway, &f->segment,
				     &(struct gateway_config){ .mac = gateway_mac,
							       .ip = IP4(10, 0, 0, 1),
							       .subnet = { IP4(10, 0, 0, 0), 24 },
							       .ip6 = ip6,
							       .hash_key = key }),
			==, 0);
	if (ip6.on) {
		nd_service_init(&f->nd, gateway_mac, &f->gateway.config.ip6);
		ra_service_init(&f->ra, f->now + 50 * SECOND,
				&(struct ra_config){ .mac = gateway_mac,
						     .ip6 = &f->gateway.config.ip6,
						     .dns = ip6.address,
						     .dhcp6 = true,
						     .domain = "lanlet.internal" });
		dhcp6_init(&f->dhcp, &(struct dhcp6_config){ .mac = gateway_mac,
							     .ip6 = &f->gateway.config.ip6,
							     .domain = "lanlet.internal",
							     .lease_time = LEASE_TIME });
		gateway_add_service(&f->gateway, &f->ra.service);
		gateway_add_service(&f->gateway, &f->nd.service);
		gateway_add_service(&f->gateway, &f->dhcp.service);
	}
	memory_port_init(&f->port, &f->segment, "a", FRAME_MAX);
	dhcp6_client_init(&f->client, &(struct dhcp6_client_config){ .mac = mac, .name = "web", .xid = 41, .ops = &ops, .opaque = f });
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	memory_port_done(&f->port);
	gateway_done(&f->gateway, f->now);
	dhcp6_done(&f->dhcp);
	segment_done(&f->segment);
	g_ptr_array_unref(f->sent);
}

/* Passes frames both ways until there are none. */
static void converse(struct fixture *f)
{
	while (f->sent->len > 0 || f->port.frames->len > 0) {
		g_autoptr(GPtrArray) out = g_steal_pointer(&f->sent);
		f->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
		for (unsigned i = 0; i < f->port.frames->len; i++) {
			size_t len;
			const uint8_t *bytes = memory_port_frame(&f->port, i, &len);
			dhcp6_client_input(&f->client, f->now, bytes, len);
		}
		memory_port_clear(&f->port);
		for (unsigned i = 0; i < out->len && !f->is_deaf; i++) {
			size_t len;
			const void *bytes = g_bytes_get_data(g_ptr_array_index(out, i), &len);
			memory_port_input(&f->port, f->now, bytes, len);
		}
	}
}

static void sleep_until(struct fixture *f, usec_t until)
{
	converse(f);
	for (;;) {
		usec_t next = usec_min(dhcp6_client_deadline(&f->client), gateway_deadline(&f->gateway));
		if (next > until)
			break;
		f->now = MAX(f->now, next);
		gateway_expire(&f->gateway, f->now);
		segment_flush(&f->segment, f->now);
		dhcp6_client_expire(&f->client, f->now);
		converse(f);
	}
	f->now = until;
}

static void start(struct fixture *f)
{
	dhcp6_client_start(&f->client, f->now);
	sleep_until(f, f->now + SECOND);
}

static void client_gets_an_address_and_the_names_of_the_network(struct fixture *f, gconstpointer data)
{
	start(f);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_BOUND);
	g_assert_true(dhcp6_client_is_settled(&f->client));
	g_assert_true(prefix6_contains(&f->gateway.config.ip6.prefix, &f->state.address));
	g_assert_cmpuint(f->state.valid_s, ==, LEASE_TIME);
	g_assert_cmpuint(f->state.n_dns, ==, 1);
	g_assert_true(ip_equal(&f->state.dns[0], &f->gateway.config.ip6.address));
	g_assert_cmpstr(f->state.domain, ==, "lanlet.internal");
	const struct lease6 *l = dhcp6_find_address(&f->dhcp, f->now, &f->state.address);
	g_assert_true(l && mac_equal(l->mac, mac));
	g_assert_cmpstr(l->name, ==, "web");
}

static void client_without_dhcp_is_settled_by_an_advertisement(struct fixture *f, gconstpointer data)
{
	f->ra.config.dhcp6 = false;
	start(f);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_ADVERTISED);
	g_assert_true(dhcp6_client_is_settled(&f->client));
	g_assert_true(ip_is_unspecified(&f->state.address) && f->state.n_dns == 1);
}

static void network_without_ipv6_is_known_at_once(struct fixture *f, gconstpointer data)
{
	dhcp6_client_start(&f->client, f->now);
	converse(f);
	g_assert_true(dhcp6_client_is_settled(&f->client));
	unsigned before = f->n_sent;
	sleep_until(f, f->now + 100 * SECOND);
	g_assert_cmpuint(f->n_sent, ==, before + 2); /* solicitations of routers (RFC 4861 §6.3.7) */
	g_assert_cmpuint(f->n_changes, ==, 0);
}

static void lease_is_renewed_and_kept_by_a_new_server(struct fixture *f, gconstpointer data)
{
	start(f);
	struct ip_addr before = f->state.address;
	sleep_until(f, f->now + LEASE_TIME * SECOND);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_BOUND);
	g_assert_true(ip_equal(&f->state.address, &before));
	g_assert_nonnull(dhcp6_find_address(&f->dhcp, f->now, &before));
}

static void lease_that_nobody_renews_ends(struct fixture *f, gconstpointer data)
{
	start(f);
	f->is_deaf = true;
	sleep_until(f, f->now + (LEASE_TIME - 10) * SECOND);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_REBINDING);
	sleep_until(f, f->now + 20 * SECOND);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_SOLICITING);
	g_assert_true(ip_is_unspecified(&f->state.address));
	f->is_deaf = false;
	sleep_until(f, f->now + 300 * SECOND);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_BOUND);
}

static void release_ends_the_lease(struct fixture *f, gconstpointer data)
{
	start(f);
	dhcp6_client_release(&f->client, f->now);
	converse(f);
	g_assert_null(dhcp6_find_address(&f->dhcp, f->now, &f->state.address));
	g_assert_cmpuint(dhcp6_client_deadline(&f->client), ==, USEC_INFINITY);
}

/* --- answers made by hand --- */

static void put_association(struct bytes_writer *w, const struct ip_addr *addr)
{
	size_t begun = dhcp6_begin(w, DHCP6_OPTION_IA_NA);
	bytes_put_be32(w, 1);
	bytes_put_zeros(w, 8);
	dhcp6_put_address(w, addr, 600, 600);
	dhcp6_end(w, begun);
}

/* @change: a byte of the message, of which the value is another one. */
static void answer(struct fixture *f, enum dhcp6_type type, const struct ip_addr *addr, int change)
{
	static const struct ip_addr src = { { 0xfe, 0x80, [15] = 1 } };
	uint8_t bytes[FRAME_MAX], message[256];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes)), m = bytes_writer(message, sizeof(message));
	dhcp6_put_header(&m, type, f->client.xid);
	dhcp6_put_option(&m, DHCP6_OPTION_CLIENT_ID, f->client.duid.bytes, f->client.duid.len);
	dhcp6_put_option(&m, DHCP6_OPTION_SERVER_ID, "\0\3\0\1xyz", 7);
	put_association(&m, addr);
	if (change >= 0)
		message[change] ^= 1;
	eth_emit(&w, &(struct eth_header){ mac, gateway_mac, ETH_TYPE_IPV6 });
	ipv6_emit(&w, &(struct ipv6_header){ .payload_len = (uint16_t)(UDP_HEADER_LEN + m.len),
					     .next_header = IP_PROTOCOL_UDP,
					     .hop_limit = 64,
					     .src = src,
					     .dst = f->client.link_local });
	udp_emit_datagram(&w, &src, &f->client.link_local, DHCP6_SERVER_PORT, DHCP6_CLIENT_PORT, message, m.len);
	g_assert_true(dhcp6_client_input(&f->client, f->now, bytes, w.len));
}

static void solicit(struct fixture *f)
{
	f->is_deaf = true;
	start(f);
	f->client.phase = DHCP6_CLIENT_SOLICITING;
}

static void offer_is_requested_and_a_reply_binds(struct fixture *f, gconstpointer data)
{
	static const struct ip_addr addr = { { 0xfd, [15] = 9 } };
	solicit(f);
	answer(f, DHCP6_REPLY, &addr, -1); /* without rapid commit it answers something else */
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_SOLICITING);
	answer(f, DHCP6_ADVERTISE, &addr, -1);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_REQUESTING);
	answer(f, DHCP6_REPLY, &addr, -1);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_BOUND);
	g_assert_true(ip_equal(&f->state.address, &addr));
}

static void answers_to_others_are_ignored(struct fixture *f, gconstpointer data)
{
	static const struct ip_addr addr = { { 0xfd, [15] = 9 } };
	solicit(f);
	answer(f, DHCP6_ADVERTISE, &addr, 3);  /* the transaction id */
	answer(f, DHCP6_ADVERTISE, &addr, 12); /* the client's DUID */
	answer(f, DHCP6_RENEW, &addr, -1);
	g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_SOLICITING);
}

static void addresses_that_no_host_has_are_not_taken(struct fixture *f, gconstpointer data)
{
	static const char *const texts[] = { "::", "fe80::9", "ff02::9", "::ffff:10.0.0.1" };
	solicit(f);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct ip_addr addr;
		g_assert_cmpint(ip_parse(texts[i], &addr), ==, 0);
		answer(f, DHCP6_ADVERTISE, &addr, -1);
		g_assert_cmpint(f->client.phase, ==, DHCP6_CLIENT_SOLICITING);
	}
}

static void advertisement_parses_back(void)
{
	struct router_advertisement ra = { .hop_limit = 64,
					   .managed = true,
					   .router_lifetime = 300,
					   .mtu = 1400,
					   .prefix = { { { 0xfd, 1 } }, 64 },
					   .valid = 7200,
					   .preferred = 1800,
					   .dns = { { 0xfd, 1, [15] = 1 } },
					   .dns_lifetime = 300 },
				    back;
	uint8_t bytes[RA_PACKET_MAX];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	static const struct ip_addr src = { { 0xfe, 0x80, [15] = 1 } }, dst = IPV6_ALL_NODES;
	g_assert_cmpint(dns_name_from_text("lanlet.internal", &ra.search), ==, 0);
	ra_emit(&w, &src, &dst, &ra);
	const uint8_t *message = bytes + IPV6_HEADER_LEN;
	size_t len = w.len - IPV6_HEADER_LEN;
	g_assert_cmpint(ra_parse(message, len, &back), ==, 0);
	g_assert_true(back.managed && !back.other && back.router_lifetime == 300 && back.mtu == 1400 && back.prefix.length == 64);
	g_assert_true(ip_equal(&back.prefix.network, &ra.prefix.network) && back.valid == 7200 && back.preferred == 1800);
	g_assert_true(ip_equal(&back.dns, &ra.dns) && dns_name_equal(&back.search, &ra.search) && back.dns_lifetime == 300);
	for (size_t cut = 1; cut < len; cut++) {
		int r = ra_parse(message, len - cut, &back);
		g_assert_true(r == 0 || r == -EBADMSG);
		g_assert_true(r == -EBADMSG || cut % 8 == 0);
	}
	bytes[IPV6_HEADER_LEN + 17] = 0; /* the length of the first option */
	g_assert_cmpint(ra_parse(message, len, &back), ==, -EBADMSG);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	static const int without_ipv6;
#define ADD_TO(name, data) g_test_add("/dhcp6-client/" #name, struct fixture, data, set_up, name, tear_down)
#define ADD(name) ADD_TO(name, NULL)
	ADD(client_gets_an_address_and_the_names_of_the_network);
	ADD(client_without_dhcp_is_settled_by_an_advertisement);
	ADD_TO(network_without_ipv6_is_known_at_once, &without_ipv6);
	ADD(lease_is_renewed_and_kept_by_a_new_server);
	ADD(lease_that_nobody_renews_ends);
	ADD(release_ends_the_lease);
	ADD(offer_is_requested_and_a_reply_binds);
	ADD(answers_to_others_are_ignored);
	ADD(addresses_that_no_host_has_are_not_taken);
	g_test_add_func("/dhcp6-client/advertisement_parses_back", advertisement_parses_back);
	return g_test_run();
}
