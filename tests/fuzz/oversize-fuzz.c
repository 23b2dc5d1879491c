/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile frame with hostile offload metadata for a port of any size.  Input: u8 checksum kind (bits
 * 0–1) and gso kind (bits 2–3), u8 offloads, be16 largest frame, be16 checksum start, u8 checksum
 * offset, be16 gso size; then the frame.
 */
#include "base/arena.h"
#include "gateway/icmp_error.h"
#include "gateway/ip6.h"
#include "gateway/too_big.h"
#include "lan/packet.h"
#include "lan/offload.h"
#include "lan/oversize.h"
#include "metadata.h"
#include "repair.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	const struct frame *original;
	struct oversize_limits to;
	struct arena arena;
	unsigned emitted;
	size_t bytes;
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool is_super_frame_taken_whole(const struct run *run, const struct frame *f)
{
	return f->gso != FRAME_GSO_NONE && f == run->original && run->to.offloads & PORT_OFFLOAD_CHECKSUM;
}

/* Every byte of @f is there to be read, and it fits. */
static void emit(void *opaque, const struct frame *f)
{
	struct run *run = opaque;
	size_t len = 0;
	check(f->n_iov <= FRAME_IOV_MAX);
	for (unsigned i = 0; i < f->n_iov; i++) {
		const uint8_t *piece = f->iov[i].iov_base;
		for (size_t j = 0; j < f->iov[i].iov_len; j++)
			run->bytes += piece[j] != 0;
		len += f->iov[i].iov_len;
	}
	check(len == f->len);
	check(len <= run->to.max_frame || is_super_frame_taken_whole(run, f));
	check(f->checksum != FRAME_CHECKSUM_PARTIAL || run->to.offloads & PORT_OFFLOAD_CHECKSUM);
	check(f->ingress == run->original->ingress);
	run->emitted++;
}

static void check_answer(struct run *run, size_t mtu)
{
	struct icmp_answer a;
	struct mac mac = { { 0x52, 0x54, 0, 0, 0, 1 } };
	struct packet p;
	enum drop_reason why;
	check(packet_begin(&p, run->original, NULL, &run->arena, &why) == 0);
	if (too_big_build(&p, mtu, mac, IP4(192, 168, 122, 1), &(struct gateway_ip6){ 0 }, NULL, 0, &a) < 0)
		return;
	struct iovec iov;
	struct frame f = frame_of(&iov, a.bytes, a.len);
	check(packet_parse(&f, NULL, &run->arena, &p, &why) == 0 && packet_end(&p) == a.len);
	check(a.len - p.l3_offset <= (packet_is_v4(&p) ? 576u : IPV6_MTU_MIN));
}

/* What the segment's check lets pass has work that can be done. */
static bool is_metadata_true(const struct frame *f, struct arena *arena)
{
	struct packet p;
	enum drop_reason why;
	struct iovec iov[FRAME_IOV_MAX];
	struct frame completed;
	if (!offload_is_wanted(f) || packet_begin(&p, f, NULL, arena, &why) < 0)
		return false;
	switch (offload_check(&p)) {
	case OFFLOAD_TRUE: metadata_check(f); return true;
	case OFFLOAD_IN_TUNNEL:
		check(offload_complete(f, arena, iov, &completed) == 0 && completed.len == f->len);
		check(completed.checksum == FRAME_CHECKSUM_VERIFIED);
		return false;
	default: return false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	uint8_t kinds = bytes_get_u8(&r);
	struct run run = { .to.offloads = bytes_get_u8(&r) & 0x0f };
	run.to.max_frame = bytes_get_be16(&r) & 0x07ff;
	struct frame f = { .checksum = (kinds & 3) % 3, .gso = kinds >> 2 & 3 };
	f.csum_start = bytes_get_be16(&r);
	f.csum_offset = bytes_get_u8(&r);
	f.gso_size = bytes_get_be16(&r);
	uint8_t *bytes = r.failed || r.left == 0 ? NULL : malloc(r.left);
	if (!bytes)
		return 0;
	f.len = r.left;
	memcpy(bytes, r.at, f.len);
	repair_ipv4_checksum(bytes, f.len);

	/* Two pieces, split in the middle of the headers. */
	size_t first = f.len < 45 ? f.len / 2 : 45;
	struct iovec iov[2] = { { bytes, first }, { bytes + first, f.len - first } };
	f.iov = iov;
	f.n_iov = 2;
	run.original = &f;
	arena_init(&run.arena, (size_t)8 << 20);
	bool is_true = is_metadata_true(&f, &run.arena);
	struct oversize_result result = oversize_pass_frame(&f, &run.to, &run.arena, emit, &run);
	check(result.verdict != OVERSIZE_EMITTED || run.emitted > 0);
	check(result.verdict == OVERSIZE_EMITTED || result.why < DROP_REASON_COUNT);
	check(!is_true || result.verdict != OVERSIZE_DROPPED || result.why != DROP_IP_MALFORMED);
	if (result.verdict == OVERSIZE_TOO_BIG) {
		check(run.emitted == 0);
		check_answer(&run, result.mtu);
	}
	arena_done(&run.arena);
	free(bytes);
	return 0;
}
