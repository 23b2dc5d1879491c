/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start and end of a flow, events of its host side, and the order of its actions. */
#include "engine/native/machine/tcp_flow.h"

#include "base/macros.h"
#include "engine/native/machine/tcp_internal.h"

const char *tcp_state_name(enum tcp_state state)
{
	static const char *const names[] = {
		[TCP_STATE_CONNECTING] = "connecting", [TCP_STATE_SYN_RECEIVED] = "syn-received",
		[TCP_STATE_SYN_SENT] = "syn-sent",     [TCP_STATE_ESTABLISHED] = "established",
		[TCP_STATE_FIN_WAIT_1] = "fin-wait-1", [TCP_STATE_FIN_WAIT_2] = "fin-wait-2",
		[TCP_STATE_CLOSE_WAIT] = "close-wait", [TCP_STATE_CLOSING] = "closing",
		[TCP_STATE_LAST_ACK] = "last-ack",     [TCP_STATE_TIME_WAIT] = "time-wait",
		[TCP_STATE_CLOSED] = "closed",
	};
	static_assert(ARRAY_SIZE(names) == TCP_STATE_CLOSED + 1, "a name for every state");
	return names[state];
}

void tcp_flow_accept(struct tcp_flow *f, usec_t now, const struct tcp_open *how, const struct tcp_header *syn)
{
	*f = (struct tcp_flow){ .state = TCP_STATE_CONNECTING, .window = TCP_FLOW_WINDOW };
	tcp_timers_init(f, now);
	tcp_send_init(f, how);
	tcp_receive_init(f, syn);
	tcp_send_options(f, syn, how->mss);
}

void tcp_flow_connect(struct tcp_flow *f, usec_t now, const struct tcp_open *how)
{
	*f = (struct tcp_flow){ .state = TCP_STATE_SYN_SENT, .window = TCP_FLOW_WINDOW, .syn_due = true };
	tcp_timers_init(f, now);
	tcp_send_init(f, how);
}

void tcp_flow_closed(struct tcp_flow *f)
{
	f->state = TCP_STATE_CLOSED;
	f->timer = USEC_INFINITY;
	f->ack_timer = f->withheld = USEC_INFINITY;
}

void tcp_flow_abort(struct tcp_flow *f)
{
	f->reset_due = f->state != TCP_STATE_CLOSED && f->state != TCP_STATE_TIME_WAIT;
	f->abort_due = true;
	tcp_flow_closed(f);
}

void tcp_flow_host_connected(struct tcp_flow *f, usec_t now)
{
	if (f->state != TCP_STATE_CONNECTING)
		return;
	f->state = TCP_STATE_SYN_RECEIVED;
	f->active = now;
	f->syn_due = true;
}

void tcp_flow_host_refused(struct tcp_flow *f, usec_t now, bool reset)
{
	f->reset_due = reset;
	tcp_flow_closed(f);
}

void tcp_flow_host_readable(struct tcp_flow *f)
{
	f->host_ready = true;
}

void tcp_flow_host_reset(struct tcp_flow *f, usec_t now)
{
	f->held = 0;
	if (f->state == TCP_STATE_TIME_WAIT)
		f->release_due = true;
	else if (f->state != TCP_STATE_CLOSED)
		tcp_flow_abort(f);
}

void tcp_flow_guest_blocked(struct tcp_flow *f, bool blocked)
{
	f->guest_blocked = blocked;
}

void tcp_flow_guest_gone(struct tcp_flow *f)
{
	f->held = 0;
	f->abort_due = true;
	tcp_flow_closed(f);
}

void tcp_flow_unreachable(struct tcp_flow *f, uint32_t seq)
{
	/* On an established connection such an error may be forged or transient (RFC 5461 §2, RFC 5927 §5.2). */
	if (f->state == TCP_STATE_SYN_SENT && seq == f->iss)
		tcp_flow_guest_gone(f);
}

static void add_options(const struct tcp_flow *f, bool first_syn, struct tcp_header *h)
{
	h->has_mss = true;
	h->mss = f->our_mss;
	h->has_window_scale = first_syn || f->scale_ok;
	h->window_scale = TCP_FLOW_WINDOW_SCALE;
	h->sack_permitted = first_syn || f->sack_ok;
}

