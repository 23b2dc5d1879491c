/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's frame to libslirp, and the same bytes as a packet from it.  What goes in must be
 * well-formed whatever the guest sent; the output must not change its length.
 */
#include "base/arena.h"
#include "engine/slirp/translate.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "repair.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_inner(const struct inward *in, const uint8_t *frame, size_t len)
{
	struct bytes_reader r = bytes_reader(frame, len);
	struct eth_header eth;
	struct ipv4_header ip;
	check(eth_parse(&r, &eth) == 0 && eth.ethertype == ETH_TYPE_IPV4);
	check(ipv4_parse(&r, &ip) == 0 && ip.options_len == 0 && !ipv4_is_fragment(&ip));
	check(ip.total_len == len - ETH_HEADER_LEN && ip.protocol == in->packet->ip.protocol);
	struct tcp_header tcp;
	struct udp_header udp;
	if (ip.protocol == IP_PROTOCOL_TCP) {
		check(tcp_parse(&r, &tcp) == 0 && tcp.urgent == 0 && !(tcp.flags & TCP_URG));
		check(tcp.header_len == (tcp.has_mss ? TCP_HEADER_LEN + 4 : TCP_HEADER_LEN));
		check(!tcp.has_mss || tcp.flags & TCP_SYN);
	} else if (ip.protocol == IP_PROTOCOL_UDP) {
		size_t l4_len = r.left;
		check(udp_parse(&r, &udp) == 0 && udp.len == l4_len);
	}
}

static void carry_in(const struct frame *f, struct arena *arena)
{
	static uint8_t frame[INWARD_FRAME_MAX];
	struct packet p;
	struct inward in;
	enum drop_reason why;
	if (packet_parse(f, NULL, arena, &p, &why) < 0 || p.eth.ethertype != ETH_TYPE_IPV4 || ipv4_is_fragment(&p.ip))
		return;
	if (inward_parse(&p, &in, &why) < 0) {
		check(why < DROP_REASON_COUNT);
		return;
	}
	const struct inward_rewrite whole = { .dst = IP4(10, 0, 0, 1), .ttl = 63, .len = in.payload_len };
	check_inner(&in, frame, inward_emit(&in, &whole, frame));
	if (in.payload_len < 2)
		return;
	const struct inward_rewrite part = { .dst = p.ip.dst, .ttl = 1, .offset = 1, .len = in.payload_len / 2 };
	check_inner(&in, frame, inward_emit(&in, &part, frame));
}

static void carry_out(const uint8_t *packet, size_t len)
{
	struct outward_rewrite how = { .private_network = { IP4(240, 0, 0, 0), 29 }, .gateway = IP4(192, 168, 122, 1) };
	for (int i = 0; i < 2; i++) {
		uint8_t *copy = malloc(len + 1);
		memcpy(copy, packet, len);
		how.from_gateway = i;
		if (outward_translate(copy, len, &how) == 0) {
			struct bytes_reader r = bytes_reader(copy, len);
			struct ipv4_header ip;
			check(ipv4_parse(&r, &ip) == 0 && ip.total_len == len);
			check(!how.from_gateway || ip.src == how.gateway);
		}
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct iovec iov[2];
	uint8_t *repaired = malloc(size + 1);
	if (!repaired)
		return 0;
	memcpy(repaired, data, size);
	repair_ipv4_checksum(repaired, size);
	arena_init(&arena, 1 << 20);
	struct frame f = frame_of(iov, repaired, size);
	carry_in(&f, &arena);
	if (size > ETH_HEADER_LEN)
		carry_out(repaired + ETH_HEADER_LEN, size - ETH_HEADER_LEN);
	/* In two pieces, with the checksum left to us. */
	size_t a = size < 45 ? size : 45;
	iov[0] = (struct iovec){ repaired, a };
	iov[1] = (struct iovec){ repaired + a, size - a };
	f = (struct frame){ .iov = iov, .n_iov = 2, .len = size, .checksum = FRAME_CHECKSUM_PARTIAL };
	carry_in(&f, &arena);
	arena_done(&arena);
	free(repaired);
	return 0;
}
