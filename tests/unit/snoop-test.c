/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A switch that sends multicast only to ports that joined. */
#include "lan/frame.h"
#include "lan/segment.h"
#include "parsed.h"
#include "support/memory_port.h"
#include "wire/icmp6.h"
#include "wire/igmp.h"
#include "wire/mld.h"

#define FRAME_MAX 1514
#define START (1000 * USEC_PER_SEC)
#define SETTLED (START + SNOOP_RESPONSE_TIME + 5 * USEC_PER_SEC)
#define GATEWAY_IP IP4(192, 168, 122, 1)
#define GROUP IP4(239, 1, 2, 3)

static const struct mac gateway_mac = { { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } };
static const struct ip_addr group6 = { { 0xff, 5, [15] = 0xaa } };

struct fixture {
	struct segment segment;
	struct memory_port gateway, a, b, c, uplink;
};

static void ignore_flush(void *opaque, usec_t now)
{
}

static struct mac mac_of(const struct memory_port *p)
{
	return (struct mac){ { 0x52, 0x54, 0, 0, 0, (uint8_t)p->port.id } };
}

static void set_up(struct fixture *f, gconstpointer with_gateway)
{
	struct segment_config config = { .hash_key = { { 1, 2 } }, .snooping = true };
	g_assert_cmpint(segment_init(&f->segment, &config), ==, 0);
	memory_port_init(&f->gateway, &f->segment, "gateway", 65535);
	f->gateway.port.uplink = true;
	if (with_gateway) {
		f->segment.gateway =
			(struct segment_gateway){ .port = &f->gateway.port, .mac = gateway_mac, .ip = GATEWAY_IP, .flush = ignore_flush };
		snoop_set_querier(&f->segment.snoop, gateway_mac, GATEWAY_IP);
	}
	memory_port_init(&f->a, &f->segment, "a", FRAME_MAX);
	memory_port_init(&f->b, &f->segment, "b", FRAME_MAX);
	memory_port_init(&f->c, &f->segment, "c", FRAME_MAX);
	memory_port_init(&f->uplink, &f->segment, "uplink", FRAME_MAX);
	f->uplink.port.uplink = true;
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	struct memory_port *ports[] = { &f->a, &f->b, &f->c, &f->uplink, &f->gateway };
	f->segment.gateway = (struct segment_gateway){ 0 };
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++)
		memory_port_done(ports[i]);
	segment_done(&f->segment);
}

/* --- what guests send --- */

static void send4(struct memory_port *from, usec_t now, ip4_t src, ip4_t dst, uint8_t protocol, const void *payload, size_t len)
{
	uint8_t bytes[1514];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct mac mac = { { 1, 0, 0x5e, (uint8_t)(dst >> 16 & 0x7f), (uint8_t)(dst >> 8), (uint8_t)dst } };
	eth_emit(&w, &(struct eth_header){ .dst = mac, .src = mac_of(from), .ethertype = ETH_TYPE_IPV4 });
	ipv4_emit(&w, &(struct ipv4_header){
			      .total_len = (uint16_t)(IPV4_HEADER_LEN + len), .ttl = 1, .protocol = protocol, .src = src, .dst = dst });
	bytes_put(&w, payload, len);
	g_assert_false(w.failed);
	memory_port_input(from, now, bytes, w.len);
}

static void data4(struct memory_port *from, usec_t now, ip4_t group)
{
	send4(from, now, IP4(192, 168, 122, 9), group, IP_PROTOCOL_UDP, "\1\0\2\0\0\x0d\0\0video", 13);
}

