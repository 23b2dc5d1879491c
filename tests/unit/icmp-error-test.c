/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"
#include "gateway/icmp_error.h"
#include "gateway/payer.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"
#include "wire/icmp4.h"

#include <errno.h>
#include <glib.h>

#include "base/macros.h"

static const struct mac guest = { { 0x52, 0x54, 0, 0, 0, 2 } }, gateway = { { 0x52, 0x54, 0, 0, 0, 1 } };
static const struct icmp_error too_big = {
	.src_mac = { { 0x52, 0x54, 0, 0, 0, 1 } },
	.from = IP4(192, 168, 122, 1),
	.type = ICMP4_UNREACHABLE,
	.code = ICMP4_UNREACHABLE_FRAG_NEEDED,
	.info = 1400,
};

/* A packet from a guest and its parts: change a field, then call make(). */
struct fixture {
	struct arena arena;
	struct eth_header eth;
	struct ipv4_header ip;
	uint8_t payload[2000];
	size_t len;
	struct iovec iov;
	struct frame frame;
	struct port port;
	struct packet cause;
	struct icmp_answer answer;
};

static void setup(struct fixture *f, gconstpointer unused)
{
	arena_init(&f->arena, 1 << 20);
	f->port.id = 3;
	f->eth = (struct eth_header){ .dst = gateway, .src = guest, .ethertype = ETH_TYPE_IPV4 };
	f->ip = (struct ipv4_header){
		.id = 77, .ttl = 1, .protocol = IP_PROTOCOL_UDP, .src = IP4(192, 168, 122, 63), .dst = IP4(203, 0, 113, 9)
	};
	f->len = 100;
	for (size_t i = 0; i < sizeof(f->payload); i++)
		f->payload[i] = (uint8_t)(i * 3);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	arena_done(&f->arena);
}

static void make(struct fixture *f)
{
	size_t size = ETH_HEADER_LEN + ipv4_header_len(&f->ip) + f->len;
	struct bytes_writer w = bytes_writer(arena_alloc(&f->arena, size), size);
	f->ip.total_len = (uint16_t)(size - ETH_HEADER_LEN);
	eth_emit(&w, &f->eth);
	ipv4_emit(&w, &f->ip);
	bytes_put(&w, f->payload, f->len);
	f->frame = frame_of(&f->iov, w.data, w.len);
	enum drop_reason why;
	g_assert_cmpint(packet_parse(&f->frame, &f->port, &f->arena, &f->cause, &why), ==, 0);
}

static int build(struct fixture *f)
{
	make(f);
	return icmp_error_build(NULL, 0, &too_big, &f->cause, &f->answer);
}

/* Parses the answer back; returns the quoted bytes. */
static const uint8_t *parse_answer(struct fixture *f, struct packet *ret, struct icmp4_header *ret_icmp, size_t *ret_len)
{
	static struct iovec iov;
	static struct frame frame;
	enum drop_reason why;
	frame = frame_of(&iov, f->answer.bytes, f->answer.len);
	g_assert_cmpint(packet_parse(&frame, NULL, &f->arena, ret, &why), ==, 0);
	const uint8_t *l4 = packet_l4(ret);
	g_assert_cmpint(icmp4_parse(l4, ret->l4_len, ret_icmp), ==, 0);
	*ret_len = ret->l4_len - ICMP4_HEADER_LEN;
	return l4 + ICMP4_HEADER_LEN;
}

static void answer_goes_to_the_sender_and_quotes_the_packet(struct fixture *f, gconstpointer unused)
{
	g_assert_cmpint(build(f), ==, 0);
	struct packet p;
	struct icmp4_header icmp;
	size_t len;
	const uint8_t *quote = parse_answer(f, &p, &icmp, &len);
	g_assert_true(mac_equal(p.eth.dst, guest));
	g_assert_true(mac_equal(p.eth.src, gateway));
	g_assert_cmphex(p.ip.src, ==, too_big.from);
	g_assert_cmphex(p.ip.dst, ==, f->ip.src);
	g_assert_cmpuint(p.ip.ttl, ==, 64);
	g_assert_cmpuint(icmp.type, ==, 3);
	g_assert_cmpuint(icmp.code, ==, 4);
	g_assert_cmpuint(icmp.rest, ==, 1400);
	g_assert_cmpmem(quote, len, (const uint8_t *)f->iov.iov_base + ETH_HEADER_LEN, f->ip.total_len);
}

/* RFC 1812 §4.3.2.3 */
static void answer_has_at_most_576_bytes(struct fixture *f, gconstpointer unused)
{
	f->len = 1480;
	g_assert_cmpint(build(f), ==, 0);
	struct packet p;
	struct icmp4_header icmp;
	size_t len;
	const uint8_t *quote = parse_answer(f, &p, &icmp, &len);
	g_assert_cmpuint(p.ip.total_len, ==, 576);
	g_assert_cmpmem(quote, len, (const uint8_t *)f->iov.iov_base + ETH_HEADER_LEN, 548);
}

