/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts what switch and gateway do for one frame, by kind of frame, without links and without an engine's work:
 *
 *     frames KIND [N]
 *     valgrind --tool=callgrind --toggle-collect=move frames KIND
 *
 * sends N frames (1000) of a KIND, each in a turn of its own unless the kind says otherwise, and prints TAP: every frame must reach its
 * destination.  Without arguments: all kinds, 100 frames each.  The instructions of move(), divided by N, are what one frame costs.
 */
#include "base/macros.h"
#include "gateway/engine.h"
#include "gateway/gateway.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "service/arp.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATEWAY IP4(192, 168, 122, 1)
#define SUPER_LEN 60000u
#define SUPER_SIZE 1448u

struct card {
	struct port port;
	uint64_t received, segments;
};

struct world {
	struct segment segment;
	struct gateway gateway;
	struct arp_service arp;
	struct card a, b;
	uint64_t to_engine;
	uint8_t bytes[70000];
};

static const struct mac mac_a = { { 0x52, 0x54, 0, 0, 0, 2 } }, mac_b = { { 0x52, 0x54, 0, 0, 0, 3 } },
			mac_gateway = { { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } };

static void take(struct port *p, usec_t now, const struct frame *f)
{
	struct card *c = container_of(p, struct card, port);
	c->received++;
}

static void flush(struct port *p, usec_t now)
{
}

static const struct port_ops card_ops = { .send = take, .flush = flush };

/* --- an engine that counts --- */

struct engine {
	uint64_t received;
};

static struct engine counting;

static void engine_input(struct engine *e, usec_t now, const struct packet *p)
{
	e->received++;
}

static void engine_flush(struct engine *e, usec_t now)
{
}

static usec_t engine_deadline(const struct engine *e)
{
	return USEC_INFINITY;
}

static void engine_guest_gone(struct engine *e, usec_t now, struct guest *guest, const struct ip_addr *addr)
{
}

static void engine_guest_placed(struct engine *e, usec_t now, struct guest *guest, struct payer *before)
{
}

static const struct engine_ops engine_ops = {
	.name = "counting",
	.input = engine_input,
	.flush = engine_flush,
	.deadline = engine_deadline,
	.guest_gone = engine_guest_gone,
	.guest_placed = engine_guest_placed,
};

/* --- frames --- */

struct shape {
	struct mac dst;
	ip4_t to;
	size_t payload_len;
	bool partial, gso;
};

static struct frame tcp4(struct world *w, struct iovec *iov, const struct shape *s)
{
	struct bytes_writer out = bytes_writer(w->bytes, sizeof(w->bytes));
	size_t tcp_len = TCP_HEADER_LEN + s->payload_len;
	eth_emit(&out, &(struct eth_header){ s->dst, mac_a, ETH_TYPE_IPV4 });
	struct ipv4_header ip = { .total_len = (uint16_t)(IPV4_HEADER_LEN + tcp_len),
				  .dont_fragment = true,
				  .ttl = 64,
				  .protocol = IP_PROTOCOL_TCP,
				  .src = IP4(192, 168, 122, 2),
				  .dst = s->to };
	ipv4_emit(&out, &ip);
	tcp_emit(&out, &(struct tcp_header){ .src_port = 1000, .dst_port = 2000, .flags = TCP_ACK });
	bytes_put_zeros(&out, s->payload_len);
	struct checksum c = { 0 };
	checksum_add_pseudo4(&c, ip.src, ip.dst, ip.protocol, (uint16_t)tcp_len);
	if (!s->partial)
		checksum_add(&c, w->bytes + ETH_HEADER_LEN + IPV4_HEADER_LEN, tcp_len);
	struct bytes_writer field = bytes_writer(w->bytes + ETH_HEADER_LEN + IPV4_HEADER_LEN + TCP_CHECKSUM_AT, CHECKSUM_LEN);
	bytes_put_be16(&field, s->partial ? checksum_fold(&c) : checksum_value(&c));
	struct frame f = frame_of(iov, w->bytes, out.len);
	if (s->partial) {
		f.checksum = FRAME_CHECKSUM_PARTIAL;
		f.csum_start = ETH_HEADER_LEN + IPV4_HEADER_LEN;
		f.csum_offset = TCP_CHECKSUM_AT;
	}
	if (s->gso) {
		f.gso = FRAME_GSO_TCP4;
		f.gso_size = SUPER_SIZE;
	}
	return f;
}

