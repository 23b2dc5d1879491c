/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a frame through the segment: it enters, is checked and learned from, and goes to one port (segment.h). */
#include "base/log.h"
#include "base/macros.h"
#include "lan/offload.h"
#include "lan/oversize.h"
#include "lan/packet.h"
#include "lan/padding.h"
#include "lan/pinning.h"
#include "lan/segment_internal.h"
#include "lan/station_mtu.h"
#include "wire/eth.h"
#include "wire/loop_probe.h"

static void count_sent(struct segment *s, struct port *to, size_t len)
{
	if (list_empty(&to->dirty))
		list_append(&s->dirty, &to->dirty);
	to->counters.tx_frames++;
	to->counters.tx_bytes += len;
}

static void send_counted(struct passage *p, const struct frame *frame)
{
	count_sent(p->segment, p->to, frame->len);
	p->to->ops->send(p->to, p->now, frame);
}

/* A function of its own keeps segment_send_fitting() short.  Observers come first, because the gateway answers from within send(). */
__attribute__((noinline)) static void show_and_send(struct passage *p, enum observed how, const struct frame *frame)
{
	observers_frame(p->segment->observers, p->to, how, frame);
	send_counted(p, frame);
}

/* A function of its own, as above.  The gateway takes lengths from headers, so its frames are not padded. */
__attribute__((noinline)) static void segment_pad_and_send(struct passage *p, enum observed how, const struct frame *frame)
{
	struct segment *s = p->segment;
	struct iovec iov[PADDING_IOV_MAX];
	struct frame padded = *frame;
	if (p->to != s->gateway.port && padding_add(frame, &s->arena, iov, &padded) < 0)
		segment_drop(s, p->to, DROP_NO_MEMORY, frame);
	else
		show_and_send(p, how, &padded);
}

void segment_send_fitting(void *opaque, const struct frame *frame)
{
	struct passage *p = opaque;
	if (padding_is_needed(frame))
		segment_pad_and_send(p, OBSERVED_OUT, frame);
	else if (p->segment->observers)
		show_and_send(p, OBSERVED_OUT, frame);
	else
		send_counted(p, frame);
}

/* The gateway takes every frame whole, and all its frames are processed at once: there is nothing to make fit, and nothing to flush. */
static void hand_to_gateway(struct segment *s, usec_t now, struct packet *p)
{
	struct port *to = s->gateway.port;
	if (s->observers)
		observers_frame(s->observers, to, OBSERVED_OUT, p->frame);
	to->counters.tx_frames++;
	to->counters.tx_bytes += p->frame->len;
	s->gateway.input(s->gateway.opaque, now, p);
}

/* @flooded: @to may not be the port that the frame is meant for. */
void segment_output_packet(struct segment *s, usec_t now, struct port *to, struct packet *p, bool flooded)
{
	if (to == s->gateway.port && s->gateway.input) {
		hand_to_gateway(s, now, p);
		return;
	}
	if (p->frame->len > ETH_HEADER_LEN + ETH_MTU) {
		segment_output_long(s, now, to, p, flooded);
		return;
	}
	struct passage passage = { s, now, to };
	struct oversize_limits limits = oversize_limits_of(to);
	if (oversize_fits(p->frame, &limits))
		segment_send_fitting(&passage, p->frame);
	else
		segment_make_fit(&passage, &limits, p, flooded);
}

/* --- from port to port --- */

struct port *segment_find(struct segment *s, usec_t now, struct mac mac)
{
	if (s->gateway.port && mac_equal(mac, s->gateway.mac))
		return s->gateway.port;
	return fdb_find(&s->fdb, now, mac);
}

static void forward(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	struct mac dst = p->eth.dst;
	if (mac_is_group(dst)) {
		segment_forward_group(s, now, from, p);
		return;
	}
	struct port *to = segment_find(s, now, dst);
	if (!to)
		segment_flood(s, now, from, p);
	else if (to == from)
		segment_drop(s, from, DROP_HAIRPIN, p->frame);
	else if (segment_keeps_apart(from, to))
		segment_drop(s, from, DROP_ISOLATED, p->frame);
	else
		segment_output_packet(s, now, to, p, false);
}

/* --- what enters --- */

/* The first frame only: guests that bridge others send many. */
static void tell_of_pinned(struct segment *s, usec_t now, struct port *from, const struct packet *p)
{
	char mac[MAC_TEXT_SIZE], pinned[MAC_TEXT_SIZE];
	if (from->counters.drops.count[DROP_PINNED_MAC] > 0)
		return;
	mac_format(p->eth.src, mac);
	mac_format(from->pinned, pinned);
	if (mac_equal(p->eth.src, from->pinned))
		log_important(s->config.log, &from->log_limit, now, LOG_MATTER_CONFLICT,
			      "port %s: frame from %s dropped: its ARP, ND or DHCP shows another MAC, or cannot be checked", from->name,
			      mac);
	else
		log_important(
			s->config.log, &from->log_limit, now, LOG_MATTER_CONFLICT,
			"port %s: frame from %s dropped: this port is for the MAC %s only, which the guest's network card should have",
			from->name, mac, pinned);
}

