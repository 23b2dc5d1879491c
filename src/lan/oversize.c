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

#include "base/macros.h"
#include "lan/fragment.h"
#include "lan/gso.h"
#include "lan/offload.h"
#include "lan/packet.h"

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

/* Only the sender may fragment @p (RFC 791 DF, RFC 8200 §4.5). */
static bool must_stay_whole(const struct packet *p)
{
	return !packet_is_v4(p) || p->ip.dont_fragment;
}

static void too_big(struct pass *pass, const struct packet *p)
{
	pass->result = (struct oversize_result){
		.verdict = OVERSIZE_TOO_BIG,
		.why = DROP_FRAG_NEEDED,
		.mtu = pass->to->max_frame - MIN(pass->to->max_frame, p->l3_offset),
	};
}

/* @p is longer than the port takes. */
static void pass_long(struct pass *pass, struct packet *p)
{
	int error = packet_ip(p);
	if (error < 0) {
		dropped(pass, reason_of(error));
		return;
	}
	if (packet_end(p) <= pass->to->max_frame) { /* only the padding is too long */
		struct iovec iov[FRAME_IOV_MAX];
		struct frame trimmed;
		error = frame_splice(p->frame, NULL, 0, 0, packet_end(p), p->arena, iov, &trimmed);
		trimmed.checksum = p->frame->checksum;
		if (error == 0)
			pass->emit(pass->opaque, &trimmed);
	} else if (must_stay_whole(p)) {
		too_big(pass, p);
	} else {
		error = fragment_ipv4(p, pass->to->max_frame, pass->emit, pass->opaque);
	}
	if (error < 0)
		dropped(pass, reason_of(error));
}

static void pass_fitting_sum(struct pass *pass, struct packet *p)
{
	if (p->frame->len <= pass->to->max_frame)
		pass->emit(pass->opaque, p->frame);
	else
		pass_long(pass, p);
}

static void pass_completed(struct pass *pass, struct packet *p)
{
	struct iovec iov[FRAME_IOV_MAX];
	struct frame completed;
	int error = offload_complete(p->frame, p->arena, iov, &completed);
	if (error < 0) {
		dropped(pass, reason_of(error));
		return;
	}
	struct packet with_sum = *p; /* the headers are the same */
	with_sum.frame = &completed;
	pass_fitting_sum(pass, &with_sum);
}

static void pass_single(struct pass *pass, struct packet *p)
{
	const struct frame *f = p->frame;
	bool fits = f->len <= pass->to->max_frame;
	if (f->checksum == FRAME_CHECKSUM_PARTIAL && !(fits && pass->to->offloads & PORT_OFFLOAD_CHECKSUM))
		pass_completed(pass, p);
	else
		pass_fitting_sum(pass, p);
}

/* Emits a segment of a super-frame. */
static void pass_segment(void *opaque, const struct frame *f)
{
	struct pass *pass = opaque;
	struct packet segment;
	enum drop_reason why;
	if (oversize_fits(f, pass->to))
		pass->emit(pass->opaque, f);
	else if (packet_begin(&segment, f, f->ingress, pass->arena, &why) < 0)
		dropped(pass, why);
	else
		pass_single(pass, &segment);
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

static void pass_super(struct pass *pass, struct packet *p)
{
	const struct frame *f = p->frame;
	int error = p->headers_len > 0 ? 0 : gso_check(p);
	if (error < 0) {
		dropped(pass, reason_of(error));
		return;
	}
	size_t largest = p->headers_len + MIN((size_t)f->gso_size, packet_end(p) - p->headers_len);
	bool fits = largest <= pass->to->max_frame;
	if (!fits && must_stay_whole(p)) {
		too_big(pass, p);
	} else if (fits && takes_super(pass->to, f->gso)) {
		pass->emit(pass->opaque, f);
	} else {
		bool partial = fits && pass->to->offloads & PORT_OFFLOAD_CHECKSUM;
		error = gso_segment(p, partial, pass_segment, pass);
		if (error < 0)
			dropped(pass, reason_of(error));
	}
}

struct oversize_result oversize_pass(struct packet *p, const struct oversize_limits *to, frame_emit_t emit, void *opaque)
{
	struct pass pass = { .to = to, .arena = p->arena, .emit = emit, .opaque = opaque, .result = { .verdict = OVERSIZE_EMITTED } };
	if (oversize_fits(p->frame, to))
		emit(opaque, p->frame);
	else if (p->frame->gso != FRAME_GSO_NONE)
		pass_super(&pass, p);
	else
		pass_single(&pass, p);
	return pass.result;
}

struct oversize_result oversize_pass_frame(const struct frame *f, const struct oversize_limits *to, struct arena *arena, frame_emit_t emit,
					   void *opaque)
{
	struct packet p;
	enum drop_reason why;
	if (oversize_fits(f, to)) {
		emit(opaque, f);
		return (struct oversize_result){ .verdict = OVERSIZE_EMITTED };
	}
	if (packet_begin(&p, f, f->ingress, arena, &why) < 0)
		return (struct oversize_result){ .verdict = OVERSIZE_DROPPED, .why = why };
	return oversize_pass(&p, to, emit, opaque);
}