static void igmp(struct memory_port *from, usec_t now, uint8_t type, ip4_t group, ip4_t dst)
{
	uint8_t message[8] = { type, 0, 0, 0, (uint8_t)(group >> 24), (uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group };
	unsigned sum = (unsigned)type << 8;
	sum += (group >> 16) + (group & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	message[2] = (uint8_t)(sum >> 8);
	message[3] = (uint8_t)sum;
	send4(from, now, IP4(192, 168, 122, 9), dst, IP_PROTOCOL_IGMP, message, sizeof(message));
}

static void join(struct memory_port *from, usec_t now, ip4_t group)
{
	igmp(from, now, IGMP_V2_REPORT, group, group);
}

static void leave(struct memory_port *from, usec_t now, ip4_t group)
{
	igmp(from, now, IGMP_V2_LEAVE, group, IP4(224, 0, 0, 2));
}

static void query(struct memory_port *from, usec_t now, ip4_t src)
{
	uint8_t message[IGMP_QUERY_LEN];
	struct bytes_writer w = bytes_writer(message, sizeof(message));
	igmp_emit_query(&w, 0, 100, 125);
	send4(from, now, src, IP4(224, 0, 0, 1), IP_PROTOCOL_IGMP, message, sizeof(message));
}

static void send6(struct memory_port *from, usec_t now, const struct ip_addr *dst, uint8_t type, const void *body, size_t len)
{
	uint8_t bytes[1514];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct ipv6_header ip = { .hop_limit = 1, .next_header = IPV6_NEXT_ICMP, .src = { { 0xfe, 0x80, [15] = 9 } }, .dst = *dst };
	ip.payload_len = (uint16_t)(ICMP6_HEADER_LEN + len);
	eth_emit(&w,
		 &(struct eth_header){ { { 0x33, 0x33, dst->b[12], dst->b[13], dst->b[14], dst->b[15] } }, mac_of(from), ETH_TYPE_IPV6 });
	ipv6_emit(&w, &ip);
	icmp6_emit(&w, &ip.src, &ip.dst, &(struct icmp6_header){ .type = type }, body, len);
	memory_port_input(from, now, bytes, w.len);
}

/* All ports have sent a frame, were queried, and had time to answer. */
static void settle(struct fixture *f)
{
	struct memory_port *ports[] = { &f->a, &f->b, &f->c, &f->uplink };
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++)
		data4(ports[i], START, IP4(224, 0, 0, 251));
	segment_expire(&f->segment, START);
	segment_flush(&f->segment, START);
}

static void forget(struct fixture *f)
{
	memory_port_clear(&f->a);
	memory_port_clear(&f->b);
	memory_port_clear(&f->c);
	memory_port_clear(&f->uplink);
	memory_port_clear(&f->gateway);
}

/* Who got the one frame that was sent since forget(): "abu…" */
static void assert_reached(struct fixture *f, const char *expected)
{
	struct memory_port *ports[] = { &f->a, &f->b, &f->c, &f->uplink, &f->gateway };
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++)
		g_assert_cmpuint(ports[i]->frames->len, ==, strchr(expected, "abcug"[i]) ? 1 : 0);
	forget(f);
}

static unsigned count_groups(const struct port *p)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->snoop.n; i++)
		n += p->snoop.groups[i].until > SETTLED;
	return n;
}

static void multicast_reaches_only_ports_that_joined(struct fixture *f, gconstpointer data)
{
	settle(f);
	join(&f->b, START + 1, GROUP);
	forget(f);
	data4(&f->a, SETTLED, GROUP);
	assert_reached(f, "bug");
	data4(&f->a, SETTLED, IP4(239, 9, 9, 9));
	assert_reached(f, "ug");
	g_assert_cmpuint(count_groups(&f->b.port), ==, 1);
}

static void link_scope_multicast_is_flooded(struct fixture *f, gconstpointer data)
{
	static const struct ip_addr mdns6 = { { 0xff, 2, [15] = 0xfb } }, solicited = { { 0xff, 2, [11] = 1, 0xff, 1, 2, 3 } };
	settle(f);
	forget(f);
	data4(&f->a, SETTLED, IP4(224, 0, 0, 251));
	assert_reached(f, "bcug");
	send6(&f->a, SETTLED, &mdns6, 128, "", 0);
	assert_reached(f, "bcug");
	send6(&f->a, SETTLED, &solicited, 135, "................", 16);
	assert_reached(f, "bcug");
}

static void everything_is_flooded_until_all_have_had_time_to_answer(struct fixture *f, gconstpointer data)
{
	settle(f);
	forget(f);
	data4(&f->a, START + SNOOP_RESPONSE_TIME, GROUP);
	assert_reached(f, "bcug");
}

static void port_that_has_not_spoken_gets_everything(struct fixture *f, gconstpointer data)
{
	struct memory_port fresh;
	settle(f);
	memory_port_init(&fresh, &f->segment, "fresh", FRAME_MAX);
	data4(&f->a, SETTLED, GROUP);
	g_assert_cmpuint(fresh.frames->len, ==, 1);
	data4(&fresh, SETTLED, IP4(224, 0, 0, 251));
	g_assert_cmpuint(fresh.frames->len, ==, 3); /* it was asked, once for each family */
	data4(&f->a, SETTLED + SNOOP_RESPONSE_TIME, GROUP);
	g_assert_cmpuint(fresh.frames->len, ==, 4);
	data4(&f->a, SETTLED + SNOOP_RESPONSE_TIME + 5 * USEC_PER_SEC, GROUP);
	g_assert_cmpuint(fresh.frames->len, ==, 4);
	memory_port_done(&fresh);
}

