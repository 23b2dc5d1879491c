/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DNS service over UDP.  Input: the query as a whole DNS message, the 4 bytes "\xffEND", then the answer of the
 * server; an answer that begins with "ID" gets the right id there.  Without the mark there is no answer.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "wire/udp.h"

#include "dns-bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct bench *w, const uint8_t *query, size_t len)
{
	uint8_t bytes[4096];
	if (len > sizeof(bytes) - ETH_HEADER_LEN - IPV4_HEADER_LEN - UDP_HEADER_LEN)
		return;
	struct bytes_writer out = bytes_writer(bytes, sizeof(bytes));
	ip4_t guest = IP4(192, 168, 122, 63), gateway = IP4(192, 168, 122, 1);
	eth_emit(&out, &(struct eth_header){ .ethertype = ETH_TYPE_IPV4 });
	ipv4_emit(&out, &(struct ipv4_header){ .total_len = (uint16_t)(IPV4_HEADER_LEN + UDP_HEADER_LEN + len),
					       .ttl = 64,
					       .protocol = IP_PROTOCOL_UDP,
					       .src = guest,
					       .dst = gateway });
	udp_emit_ipv4(&out, guest, gateway, 4000, DNS_PORT, query, len);
	struct arena arena;
	arena_init(&arena, 1 << 16);
	struct iovec iov;
	struct frame frame = frame_of(&iov, bytes, out.len);
	struct packet p;
	enum drop_reason why;
	check(packet_parse(&frame, &w->port, &arena, &p, &why) == 0);
	struct service *s = dns_service(w->dns);
	check(s->ops->input(s, w->now, &p, &w->sink) == SERVICE_TAKEN);
	arena_done(&arena);
}

static void answer(struct bench *w, const uint8_t *data, size_t len)
{
	dns_token token = w->alive[0];
	if (token == 0)
		return;
	uint8_t *copy = malloc(len);
	check(copy || len == 0);
	if (len > 0)
		memcpy(copy, data, len);
	if (len >= 2 && memcmp(copy, "ID", 2) == 0)
		memcpy(copy, w->last_query, 2);
	if (dns_upstream_answered(&w->upstream, w->now, token, copy, len))
		bench_over(w, token);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench w;
	bench_init(&w);
	const uint8_t *mark = size > 0 ? memmem(data, size,
						"\xff"
						"END",
						4)
				       : NULL;
	size_t query_len = mark ? (size_t)(mark - data) : size;
	ask(&w, data, query_len);
	if (mark) {
		answer(&w, mark + 4, size - query_len - 4);
		dns_upstream_failed(&w.upstream, w.now, w.alive[1], -ECONNREFUSED);
		bench_over(&w, w.alive[1]);
	}
	bench_done(&w);
	return 0;
}
