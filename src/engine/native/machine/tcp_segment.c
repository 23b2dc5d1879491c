/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processing of a guest's segment: RFC 9293 §3.10.7 with the checks of RFC 5961 and RFC 7323 §5. */
#include "engine/native/machine/tcp_internal.h"

#define PAUSE (1 * USEC_PER_SEC) /* the guest does something else now: its ACKs may be delayed again */

static void guest_reset(struct tcp_flow *f)
{
	/* A RST of the guest resets the host side; the guest gets no answer. */
	f->held = 0;
	f->abort_due = true;
	tcp_flow_closed(f);
}

static void in_connecting(struct tcp_flow *f, const struct tcp_header *h)
{
	/* The guest gave up or reused its port. A repeated SYN is answered once the host side is open. */
	bool reset = (h->flags & TCP_RST) && (h->seq == f->rcv_nxt || h->seq == f->irs);
	if (reset)
		guest_reset(f);
	if ((h->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && h->seq != f->irs) {
		tcp_receive_init(f, h);
		tcp_send_options(f, h, f->our_mss);
	}
}

static void established(struct tcp_flow *f, usec_t now, const struct tcp_header *h)
{
	f->state = TCP_STATE_ESTABLISHED;
	f->snd_wnd = f->max_wnd = (uint32_t)h->window << (h->flags & TCP_SYN ? 0 : f->snd_scale);
	f->snd_wl1 = h->seq;
	f->snd_wl2 = h->ack;
	f->snd_una = h->ack;
	f->rexmit_nxt = f->lost_end = h->ack;
	tcp_timers_progress(f, now, h->ack);
}

/* RFC 9293 §3.10.7.3 */
static enum tcp_verdict in_syn_sent(struct tcp_flow *f, usec_t now, const struct tcp_header *h)
{
	if ((h->flags & TCP_ACK) && h->ack != f->snd_nxt)
		return h->flags & TCP_RST ? TCP_VERDICT_DONE : TCP_VERDICT_RESET;
	if (h->flags & TCP_RST) {
		if (h->flags & TCP_ACK)
			guest_reset(f);
		return TCP_VERDICT_DONE;
	}
	if (!(h->flags & TCP_SYN))
		return TCP_VERDICT_DONE;
	tcp_receive_init(f, h);
	tcp_send_options(f, h, f->our_mss);
	if (h->flags & TCP_ACK) {
		established(f, now, h);
		f->host_ready = true; /* bytes that arrived before the descriptor was watched caused no event */
		tcp_ack_now(f);
	} else {
		f->state = TCP_STATE_SYN_RECEIVED; /* simultaneous open (RFC 9293 §3.5) */
		f->syn_due = true;
	}
	return TCP_VERDICT_DONE;
}

/* PAWS (RFC 7323 §5.3): true when the segment is from an earlier wrap of the sequence numbers. */
static bool is_too_old(struct tcp_flow *f, const struct tcp_header *h)
{
	return f->ts_ok && h->has_timestamps && !(h->flags & TCP_RST) && seq_lt(h->ts_value, f->ts_recent);
}

static void remember_timestamp(struct tcp_flow *f, const struct tcp_header *h)
{
	/* Last.ACK.sent is rcv_nxt less the bytes not acknowledged yet (RFC 7323 §4.3). */
	if (f->ts_ok && h->has_timestamps && seq_le(h->seq, f->rcv_nxt - f->unacked))
		f->ts_recent = h->ts_value;
}

/* A keepalive probe: no byte or one, just before rcv_nxt (RFC 9293 §3.8.4). */
static bool note_keepalive(struct tcp_flow *f, const struct tcp_header *h, uint32_t len)
{
	if (h->seq + 1 != f->rcv_nxt || len > 1 || f->state != TCP_STATE_ESTABLISHED || f->unacked > 0)
		return false;
	f->keepalive_due = true;
	tcp_ack_confirmed(f);
	return true;
}

static void out_of_window(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len)
{
	if (h->flags & TCP_RST)
		return;
	bool keepalive = note_keepalive(f, h, len);
	if (!is_too_old(f, h))
		remember_timestamp(f, h); /* else our copy would become too old when the guest sends only probes for long (RFC 7323 §5.5) */
	if (f->state == TCP_STATE_SYN_RECEIVED && (h->flags & TCP_SYN) && h->seq == f->irs)
		f->syn_due = true; /* our SYN-ACK was lost */
	else if (h->flags & TCP_FIN)
		tcp_ack_now(f);
	else if (len > 0 && !keepalive)
		tcp_receive_repeated(f, h->seq + len);
	else if (!keepalive)
		tcp_receive_challenge(f, now);
	if (f->state == TCP_STATE_TIME_WAIT && (h->flags & TCP_FIN))
		tcp_flow_enter_time_wait(f, now);
	/* Its ACK of our data is valid all the same, unless the segment is a probe. */
	if ((h->flags & (TCP_ACK | TCP_SYN)) == TCP_ACK && f->state >= TCP_STATE_ESTABLISHED && f->state != TCP_STATE_TIME_WAIT)
		tcp_send_ack_received(f, now, h, len);
}

static void reset_received(struct tcp_flow *f, usec_t now, const struct tcp_header *h)
{
	if (f->state == TCP_STATE_TIME_WAIT)
		return; /* RFC 1337 */
	if (h->seq == f->rcv_nxt)
		guest_reset(f);
	else
		tcp_receive_challenge(f, now); /* RFC 5961 §3.2 */
}

/*
 * Whether a SYN for a flow in TIME_WAIT is newer than the old connection, by sequence number or timestamp (RFC 9293 §3.6.1, RFC 6191
 * §2). The SYN must wait while the host has not taken all bytes of the old connection.
 */
static bool may_reopen(const struct tcp_flow *f, const struct tcp_header *h)
{
	bool newer_stamp = f->ts_ok && h->has_timestamps && seq_lt(f->ts_recent, h->ts_value);
	return f->state == TCP_STATE_TIME_WAIT && (h->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && f->held == 0 &&
	       (newer_stamp || seq_lt(f->rcv_nxt, h->seq));
}

static enum tcp_verdict in_synchronized(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len, struct tcp_take *ret)
{
	uint32_t space = len + !!(h->flags & TCP_SYN) + !!(h->flags & TCP_FIN);
	if (may_reopen(f, h))
		return TCP_VERDICT_REOPEN;
	if (is_too_old(f, h) || !tcp_receive_acceptable(f, h->seq, space)) {
		out_of_window(f, now, h, len);
		return TCP_VERDICT_DONE;
	}
	if (h->flags & TCP_RST) {
		reset_received(f, now, h);
		return TCP_VERDICT_DONE;
	}
	if (h->flags & TCP_SYN) {
		tcp_receive_challenge(f, now); /* RFC 5961 §4.2 */
		return TCP_VERDICT_DONE;
	}
	if (!(h->flags & TCP_ACK))
		return TCP_VERDICT_DONE;
	remember_timestamp(f, h);
	if (f->state == TCP_STATE_SYN_RECEIVED) {
		if (h->ack != f->snd_nxt)
			return TCP_VERDICT_RESET;
		established(f, now, h);
	}
	if (tcp_send_ack_received(f, now, h, len) && f->state != TCP_STATE_CLOSED)
		tcp_receive_segment(f, now, h, len, ret);
	return TCP_VERDICT_DONE;
}

enum tcp_verdict tcp_flow_segment(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len, struct tcp_take *ret)
{
	*ret = (struct tcp_take){ 0 };
	if (now - f->active >= PAUSE)
		f->quick_acks = 0;
	f->active = now;
	if (f->timer == USEC_INFINITY)
		f->retries = 0; /* the guest answered: restart keepalive */
	switch ((enum tcp_state)f->state) {
	case TCP_STATE_CLOSED: return TCP_VERDICT_DONE; /* a late duplicate; the shell has not freed the flow yet */
	case TCP_STATE_CONNECTING: in_connecting(f, h); return TCP_VERDICT_DONE;
	case TCP_STATE_SYN_SENT: return in_syn_sent(f, now, h);
	default: return in_synchronized(f, now, h, len, ret);
	}
}

bool tcp_reset_for(const struct tcp_header *h, uint32_t len, struct tcp_header *ret)
{
	if (h->flags & TCP_RST)
		return false;
	*ret = (struct tcp_header){ .src_port = h->dst_port, .dst_port = h->src_port };
	if (h->flags & TCP_ACK) {
		ret->flags = TCP_RST;
		ret->seq = h->ack;
	} else {
		ret->flags = TCP_RST | TCP_ACK;
		ret->ack = h->seq + len + !!(h->flags & TCP_SYN) + !!(h->flags & TCP_FIN);
	}
	return true;
}
