/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP flows: events that wake them, the machine's actions, and their end.
 *
 * System calls of a short connection that a guest opens, besides those for frames: socket, connect, epoll_ctl, send, recv (peek),
 * shutdown, recv (discard), recv (end of file), close; and six setsockopt, for the sender of ICMP errors, urgent data in the stream, a
 * reset instead of a FIN when the flow is cut, and others' use of the port in TIME_WAIT.
 */
#include "engine/native/tcp.h"

#include "base/macros.h"
#include "engine/native/limits.h"
#include "lan/frame.h"
#include "lan/packet.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define MEMORY_PAUSE (10 * USEC_PER_MSEC) /* until a flow that got no memory tries again */

static void drop(struct engine *e, enum drop_reason why, const struct packet *p)
{
	e->config.env->ops->drop(e->config.env, why, p);
}

/* --- the end --- */

static void half_open_ended(struct native_tcp *t)
{
	if (!t->half_open)
		return;
	t->half_open = false;
	list_remove(&t->of_half_open);
	native_refund(&t->base, &(struct account){ .n_connecting = 1 });
}

void native_tcp_finish(struct native_tcp *t)
{
	half_open_ended(t);
	native_tcp_upload_done(t);
	native_flow_remove(&t->base);
	free(t);
}

static void reset_host(struct native_tcp *t)
{
	native_tcp_cut_on_close(t, true);
	native_flow_close(&t->base);
}

/* Both directions have ended: what the guest sent last, and its FIN, still go out. */
static void close_host(struct native_tcp *t)
{
	native_tcp_discard(t);
	native_tcp_cut_on_close(t, false);
	native_flow_close(&t->base);
}

static void tcp_abandon(struct native_flow *f, usec_t now)
{
	struct native_tcp *t = native_tcp_of(f);
	if (t->opening)
		t->opening->failed(t->opening, now, EHOSTUNREACH);
	reset_host(t);
	native_tcp_finish(t);
}

/* --- actions --- */

static void download(struct native_tcp *t, usec_t now, const struct tcp_action *a)
{
	t->retransmits += a->again;
	switch (native_tcp_download(t, now, a)) {
	case NATIVE_DOWNLOAD_DONE: return;
	case NATIVE_DOWNLOAD_BLOCKED:
		tcp_flow_guest_blocked(&t->tcp, true);
		native_flow_block(&t->base);
		return;
	case NATIVE_DOWNLOAD_NO_MEMORY:
		tcp_flow_guest_blocked(&t->tcp, true);
		wheel_arm_by(&t->base.engine->wheel, &t->base.timer, now + MEMORY_PAUSE);
		return;
	case NATIVE_DOWNLOAD_FAILED:
		t->failed = false;
		tcp_flow_host_reset(&t->tcp, now);
		return;
	}
}

/* False when the flow has ended. */
static bool perform(struct native_tcp *t, usec_t now, struct tcp_action *a)
{
	switch (a->type) {
	case TCP_ACTION_NONE: break;
	case TCP_ACTION_SEGMENT: native_output_tcp(t->base.engine, now, t->base.guest, &t->base.flow.key, &a->header); break;
	case TCP_ACTION_DATA: download(t, now, a); break;
	case TCP_ACTION_CONSUME: native_tcp_consume(t, a->len); break;
	case TCP_ACTION_SHUTDOWN: native_tcp_shut(t); break;
	case TCP_ACTION_KEEPALIVE: break; /* native_tcp_confirm() has probed the peer */
	case TCP_ACTION_ABORT: reset_host(t); break;
	case TCP_ACTION_RELEASE: close_host(t); break;
	case TCP_ACTION_END:
		close_host(t);
		native_tcp_finish(t);
		return false;
	}
	return true;
}

static bool act(struct native_tcp *t, usec_t now)
{
	struct tcp_action a;
	while (tcp_flow_next(&t->tcp, now, &a)) {
		if (a.type == TCP_ACTION_DATA && t->base.engine->turn_bytes >= NATIVE_TURN_BYTES) {
			native_flow_wake(&t->base);
			break;
		}
		if (!perform(t, now, &a))
			return false;
	}
	return true;
}

/* The guest's handshake is complete. */
static void handshake_done(struct native_tcp *t, usec_t now)
{
	half_open_ended(t);
	int r = t->local && t->tcp.state != TCP_STATE_CLOSED ? native_tcp_connect_service(t, now) : 0;
	if (native_is_shortage(-r)) {
		t->base.engine->refused++;
		drop(t->base.engine, DROP_ENGINE_LIMIT, NULL);
	}
	if (r < 0)
		tcp_flow_host_reset(&t->tcp, now);
}

static void tcp_run(struct native_flow *f, usec_t now)
{
	struct native_tcp *t = native_tcp_of(f);
	tcp_flow_guest_blocked(&t->tcp, false);
	if (t->half_open && t->tcp.state >= TCP_STATE_ESTABLISHED)
		handshake_done(t, now);
	if (t->opening && t->tcp.state >= TCP_STATE_ESTABLISHED)
		native_tcp_answered(t, now);
	if (f->watch.fd >= 0 && !native_tcp_upload(t, now))
		t->failed = true;
	native_tcp_confirm(t, now);
	if (!act(t, now))
		return;
	if (t->failed) {
		t->failed = false;
		tcp_flow_host_reset(&t->tcp, now);
		if (!act(t, now))
			return;
	}
	wheel_arm_by(&f->engine->wheel, &f->timer, tcp_flow_deadline(&t->tcp));
}

