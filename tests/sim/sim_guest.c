/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim_guest.h"

#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/segment.h"
#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/udp.h"

#include "base/macros.h"

#define TOKEN_LEN 8

void sim_payload(uint64_t token, uint8_t *payload, size_t len)
{
	for (size_t i = 0; i < len; i++)
		payload[i] = i < TOKEN_LEN ? (uint8_t)(token >> (8 * i)) : (uint8_t)(token * 31 + i * 7);
}

/* The token at the start of @payload, from which the rest must follow. */
static uint64_t check_payload(const uint8_t *payload, size_t len)
{
	uint64_t token = 0;
	g_assert_cmpuint(len, >=, TOKEN_LEN);
	for (size_t i = 0; i < TOKEN_LEN; i++)
		token |= (uint64_t)payload[i] << (8 * i);
	g_autofree uint8_t *expected = g_malloc(len);
	sim_payload(token, expected, len);
	g_assert_cmpmem(payload, len, expected, len);
	return token;
}

/* The token of the UDP datagram that an ICMP error quotes. */
static uint64_t quoted_token(const uint8_t *quote, size_t len)
{
	struct bytes_reader r = bytes_reader(quote, len);
	struct ipv4_header ip;
	g_assert_cmpint(ipv4_parse(&r, &ip), ==, 0);
	bytes_skip(&r, UDP_HEADER_LEN);
	g_assert_false(r.failed);
	return check_payload(r.at, r.left);
}

static void note_icmp(const struct packet *p, struct receipt *receipt)
{
	const uint8_t *message = packet_l4(p);
	struct icmp4_header h;
	g_assert_cmpint(icmp4_parse(message, p->l4_len, &h), ==, 0);
	const uint8_t *body = message + ICMP4_HEADER_LEN;
	size_t len = p->l4_len - ICMP4_HEADER_LEN;
	if (icmp4_is_error(h.type)) {
		receipt->kind = RECEIPT_ICMP_ERROR;
		receipt->type = h.type;
		receipt->code = h.code;
		receipt->token = quoted_token(body, len);
	} else {
		g_assert_cmpuint(h.type, ==, ICMP4_ECHO_REPLY);
		receipt->kind = RECEIPT_ECHO_REPLY;
		receipt->token = check_payload(body, len);
	}
}

static void note_ipv4(const struct packet *p, struct receipt *receipt)
{
	if (p->ip.protocol == IP_PROTOCOL_ICMP) {
		note_icmp(p, receipt);
		return;
	}
	struct udp_view udp;
	g_assert_cmpint(packet_udp(p, &udp), ==, 0);
	receipt->kind = RECEIPT_UDP;
	receipt->token = check_payload(udp.payload, udp.len);
	receipt->ttl = p->ip.ttl;
}

static void note_arp(const struct packet *p, struct receipt *receipt)
{
	uint8_t bytes[ARP_LEN];
	struct bytes_reader r = bytes_reader(bytes, frame_copy(p->frame, ETH_HEADER_LEN, bytes, sizeof(bytes)));
	struct arp_message m;
	g_assert_cmpint(arp_parse(&r, &m), ==, 0);
	g_assert_true(mac_equal(m.sender_mac, p->eth.src));
	receipt->kind = RECEIPT_ARP;
	receipt->token = (uint64_t)m.operation << 32 | m.sender_ip;
}

static void receive(struct port *port, usec_t now, const struct frame *f)
{
	struct sim_guest *g = container_of(port, struct sim_guest, port);
	struct packet p, whole;
	enum drop_reason why;
	g_assert_cmpuint(f->len, <=, port->max_frame);
	g_assert_cmpuint(f->len, >=, ETH_FRAME_MIN);
	g_assert_true(f->ingress != port);
	g->frames++;
	g->bytes += f->len;
	g_assert_cmpint(packet_parse(f, NULL, &g->arena, &p, &why), ==, 0);
	struct receipt receipt = { .kind = RECEIPT_OTHER, .guest = g->index, .from_gateway = mac_equal(p.eth.src, g->gateway_mac) };
	if (p.eth.ethertype == ETH_TYPE_ARP) {
		note_arp(&p, &receipt);
	} else if (p.eth.ethertype == ETH_TYPE_IPV4) {
		bool fragment = ipv4_is_fragment(&p.ip);
		int r = fragment ? reassembly_input(&g->reassembly, now, &p, &whole) : 1;
		g_assert_cmpint(r, >=, 0);
		if (r == 0)
			return;
		note_ipv4(fragment ? &whole : &p, &receipt);
	} else {
		uint8_t payload[TOKEN_LEN];
		g_assert_cmpuint(frame_copy(f, ETH_HEADER_LEN, payload, sizeof(payload)), ==, sizeof(payload));
		receipt.token = check_payload(payload, sizeof(payload));
	}
	g_array_append_val(g->receipts, receipt);
}

static void flush(struct port *port, usec_t now)
{
	struct sim_guest *g = container_of(port, struct sim_guest, port);
	arena_reset(&g->arena);
}

static const struct port_ops guest_ops = { .send = receive, .flush = flush };

void sim_guest_init(struct sim_guest *g, unsigned index, ip4_t ip, struct mac gateway_mac, GArray *receipts)
{
	*g = (struct sim_guest){ .index = index, .ip = ip, .gateway_mac = gateway_mac, .receipts = receipts };
	g->mac = (struct mac){ { 0x52, 0x54, 0, 0, (uint8_t)(index >> 8), (uint8_t)(index + 2) } };
	arena_init(&g->arena, (size_t)16 << 20);
	reassembly_init(&g->reassembly);
}

void sim_guest_done(struct sim_guest *g)
{
	g_assert_cmpuint(g->reassembly.datagrams, ==, 0); /* no incomplete datagram */
	reassembly_done(&g->reassembly);
	arena_done(&g->arena);
}

void sim_guest_plug(struct sim_guest *g, struct segment *s, size_t max_frame)
{
	port_init(&g->port, &guest_ops, "guest", max_frame, max_frame - ETH_HEADER_LEN);
	g->frames = g->bytes = 0;
	segment_attach(s, &g->port);
}