static struct frame udp6(struct world *w, struct iovec *iov)
{
	struct bytes_writer out = bytes_writer(w->bytes, sizeof(w->bytes));
	struct ipv6_header ip = { .payload_len = UDP_HEADER_LEN + 1400, .next_header = IP_PROTOCOL_UDP, .hop_limit = 64 };
	ip.src = (struct ip_addr){ { 0xfd, [15] = 2 } };
	ip.dst = (struct ip_addr){ { 0xff, 0x05, [15] = 3 } };
	eth_emit(&out, &(struct eth_header){ { { 0x33, 0x33, 0, 0, 0, 3 } }, mac_a, ETH_TYPE_IPV6 });
	ipv6_emit(&out, &ip);
	udp_emit(&out, &(struct udp_header){ .src_port = 1000, .dst_port = 2000, .len = UDP_HEADER_LEN + 1400 });
	bytes_put_zeros(&out, 1400);
	return frame_of(iov, w->bytes, out.len);
}

/* A neighbour solicitation, by which A's IPv6 address becomes known. */
static struct frame solicitation(struct world *w, struct iovec *iov)
{
	struct bytes_writer out = bytes_writer(w->bytes, sizeof(w->bytes));
	struct ipv6_header ip = { .payload_len = ICMP6_HEADER_LEN + 24, .next_header = IPV6_NEXT_ICMP, .hop_limit = 255 };
	uint8_t body[24] = { 0xfd, [15] = 3, 1, 1 };
	ip.src = (struct ip_addr){ { 0xfd, [15] = 2 } };
	ip.dst = (struct ip_addr){ { 0xff, 0x02, [11] = 1, 0xff, [15] = 3 } };
	memcpy(body + 18, mac_a.b, sizeof(mac_a.b));
	eth_emit(&out, &(struct eth_header){ { { 0x33, 0x33, 0xff, 0, 0, 3 } }, mac_a, ETH_TYPE_IPV6 });
	ipv6_emit(&out, &ip);
	icmp6_emit(&out, &ip.src, &ip.dst, &(struct icmp6_header){ .type = ND_NEIGHBOUR_SOLICITATION }, body, sizeof(body));
	return frame_of(iov, w->bytes, out.len);
}

static struct frame arp_request(struct world *w, struct iovec *iov)
{
	struct bytes_writer out = bytes_writer(w->bytes, sizeof(w->bytes));
	eth_emit(&out, &(struct eth_header){ MAC_BROADCAST, mac_a, ETH_TYPE_ARP });
	arp_emit(&out, &(struct arp_message){ ARP_REQUEST, mac_a, IP4(192, 168, 122, 2), { { 0 } }, GATEWAY });
	bytes_put_zeros(&out, 18);
	return frame_of(iov, w->bytes, out.len);
}

#define OUTSIDE IP4(10, 9, 8, 7)
#define GUEST_B IP4(192, 168, 122, 3)

static struct frame tcp_to_gateway(struct world *w, struct iovec *iov)
{
	return tcp4(w, iov, &(struct shape){ mac_gateway, OUTSIDE, 1448, false, false });
}

static struct frame tcp_to_guest(struct world *w, struct iovec *iov)
{
	return tcp4(w, iov, &(struct shape){ mac_b, GUEST_B, 1448, false, false });
}

static struct frame partial_to_gateway(struct world *w, struct iovec *iov)
{
	return tcp4(w, iov, &(struct shape){ mac_gateway, OUTSIDE, 1448, true, false });
}

static struct frame partial_to_guest(struct world *w, struct iovec *iov)
{
	return tcp4(w, iov, &(struct shape){ mac_b, GUEST_B, 1448, true, false });
}

static struct frame super_to_gateway(struct world *w, struct iovec *iov)
{
	return tcp4(w, iov, &(struct shape){ mac_gateway, OUTSIDE, SUPER_LEN, true, true });
}

static struct frame super_to_guest(struct world *w, struct iovec *iov)
{
	return tcp4(w, iov, &(struct shape){ mac_b, GUEST_B, SUPER_LEN, true, true });
}