static void tcp_timer_fired(struct native_flow *f, usec_t now)
{
	tcp_flow_expire(&native_tcp_of(f)->tcp, now);
}

void native_tcp_stop(struct engine *e, usec_t now)
{
	const struct flow_table *table = &e->tables[NATIVE_TCP];
	for (struct flow *f = flow_table_from(table, 0); f; f = flow_table_from(table, f->index + 1)) {
		struct native_tcp *t = native_tcp_of(container_of(f, struct native_flow, flow));
		if (t->opening)
			continue; /* the caller cancels it */
		tcp_flow_host_reset(&t->tcp, now);
		native_flow_wake(&t->base);
	}
}

static void tcp_describe(const struct native_flow *f, struct engine_flow *flow)
{
	const struct native_tcp *t = container_of(f, const struct native_tcp, base);
	flow->protocol = IP_PROTOCOL_TCP;
	flow->state = tcp_state_name(t->tcp.state);
	flow->n_peers = 1;
	flow->rtt_us = t->tcp.srtt_us;
	flow->retransmits = t->retransmits;
}

static size_t tcp_held(const struct native_flow *f)
{
	return container_of(f, const struct native_tcp, base)->hold.size;
}

const struct native_kind_ops native_tcp_ops = {
	.run = tcp_run,
	.timer_fired = tcp_timer_fired,
	.describe = tcp_describe,
	.abandon = tcp_abandon,
	.held = tcp_held,
};

/* --- the host side's events --- */

void native_tcp_ready(struct watch *w, usec_t now, unsigned events)
{
	struct native_tcp *t = native_tcp_of(container_of(w, struct native_flow, watch));
	if (t->tcp.state == TCP_STATE_CONNECTING)
		native_tcp_connecting(t, now, events);
	else if (events & POLL_EVENT_ERROR)
		t->failed = true;
	if (events & POLL_EVENT_OUT)
		t->writable = true;
	if (events & POLL_EVENT_PEER_SHUT)
		t->peer_shut = true;
	if (events & POLL_EVENT_PRI)
		t->marked = true;
	if (events & (POLL_EVENT_IN | POLL_EVENT_PEER_SHUT | POLL_EVENT_ERROR)) {
		native_tcp_edge(t);
		tcp_flow_host_readable(&t->tcp);
	}
	native_flow_wake(&t->base);
}

/* --- the guest's segments --- */

static void no_flow(struct engine *e, usec_t now, struct guest *guest, const struct flow_key *key, const struct tcp_header *h, uint32_t len)
{
	struct tcp_header reset;
	if (tcp_reset_for(h, len, &reset))
		native_output_tcp(e, now, guest, key, &reset);
}

struct native_tcp *native_tcp_find(struct engine *e, const struct flow_key *key)
{
	struct flow *f = flow_table_find(&e->tables[NATIVE_TCP], key);
	return f ? native_tcp_of(container_of(f, struct native_flow, flow)) : NULL;
}

/* Handles a segment of an existing flow; false when the flow was ended in favour of a new one. */
static bool segment_arrived(struct native_tcp *t, usec_t now, const struct packet *p, const struct tcp_header *h, uint32_t len)
{
	struct tcp_take take;
	uint32_t held = t->tcp.held;
	if (len > 0 && native_tcp_over_budget(t)) {
		drop(t->base.engine, DROP_ENGINE_LIMIT, p);
		return true;
	}
	if (t->tcp.state == TCP_STATE_CONNECTING && h->flags & TCP_SYN)
		native_tcp_syn_repeated(t, packet_hop_limit(p));
	switch (tcp_flow_segment(&t->tcp, now, h, len, &take)) {
	case TCP_VERDICT_REOPEN:
		native_tcp_discard(t);
		native_tcp_finish(t);
		return false;
	case TCP_VERDICT_RESET: no_flow(t->base.engine, now, t->base.guest, &t->base.flow.key, h, len); break;
	case TCP_VERDICT_DONE: break;
	}
	if (take.len > 0 && native_tcp_keep(t, p, p->l4_offset + h->header_len + take.skip, &take, held) < 0)
		t->failed = true;
	native_flow_wake(&t->base);
	return true;
}

void native_tcp_input(struct engine *e, usec_t now, const struct packet *p)
{
	size_t head_len = MIN(p->l4_len, (size_t)TCP_HEADER_MAX);
	const uint8_t *head = frame_linear(p->frame, p->l4_offset, head_len, p->arena);
	struct bytes_reader r = bytes_reader(head, head ? head_len : 0);
	struct tcp_header h;
	if (tcp_parse(&r, &h) < 0) {
		drop(e, DROP_TCP_MALFORMED, p);
		return;
	}
	/* Port 0 stands for no port (RFC 6335 §6); an answer could not be told from one to nobody. */
	if (h.src_port == 0) {
		drop(e, DROP_TCP_MALFORMED, p);
		return;
	}
	if (!native_checksum_is_right(e, p, p->l4_len, DROP_TCP_MALFORMED))
		return;
	struct flow_key key = { .guest = { p->src, h.src_port }, .remote = { p->dst, h.dst_port } };
	uint32_t len = (uint32_t)(p->l4_len - h.header_len);
	struct native_tcp *t = native_tcp_find(e, &key);
	if (t && segment_arrived(t, now, p, &h, len))
		return;
	if ((h.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN)
		native_tcp_accept(e, now, p, &key, &h);
	else
		no_flow(e, now, p->guest, &key, &h, len);
}
