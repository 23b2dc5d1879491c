/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router advertisements on a segment, with memory ports as guests and a clock that is turned by hand. */
#include "service/ra.h"

#include "base/macros.h"
#include "gateway/gateway.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "support/memory_port.h"
#include "wire/icmp6.h"
#include "wire/ra.h"

#define FRAME_MAX 1514
#define PREFIX 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a, 0, 0
#define SECOND USEC_PER_SEC

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 1 } }, mac_a = { { 2, 0, 0, 0, 0, 2 } }, mac_b = { { 2, 0, 0, 0, 0, 3 } };
static const struct ip_addr gateway_local = { { 0xfe, 0x80, [15] = 1 } }, gateway_ip = { { PREFIX, [15] = 1 } };
static const struct ip_addr local_a = { { 0xfe, 0x80, [15] = 0xa } }, none, all_nodes = IPV6_ALL_NODES, all_routers = IPV6_ALL_ROUTERS;

struct fixture {
	struct segment segment;
	struct gateway gateway;
	struct ra_service ra;
	struct memory_port a, b;
	usec_t now;
};

static void start(struct fixture *f, const char *domain, uint32_t mtu)
{
	ra_service_init(&f->ra, f->now,
			&(struct ra_config){ .mac = gateway_mac,
					     .ip6 = &f->gateway.config.ip6,
					     .dns = gateway_ip,
					     .domain = domain,
					     .mtu = mtu,
					     .key = { { 3, 4 } } });
}

static void set_up(struct fixture *f, gconstpointer data)
{
	*f = (struct fixture){ .now = 1000 * SECOND };
	struct hash_key key = { { 5, 6 } };
	struct prefix6 prefix = { { { PREFIX } }, 64 };
	g_assert_cmpint(segment_init(&f->segment, &(struct segment_config){ .hash_key = key }), ==, 0);
	g_assert_cmpint(gateway_init(&f->gateway, &f->segment,
				     &(struct gateway_config){ .mac = gateway_mac,
							       .ip = IP4(10, 0, 0, 1),
							       .subnet = { IP4(10, 0, 0, 0), 24 },
							       .ip6 = gateway_ip6_of(&prefix),
							       .hash_key = key }),
			==, 0);
	start(f, "lanlet.internal", 0);
	gateway_add_service(&f->gateway, &f->ra.service);
	memory_port_init(&f->a, &f->segment, "a", FRAME_MAX);
	memory_port_init(&f->b, &f->segment, "b", FRAME_MAX);
	memory_port_speak(&f->a, mac_a, 60);
	memory_port_speak(&f->b, mac_b, 60);
	memory_port_clear(&f->a);
	memory_port_clear(&f->b);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	memory_port_done(&f->a);
	memory_port_done(&f->b);
	gateway_done(&f->gateway, f->now);
	segment_done(&f->segment);
}

/* Runs what is due until @until. */
static void run_until(struct fixture *f, usec_t until)
{
	for (usec_t next; (next = gateway_deadline(&f->gateway)) <= until;) {
		f->now = MAX(next, f->now);
		gateway_expire(&f->gateway, f->now);
		segment_flush(&f->segment, f->now);
	}
	f->now = until;
}

static void forget(struct fixture *f)
{
	memory_port_clear(&f->a);
	memory_port_clear(&f->b);
}

/* Runs past the first advertisements. */
static void settle(struct fixture *f)
{
	run_until(f, f->now + 60 * SECOND);
	forget(f);
}

/* What a guest reads of an advertisement. */
struct seen {
	struct router_advertisement ra;
	struct ip_addr src, dst;
	struct mac to;
	unsigned n_options;
};

static void read_option(struct seen *s, uint8_t type, struct bytes_reader *r)
{
	struct router_advertisement *ra = &s->ra;
	s->n_options++;
	switch (type) {
	case 1: bytes_get(r, ra->mac.b, 6); break;
	case 3:
		ra->prefix.length = bytes_get_u8(r);
		g_assert_cmphex(bytes_get_u8(r), ==, 0xc0); /* on the link, autonomous */
		ra->valid = bytes_get_be32(r);
		ra->preferred = bytes_get_be32(r);
		bytes_skip(r, 4);
		bytes_get(r, ra->prefix.network.b, 16);
		break;
	case 5:
		bytes_skip(r, 2);
		ra->mtu = bytes_get_be32(r);
		break;
	case 25:
		bytes_skip(r, 2);
		ra->dns_lifetime = bytes_get_be32(r);
		bytes_get(r, ra->dns.b, 16);
		break;
	case 31:
		bytes_skip(r, 2);
		g_assert_cmpuint(bytes_get_be32(r), ==, ra->dns_lifetime);
		g_assert_cmpint(dns_name_parse(r, r->at, &ra->search), ==, 0);
		while (r->left > 0)
			g_assert_cmpuint(bytes_get_u8(r), ==, 0);
		break;
	default: g_assert_not_reached();
	}
	g_assert_false(r->failed);
	g_assert_cmpuint(r->left, ==, 0);
}

