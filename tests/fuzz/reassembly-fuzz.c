/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments in any order against a slow reassembly that remembers a byte map for each datagram.
 *
 * Four bytes of input are a fragment: bit 0 more fragments, bits 1–2 id, bit 3 port, bits 4–6 (7: all
 * that was sent so far times out instead), bit 7 other contents; offset / 8; length; length / 256.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "gateway/reassembly.h"
#include "lan/frame.h"
#include "lan/packet.h"
#include "lan/port.h"

#include <stdlib.h>
#include <string.h>

#define MAP_SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct piece {
	unsigned id, port;
	bool more;
	uint8_t variant;
	size_t offset, len;
};

struct model {
	bool used, dead;
	unsigned pieces;
	size_t end;
	size_t top; /* highest byte seen */
	bool seen[MAP_SIZE];
	uint8_t bytes[MAP_SIZE];
	struct piece piece[REASSEMBLY_FRAGMENTS];
};

struct state {
	struct reassembly r;
	struct arena arena;
	usec_t now;
	struct model models[8];
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

static uint8_t byte_at(const struct piece *p, size_t i)
{
	return (uint8_t)(i * 7 + p->variant);
}

enum expected {
	KEPT,
	REFUSED,
	WHOLE,
};

static bool is_repeated(const struct model *m, const struct piece *p)
{
	for (unsigned i = 0; i < m->pieces; i++)
		if (m->piece[i].offset == p->offset && m->piece[i].len == p->len && m->piece[i].variant == p->variant)
			return true;
	return false;
}

static enum expected model_input(struct model *m, const struct piece *p)
{
	size_t end = p->offset + p->len;
	if (p->len == 0 || (p->more && p->len % 8 != 0) || m->dead)
		return REFUSED;
	m->used = true;
	if (is_repeated(m, p))
		return KEPT;
	bool conflict = m->end > 0 && (!p->more || end > m->end);
	conflict |= !p->more && m->top > end;
	for (size_t i = p->offset; i < end; i++)
		conflict |= m->seen[i];
	if (conflict || m->pieces == REASSEMBLY_FRAGMENTS) {
		m->dead = true;
		return REFUSED;
	}
	m->piece[m->pieces++] = *p;
	for (size_t i = p->offset; i < end; i++) {
		m->seen[i] = true;
		m->bytes[i] = byte_at(p, i);
	}
	m->top = MAX(m->top, end);
	if (!p->more)
		m->end = end;
	for (size_t i = 0; i < m->end; i++)
		if (!m->seen[i])
			return KEPT;
	return m->end > 0 ? WHOLE : KEPT;
}

static int real_input(struct state *s, const struct piece *p, struct packet *ret_whole)
{
	static struct port ports[2] = { { .id = 1 }, { .id = 2 } };
	struct ipv4_header h = {
		.id = (uint16_t)p->id, .more_fragments = p->more, .fragment_offset = (uint16_t)p->offset, .ttl = 64, .protocol = 17
	};
	h.total_len = (uint16_t)(IPV4_HEADER_LEN + p->len);
	uint8_t bytes[ETH_HEADER_LEN + IPV4_HEADER_LEN + MAP_SIZE];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));
	eth_emit(&w, &(struct eth_header){ .ethertype = ETH_TYPE_IPV4 });
	ipv4_emit(&w, &h);
	for (size_t i = 0; i < p->len; i++)
		bytes_put_u8(&w, byte_at(p, p->offset + i));
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, w.len);
	struct packet packet;
	enum drop_reason why;
	check(packet_parse(&f, &ports[p->port], &s->arena, &packet, &why) == 0);
	return reassembly_input(&s->r, s->now, &packet, ret_whole);
}

static void input(struct state *s, const struct piece *p)
{
	struct model *m = &s->models[p->port * 4 + p->id];
	struct packet whole;
	int result = real_input(s, p, &whole);
	switch (model_input(m, p)) {
	case KEPT: check(result == 0); break;
	case REFUSED: check(result < 0); break;
	case WHOLE:
		check(result == 1 && whole.l4_len == m->end && !ipv4_is_fragment(&whole.ip));
		check(memcmp(packet_l4(&whole), m->bytes, m->end) == 0);
		memset(m, 0, sizeof(*m));
		break;
	}
}

static void expire(struct state *s)
{
	unsigned expired = 0, answerable = 0;
	for (size_t i = 0; i < ARRAY_SIZE(s->models); i++) {
		const struct model *m = &s->models[i];
		expired += m->used && !m->dead;
		answerable += m->used && !m->dead && m->seen[0];
	}
	s->now += REASSEMBLY_TIMEOUT;
	struct packet first;
	for (enum reassembly_expired e; (e = reassembly_expire(&s->r, s->now, &s->arena, &first)) != REASSEMBLY_NOTHING_DUE; expired--) {
		check(expired > 0);
		if (e != REASSEMBLY_EXPIRED_ANSWERABLE)
			continue;
		check(first.ip.fragment_offset == 0 && answerable-- > 0);
	}
	check(expired == 0 && answerable == 0 && s->r.bytes == 0 && s->r.datagrams == 0);
	memset(s->models, 0, sizeof(s->models));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state *s = calloc(1, sizeof(*s));
	if (!s)
		return 0;
	reassembly_init(&s->r);
	arena_init(&s->arena, (size_t)16 << 20);
	struct bytes_reader r = bytes_reader(data, MIN(size, (size_t)4000));
	while (r.left >= 4) {
		uint8_t head = bytes_get_u8(&r);
		struct piece p = { .more = head & 1, .id = head >> 1 & 3, .port = head >> 3 & 1, .variant = head >> 7 };
		p.offset = (size_t)bytes_get_u8(&r) * 8;
		p.len = bytes_get_u8(&r);
		p.len += (size_t)(bytes_get_u8(&r) & 3) << 8;
		if ((head >> 4 & 7) == 7)
			expire(s);
		else
			input(s, &p);
		arena_reset(&s->arena);
	}
	expire(s);
	reassembly_done(&s->r);
	arena_done(&s->arena);
	free(s);
	return 0;
}