static void ethernet_padding_is_not_quoted(struct fixture *f, gconstpointer unused)
{
	f->len = 1;
	make(f);
	uint8_t padded[60] = { 0 };
	frame_copy(&f->frame, 0, padded, sizeof(padded));
	f->frame = frame_of(&f->iov, padded, sizeof(padded));
	g_assert_cmpint(icmp_error_build(NULL, 0, &too_big, &f->cause, &f->answer), ==, 0);
	g_assert_cmpuint(f->answer.len, ==, ETH_HEADER_LEN + IPV4_HEADER_LEN + ICMP4_HEADER_LEN + IPV4_HEADER_LEN + 1);
}

static void quote_is_complete_when_the_frame_is_scattered(struct fixture *f, gconstpointer unused)
{
	make(f);
	struct iovec pieces[] = { { f->iov.iov_base, 20 },
				  { (uint8_t *)f->iov.iov_base + 20, 3 },
				  { (uint8_t *)f->iov.iov_base + 23, f->frame.len - 23 } };
	struct frame split = { .iov = pieces, .n_iov = 3, .len = f->frame.len };
	f->cause.frame = &split;
	g_assert_cmpint(icmp_error_build(NULL, 0, &too_big, &f->cause, &f->answer), ==, 0);
	struct packet p;
	struct icmp4_header icmp;
	size_t len;
	const uint8_t *quote = parse_answer(f, &p, &icmp, &len);
	g_assert_cmpmem(quote, len, (const uint8_t *)f->iov.iov_base + ETH_HEADER_LEN, f->ip.total_len);
}

/* RFC 1812 §4.3.2.7, first item; queries are answered. */
static void no_error_about_an_error(struct fixture *f, gconstpointer unused)
{
	static const uint8_t errors[] = { 3, 4, 5, 11, 12 }, queries[] = { 0, 8, 13, 14 };
	f->ip.protocol = IP_PROTOCOL_ICMP;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		f->payload[0] = errors[i];
		g_assert_cmpint(build(f), ==, -EPERM);
	}
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		f->payload[0] = queries[i];
		g_assert_cmpint(build(f), ==, 0);
	}
}

static void no_error_about_a_later_fragment(struct fixture *f, gconstpointer unused)
{
	f->ip.more_fragments = true;
	g_assert_cmpint(build(f), ==, 0);
	f->ip.fragment_offset = 8;
	g_assert_cmpint(build(f), ==, -EPERM);
	f->ip.more_fragments = false;
	g_assert_cmpint(build(f), ==, -EPERM);
}

static void no_error_about_multicast_or_broadcast(struct fixture *f, gconstpointer unused)
{
	f->ip.dst = IP4(224, 0, 0, 251);
	g_assert_cmpint(build(f), ==, -EPERM);
	f->ip.dst = IP4(255, 255, 255, 255);
	g_assert_cmpint(build(f), ==, -EPERM);
	f->ip.dst = IP4(203, 0, 113, 9);
	f->eth.dst = MAC_BROADCAST;
	g_assert_cmpint(build(f), ==, -EPERM);
	f->eth.dst = (struct mac){ { 0x33, 0x33, 0, 0, 0, 1 } };
	g_assert_cmpint(build(f), ==, -EPERM);
}

static void no_error_to_a_source_that_is_not_a_single_host(struct fixture *f, gconstpointer unused)
{
	static const ip4_t bad[] = { IP4(0, 0, 0, 0),   IP4(0, 1, 2, 3),   IP4(127, 0, 0, 1),
				     IP4(224, 0, 0, 1), IP4(240, 0, 0, 1), IP4(255, 255, 255, 255) };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		f->ip.src = bad[i];
		g_assert_cmpint(build(f), ==, -EPERM);
	}
}

static void without_memory_nothing_is_built(struct fixture *f, gconstpointer unused)
{
	make(f);
	f->arena.limit = f->arena.used;
	g_assert_cmpint(icmp_error_build(NULL, 0, &too_big, &f->cause, &f->answer), ==, -ENOMEM);
}

static void refused_packets_take_no_token(struct fixture *f, gconstpointer unused)
{
	struct icmp_limit limit = { 0 };
	f->ip.fragment_offset = 8;
	make(f);
	g_assert_cmpint(icmp_error_build(&limit, 1, &too_big, &f->cause, &f->answer), ==, -EPERM);
	g_assert_cmpuint(limit.all, ==, 0);
}

