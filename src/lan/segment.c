/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/segment.h"

#include "base/log.h"
#include "base/macros.h"
#include "lan/offload.h"
#include "lan/oversize.h"
#include "lan/packet.h"
#include "lan/padding.h"
#include "lan/pinning.h"
#include "lan/station_mtu.h"
#include "wire/eth.h"
#include "wire/loop_probe.h"

/* Memory for headers and answers of one turn.  A batch of a port needs less. */
#define ARENA_BYTES_PER_TURN ((size_t)64 * 1024 * 1024)

void segment_done(struct segment *s)
{
	if (!s->ports.next)
		return;
	assert(list_empty(&s->ports));
	fdb_done(&s->fdb);
	arena_done(&s->arena);
}

void segment_observe(struct segment *s, struct observer *o)
{
	observers_add(&s->observers, o);
}

void segment_unobserve(struct segment *s, struct observer *o)
{
	observers_remove(&s->observers, o);
}

/* --- ports --- */

void segment_set_gateway(struct segment *s, const struct segment_gateway *gateway)
{
	s->gateway = *gateway;
	snoop_set_querier(&s->snoop, gateway->mac, gateway->ip);
	segment_attach(s, gateway->port);
}

void segment_settle_port(struct segment *s, struct port *p)
{
	switch (p->guard) {
	case PORT_GUARD_DEFAULT: p->guarded = !s->config.unguarded && !p->uplink; break;
	case PORT_GUARD_ON: p->guarded = true; break;
	case PORT_GUARD_OFF: p->guarded = false; break;
	}
	list_remove(&p->server);
	if (p->uplink || p->may_serve_dhcp || !p->guarded)
		list_append(&s->servers, &p->server);
	if (shaping_settle(&s->shaping, p) < 0)
		log_error(s->config.log, "port %s: no memory to limit its bandwidth", p->name);
}

void segment_heard(struct segment *s, struct port *p)
{
	if (!p->uplink && p->n_macs <= 1)
		list_remove(&p->hiding);
}

void segment_set_unguarded(struct segment *s, bool unguarded)
{
	s->config.unguarded = unguarded;
	list_for_each(node, &s->ports)
		segment_settle_port(s, container_of(node, struct port, node));
}

void segment_set_bandwidth(struct segment *s, const struct bandwidth *limit)
{
	s->shaping.limit = *limit;
	list_for_each(node, &s->ports)
		segment_settle_port(s, container_of(node, struct port, node));
}

void segment_set_guard(struct segment *s, const struct segment_guard *guard)
{
	s->guard = guard ? *guard : (struct segment_guard){ 0 };
}

void segment_attach(struct segment *s, struct port *p)
{
	p->segment = s;
	p->id = ++s->last_port_id;
	p->isolated |= s->config.isolate && !p->uplink;
	segment_settle_port(s, p);
	list_append(&s->ports, &p->node);
	if (p != s->gateway.port)
		list_append(&s->hiding, &p->hiding);
	s->n_ports++;
	snoop_attached(&s->snoop, p);
	if (p != s->gateway.port)
		loop_guard_attached(&s->loops, p);
}

static void record(struct segment *s, usec_t now, const struct port *p, enum segment_change what)
{
	const struct segment_journal *j = &s->config.journal;
	if (j->changed)
		j->changed(j->opaque, now, p, what);
}

void segment_detach(struct segment *s, usec_t now, struct port *p)
{
	assert(gro_is_empty(&s->gro));
	observers_port_gone(s->observers, p);
	log_limit_end(s->config.log, &p->log_limit);
	shaping_detach(p);
	fdb_forget(&s->fdb, p);
	snoop_detached(&s->snoop, p);
	list_remove(&p->node);
	list_remove(&p->dirty);
	list_remove(&p->server);
	list_remove(&p->hiding);
	p->segment = NULL;
	s->n_ports--;
	loop_guard_detached(&s->loops, now, p);
	if (p == s->gateway.port)
		return;
	if (s->guard.detached)
		s->guard.detached(s->guard.opaque, now, p);
	record(s, now, p, SEGMENT_PORT_DETACHED);
}

void segment_drop(struct segment *s, struct port *p, enum drop_reason why, const struct frame *frame)
{
	struct drop_example *example = &s->drop_examples[why];
	unsigned n = frame && frame->joined > 0 ? frame->joined : 1;
	if (s->drops.count[why] == 0)
		s->has_first_drop = true;
	s->drops.count[why] += n;
	if (p)
		p->counters.drops.count[why] += n;
	example->when = s->now;
	example->len = frame ? frame->len : 0;
	memcpy(example->port, p ? p->name : "", p ? sizeof(example->port) : 1);
	if (frame)
		frame_copy(frame, 0, example->head, sizeof(example->head));
	if (s->observers)
		observers_drop(s->observers, p, why, frame);
}