static void leave_is_followed_by_a_group_specific_query(struct fixture *f, gconstpointer data)
{
	settle(f);
	join(&f->b, START + 1, GROUP);
	forget(f);
	leave(&f->b, SETTLED, GROUP);
	g_assert_cmpuint(f->b.frames->len, ==, 1); /* the question */
	forget(f);
	data4(&f->a, SETTLED + USEC_PER_SEC, GROUP);
	assert_reached(f, "bug");
	data4(&f->a, SETTLED + SNOOP_LEAVE_TIME + 1, GROUP);
	assert_reached(f, "ug");
	join(&f->b, SETTLED + SNOOP_LEAVE_TIME + 2, GROUP);
	leave(&f->b, SETTLED + SNOOP_LEAVE_TIME + 3, GROUP);
	join(&f->b, SETTLED + SNOOP_LEAVE_TIME + 4, GROUP); /* the other behind it */
	forget(f);
	data4(&f->a, SETTLED + 10 * USEC_PER_SEC, GROUP);
	assert_reached(f, "bug");
}

static void membership_ends_without_a_report(struct fixture *f, gconstpointer data)
{
	settle(f);
	join(&f->b, START + 1, GROUP);
	for (usec_t now = START; now < START + 2 * SNOOP_MEMBER_TIME; now += SNOOP_QUERY_INTERVAL / 5) {
		segment_expire(&f->segment, now);
		segment_flush(&f->segment, now);
	}
	forget(f);
	data4(&f->a, START + SNOOP_MEMBER_TIME - USEC_PER_SEC, GROUP);
	assert_reached(f, "bug");
	data4(&f->a, START + SNOOP_MEMBER_TIME + USEC_PER_SEC, GROUP);
	assert_reached(f, "ug");
}

static void reports_reach_routers_only(struct fixture *f, gconstpointer data)
{
	settle(f);
	forget(f);
	join(&f->b, SETTLED, GROUP);
	assert_reached(f, "ug");
	query(&f->c, SETTLED, IP4(192, 168, 122, 7));
	forget(f);
	join(&f->b, SETTLED, GROUP);
	assert_reached(f, "cug");
	data4(&f->a, SETTLED, IP4(239, 9, 9, 9));
	assert_reached(f, "cug"); /* a router gets every group */
}

static unsigned queries_at(struct fixture *f, usec_t now)
{
	forget(f);
	segment_expire(&f->segment, now);
	segment_flush(&f->segment, now);
	unsigned n = 0;
	for (unsigned i = 0; i < f->a.frames->len; i++) {
		struct iovec iov;
		size_t len;
		const uint8_t *bytes = memory_port_frame(&f->a, i, &len);
		struct frame frame = frame_of(&iov, bytes, len);
		if (bytes[12] == 0x88)
			continue; /* a loop's probe */
		struct packet p = parsed(&frame, NULL);
		struct igmp_message m4;
		struct mld_message m6;
		if (packet_is_v4(&p)) {
			g_assert_cmpint(igmp_parse(bytes + p.l4_offset, p.l4_len, &m4), ==, 0);
			g_assert_cmphex(m4.type, ==, IGMP_QUERY);
			g_assert_cmphex(p.ip.src, ==, GATEWAY_IP);
			g_assert_cmpuint(p.ip.ttl, ==, 1);
			g_assert_cmpuint(p.ip.options[0], ==, 0x94);
		} else {
			g_assert_cmpint(mld_parse(&p.ip6.src, &p.ip6.dst, bytes + p.l4_offset, p.l4_len, &m6), ==, 0);
			g_assert_cmpuint(m6.type, ==, MLD_QUERY);
			g_assert_cmphex(p.ip6.src.b[0], ==, 0xfe);
			g_assert_cmpuint(p.ip6.hop_limit, ==, 1);
		}
		n++;
	}
	return n;
}

static void gateway_asks_at_first_and_then_every_two_minutes(struct fixture *f, gconstpointer data)
{
	segment_expire(&f->segment, START);
	g_assert_cmpuint(f->a.frames->len, ==, 0); /* no port has sent a frame */
	settle(f);
	g_assert_cmpuint(queries_at(f, START + SNOOP_QUERY_INTERVAL / 4), ==, 2);
	g_assert_cmpuint(queries_at(f, START + SNOOP_QUERY_INTERVAL / 2), ==, 0);
	g_assert_cmpuint(queries_at(f, START + SNOOP_QUERY_INTERVAL * 5 / 4), ==, 2);
}

static void uplink_querier_with_a_lower_address_takes_over(struct fixture *f, gconstpointer data)
{
	settle(f);
	query(&f->c, START + 1, IP4(192, 168, 122, 0));        /* a guest's query does not stop others, */
	query(&f->uplink, START + 1, IP4(192, 168, 122, 250)); /* nor does a higher address */
	g_assert_cmpuint(queries_at(f, START + SNOOP_QUERY_INTERVAL / 4), ==, 2);
	query(&f->uplink, SETTLED, IP4(10, 0, 0, 1));
	g_assert_cmpuint(queries_at(f, START + SNOOP_QUERY_INTERVAL * 5 / 4), ==, 1);               /* of MLD */
	g_assert_cmpuint(queries_at(f, SETTLED + SNOOP_MEMBER_TIME + SNOOP_QUERY_INTERVAL), ==, 2); /* it is gone */
}

