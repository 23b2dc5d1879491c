/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *     super-frame ── port takes it and each segment fits ──────────────────> as it is
 *        └─ else gso_segment() ─> each:
 *     frame, segment ── partial checksum, port does not complete it ─> completed
 *        └─ too long ── IPv4 without DF ─> fragment_ipv4()
 *              └─ DF, IPv6 ─> too big: nothing is emitted
 *
 * Whether the segments of a super-frame are too long is known before the first one is emitted.
 */
#include "lan/oversize.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/fragment.h"
#include "lan/gso.h"
#include "lan/layers.h"
#include "wire/checksum.h"

#include <errno.h>

struct pass {
	const struct oversize_limits *to;
	struct arena *arena;
	frame_emit_t emit;
	void *opaque;
	struct oversize_result result;
};

static void dropped(struct pass *pass, enum drop_reason why)
{
	pass->result = (struct oversize_result){ .verdict = OVERSIZE_DROPPED, .why = why };
}

static enum drop_reason reason_of(int error)
{
	switch (error) {
	case -ENOMEM: return DROP_NO_MEMORY;
	case -EPROTOTYPE:
	case -EMSGSIZE: return DROP_OVERSIZE;
	default: return DROP_IP_MALFORMED;
	}
}

/* Only the sender may fragment @l (RFC 791 DF, RFC 8200 §4.5). */
static bool must_stay_whole(const struct layers *l)
{
	return !layers_is_v4(l) || l->ip4.dont_fragment;
}

static void too_big(struct pass *pass, const struct layers *l)
{
	pass->result = (struct oversize_result){
		.verdict = OVERSIZE_TOO_BIG,
		.why = DROP_FRAG_NEEDED,
		.mtu = pass->to->max_frame - MIN(pass->to->max_frame, l->l3_offset),
	};
}

/* @f with its checksum in the bytes (virtio 1.3 §5.1.6.2: the sum runs to the end of the packet). */
static int complete_checksum(const struct frame *f, struct arena *arena, struct iovec iov[static FRAME_IOV_MAX], struct frame *ret)
{
	size_t field = (size_t)f->csum_start + f->csum_offset, head_len = field + CHECKSUM_LEN;
	if (head_len > f->len)
		return -EBADMSG;
	uint8_t *room = arena_alloc(arena, FRAME_HEADROOM + head_len);
	if (!room)
		return -ENOMEM;
	uint8_t *head = room + FRAME_HEADROOM;
	frame_copy(f, 0, head, head_len);
	struct checksum c = { 0 };
	frame_checksum(f, f->csum_start, f->len - f->csum_start, &c);
	struct bytes_writer w = bytes_writer(head + field, CHECKSUM_LEN);
	bytes_put_be16(&w, checksum_transport_value(&c, f->csum_offset));
	int error = frame_splice(f, head, head_len, head_len, f->len - head_len, arena, iov, ret);
	if (error < 0)
		return error;
	ret->checksum = FRAME_CHECKSUM_VERIFIED;
	ret->headroom = FRAME_HEADROOM;
	return 0;
}

/* @f is longer than the port takes. */
static void pass_long(struct pass *pass, const struct frame *f)
{
	struct layers l;
	int error = layers_parse(f, pass->arena, &l);
	if (error < 0) {
		dropped(pass, reason_of(error));
		return;
	}
	if (l.end <= pass->to->max_frame) { /* only the padding is too long */
		struct iovec iov[FRAME_IOV_MAX];
		struct frame trimmed;
		error = frame_splice(f, NULL, 0, 0, l.end, pass->arena, iov, &trimmed);
		trimmed.checksum = f->checksum;
		if (error == 0)
			pass->emit(pass->opaque, &trimmed);
	} else if (must_stay_whole(&l)) {
		too_big(pass, &l);
	} else {
		error = fragment_ipv4(f, &l, pass->to->max_frame, pass->arena, pass->emit, pass->opaque);
	}
	if (error < 0)
		dropped(pass, reason_of(error));
}

static void pass_single(struct pass *pass, const struct frame *f)
{
	struct iovec iov[FRAME_IOV_MAX];
	struct frame completed;
	bool fits = f->len <= pass->to->max_frame;
	if (f->checksum == FRAME_CHECKSUM_PARTIAL && !(fits && pass->to->offloads & PORT_OFFLOAD_CHECKSUM)) {
		int error = complete_checksum(f, pass->arena, iov, &completed);
		if (error < 0) {
			dropped(pass, reason_of(error));
			return;
		}
		f = &completed;
	}
	if (fits)
		pass->emit(pass->opaque, f);
	else
		pass_long(pass, f);
}

static void pass_segment(void *opaque, const struct frame *f)
{
	struct pass *pass = opaque;
	if (oversize_fits(f, pass->to))
		pass->emit(pass->opaque, f);
	else
		pass_single(pass, f);
}

static bool takes_super(const struct oversize_limits *to, enum frame_gso gso)
{
	static const unsigned needed[] = {
		[FRAME_GSO_TCP4] = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO4,
		[FRAME_GSO_TCP6] = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_TSO6,
		[FRAME_GSO_UDP] = PORT_OFFLOAD_CHECKSUM | PORT_OFFLOAD_USO,
	};
	return (to->offloads & needed[gso]) == needed[gso];
}

static void pass_super(struct pass *pass, const struct frame *f)
{
	struct layers l;
	int error = layers_parse(f, pass->arena, &l), head_len = 0;
	if (error == 0)
		error = head_len = gso_header_len(f, &l, pass->arena);
	if (error < 0) {
		dropped(pass, reason_of(error));
		return;
	}
	size_t largest = (size_t)head_len + MIN((size_t)f->gso_size, l.end - (size_t)head_len);
	bool fits = largest <= pass->to->max_frame;
	if (!fits && must_stay_whole(&l)) {
		too_big(pass, &l);
	} else if (fits && takes_super(pass->to, f->gso)) {
		pass->emit(pass->opaque, f);
	} else {
		bool partial = fits && pass->to->offloads & PORT_OFFLOAD_CHECKSUM;
		error = gso_segment(f, &l, partial, pass->arena, pass_segment, pass);
		if (error < 0)
			dropped(pass, reason_of(error));
	}
}

struct oversize_result oversize_pass(const struct frame *f, const struct oversize_limits *to, struct arena *arena, frame_emit_t emit,
				     void *opaque)
{
	struct pass pass = { .to = to, .arena = arena, .emit = emit, .opaque = opaque, .result = { .verdict = OVERSIZE_EMITTED } };
	if (oversize_fits(f, to))
		emit(opaque, f);
	else if (f->gso != FRAME_GSO_NONE)
		pass_super(&pass, f);
	else
		pass_single(&pass, f);
	return pass.result;
}