/* What send_fitting() needs to know. */
struct passage {
	struct segment *segment;
	usec_t now;
	struct port *to;
};

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

/* A function of its own keeps send_fitting() short.  Observers come first, because the gateway answers from within send(). */
__attribute__((noinline)) static void show_and_send(struct passage *p, enum observed how, const struct frame *frame)
{
	observers_frame(p->segment->observers, p->to, how, frame);
	send_counted(p, frame);
}

/* A function of its own, as above.  The gateway takes lengths from headers, so its frames are not padded. */
__attribute__((noinline)) static void pad_and_send(struct passage *p, enum observed how, const struct frame *frame)
{
	struct segment *s = p->segment;
	struct iovec iov[PADDING_IOV_MAX];
	struct frame padded = *frame;
	if (p->to != s->gateway.port && padding_add(frame, &s->arena, iov, &padded) < 0)
		segment_drop(s, p->to, DROP_NO_MEMORY, frame);
	else
		show_and_send(p, how, &padded);
}

static void send_fitting(void *opaque, const struct frame *frame)
{
	struct passage *p = opaque;
	if (padding_is_needed(frame))
		pad_and_send(p, OBSERVED_OUT, frame);
	else if (p->segment->observers)
		show_and_send(p, OBSERVED_OUT, frame);
	else
		send_counted(p, frame);
}