static const struct kind {
	const char *name;
	struct frame (*make)(struct world *w, struct iovec *iov);
	bool pinned;  /* the sender's port */
	bool offload; /* the receiver's port takes super-frames and partial checksums */
} kinds[] = {
	{ "tcp-to-gateway", tcp_to_gateway, false, false },
	{ "tcp-to-gateway-pinned", tcp_to_gateway, true, false },
	{ "tcp-to-guest", tcp_to_guest, false, false },
	{ "tcp-to-guest-pinned", tcp_to_guest, true, false },
	{ "partial-to-gateway", partial_to_gateway, false, true },
	{ "partial-to-guest", partial_to_guest, false, true },
	{ "arp-to-gateway", arp_request, false, false },
	{ "arp-to-gateway-pinned", arp_request, true, false },
	{ "multicast-ipv6", udp6, false, false },
	{ "super-to-gateway", super_to_gateway, false, true },
	{ "super-to-guest", super_to_guest, false, true },
	{ "super-to-guest-cut", super_to_guest, false, false },
};

static void add_card(struct world *w, struct card *c, const char *name, unsigned offloads)
{
	port_init(&c->port, &card_ops, name, 1514, 1500);
	c->port.offloads = offloads;
	segment_attach(&w->segment, &c->port);
}

static void set_up(struct world *w, const struct kind *k)
{
	struct hash_key key = { { 1, 2 } };
	struct gateway_config config = { .mac = mac_gateway, .ip = GATEWAY, .subnet = { IP4(192, 168, 122, 0), 24 }, .hash_key = key };
	if (segment_init(&w->segment, &(struct segment_config){ .hash_key = key, .snooping = true }) < 0 ||
	    gateway_init(&w->gateway, &w->segment, &config) < 0)
		exit(EXIT_FAILURE);
	arp_service_init(&w->arp, mac_gateway, GATEWAY);
	gateway_add_service(&w->gateway, &w->arp.service);
	gateway_set_engine(&w->gateway, &engine_ops, &counting);
	add_card(w, &w->a, "a", 0);
	add_card(w, &w->b, "b", k->offload ? PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4 : 0);
	if (k->pinned)
		w->a.port.pinned = mac_a;
	/* B speaks, so that its port is known. */
	struct iovec iov;
	struct frame f = frame_of(&iov, w->bytes, 60);
	struct bytes_writer out = bytes_writer(w->bytes, 60);
	eth_emit(&out, &(struct eth_header){ mac_a, mac_b, 0x88b5 });
	f.ingress = &w->b.port;
	segment_input(&w->segment, USEC_PER_SEC, &w->b.port, &f);
	segment_flush(&w->segment, USEC_PER_SEC);
}

static void tear_down(struct world *w)
{
	segment_detach(&w->segment, USEC_PER_SEC, &w->a.port);
	segment_detach(&w->segment, USEC_PER_SEC, &w->b.port);
	gateway_set_engine(&w->gateway, NULL, NULL);
	gateway_done(&w->gateway, USEC_PER_SEC);
	segment_done(&w->segment);
}

static void turn(struct segment *s, struct port *p, const struct frame *f)
{
	segment_input(s, USEC_PER_SEC, p, f);
	segment_flush(s, USEC_PER_SEC);
}

void move(struct segment *s, struct port *p, const struct frame *f);
__attribute__((noinline)) void move(struct segment *s, struct port *p, const struct frame *f)
{
	turn(s, p, f);
}

static uint64_t arrived(const struct world *w)
{
	return w->a.received + w->b.received + counting.received;
}

static bool run(const struct kind *k, unsigned n)
{
	struct world *w = calloc(1, sizeof(*w));
	if (!w)
		return false;
	set_up(w, k);
	struct iovec iov;
	struct frame f = solicitation(w, &iov);
	f.ingress = &w->a.port;
	turn(&w->segment, &w->a.port, &f);
	f = k->make(w, &iov);
	f.ingress = &w->a.port;
	turn(&w->segment, &w->a.port, &f); /* learns; asks groups */
	uint64_t before = arrived(w);
	for (unsigned i = 0; i < n; i++)
		move(&w->segment, &w->a.port, &f);
	uint64_t got = arrived(w) - before;
	tear_down(w);
	free(w);
	return got >= n;
}

int main(int argc, char **argv)
{
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : argc > 1 ? 1000 : 100;
	int status = EXIT_SUCCESS;
	printf("1..%zu\n", argc > 1 ? 1 : ARRAY_SIZE(kinds));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (argc > 1 && strcmp(argv[1], kinds[i].name) != 0)
			continue;
		bool ok = run(&kinds[i], n);
		printf("%s %zu %s\n", ok ? "ok" : "not ok", argc > 1 ? 1 : i + 1, kinds[i].name);
		if (!ok)
			status = EXIT_FAILURE;
	}
	return status;
}
