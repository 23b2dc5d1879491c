/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers.
 *
 * f->timer has one of three meanings, which follows from the flow's state: in TIME_WAIT its end; with bytes in flight the
 * retransmission timer (RFC 6298); else, with data waiting for a closed window, the probe timer (RFC 9293 §3.8.6.1). When it is not
 * set, the idle limit counts from f->active: the guest is then probed as by TCP keepalive (RFC 9293 §3.8.4), and the flow ends on
 * both sides if the guest does not answer. An idle flow whose guest answers is therefore never cut, which is more than RFC 5382
 * REQ-5 asks for.
 */
#include "base/macros.h"
#include "engine/native/machine/tcp_internal.h"

#define RTO_FIRST (1 * USEC_PER_SEC)  /* RFC 6298 §2.1 */
#define RTO_MIN (200 * USEC_PER_MSEC) /* as Linux; the second of RFC 6298 §2.4 was meant for coarse clocks */
#define RTO_MAX (60 * USEC_PER_SEC)
#define CLOCK_GRANULARITY (1 * USEC_PER_MSEC)
#define RETRIES_SYN 8 /* 243 s: RFC 5382 REQ-5 asks for 4 minutes while a flow is being opened */
#define SYN_PATIENCE (243 * USEC_PER_SEC)
#define RETRIES_DATA 12 /* at least 200 ms · 2^9 + 3 · 60 s: more than the 100 s of RFC 1122 §4.2.3.5 */
#define PROBE_PATIENCE (300 * USEC_PER_SEC)
#define TIME_WAIT_TIME (60 * USEC_PER_SEC)
#define IDLE_TIME ((2 * 3600 + 4 * 60) * USEC_PER_SEC) /* RFC 5382 REQ-5 */
#define LINGER_TIME (240 * USEC_PER_SEC) /* RFC 5382 REQ-5, transitory: the guest has finished, the host does not take the rest */
#define KEEPALIVE_GAP (75 * USEC_PER_SEC)
#define KEEPALIVE_TRIES 9
#define QUICK_ACKS 16

void tcp_timers_init(struct tcp_flow *f, usec_t now)
{
	f->rto_us = RTO_FIRST;
	f->active = now;
	f->timer = USEC_INFINITY;
	f->ack_timer = f->withheld = USEC_INFINITY;
}

static usec_t backed_off(const struct tcp_flow *f)
{
	usec_t rto = (usec_t)f->rto_us << MIN(f->retries, (uint8_t)16);
	return MIN(rto, RTO_MAX);
}

void tcp_timers_sent(struct tcp_flow *f, usec_t now, bool first, uint32_t end)
{
	if (f->timer == USEC_INFINITY)
		f->timer = now + backed_off(f);
	if (!first) {
		f->rtt_timing = false; /* Karn's algorithm: an ACK for retransmitted bytes measures nothing (RFC 6298 §3) */
	} else if (!f->rtt_timing) {
		f->rtt_timing = true;
		f->rtt_seq = end;
		f->rtt_start = now;
	}
}

/* RFC 6298 §2.2, §2.3 */
static void rtt_measured(struct tcp_flow *f, uint32_t rtt)
{
	rtt = MAX(rtt, 1u);
	if (f->srtt_us == 0) {
		f->srtt_us = rtt;
		f->rttvar_us = rtt / 2;
	} else {
		uint32_t error = f->srtt_us > rtt ? f->srtt_us - rtt : rtt - f->srtt_us;
		f->rttvar_us += (error >> 2) - (f->rttvar_us >> 2);
		f->srtt_us += (rtt >> 3) - (f->srtt_us >> 3);
	}
	usec_t rto = f->srtt_us + MAX(CLOCK_GRANULARITY, 4 * (usec_t)f->rttvar_us);
	f->rto_us = (uint32_t)MIN(MAX(rto, RTO_MIN), RTO_MAX);
}

void tcp_timers_progress(struct tcp_flow *f, usec_t now, uint32_t ack)
{
	if (f->rtt_timing && seq_le(f->rtt_seq, ack)) {
		f->rtt_timing = false;
		rtt_measured(f, (uint32_t)MIN(now - f->rtt_start, RTO_MAX));
	}
	f->retries = 0;
	f->timer = tcp_send_in_flight(f) > 0 ? now + f->rto_us : USEC_INFINITY; /* RFC 6298 §5.2, §5.3 */
}