void tcp_flow_header(struct tcp_flow *f, usec_t now, uint32_t seq, uint8_t flags, struct tcp_header *ret)
{
	bool syn = flags & TCP_SYN;
	bool first_syn = syn && !(flags & TCP_ACK);
	*ret = (struct tcp_header){ .seq = seq, .flags = flags };
	if (flags & TCP_ACK)
		ret->ack = f->rcv_nxt;
	if (syn)
		add_options(f, first_syn, ret);
	ret->window = first_syn ? UINT16_MAX : tcp_receive_announce(f, syn);
	if (f->ts_ok || first_syn) {
		ret->has_timestamps = true;
		ret->ts_value = (uint32_t)(now / USEC_PER_MSEC);
		ret->ts_echo = first_syn ? 0 : f->ts_recent;
	}
	if (!syn)
		tcp_receive_sack_blocks(f, ret);
}

static bool segment(struct tcp_flow *f, usec_t now, uint32_t seq, uint8_t flags, struct tcp_action *ret)
{
	ret->type = TCP_ACTION_SEGMENT;
	tcp_flow_header(f, now, seq, flags, &ret->header);
	return true;
}

static bool reset_segment(struct tcp_flow *f, struct tcp_action *ret)
{
	f->reset_due = false;
	ret->type = TCP_ACTION_SEGMENT;
	/* A guest that never answered our SYN has sent nothing to acknowledge. */
	bool answered = f->rcv_nxt != f->irs;
	ret->header = (struct tcp_header){ .seq = f->snd_nxt, .flags = TCP_RST };
	if (answered) {
		ret->header.flags |= TCP_ACK;
		ret->header.ack = f->rcv_nxt;
	}
	return true;
}

static bool next_of_closed(struct tcp_flow *f, struct tcp_action *ret)
{
	if (f->reset_due)
		return reset_segment(f, ret);
	if (f->abort_due) {
		f->abort_due = false;
		ret->type = TCP_ACTION_ABORT;
	} else if (f->held == 0) {
		ret->type = TCP_ACTION_END;
	}
	return ret->type != TCP_ACTION_NONE;
}

/* Actions for the host side. */
static bool next_for_host(struct tcp_flow *f, struct tcp_action *ret)
{
	if (f->consume > 0) {
		ret->type = TCP_ACTION_CONSUME;
		ret->len = f->consume;
		f->consume = 0;
	} else if (f->release_due && f->held == 0) {
		f->release_due = f->shutdown_due = false;
		ret->type = TCP_ACTION_RELEASE;
	} else if (f->shutdown_due && f->held == 0 && f->state != TCP_STATE_CLOSED) {
		f->shutdown_due = false;
		ret->type = TCP_ACTION_SHUTDOWN;
	} else if (f->keepalive_due) {
		f->keepalive_due = false;
		ret->type = TCP_ACTION_KEEPALIVE;
	}
	return ret->type != TCP_ACTION_NONE;
}

static bool next_syn(struct tcp_flow *f, usec_t now, struct tcp_action *ret)
{
	bool first = f->snd_nxt == f->iss;
	f->syn_due = false;
	f->snd_nxt = f->iss + 1;
	tcp_timers_sent(f, now, first, f->snd_nxt);
	return segment(f, now, f->iss, f->state == TCP_STATE_SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK, ret);
}

bool tcp_flow_next(struct tcp_flow *f, usec_t now, struct tcp_action *ret)
{
	*ret = (struct tcp_action){ .type = TCP_ACTION_NONE };
	if (next_for_host(f, ret))
		return true;
	if (f->state == TCP_STATE_CLOSED)
		return next_of_closed(f, ret);
	if (f->syn_due)
		return next_syn(f, now, ret);
	if (f->state < TCP_STATE_ESTABLISHED)
		return false;
	if (tcp_send_next(f, now, ret))
		return true;
	if (f->probe_due) {
		/* The guest must answer an old sequence number (RFC 9293 §3.8.4), so the probe carries no data. */
		f->probe_due = false;
		return segment(f, now, f->snd_una - 1, TCP_ACK, ret);
	}
	if (f->ack_due)
		return segment(f, now, f->snd_nxt, TCP_ACK, ret);
	return false;
}
