/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch of hostile frames, of IPv4 and IPv6, through GRO, and cut up again: as many frames of the same lengths and with the same payload
 * come out, in order.  Input: for each frame be16 length, with the highest bit for "make the checksums right", and
 * the frame.
 */
#include "base/arena.h"
#include "lan/gro.h"
#include "lan/gso.h"
#include "lan/packet.h"
#include "repair.h"
#include "wire/tcp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 256
#define REPAIR 0x8000
#define HEADERS_LEN (ETH_HEADER_LEN + IPV4_HEADER_LEN + TCP_HEADER_LEN)
#define CHECKSUM6_AT (ETH_HEADER_LEN + IPV6_HEADER_LEN + TCP_CHECKSUM_AT)

struct run {
	struct arena arena;
	struct iovec in[FRAMES_MAX];
	unsigned n_in, n_out;
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool is_tcp6(const uint8_t *bytes, size_t len)
{
	return len >= CHECKSUM6_AT + CHECKSUM_LEN && bytes[ETH_HEADER_LEN] >> 4 == 6 &&
	       bytes[ETH_HEADER_LEN + IPV6_NEXT_HEADER_AT] == IP_PROTOCOL_TCP;
}

static void check_same(const uint8_t *got, const uint8_t *in, size_t from, size_t to)
{
	check(memcmp(got + from, in + from, to - from) == 0);
}

/* What differs in a right way: IPv4's id and, with it, the checksums; with IPv6, the two ways to write a TCP checksum of zero. */
static void check_segment(const uint8_t *got, const uint8_t *in, size_t len)
{
	if (is_tcp6(in, len)) {
		check_same(got, in, 0, CHECKSUM6_AT);
		check_same(got, in, CHECKSUM6_AT + CHECKSUM_LEN, len);
	} else {
		check_same(got, in, len < HEADERS_LEN ? len : HEADERS_LEN, len);
	}
}

static void take_segment(void *opaque, const struct frame *f)
{
	struct run *run = opaque;
	check(run->n_out < run->n_in);
	const struct iovec *in = &run->in[run->n_out++];
	check(f->len == in->iov_len);
	uint8_t *bytes = malloc(f->len + 1);
	check(bytes && frame_copy(f, 0, bytes, f->len) == f->len);
	check_segment(bytes, in->iov_base, f->len);
	free(bytes);
}

static void take(void *opaque, const struct frame *f)
{
	struct run *run = opaque;
	struct packet p;
	enum drop_reason why;
	check(f->n_iov <= FRAME_IOV_MAX);
	if (f->gso == FRAME_GSO_NONE) {
		take_segment(run, f);
		return;
	}
	check(f->gso == FRAME_GSO_TCP4 || f->gso == FRAME_GSO_TCP6);
	check(f->checksum == FRAME_CHECKSUM_PARTIAL && packet_parse(f, NULL, &run->arena, &p, &why) == 0 && packet_end(&p) == f->len);
	check(f->csum_start == p.l4_offset && f->csum_offset == TCP_CHECKSUM_AT);
	check(gso_segment(&p, false, take_segment, run) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	struct run *run = calloc(1, sizeof(*run));
	struct gro gro;
	struct bytes_reader r = bytes_reader(bytes, size);
	check(run != NULL);
	arena_init(&run->arena, (size_t)16 << 20);
	gro_init(&gro, &(struct mac){ { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } }, &run->arena, take, run);
	while (r.left > 2 && run->n_in < FRAMES_MAX) {
		uint16_t head = bytes_get_be16(&r);
		size_t len = head & (REPAIR - 1);
		uint8_t *at = (uint8_t *)(uintptr_t)r.at;
		if (!bytes_take(&r, len))
			break;
		if (head & REPAIR) {
			repair_ipv4_checksum(at, len);
			repair_tcp4_checksum(at, len);
			repair_ipv6_checksum(at, len);
		}
		struct frame f = frame_of(&run->in[run->n_in], at, len);
		run->n_in++;
		if (!gro_take(&gro, NULL, at, len))
			take(run, &f);
	}
	gro_flush(&gro);
	check(run->n_out == run->n_in);
	arena_done(&run->arena);
	free(run);
	free(bytes);
	return 0;
}
