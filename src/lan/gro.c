/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/gro.h"

#include "base/arena.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

void gro_init(struct gro *g, struct mac destination, struct arena *arena, frame_emit_t emit, void *opaque)
{
	g->destination = destination;
	g->arena = arena;
	g->emit = emit;
	g->opaque = opaque;
	g->n_joined = 0;
}

static bool is_data(const struct gro *g, const struct frame *f, struct tcp4_data *ret)
{
	if (f->n_iov != 1 || f->gso != FRAME_GSO_NONE || f->checksum != FRAME_CHECKSUM_COMPLETE)
		return false;
	struct bytes_reader r = bytes_reader(f->iov[0].iov_base, f->iov[0].iov_len);
	struct eth_header eth;
	if (eth_parse(&r, &eth) < 0 || eth.ethertype != ETH_TYPE_IPV4 || !mac_equal(eth.dst, g->destination))
		return false;
	return tcp4_data_parse(r.at, r.left, ret);
}

static bool joins(const struct gro *g, const struct frame *f, const struct tcp4_data *data)
{
	if (g->n_joined == 0 || g->n_joined + 1 == FRAME_IOV_MAX || data->payload_len > g->head.payload_len ||
	    g->head.header_len + g->payload_len + data->payload_len > IPV4_PACKET_MAX)
		return false;
	return data->seq == g->head.seq + (uint32_t)g->payload_len && tcp4_data_alike(&g->head, data) &&
	       memcmp(f->iov[0].iov_base, g->first.iov[0].iov_base, ETH_HEADER_LEN) == 0;
}

static void add(struct gro *g, const struct tcp4_data *data)
{
	uint8_t *payload = (uint8_t *)(uintptr_t)data->packet + data->header_len;
	g->iov[++g->n_joined] = (struct iovec){ .iov_base = payload, .iov_len = data->payload_len };
	g->payload_len += data->payload_len;
	g->push = data->push;
}

static void begin(struct gro *g, const struct frame *f, const struct tcp4_data *data)
{
	g->iov[0] = f->iov[0];
	g->first = *f;
	g->first.iov = g->iov;
	g->first.checksum = FRAME_CHECKSUM_VERIFIED;
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
	frame_copy(&g->first, 0, header, len);
	tcp4_data_widen(&g->head, header + ETH_HEADER_LEN, g->payload_len, g->push);
	g->iov[0] = (struct iovec){ .iov_base = header, .iov_len = len };
	*ret = (struct frame){
		.iov = g->iov,
		.n_iov = g->n_joined + 1,
		.len = len + g->payload_len,
		.checksum = FRAME_CHECKSUM_PARTIAL,
		.csum_start = ETH_HEADER_LEN + IPV4_HEADER_LEN,
		.csum_offset = TCP_CHECKSUM_AT,
		.gso = FRAME_GSO_TCP4,
		.gso_size = (uint16_t)g->head.payload_len,
		.ingress = g->first.ingress,
		.shown = g->first.shown,
	};
	return true;
}

/* The segments as they came: each payload lies behind its own header. */
static void emit_each(struct gro *g, unsigned n)
{
	size_t header_len = ETH_HEADER_LEN + g->head.header_len;
	for (unsigned i = 1; i <= n; i++) {
		struct iovec iov = { (uint8_t *)g->iov[i].iov_base - header_len, header_len + g->iov[i].iov_len };
		struct frame f = g->first;
		f.iov = &iov;
		f.len = iov.iov_len;
		g->emit(g->opaque, &f);
	}
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
		emit_each(g, n);
}

void gro_input(struct gro *g, const struct frame *f)
{
	struct tcp4_data data;
	if (!is_data(g, f, &data)) {
		gro_flush(g);
		g->emit(g->opaque, f);
		return;
	}
	if (joins(g, f, &data)) {
		add(g, &data);
	} else {
		gro_flush(g);
		begin(g, f, &data);
	}
	if (data.push || data.payload_len < g->head.payload_len)
		gro_flush(g);
}
