/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One Ethernet frame through every parser that sees a guest's bytes first: eth, arp, ipv4, ipv6, nd, icmp4, udp, tcp. */
#include "base/arena.h"
#include "lan/flow_hash.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "repair.h"
#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/tcp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* What was parsed comes out of the emitter and parses to the same value. */
static void check_arp(const uint8_t *data, size_t len)
{
	struct bytes_reader r = bytes_reader(data, len);
	struct arp_message m, again;
	if (arp_parse(&r, &m) < 0)
		return;
	uint8_t bytes[ARP_LEN];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	arp_emit(&w, &m);
	check(!w.failed && w.len == ARP_LEN);
	r = bytes_reader(bytes, sizeof(bytes));
	check(arp_parse(&r, &again) == 0 && again.operation == m.operation && again.target_ip == m.target_ip);
}

static void check_ipv4(const struct packet *p)
{
	uint8_t bytes[IPV4_HEADER_MAX], original[IPV4_HEADER_MAX];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	ipv4_emit(&w, &p->ip);
	size_t len = ipv4_header_len(&p->ip);
	check(!w.failed && w.len == len && frame_copy(p->frame, p->l3_offset, original, len) == len);
	/* Only the reserved bit, and with it the checksum, is not kept. */
	if (!(original[6] & 0x80))
		check(memcmp(bytes, original, 10) == 0 && memcmp(bytes + 12, original + 12, len - 12) == 0);
	check(p->l4_offset + p->l4_len <= p->frame->len);
}

static void check_tcp(const uint8_t *segment, size_t len)
{
	struct bytes_reader r = bytes_reader(segment, len);
	struct tcp_header h, again;
	if (tcp_parse(&r, &h) < 0)
		return;
	check(h.header_len <= len && r.left == len - h.header_len);
	uint8_t bytes[TCP_HEADER_MAX];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	tcp_emit(&w, &h);
	if (w.failed)
		return; /* all options at once may need more padding than the sender used */
	r = bytes_reader(bytes, w.len);
	check(tcp_parse(&r, &again) == 0);
	check(again.seq == h.seq && again.flags == h.flags && again.n_sack == h.n_sack && again.mss == h.mss);
}

/* The address sanitizer complains when it is not there. */
static void touch_last(const uint8_t *payload, size_t len)
{
	if (len > 0)
		(void)*(const volatile uint8_t *)&payload[len - 1];
}

/* The two values that the parses of one frame in different pieces give. */
struct parses {
	int begun, ip, nd;
	struct packet p;
};

static void check_same(const struct parses *a, const struct parses *b)
{
	check(a->begun == b->begun);
	if (a->begun < 0)
		return;
	check(a->ip == b->ip && a->nd == b->nd && a->p.arp_error == b->p.arp_error && a->p.eth.ethertype == b->p.eth.ethertype);
	check(a->p.l3_offset == b->p.l3_offset);
	if (a->ip < 0)
		return;
	check(a->p.protocol == b->p.protocol && a->p.l4_offset == b->p.l4_offset && a->p.l4_len == b->p.l4_len);
	check(a->p.src_port == b->p.src_port && a->p.dst_port == b->p.dst_port);
	check(ip_equal(&a->p.src, &b->p.src) && ip_equal(&a->p.dst, &b->p.dst));
	if (a->nd == 0)
		check(a->p.nd.type == b->p.nd.type && a->p.nd.ambiguous == b->p.nd.ambiguous && ip_equal(&a->p.nd.target, &b->p.nd.target));
}

/* What both families promise. */
static void check_ip(const struct packet *p)
{
	check(p->l3_offset >= ETH_HEADER_LEN && p->l3_offset < p->l4_offset && packet_end(p) <= p->frame->len);
	check(p->l3_offset <= ETH_HEADER_LEN + PACKET_TAGS_MAX * ETH_TAG_LEN);
	uint8_t ports[4] = { 0 };
	if (p->src_port > 0 || p->dst_port > 0)
		check(p->l4_len >= sizeof(ports) && frame_copy(p->frame, p->l4_offset, ports, sizeof(ports)) == sizeof(ports));
	check(p->src_port == (ports[0] << 8 | ports[1]) && p->dst_port == (ports[2] << 8 | ports[3]));
}

static void check_layer4(const struct packet *p)
{
	struct udp_view udp;
	if (packet_udp(p, &udp) == 0)
		touch_last(udp.payload, udp.len);
	if (ipv4_is_fragment(&p->ip))
		return;
	const uint8_t *l4 = packet_l4(p);
	check(l4 != NULL);
	struct icmp4_header icmp;
	if (p->ip.protocol == IP_PROTOCOL_ICMP)
		(void)icmp4_parse(l4, p->l4_len, &icmp);
	else if (p->ip.protocol == IP_PROTOCOL_TCP)
		check_tcp(l4, p->l4_len);
}

static struct parses parse(const struct frame *f, struct arena *arena)
{
	struct parses r = { 0 };
	struct packet *p = &r.p;
	enum drop_reason why = DROP_REASON_COUNT;
	r.begun = packet_begin(p, f, NULL, arena, &why);
	if (r.begun < 0) {
		check(why < DROP_REASON_COUNT);
		return r;
	}
	r.nd = packet_nd(p);
	r.ip = packet_ip(p);
	check(r.nd < 0 || (r.ip == 0 && !packet_is_v4(p) && nd_is_type(p->nd.type)));
	if (p->eth.ethertype == ETH_TYPE_ARP) {
		uint8_t bytes[ARP_LEN];
		check_arp(bytes, frame_copy(f, p->l3_offset, bytes, sizeof(bytes)));
	}
	if (r.ip < 0)
		return r;
	check_ip(p);
	if (packet_is_v4(p)) {
		check_ipv4(p);
		check_layer4(p);
	}
	return r;
}

/* The frame as it is; repaired, in one piece; repaired, in pieces that split its headers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	arena_init(&arena, 1 << 20);
	struct iovec whole;
	struct frame f = frame_of(&whole, data, size);
	parse(&f, &arena);

	uint8_t *repaired = malloc(size);
	if (!repaired || size == 0)
		goto done;
	memcpy(repaired, data, size);
	repair_ipv4_checksum(repaired, size);
	f = frame_of(&whole, repaired, size);
	struct parses one = parse(&f, &arena);

	struct iovec pieces[3];
	size_t a = size < 20 ? size / 2 : 20, b = size < 37 ? size : 37;
	pieces[0] = (struct iovec){ repaired, a };
	pieces[1] = (struct iovec){ repaired + a, b - a };
	pieces[2] = (struct iovec){ repaired + b, size - b };
	struct frame split = { .iov = pieces, .n_iov = 3, .len = size, .checksum = FRAME_CHECKSUM_VERIFIED };
	struct parses several = parse(&split, &arena);
	check_same(&one, &several);
	for (enum flow_end end = FLOW_END_SOURCE; end <= FLOW_END_DESTINATION; end++)
		check(flow_hash_frame(&split, end) == flow_hash_frame(&f, end));
done:
	free(repaired);
	arena_done(&arena);
	return 0;
}