void tcp_timers_window_shut(struct tcp_flow *f, usec_t now)
{
	if (f->timer == USEC_INFINITY)
		f->timer = now + backed_off(f);
}

void tcp_timers_window_opened(struct tcp_flow *f)
{
	if (tcp_send_in_flight(f) == 0 && f->state != TCP_STATE_TIME_WAIT) {
		f->timer = USEC_INFINITY;
		f->retries = 0;
	} else if (f->snd_wnd == 0 && f->retries > 0) {
		f->retries = 0;
		tcp_send_timed_out(f); /* the guest takes at once what it did not take before */
	}
}

static usec_t idle_deadline(const struct tcp_flow *f)
{
	if (f->state == TCP_STATE_CLOSED)
		return f->active + LINGER_TIME;
	if (f->state < TCP_STATE_ESTABLISHED)
		return USEC_INFINITY; /* connect() and our SYN have limits of their own */
	return f->active + IDLE_TIME + f->retries * KEEPALIVE_GAP;
}

usec_t tcp_flow_deadline(const struct tcp_flow *f)
{
	usec_t main = f->timer != USEC_INFINITY ? f->timer : idle_deadline(f);
	return usec_min(main, f->ack_timer);
}

/*
 * A guest may shrink its window and drop what we sent into it (RFC 9293 §3.8.6). The retransmission is then a window probe, and the
 * guest may keep the window closed as long as it answers.
 */
static bool window_was_taken_back(const struct tcp_flow *f, usec_t now)
{
	return f->snd_wnd == 0 && now - f->active <= PROBE_PATIENCE;
}

static void retransmit(struct tcp_flow *f, usec_t now)
{
	bool syn = f->state == TCP_STATE_SYN_SENT || f->state == TCP_STATE_SYN_RECEIVED;
	bool too_long = syn && now - f->active >= SYN_PATIENCE; /* the host may have been suspended between the retries */
	bool too_often = f->retries >= (syn ? RETRIES_SYN : RETRIES_DATA);
	if (too_long || (too_often && (syn || !window_was_taken_back(f, now)))) {
		tcp_flow_abort(f);
		return;
	}
	f->retries += !too_often;
	f->timer = now + backed_off(f);
	if (syn)
		f->syn_due = true;
	else
		tcp_send_timed_out(f);
}

static void probe(struct tcp_flow *f, usec_t now)
{
	/* A guest that answers may keep its window closed for ever (RFC 9293 §3.8.6.1). */
	if (now - f->active > PROBE_PATIENCE) {
		tcp_flow_abort(f);
		return;
	}
	if (f->retries < RETRIES_DATA)
		f->retries++;
	f->probe_due = true;
	f->timer = now + backed_off(f);
}

static void timer_ran_out(struct tcp_flow *f, usec_t now)
{
	f->timer = USEC_INFINITY;
	if (f->state == TCP_STATE_TIME_WAIT)
		tcp_flow_closed(f);
	else if (tcp_send_in_flight(f) > 0)
		retransmit(f, now);
	else if (tcp_send_is_stuck(f))
		probe(f, now);
}

static void idle_too_long(struct tcp_flow *f)
{
	if (f->state == TCP_STATE_CLOSED || f->retries >= KEEPALIVE_TRIES) {
		f->held = 0;
		tcp_flow_abort(f);
		return;
	}
	f->retries++;
	f->probe_due = true;
}

void tcp_flow_expire(struct tcp_flow *f, usec_t now)
{
	if (f->ack_timer <= now) {
		f->ack_timer = USEC_INFINITY;
		tcp_ack_confirmed(f);
		f->quick_acks = f->unacked > 0 ? QUICK_ACKS : f->quick_acks;
	}
	if (f->timer <= now)
		timer_ran_out(f, now);
	else if (f->timer == USEC_INFINITY && idle_deadline(f) <= now)
		idle_too_long(f);
}

void tcp_flow_enter_time_wait(struct tcp_flow *f, usec_t now)
{
	if (f->state != TCP_STATE_TIME_WAIT)
		f->release_due = true;
	f->state = TCP_STATE_TIME_WAIT;
	f->timer = now + TIME_WAIT_TIME;
}