static struct seen advertisement_at(struct fixture *f, const struct memory_port *p, unsigned index)
{
	size_t len;
	const uint8_t *bytes = memory_port_frame(p, index, &len);
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, len);
	struct packet packet;
	enum drop_reason why;
	struct icmp6_header h;
	g_assert_cmpint(packet_parse(&frame, NULL, &f->segment.arena, &packet, &why), ==, 0);
	g_assert_cmpint(packet_nd(&packet), ==, 0);
	g_assert_cmpuint(packet.nd.type, ==, ND_ROUTER_ADVERTISEMENT);
	g_assert_cmpuint(packet.ip6.hop_limit, ==, 255);
	const uint8_t *message = packet_l4(&packet);
	g_assert_cmpint(icmp6_parse(message, packet.l4_len, &packet.src, &packet.dst, &h), ==, 0);
	struct seen s = { .src = packet.src, .dst = packet.dst, .to = packet.eth.dst };
	s.ra.hop_limit = (uint8_t)(h.rest >> 24);
	s.ra.router_lifetime = (uint16_t)h.rest;
	s.ra.managed = h.rest >> 23 & 1;
	s.ra.other = h.rest >> 22 & 1;
	struct bytes_reader r = bytes_reader(message + 16, packet.l4_len - 16);
	while (r.left > 0) {
		uint8_t type = bytes_get_u8(&r);
		size_t option_len = (size_t)bytes_get_u8(&r) * 8 - 2;
		const uint8_t *value = bytes_take(&r, option_len);
		g_assert_nonnull(value);
		struct bytes_reader option = bytes_reader(value, option_len);
		read_option(&s, type, &option);
	}
	return s;
}

static struct seen only_advertisement(struct fixture *f, const struct memory_port *p)
{
	g_assert_cmpuint(p->frames->len, ==, 1);
	return advertisement_at(f, p, 0);
}

static bool is_for(struct fixture *f, const struct memory_port *p, unsigned index, const struct ip_addr *dst)
{
	struct seen s = advertisement_at(f, p, index);
	return ip_equal(&s.dst, dst);
}

/* A router solicitation from @src. */
static void solicit(struct fixture *f, struct memory_port *p, struct mac mac, const struct ip_addr *src, bool with_mac)
{
	uint8_t buf[ETH_HEADER_LEN + IPV6_HEADER_LEN + 16], option[8] = { 1, 1 };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	memcpy(option + 2, mac.b, 6);
	eth_emit(&w, &(struct eth_header){ ipv6_group_mac(&all_routers), mac, ETH_TYPE_IPV6 });
	ipv6_emit(&w, &(struct ipv6_header){ .payload_len = with_mac ? 16 : 8,
					     .next_header = IPV6_NEXT_ICMP,
					     .hop_limit = 255,
					     .src = *src,
					     .dst = all_routers });
	icmp6_emit(&w, src, &all_routers, &(struct icmp6_header){ .type = ND_ROUTER_SOLICITATION }, option, with_mac ? 8 : 0);
	memory_port_input(p, f->now, buf, w.len);
}

static void advertisement_says_prefix_name_server_and_search_list(struct fixture *f, gconstpointer data)
{
	run_until(f, f->now);
	struct seen s = only_advertisement(f, &f->a);
	g_assert_cmpuint(f->b.frames->len, ==, 1);
	g_assert_true(ip_equal(&s.src, &gateway_local) && ip_equal(&s.dst, &all_nodes));
	g_assert_true(mac_equal(s.ra.mac, gateway_mac));
	g_assert_cmpuint(s.ra.hop_limit, ==, 64);
	g_assert_true(ip_equal(&s.ra.prefix.network, &f->gateway.config.ip6.prefix.network));
	g_assert_cmpuint(s.ra.prefix.length, ==, 64);
	g_assert_cmpuint(s.ra.valid, ==, RA_VALID_LIFETIME);
	g_assert_cmpuint(s.ra.preferred, ==, RA_PREFERRED_LIFETIME);
	g_assert_true(ip_equal(&s.ra.dns, &gateway_ip));
	g_assert_cmpuint(s.ra.dns_lifetime, ==, RA_DNS_LIFETIME);
	struct dns_name domain;
	g_assert_cmpint(dns_name_from_text("lanlet.internal", &domain), ==, 0);
	g_assert_true(dns_name_equal(&s.ra.search, &domain));
	g_assert_cmpuint(s.n_options, ==, 4); /* and no MTU */
}