static void limit_of_a_port_affects_that_port_only(struct fixture *f, gconstpointer unused)
{
	struct icmp_limit limit = { 0 };
	const usec_t now = 5 * USEC_PER_SEC;
	struct payer payer = { 0 }, other = { 0 };
	f->port.payer = &payer;
	make(f);
	for (unsigned i = 0; i < ICMP_LIMIT_PORT_BURST; i++)
		g_assert_cmpint(icmp_error_build(&limit, now, &too_big, &f->cause, &f->answer), ==, 0);
	g_assert_cmpint(icmp_error_build(&limit, now, &too_big, &f->cause, &f->answer), ==, -EBUSY);
	g_assert_true(icmp_limit_take(&limit, now, &other));
	g_assert_false(icmp_limit_take(&limit, now + ICMP_LIMIT_PORT_INTERVAL - 1, &payer));
	g_assert_true(icmp_limit_take(&limit, now + ICMP_LIMIT_PORT_INTERVAL, &payer));
	g_assert_false(icmp_limit_take(&limit, now + ICMP_LIMIT_PORT_INTERVAL, &payer));
}

/* Ports with ids that differ by any number have buckets of their own. */
static void common_limit_affects_all_ports(struct fixture *f, gconstpointer unused)
{
	struct payer *payers = g_new0(struct payer, 1000);
	struct icmp_limit limit = { 0 };
	const usec_t now = 5 * USEC_PER_SEC;
	unsigned taken = 0;
	for (unsigned i = 0; i < 1000; i++)
		taken += icmp_limit_take(&limit, now, &payers[i]);
	g_assert_cmpuint(taken, ==, ICMP_LIMIT_BURST);
	for (unsigned i = 0; i < 1000; i++)
		taken += icmp_limit_take(&limit, now + 10 * ICMP_LIMIT_INTERVAL, &payers[i]);
	g_assert_cmpuint(taken, ==, ICMP_LIMIT_BURST + 10);
	taken = 0;
	for (unsigned i = 0; i < 1000; i++)
		taken += icmp_limit_take(&limit, now + 3600 * USEC_PER_SEC, &payers[i]);
	g_assert_cmpuint(taken, ==, ICMP_LIMIT_BURST); /* a pause does not save up more than one burst */
	g_free(payers);
}

/* Twenty ports that provoke as many errors as they may would use up the common limit. */
static void greedy_ports_leave_some_of_the_common_limit(struct fixture *f, gconstpointer unused)
{
	struct payer greedy[20] = { 0 }, modest = { 0 };
	struct icmp_limit limit = { 0 };
	usec_t now = 5 * USEC_PER_SEC;
	for (unsigned i = 0; i < 20000; i++, now += USEC_PER_MSEC / 2) {
		for (unsigned k = 0; k < 20; k++)
			icmp_limit_take(&limit, now, &greedy[k]);
		if (i > 2000 && i % 100 == 0)
			g_assert_true(icmp_limit_take(&limit, now, &modest));
	}
}

/* RFC 7915 §5.2 */
static void icmpv6_errors_have_an_icmp_error_that_means_the_same(struct fixture *f, gconstpointer data)
{
	static const struct {
		uint8_t type6, code6, type, code;
		uint32_t info6, info;
	} pairs[] = {
		{ 1, 0, 3, 1, 0, 0 },       { 1, 1, 3, 13, 0, 0 }, { 1, 3, 3, 1, 0, 0 },  { 1, 4, 3, 3, 0, 0 },  { 1, 5, 3, 13, 0, 0 },
		{ 2, 0, 3, 4, 1400, 1380 }, { 2, 0, 3, 4, 5, 0 },  { 3, 0, 11, 0, 0, 0 }, { 3, 1, 11, 1, 0, 0 },
	};
	struct icmp_error error;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		g_assert_true(icmp_error_of_icmp6(pairs[i].type6, pairs[i].code6, pairs[i].info6, &error));
		g_assert_cmpuint(error.type, ==, pairs[i].type);
		g_assert_cmpuint(error.code, ==, pairs[i].code);
		g_assert_cmpuint(error.info, ==, pairs[i].info);
	}
	g_assert_false(icmp_error_of_icmp6(1, 7, 0, &error));
	g_assert_false(icmp_error_of_icmp6(128, 0, 0, &error));
	g_assert_false(icmp_error_of_icmp6(4, 1, 0, &error));
}

#define ADD(name) g_test_add("/icmp-error/" #name, struct fixture, NULL, setup, name, teardown)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD(answer_goes_to_the_sender_and_quotes_the_packet);
	ADD(answer_has_at_most_576_bytes);
	ADD(ethernet_padding_is_not_quoted);
	ADD(quote_is_complete_when_the_frame_is_scattered);
	ADD(no_error_about_an_error);
	ADD(no_error_about_a_later_fragment);
	ADD(no_error_about_multicast_or_broadcast);
	ADD(no_error_to_a_source_that_is_not_a_single_host);
	ADD(without_memory_nothing_is_built);
	ADD(refused_packets_take_no_token);
	ADD(limit_of_a_port_affects_that_port_only);
	ADD(common_limit_affects_all_ports);
	ADD(greedy_ports_leave_some_of_the_common_limit);
	ADD(icmpv6_errors_have_an_icmp_error_that_means_the_same);
	return g_test_run();
}
