/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/gro.h"

#include "base/arena.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

#include <string.h>

void gro_init(struct gro *g, const struct mac *destination, struct arena *arena, frame_emit_t emit, void *opaque)
{
	g->destination = destination;
	g->arena = arena;
	g->emit = emit;
	g->opaque = opaque;
	g->n_joined = 0;
}

/*
 * The destination MAC is that of the segments that wait; tcp_data_alike() compares the family.  IPv6's payload length does not count the
 * header, so its packets could be 40 bytes longer; one limit for both keeps the frame within 64 KiB.
 */
static bool joins(const struct gro *g, const struct port *from, const uint8_t *bytes, const struct tcp_data *data)
{
	if (g->n_joined + 1 == FRAME_IOV_MAX || data->payload_len > g->head.payload_len ||
	    g->head.header_len + g->payload_len + data->payload_len > IPV4_PACKET_MAX)
		return false;
	return from == g->from && data->seq == g->head.seq + (uint32_t)g->payload_len &&
	       mac_equal(eth_source(bytes), eth_source(g->first)) && tcp_data_alike(&g->head, data);
}

static void add(struct gro *g, const struct tcp_data *data)
{
	uint8_t *payload = (uint8_t *)(uintptr_t)data->packet + data->header_len;
	g->iov[++g->n_joined] = (struct iovec){ .iov_base = payload, .iov_len = data->payload_len };
	g->payload_len += data->payload_len;
	g->push = data->push;
}

static void begin(struct gro *g, struct port *from, const uint8_t *bytes, const struct tcp_data *data)
{
	g->from = from;
	g->first = bytes;
	g->head = *data;
	g->payload_len = 0;
	add(g, data);
}

/* Puts the common header in front of the payloads.  False when there is no memory for it. */
static bool make_super_frame(struct gro *g, struct frame *ret)
{
	size_t len = ETH_HEADER_LEN + g->head.header_len;
	uint8_t *header = arena_alloc(g->arena, len);
	if (!header)
		return false;
	memcpy(header, g->first, len);
	tcp_data_widen(&g->head, header + ETH_HEADER_LEN, g->payload_len, g->push);
	g->iov[0] = (struct iovec){ .iov_base = header, .iov_len = len };
	*ret = (struct frame){
		.iov = g->iov,
		.n_iov = g->n_joined + 1,
		.len = len + g->payload_len,
		.checksum = FRAME_CHECKSUM_PARTIAL,
		.csum_start = (uint16_t)(ETH_HEADER_LEN + g->head.ip_header_len),
		.csum_offset = TCP_CHECKSUM_AT,
		.gso = g->head.ip_header_len == IPV6_HEADER_LEN ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4,
		.gso_size = (uint16_t)g->head.payload_len,
		.ingress = g->from,
		.joined = (uint16_t)g->n_joined,
	};
	return true;
}

/* Emits @n segments as they came: each payload still lies behind its own header. */
static void emit_each(const struct iovec *payloads, unsigned n, size_t header_len, struct port *from, frame_emit_t emit, void *opaque)
{
	for (unsigned i = 0; i < n; i++) {
		struct iovec iov;
		struct frame f = frame_of(&iov, (uint8_t *)payloads[i].iov_base - header_len, header_len + payloads[i].iov_len);
		f.checksum = FRAME_CHECKSUM_VERIFIED;
		f.ingress = from;
		emit(opaque, &f);
	}
}

void gro_take_apart(const struct frame *f, frame_emit_t emit, void *opaque)
{
	emit_each(f->iov + 1, f->joined, f->iov[0].iov_len, f->ingress, emit, opaque);
}

void gro_flush(struct gro *g)
{
	struct frame f;
	bool is_super = g->n_joined > 1 && make_super_frame(g, &f);
	unsigned n = g->n_joined;
	g->n_joined = 0;
	if (is_super)
		g->emit(g->opaque, &f);
	else
		emit_each(g->iov + 1, n, ETH_HEADER_LEN + g->head.header_len, g->from, g->emit, g->opaque);
}

/* Whether the frame only carries TCP data to the destination whose segments are joined. */
static bool parse(const struct gro *g, const uint8_t *bytes, size_t len, struct tcp_data *ret)
{
	if (len <= ETH_HEADER_LEN)
		return false;
	if (eth_is(bytes, *g->destination, ETH_TYPE_IPV4))
		return tcp_data_parse4(bytes + ETH_HEADER_LEN, len - ETH_HEADER_LEN, ret);
	return eth_is(bytes, *g->destination, ETH_TYPE_IPV6) && tcp_data_parse6(bytes + ETH_HEADER_LEN, len - ETH_HEADER_LEN, ret);
}

bool gro_take(struct gro *g, struct port *from, const uint8_t *bytes, size_t len)
{
	struct tcp_data data;
	bool waits = !gro_is_empty(g), taken = parse(g, bytes, len, &data);
	bool joined = taken && waits && joins(g, from, bytes, &data);
	if (waits && !joined)
		gro_flush(g);
	if (!taken)
		return false;
	if (joined)
		add(g, &data);
	else
		begin(g, from, bytes, &data);
	if (data.push || data.payload_len < g->head.payload_len)
		gro_flush(g);
	return true;
}