/* Padding of the search list (RFC 8106 §5.2) for every remainder. */
static void domains_of_any_length_are_padded(struct fixture *f, gconstpointer data)
{
	char domain[190] = "";
	for (size_t len = 1; len < sizeof(domain); len++) {
		domain[len - 1] = len % 2 ? 'a' : '.';
		if (len % 2 == 0)
			continue;
		forget(f);
		start(f, domain, 0);
		run_until(f, f->now);
		struct seen s = only_advertisement(f, &f->a);
		struct dns_name name;
		g_assert_cmpint(dns_name_from_text(domain, &name), ==, 0);
		g_assert_true(dns_name_equal(&s.ra.search, &name));
	}
	forget(f);
	start(f, "", 1400);
	run_until(f, f->now);
	struct seen s = only_advertisement(f, &f->a);
	g_assert_cmpuint(s.n_options, ==, 4);
	g_assert_cmpuint(s.ra.mtu, ==, 1400);
}

static void dhcpv6_is_announced_where_it_is(struct fixture *f, gconstpointer data)
{
	run_until(f, f->now);
	struct seen s = only_advertisement(f, &f->a);
	g_assert_false(s.ra.managed || s.ra.other);
	forget(f);
	ra_service_init(&f->ra, f->now, &(struct ra_config){ .mac = gateway_mac, .ip6 = &f->gateway.config.ip6, .dhcp6 = true });
	run_until(f, f->now);
	s = only_advertisement(f, &f->a);
	g_assert_true(s.ra.managed && s.ra.other);
}

static void gateway_is_a_default_router_only_while_the_host_has_a_route(struct fixture *f, gconstpointer data)
{
	run_until(f, f->now);
	g_assert_cmpuint(only_advertisement(f, &f->a).ra.router_lifetime, ==, 0);
	settle(f);
	usec_t changed = f->now;
	ra_service_set_default_router(&f->ra, f->now, true);
	run_until(f, changed);
	g_assert_cmpuint(only_advertisement(f, &f->a).ra.router_lifetime, ==, RA_ROUTER_LIFETIME);
	ra_service_set_default_router(&f->ra, f->now, false);
	run_until(f, changed + RA_MIN_DISTANCE - 1);
	g_assert_cmpuint(f->a.frames->len, ==, 1); /* RFC 4861 §6.2.6 */
	run_until(f, changed + RA_MIN_DISTANCE);
	g_assert_cmpuint(f->a.frames->len, ==, 2);
	g_assert_cmpuint(advertisement_at(f, &f->a, 1).ra.router_lifetime, ==, 0);
	ra_service_set_default_router(&f->ra, f->now, false);
	g_assert_cmpuint(f->ra.initial_left, ==, RA_INITIAL_COUNT - 1); /* nothing has changed */
}

/* A few in quick succession, then rarely, but often enough that three of them fit each lifetime. */
static void advertisements_are_repeated(struct fixture *f, gconstpointer data)
{
	usec_t begun = f->now;
	run_until(f, begun + 2 * RA_INITIAL_INTERVAL);
	g_assert_cmpuint(f->a.frames->len, ==, RA_INITIAL_COUNT);
	for (int i = 0; i < 100; i++) {
		forget(f);
		usec_t before = f->now;
		run_until(f, gateway_deadline(&f->gateway));
		g_assert_cmpuint(f->a.frames->len, ==, 1);
		g_assert_cmpuint(f->now - before, >=, RA_INTERVAL_MIN * SECOND);
		g_assert_cmpuint(f->now - before, <=, RA_INTERVAL_MAX * SECOND);
	}
}

static void solicitation_is_answered_to_its_sender(struct fixture *f, gconstpointer data)
{
	settle(f);
	solicit(f, &f->a, mac_a, &local_a, true);
	forget(f); /* b has got the solicitation */
	run_until(f, f->now + RA_DELAY_MAX);
	struct seen s = only_advertisement(f, &f->a);
	g_assert_true(ip_equal(&s.dst, &local_a) && mac_equal(s.to, mac_a));
	g_assert_cmpuint(f->b.frames->len, ==, 0);
	run_until(f, f->now + SECOND);
	g_assert_cmpuint(f->a.frames->len, ==, 1);
}