/* Whether a port other than the gateway's may send @p; the reason when not. */
static bool is_acceptable(struct segment *s, usec_t now, struct port *from, struct packet *p, enum drop_reason *ret_why)
{
	struct mac src = p->eth.src;
	if (mac_is_group(src) || mac_is_zero(src)) {
		*ret_why = DROP_SOURCE_MAC;
		return false;
	}
	if (!mac_is_zero(from->pinned) && !pinning_allows(p, from->pinned)) {
		tell_of_pinned(s, now, from, p);
		*ret_why = DROP_PINNED_MAC;
		return false;
	}
	if (s->gateway.port && mac_equal(src, s->gateway.mac)) {
		loop_guard_suspect(&s->loops, now, from);
		*ret_why = DROP_GATEWAY_MAC;
		return false;
	}
	return !s->guard.admits || s->guard.admits(s->guard.opaque, now, p, ret_why);
}

static bool is_loop_probe(const struct packet *p)
{
	return p->eth.ethertype == LOOP_PROBE_ETHERTYPE && !packet_is_tagged(p);
}

/* For the first packet of a port, and for ports with a shaper; false when @p waits there. */
__attribute__((noinline)) static bool take_with_care(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	if (!from->loop.spoken) {
		loop_guard_spoken(&s->loops, now, from);
		snoop_spoken(&s->snoop, now, from);
	}
	from->is_plain = !from->shaper;
	bool passes_gateway = s->gateway.port && mac_equal(p->eth.dst, s->gateway.mac);
	return from->is_plain || shaping_admits(&s->shaping, now, from, p->frame, passes_gateway);
}

/* Checks a packet from a port other than the gateway's and learns its source; false when it goes no further. */
static bool take_from_port(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	if (!from->is_plain && !take_with_care(s, now, from, p))
		return false;
	if (is_loop_probe(p) && loop_guard_input(&s->loops, now, from, p->frame))
		return false;
	enum drop_reason why = DROP_LOOP;
	if (!loop_passes(&from->loop) || !is_acceptable(s, now, from, p, &why)) {
		if (why == DROP_MAC_CONFLICT || why == DROP_CLAIM_PENDING || why == DROP_GATEWAY_MAC)
			loop_guard_suspect(&s->loops, now, from); /* the MAC's own frames may have come around */
		segment_drop(s, from, why, p->frame);
		return false;
	}
	enum fdb_learned learned = fdb_learn(&s->fdb, now, p->eth.src, from);
	if (learned == FDB_FULL)
		segment_drop(s, from, DROP_FDB_FULL, p->frame);
	else if (learned == FDB_MOVED)
		loop_guard_suspect(&s->loops, now, from);
	if (learned != FDB_KNOWN && from->n_macs > 1 && list_empty(&from->hiding))
		list_append(&s->hiding, &from->hiding); /* it leads to a bridge */
	if (p->frame->len > ETH_HEADER_LEN + ETH_MTU)
		station_mtu_learn(&s->fdb, from, p);
	else if (station_mtu_may_be_syn(p))
		station_mtu_learn_from_syn(&s->fdb, p);
	return true;
}

static void count_len(struct segment *s, usec_t now, struct port *p, size_t len)
{
	s->now = now;
	p->counters.rx_frames++;
	p->counters.rx_bytes += len;
}

static void count_received(struct segment *s, usec_t now, struct port *p, const struct frame *frame)
{
	count_len(s, now, p, frame->len);
	if (s->observers)
		observers_frame(s->observers, p, OBSERVED_IN, frame);
}

static void enter(struct segment *s, usec_t now, struct port *from, const struct frame *frame, bool is_counted);

/* Completes a checksum inside a tunnel, so that all checks see the final bytes. */
static void complete_and_enter(struct segment *s, usec_t now, struct port *from, const struct frame *frame)
{
	struct iovec iov[FRAME_IOV_MAX];
	struct frame completed;
	if (offload_complete(frame, &s->arena, iov, &completed) < 0)
		segment_drop(s, from, DROP_NO_MEMORY, frame);
	else
		enter(s, now, from, &completed, true);
}

/* @frame does not go on with its offload metadata. */
__attribute__((noinline)) static void offload_found(struct segment *s, usec_t now, struct port *from, const struct frame *frame,
						    enum offload_verdict verdict)
{
	if (verdict == OFFLOAD_IN_TUNNEL)
		complete_and_enter(s, now, from, frame);
	else
		segment_drop(s, from, verdict == OFFLOAD_NO_MEMORY ? DROP_NO_MEMORY : DROP_OFFLOAD, frame);
}

/* What is lanlet's own, or what it joined, is true. */
static enum offload_verdict check_offload(bool is_own, struct packet *p)
{
	bool is_claimed = offload_is_wanted(p->frame) && !is_own && p->frame->joined == 0;
	return is_claimed ? offload_check(p) : OFFLOAD_TRUE;
}

