/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One Ethernet frame through every parser that sees a guest's bytes first: eth, arp, ipv4, icmp4, udp, tcp. */
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

static void parse(const struct frame *f, struct arena *arena)
{
	struct packet p;
	enum drop_reason why;
	if (packet_parse(f, NULL, arena, &p, &why) < 0) {
		check(why < DROP_REASON_COUNT);
		return;
	}
	if (p.eth.ethertype == ETH_TYPE_ARP) {
		uint8_t bytes[ARP_LEN];
		check_arp(bytes, frame_copy(f, ETH_HEADER_LEN, bytes, sizeof(bytes)));
	} else if (p.eth.ethertype == ETH_TYPE_IPV4) {
		check_ipv4(&p);
		check_layer4(&p);
	}
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
	parse(&f, &arena);

	struct iovec pieces[3];
	size_t a = size < 20 ? size / 2 : 20, b = size < 37 ? size : 37;
	pieces[0] = (struct iovec){ repaired, a };
	pieces[1] = (struct iovec){ repaired + a, b - a };
	pieces[2] = (struct iovec){ repaired + b, size - b };
	struct frame split = { .iov = pieces, .n_iov = 3, .len = size, .checksum = FRAME_CHECKSUM_VERIFIED };
	parse(&split, &arena);
	for (enum flow_end end = FLOW_END_SOURCE; end <= FLOW_END_DESTINATION; end++)
		check(flow_hash_frame(&split, end) == flow_hash_frame(&f, end));
done:
	free(repaired);
	arena_done(&arena);
	return 0;
}