static void solicitation_without_an_address_is_answered_to_all(struct fixture *f, gconstpointer data)
{
	settle(f);
	for (int i = 0; i < 10; i++) {
		solicit(f, &f->a, mac_a, &none, false);
		run_until(f, f->now + SECOND / 10);
	}
	unsigned n = 0;
	for (guint i = 0; i < f->a.frames->len; i++)
		n += is_for(f, &f->a, i, &all_nodes);
	g_assert_cmpuint(n, ==, 1);
	run_until(f, f->now + 2 * RA_MIN_DISTANCE);
	g_assert_cmpuint(f->a.frames->len, ==, 2);
}

/* The MTU of a port is known to be that of the path to its network card only. */
static void only_the_network_card_is_told_the_mtu_of_its_port(struct fixture *f, gconstpointer data)
{
	static const struct mac nested = { { 2, 0, 0, 0, 0, 9 } };
	settle(f);
	f->a.port.mtu = 65520;
	solicit(f, &f->a, mac_a, &local_a, true);
	run_until(f, f->now + RA_DELAY_MAX);
	g_assert_cmpuint(only_advertisement(f, &f->a).ra.mtu, ==, 65520);
	forget(f);
	struct ip_addr other = { { 0xfe, 0x80, [15] = 0xc } };
	solicit(f, &f->a, nested, &other, true);
	run_until(f, f->now + RA_DELAY_MAX);
	g_assert_cmpuint(only_advertisement(f, &f->a).ra.mtu, ==, 0);
}

/* RFC 4861 §6.1.1 */
static void solicitations_that_break_the_rules_are_dropped(struct fixture *f, gconstpointer data)
{
	settle(f);
	solicit(f, &f->a, mac_a, &none, true);
	run_until(f, f->now + SECOND);
	g_assert_cmpuint(f->a.frames->len, ==, 0);
	g_assert_cmpuint(f->segment.drops.count[DROP_ND_MALFORMED], ==, 1);
}

/* What a port can provoke is bounded, and other ports are answered nevertheless. */
static void flood_of_solicitations_is_answered_together(struct fixture *f, gconstpointer data)
{
	settle(f);
	for (unsigned i = 0; i < 200; i++) {
		struct ip_addr src = { { 0xfe, 0x80, [14] = 1, [15] = (uint8_t)i } };
		solicit(f, &f->a, mac_a, &src, true);
		solicit(f, &f->a, mac_a, &src, true);
	}
	struct ip_addr local_b = { { 0xfe, 0x80, [15] = 0xb } };
	solicit(f, &f->b, mac_b, &local_b, true);
	g_assert_cmpuint(f->ra.n_pending, ==, RA_PENDING_PER_PORT + 1);
	forget(f);
	run_until(f, f->now + SECOND);
	unsigned to_b = 0;
	for (guint i = 0; i < f->b.frames->len; i++)
		to_b += is_for(f, &f->b, i, &local_b);
	g_assert_cmpuint(to_b, ==, 1);
	g_assert_cmpuint(f->a.frames->len, ==, RA_PENDING_PER_PORT + 1); /* and one for all */
}

static void last_advertisement_withdraws_router_and_name_server(struct fixture *f, gconstpointer data)
{
	ra_service_set_default_router(&f->ra, f->now, true);
	settle(f);
	ra_service_stop(&f->ra, f->now, &f->gateway.sink);
	segment_flush(&f->segment, f->now);
	struct seen s = only_advertisement(f, &f->a);
	g_assert_cmpuint(s.ra.router_lifetime, ==, 0);
	g_assert_cmpuint(s.ra.dns_lifetime, ==, 0);
	g_assert_cmpuint(s.ra.preferred, ==, RA_PREFERRED_LIFETIME);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add("/ra/" #name, struct fixture, NULL, set_up, name, tear_down)
	ADD(advertisement_says_prefix_name_server_and_search_list);
	ADD(domains_of_any_length_are_padded);
	ADD(dhcpv6_is_announced_where_it_is);
	ADD(gateway_is_a_default_router_only_while_the_host_has_a_route);
	ADD(advertisements_are_repeated);
	ADD(solicitation_is_answered_to_its_sender);
	ADD(solicitation_without_an_address_is_answered_to_all);
	ADD(only_the_network_card_is_told_the_mtu_of_its_port);
	ADD(solicitations_that_break_the_rules_are_dropped);
	ADD(flood_of_solicitations_is_answered_together);
	ADD(last_advertisement_withdraws_router_and_name_server);
	return g_test_run();
}