static void without_a_querier_everything_is_flooded(struct fixture *f, gconstpointer data)
{
	settle(f);
	join(&f->b, START, GROUP);
	forget(f);
	data4(&f->a, SETTLED, GROUP);
	assert_reached(f, "bcug");
	g_assert_cmpuint(snoop_deadline(&f->segment.snoop), ==, USEC_INFINITY);
	query(&f->uplink, SETTLED, IP4(10, 0, 0, 1));
	join(&f->b, SETTLED, GROUP);
	forget(f);
	data4(&f->a, START + SNOOP_MEMBER_TIME + USEC_PER_SEC, GROUP); /* the ports' own time for answers is over too */
	assert_reached(f, "bug");
}

static void port_that_joins_more_than_is_kept_gets_everything(struct fixture *f, gconstpointer data)
{
	settle(f);
	for (unsigned i = 0; i <= SNOOP_GROUPS_MAX; i++)
		join(&f->b, START + 1, GROUP + i);
	g_assert_cmpuint(f->b.port.snoop.n, ==, SNOOP_GROUPS_MAX);
	forget(f);
	data4(&f->a, SETTLED, GROUP + SNOOP_GROUPS_MAX);
	assert_reached(f, "bug");
	data4(&f->a, SETTLED, IP4(239, 9, 9, 9));
	assert_reached(f, "bug");
}

static void mld_reports_join_groups_too(struct fixture *f, gconstpointer data)
{
	static const struct ip_addr routers = { { 0xff, 2, [15] = 0x16 } };
	uint8_t record[20] = { GROUP_TO_EXCLUDE };
	memcpy(record + 4, group6.b, sizeof(group6.b));
	settle(f);
	uint8_t bytes[1514];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	struct ipv6_header ip = {
		.hop_limit = 1, .next_header = 0, .payload_len = 8 + 8 + sizeof(record), .src = { { 0xfe, 0x80, [15] = 9 } }, .dst = routers
	};
	eth_emit(&w, &(struct eth_header){ { { 0x33, 0x33, 0, 0, 0, 0x16 } }, mac_of(&f->b), ETH_TYPE_IPV6 });
	ipv6_emit(&w, &ip);
	bytes_put(&w, (uint8_t[]){ IPV6_NEXT_ICMP, 0, 5, 2, 0, 0, 1, 0 }, 8);
	icmp6_emit(&w, &ip.src, &ip.dst, &(struct icmp6_header){ .type = MLD_V2_REPORT, .rest = 1 }, record, sizeof(record));
	forget(f);
	memory_port_input(&f->b, START + 1, bytes, w.len);
	assert_reached(f, "ug");
	send6(&f->a, SETTLED, &group6, 128, "", 0);
	assert_reached(f, "bug");
	send6(&f->b, SETTLED, &group6, MLD_V1_DONE, group6.b, sizeof(group6.b));
	forget(f);
	send6(&f->a, SETTLED + SNOOP_LEAVE_TIME + 1, &group6, 128, "", 0);
	assert_reached(f, "ug");
}

static void broadcast_and_frames_that_are_not_ip_are_flooded(struct fixture *f, gconstpointer data)
{
	uint8_t bytes[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 2, 0x12, 0x34 };
	settle(f);
	forget(f);
	memory_port_input(&f->a, SETTLED, bytes, sizeof(bytes));
	assert_reached(f, "bcug");
	memcpy(bytes, "\1\0\x5e\1\2\3", 6);
	memory_port_input(&f->a, SETTLED, bytes, sizeof(bytes));
	assert_reached(f, "bcug");
}

#define TEST(name) g_test_add("/snoop/" #name, struct fixture, "with a gateway", set_up, name, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	TEST(multicast_reaches_only_ports_that_joined);
	TEST(link_scope_multicast_is_flooded);
	TEST(everything_is_flooded_until_all_have_had_time_to_answer);
	TEST(port_that_has_not_spoken_gets_everything);
	TEST(leave_is_followed_by_a_group_specific_query);
	TEST(membership_ends_without_a_report);
	TEST(reports_reach_routers_only);
	TEST(gateway_asks_at_first_and_then_every_two_minutes);
	TEST(uplink_querier_with_a_lower_address_takes_over);
	g_test_add("/snoop/without_a_querier_everything_is_flooded", struct fixture, NULL, set_up, without_a_querier_everything_is_flooded,
		   tear_down);
	TEST(port_that_joins_more_than_is_kept_gets_everything);
	TEST(mld_reports_join_groups_too);
	TEST(broadcast_and_frames_that_are_not_ip_are_flooded);
	return g_test_run();
}
