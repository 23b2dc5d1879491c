/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch of hostile frames through GRO, and cut up again: as many frames of the same lengths and with the same payload
 * come out, in order.  Input: for each frame be16 length, with the highest bit for "make the checksums right", and
 * the frame.
 */
#include "base/arena.h"
#include "lan/gro.h"
#include "lan/gso.h"
#include "lan/layers.h"
#include "repair.h"
#include "wire/tcp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 256
#define REPAIR 0x8000
#define HEADERS_LEN (ETH_HEADER_LEN + IPV4_HEADER_LEN + TCP_HEADER_LEN)

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

static void repair_tcp_checksum(uint8_t *frame, size_t size)
{
	if (size < HEADERS_LEN || frame[ETH_HEADER_LEN] != 0x45)
		return;
	uint8_t *ip = frame + ETH_HEADER_LEN, *tcp = ip + IPV4_HEADER_LEN;
	size_t len = size - ETH_HEADER_LEN - IPV4_HEADER_LEN;
	struct checksum c = { 0 };
	tcp[16] = tcp[17] = 0;
	checksum_add(&c, ip + 12, 8);
	checksum_add(&c, (uint8_t[]){ 0, ip[9], (uint8_t)(len >> 8), (uint8_t)len }, 4);
	checksum_add(&c, tcp, len);
	tcp[16] = (uint8_t)(checksum_value(&c) >> 8);
	tcp[17] = (uint8_t)checksum_value(&c);
}

/* What differs in a right way: IP id and, with it, the checksums. */
static void take_segment(void *opaque, const struct frame *f)
{
	struct run *run = opaque;
	check(run->n_out < run->n_in);
	const struct iovec *in = &run->in[run->n_out++];
	check(f->len == in->iov_len);
	uint8_t *bytes = malloc(f->len + 1);
	check(bytes && frame_copy(f, 0, bytes, f->len) == f->len);
	size_t skip = f->len < HEADERS_LEN ? f->len : HEADERS_LEN;
	check(memcmp(bytes + skip, (uint8_t *)in->iov_base + skip, f->len - skip) == 0);
	free(bytes);
}

static void take(void *opaque, const struct frame *f)
{
	struct run *run = opaque;
	struct layers l;
	check(f->n_iov <= FRAME_IOV_MAX);
	if (f->gso == FRAME_GSO_NONE) {
		take_segment(run, f);
		return;
	}
	check(f->checksum == FRAME_CHECKSUM_PARTIAL && layers_parse(f, &run->arena, &l) == 0 && l.end == f->len);
	check(gso_segment(f, &l, false, &run->arena, take_segment, run) == 0);
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
	gro_init(&gro, (struct mac){ { 0x52, 0x54, 0, 0xa0, 0xb0, 0xc0 } }, &run->arena, take, run);
	while (r.left > 2 && run->n_in < FRAMES_MAX) {
		uint16_t head = bytes_get_be16(&r);
		size_t len = head & (REPAIR - 1);
		uint8_t *at = (uint8_t *)(uintptr_t)r.at;
		if (!bytes_take(&r, len))
			break;
		if (head & REPAIR) {
			repair_ipv4_checksum(at, len);
			repair_tcp_checksum(at, len);
		}
		struct frame f = frame_of(&run->in[run->n_in], at, len);
		run->n_in++;
		gro_input(&gro, &f);
	}
	gro_flush(&gro);
	check(run->n_out == run->n_in);
	arena_done(&run->arena);
	free(run);
	free(bytes);
	return 0;
}