/* @is_counted: @frame, or the frames that it was made of, have been counted and observed. */
static void enter(struct segment *s, usec_t now, struct port *from, const struct frame *frame, bool is_counted)
{
	struct packet p;
	enum drop_reason why;
	bool is_gateways = from == s->gateway.port;
	if (!is_counted)
		count_received(s, now, from, frame);
	if (packet_begin(&p, frame, is_gateways ? NULL : from, &s->arena, &why) < 0) {
		segment_drop(s, from, why, frame);
		return;
	}
	enum offload_verdict offload = check_offload(is_gateways, &p);
	if (offload != OFFLOAD_TRUE)
		offload_found(s, now, from, frame, offload);
	else if (is_gateways || take_from_port(s, now, from, &p))
		forward(s, now, from, &p);
}

void segment_input(struct segment *s, usec_t now, struct port *p, const struct frame *frame)
{
	enter(s, now, p, frame, false);
}

void segment_input_again(struct segment *s, usec_t now, struct port *p, const struct frame *frame)
{
	enter(s, now, p, frame, true);
}

void segment_enter_joined(void *opaque, const struct frame *frame)
{
	struct segment *s = opaque;
	enter(s, s->now, frame->ingress, frame, true);
}

static struct frame frame_from(struct port *p, struct iovec *iov, const void *bytes, size_t len)
{
	struct frame f = frame_of(iov, bytes, len);
	f.ingress = p;
	return f;
}

__attribute__((noinline)) static void show_received(struct segment *s, struct port *p, const void *bytes, size_t len)
{
	struct iovec iov;
	struct frame frame = frame_from(p, &iov, bytes, len);
	observers_frame(s->observers, p, OBSERVED_IN, &frame);
}

/* A function of its own, so that no struct frame is made for a frame that is joined. */
__attribute__((noinline)) static void enter_single(struct segment *s, usec_t now, struct port *p, const void *bytes, size_t len)
{
	struct iovec iov;
	struct frame frame = frame_from(p, &iov, bytes, len);
	enter(s, now, p, &frame, true);
}

void segment_input_batch(struct segment *s, usec_t now, struct port *p, const void *bytes, size_t len, bool more)
{
	count_len(s, now, p, len);
	if (s->observers)
		show_received(s, p, bytes, len);
	/* A frame that came alone has none to join and need not be parsed here. */
	bool may_join = s->gateway.port && (more || !gro_is_empty(&s->gro));
	if (!may_join || !gro_take(&s->gro, p, bytes, len))
		enter_single(s, now, p, bytes, len);
}

/* --- from the gateway and the switch itself --- */

void segment_output(struct segment *s, usec_t now, struct port *to, const struct frame *frame)
{
	struct passage passage = { s, now, to };
	struct oversize_limits limits = oversize_limits_of(to);
	count_received(s, now, s->gateway.port, frame);
	if (!loop_passes(&to->loop)) {
		segment_drop(s, to, DROP_LOOP, frame);
		return;
	}
	if (oversize_fits(frame, &limits)) {
		segment_send_fitting(&passage, frame);
		return;
	}
	struct oversize_result r = oversize_pass_frame(frame, &limits, &s->arena, segment_send_fitting, &passage);
	if (r.verdict != OVERSIZE_EMITTED)
		segment_drop(s, to, r.why, frame);
}

/* Shows @frame as @to will send it: a lent room is padded by the port. */
static void show_committed(struct segment *s, const struct port *to, const struct frame *frame)
{
	struct iovec iov[PADDING_IOV_MAX];
	struct frame padded;
	if (padding_add(frame, &s->arena, iov, &padded) == 0)
		observers_frame(s->observers, to, OBSERVED_OUT, &padded);
}

void segment_commit(struct segment *s, usec_t now, struct port *from, struct port *p, const struct frame *frames, unsigned k)
{
	for (unsigned i = 0; i < k; i++) {
		from->counters.rx_frames++;
		from->counters.rx_bytes += frames[i].len;
		if (s->observers) {
			observers_frame(s->observers, from, OBSERVED_IN, &frames[i]);
			show_committed(s, p, &frames[i]);
		}
		count_sent(s, p, MAX(frames[i].len, (size_t)ETH_FRAME_MIN));
	}
	p->ops->commit(p, now, frames, k);
}

void segment_send_own(void *opaque, usec_t now, struct port *p, const void *bytes, size_t len)
{
	struct segment *s = opaque;
	const void *copy = arena_copy(&s->arena, bytes, len);
	if (!copy) {
		segment_drop(s, p, DROP_NO_MEMORY, NULL);
		return;
	}
	struct iovec iov;
	struct frame f = frame_of(&iov, copy, len);
	segment_pad_and_send(&(struct passage){ s, now, p }, OBSERVED_OWN, &f);
}

void segment_send(struct segment *s, usec_t now, struct port *p, const void *bytes, size_t len)
{
	segment_send_own(s, now, p, bytes, len);
}