/* A function of its own keeps output() short. */
__attribute__((noinline)) static void make_fit(struct passage *passage, const struct oversize_limits *limits, struct packet *p,
					       bool flooded)
{
	struct segment *s = passage->segment;
	struct oversize_result r = oversize_pass(p, limits, send_fitting, passage);
	if (r.verdict != OVERSIZE_EMITTED)
		segment_drop(s, passage->to, r.why, p->frame);
	if (r.verdict == OVERSIZE_TOO_BIG && !flooded && p->port && s->gateway.too_big)
		s->gateway.too_big(s->gateway.opaque, passage->now, p, r.mtu);
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

/* Whether @p is limited by its receiver's MTU, and not by its MSS as all TCP is (RFC 9293 §3.7.1). */
static bool follows_mtu(struct packet *p)
{
	return packet_ip(p) == 0 && (p->protocol != IP_PROTOCOL_TCP || packet_is_fragment(p));
}

static bool is_tcp_super(const struct frame *f)
{
	return f->gso == FRAME_GSO_TCP4 || f->gso == FRAME_GSO_TCP6;
}

/* The largest IP packet that the station which @p is for has shown to take; @flooded: any station behind @to. */
static size_t shown_mtu(struct segment *s, const struct port *to, const struct packet *p, bool flooded)
{
	return MAX(to->agreed_mtu, flooded ? to->shown_mtu : fdb_mtu(&s->fdb, p->eth.dst));
}

/*
 * @p has more than ETH_MTU bytes behind its Ethernet header.  What a port takes, the network card behind it may not: QEMU's take
 * everything from the socket and drop what is too long for them.  So an IP packet goes only to a station that has shown to take it.
 */
__attribute__((noinline)) static void output_long(struct segment *s, usec_t now, struct port *to, struct packet *p, bool flooded)
{
	struct passage passage = { s, now, to };
	struct oversize_limits limits = oversize_limits_of(to);
	if (!is_tcp_super(p->frame)) {
		size_t limit = p->l3_offset + shown_mtu(s, to, p, flooded);
		if ((p->frame->len > limit || p->frame->gso != FRAME_GSO_NONE) && follows_mtu(p))
			limits.max_frame = MIN(limits.max_frame, limit);
	}
	if (oversize_fits(p->frame, &limits))
		send_fitting(&passage, p->frame);
	else
		make_fit(&passage, &limits, p, flooded);
}

/* @flooded: @to may not be the port that the frame is meant for. */
static void output(struct segment *s, usec_t now, struct port *to, struct packet *p, bool flooded)
{
	if (to == s->gateway.port && s->gateway.input) {
		hand_to_gateway(s, now, p);
		return;
	}
	if (p->frame->len > ETH_HEADER_LEN + ETH_MTU) {
		output_long(s, now, to, p, flooded);
		return;
	}
	struct passage passage = { s, now, to };
	struct oversize_limits limits = oversize_limits_of(to);
	if (oversize_fits(p->frame, &limits))
		send_fitting(&passage, p->frame);
	else
		make_fit(&passage, &limits, p, flooded);
}

/* Isolated ports, as of the kernel's bridge. */
static bool are_kept_apart(const struct port *a, const struct port *b)
{
	return a->isolated && b->isolated;
}

/* Whether what @from sends to many may go to @to. */
static bool reaches(const struct port *from, const struct port *to)
{
	return to != from && loop_passes(&to->loop) && !are_kept_apart(from, to);
}

static bool may_flood_many(const struct segment *s, usec_t now, struct port *from, unsigned n)
{
	return from == s->gateway.port || storm_take(&from->storm, now, s->config.storm_limit, n);
}

/* A super-frame counts as its segments. */
static bool may_flood(const struct segment *s, usec_t now, struct port *from, const struct frame *frame)
{
	unsigned n = frame->gso == FRAME_GSO_NONE || frame->gso_size == 0 ? 1 : 1 + (unsigned)(frame->len / frame->gso_size);
	return may_flood_many(s, now, from, n);
}

bool segment_may_flood(const struct segment *s, usec_t now, struct port *from)
{
	return may_flood_many(s, now, from, 1);
}

static void spare(struct segment *s, struct port *to, const struct frame *frame)
{
	to->n_spared += frame->joined > 0 ? frame->joined : 1;
	segment_drop(s, to, DROP_PORT_FULL, frame);
}

/* @group is NULL with SNOOP_ROUTERS. */
static void distribute(struct segment *s, usec_t now, struct port *from, struct packet *p, enum snoop_verdict verdict,
		       const struct ip_addr *group)
{
	list_for_each(node, &s->ports) {
		struct port *to = container_of(node, struct port, node);
		if (!reaches(from, to) || (verdict != SNOOP_FLOOD && !snoop_wants(now, to, group)))
			continue;
		/* A storm must not displace frames that the guest asked for. */
		if (to->crowded)
			spare(s, to, p->frame);
		else
			output(s, now, to, p, true);
	}
}

static void flood(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	if (!may_flood(s, now, from, p->frame)) {
		segment_drop(s, from, DROP_STORM, p->frame);
		return;
	}
	distribute(s, now, from, p, SNOOP_FLOOD, NULL);
}

/* @to is one of the ports that have a use for @p, which was sent to all. */
static void pass_to(struct segment *s, usec_t now, struct port *from, struct port *to, struct packet *p)
{
	if (reaches(from, to))
		output(s, now, to, p, true);
}

/* False when @p is for all. */
static bool pass_to_audience(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	struct port *to;
	if (!s->guard.audience || from == s->gateway.port)
		return false;
	switch (s->guard.audience(s->guard.opaque, now, p, &to)) {
	case SEGMENT_ALL: return false;
	case SEGMENT_ONE: pass_to(s, now, from, to, p); return true;
	case SEGMENT_DHCP_SERVERS:
		list_for_each(node, &s->servers)
			pass_to(s, now, from, container_of(node, struct port, server), p);
		return true;
	}
	return false;
}

static void forward_group(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	struct ip_addr group;
	if (pass_to_audience(s, now, from, p))
		return;
	enum snoop_verdict verdict = snoop_input(&s->snoop, now, from, p, &group);
	if (verdict == SNOOP_FLOOD)
		flood(s, now, from, p);
	else
		distribute(s, now, from, p, verdict, verdict == SNOOP_MEMBERS ? &group : NULL);
}

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

struct port *segment_find(struct segment *s, usec_t now, struct mac mac)
{
	if (s->gateway.port && mac_equal(mac, s->gateway.mac))
		return s->gateway.port;
	return fdb_find(&s->fdb, now, mac);
}

size_t segment_mtu(struct segment *s, usec_t now, struct mac mac)
{
	const struct port *p = segment_find(s, now, mac);
	return p ? MIN(MAX(p->agreed_mtu, fdb_mtu(&s->fdb, mac)), p->max_frame - ETH_HEADER_LEN) : ETH_MTU;
}

void segment_forget_mtu(struct segment *s, struct mac mac)
{
	struct port *p = fdb_find(&s->fdb, s->now, mac);
	fdb_forget_mtu(&s->fdb, mac);
	if (p && p->n_macs == 1)
		p->shown_mtu = ETH_MTU;
}

static void forward(struct segment *s, usec_t now, struct port *from, struct packet *p)
{
	struct mac dst = p->eth.dst;
	if (mac_is_group(dst)) {
		forward_group(s, now, from, p);
		return;
	}
	struct port *to = segment_find(s, now, dst);
	if (!to)
		flood(s, now, from, p);
	else if (to == from)
		segment_drop(s, from, DROP_HAIRPIN, p->frame);
	else if (are_kept_apart(from, to))
		segment_drop(s, from, DROP_ISOLATED, p->frame);
	else
		output(s, now, to, p, false);
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

static void enter_from_gro(void *opaque, const struct frame *frame)
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
		send_fitting(&passage, frame);
		return;
	}
	struct oversize_result r = oversize_pass_frame(frame, &limits, &s->arena, send_fitting, &passage);
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

void segment_flush(struct segment *s, usec_t now)
{
	if (!gro_is_empty(&s->gro))
		gro_flush(&s->gro);
	if (s->gateway.port)
		s->gateway.flush(s->gateway.opaque, now);
	while (!list_empty(&s->dirty)) {
		struct port *p = container_of(s->dirty.next, struct port, dirty);
		list_remove(&p->dirty);
		p->ops->flush(p, now);
	}
	arena_reset(&s->arena);
	if (s->observers)
		observers_turn_ends(s->observers);
	if (s->config.journal.turn_ends)
		s->config.journal.turn_ends(s->config.journal.opaque, now);
}

void segment_port_writable(struct segment *s, usec_t now, struct port *p)
{
	if (s->gateway.port && !port_is_busy(p))
		s->gateway.writable(s->gateway.opaque, now, p);
}

/* --- frames of the switch itself --- */

static void send_to_port(void *opaque, usec_t now, struct port *p, const void *bytes, size_t len)
{
	struct segment *s = opaque;
	const void *copy = arena_copy(&s->arena, bytes, len);
	if (!copy) {
		segment_drop(s, p, DROP_NO_MEMORY, NULL);
		return;
	}
	struct iovec iov;
	struct frame f = frame_of(&iov, copy, len);
	pad_and_send(&(struct passage){ s, now, p }, OBSERVED_OWN, &f);
}

void segment_send(struct segment *s, usec_t now, struct port *p, const void *bytes, size_t len)
{
	send_to_port(s, now, p, bytes, len);
}

static void port_blocked(void *opaque, usec_t now, struct port *p, bool again)
{
	struct segment *s = opaque;
	char why[LOOP_TEXT_SIZE];
	fdb_forget(&s->fdb, p);
	if (again)
		return;
	log_important(s->config.log, &p->log_limit, now, LOG_MATTER_LOOP, "port %s: %s", p->name,
		      loop_guard_describe(&s->loops, now, p, why));
	record(s, now, p, SEGMENT_PORT_BLOCKED);
}

static void port_unblocked(void *opaque, usec_t now, struct port *p)
{
	struct segment *s = opaque;
	log_limited(s->config.log, &p->log_limit, now, LOG_LEVEL_INFO, "port %s: the loop is gone, forwarding again", p->name);
	record(s, now, p, SEGMENT_PORT_UNBLOCKED);
}

/* --- frames that waited for a limit of bandwidth --- */

static void enter_late(void *opaque, usec_t now, struct port *p, const struct frame *frame)
{
	enter(opaque, now, p, frame, true);
}

static void drop_late(void *opaque, struct port *p, enum drop_reason why, const struct frame *frame)
{
	segment_drop(opaque, p, why, frame);
}

static void writable_again(void *opaque, usec_t now, struct port *p)
{
	segment_port_writable(opaque, now, p);
}

static void is_dirty(void *opaque, struct port *p)
{
	struct segment *s = opaque;
	if (list_empty(&p->dirty))
		list_append(&s->dirty, &p->dirty);
}

static const struct shaping_ops shaping_ops = {
	.enter = enter_late,
	.drop = drop_late,
	.writable = writable_again,
	.dirty = is_dirty,
};

static const struct snoop_ops snoop_ops = { .send = send_to_port };

static const struct loop_guard_ops loop_ops = {
	.send = send_to_port,
	.blocked = port_blocked,
	.unblocked = port_unblocked,
};

/* A segment without a gateway sends probes from a locally administered MAC (IEEE 802-2014 §8.4). */
static struct mac probe_mac(const struct segment *s)
{
	if (s->gateway.port)
		return s->gateway.mac;
	uint64_t id = s->loops.id;
	return (struct mac){ { 0x02, (uint8_t)(id >> 32), (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id } };
}

usec_t segment_deadline(const struct segment *s)
{
	return usec_min(shaping_deadline(&s->shaping), usec_min(loop_guard_deadline(&s->loops), snoop_deadline(&s->snoop)));
}

void segment_expire(struct segment *s, usec_t now)
{
	shaping_expire(&s->shaping, now);
	loop_guard_expire(&s->loops, now, probe_mac(s));
	snoop_expire(&s->snoop, now);
}

int segment_init(struct segment *s, const struct segment_config *config)
{
	struct segment fresh = { .config = *config };
	*s = fresh;
	fdb_init(&s->fdb, &config->hash_key);
	list_init(&s->ports);
	list_init(&s->dirty);
	list_init(&s->servers);
	list_init(&s->hiding);
	loop_guard_init(&s->loops, &config->hash_key, &s->ports, &loop_ops, s);
	snoop_init(&s->snoop, config->snooping, &s->ports, &snoop_ops, s);
	arena_init(&s->arena, ARENA_BYTES_PER_TURN);
	shaping_init(&s->shaping, &s->arena, &shaping_ops, s);
	gro_init(&s->gro, &s->gateway.mac, &s->arena, enter_from_gro, s);
	return 0;
}
