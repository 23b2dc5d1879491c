/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes to the guest.
 *
 * The host's queue holds all bytes from snd_una on. Its length is unknown until the shell peeks at it, so the machine asks for a
 * range as large as the guest's window and the congestion window allow, and the shell reports what it found.
 *
 * Loss recovery uses one mechanism for both triggers (RFC 6675, RFC 6298 §5.4): bytes below lost_end that the guest did not report
 * are sent again, from rexmit_nxt on, as far as the congestion window allows. Duplicate ACKs and SACK set lost_end after the highest
 * reported byte (without SACK: after one segment, RFC 6582); a timeout sets it to snd_nxt. The FIN is the last sequence number of
 * the stream and is treated alike.
 */
#include "base/macros.h"
#include "engine/native/machine/tcp_internal.h"

#define MSS_DEFAULT 536u        /* RFC 9293 §3.7.1 */
#define MSS_MIN 88u             /* bounds the overhead that a guest's MSS option can cause */
#define CWND_FIRST_SEGMENTS 10u /* RFC 6928 */
#define DUP_ACKS 3

uint32_t tcp_flow_options_len(const struct tcp_flow *f)
{
	return (f->ts_ok ? TCP_TIMESTAMPS_LEN : 0) + tcp_receive_sack_len(f);
}

uint32_t tcp_flow_segment_size(const struct tcp_flow *f)
{
	return f->mss - tcp_flow_options_len(f);
}

void tcp_send_init(struct tcp_flow *f, const struct tcp_open *how)
{
	f->iss = how->iss;
	f->snd_una = f->snd_nxt = how->iss;
	f->rexmit_nxt = f->lost_end = f->recover = how->iss;
	f->our_mss = how->mss;
	f->mss = how->mss;
	f->ssthresh = TCP_FLOW_CWND_MAX;
}

void tcp_send_options(struct tcp_flow *f, const struct tcp_header *syn, uint16_t mss)
{
	uint32_t theirs = syn->has_mss ? syn->mss : MSS_DEFAULT;
	f->mss = (uint16_t)MIN(MAX(theirs, MSS_MIN), (uint32_t)mss);
	f->scale_ok = syn->has_window_scale;
	f->snd_scale = syn->has_window_scale ? syn->window_scale : 0;
	f->rcv_scale = syn->has_window_scale ? TCP_FLOW_WINDOW_SCALE : 0;
	f->sack_ok = syn->sack_permitted;
	f->ts_ok = syn->has_timestamps;
	f->snd_wnd = f->max_wnd = syn->window; /* never scaled in a SYN (RFC 7323 §2.2) */
	f->snd_wl1 = syn->seq;
	f->snd_wl2 = f->snd_una;
	f->cwnd = CWND_FIRST_SEGMENTS * tcp_flow_segment_size(f);
}

/* Bytes believed to be in flight: sent, not reported by SACK, not counted as lost. */
static uint32_t pipe_size(const struct tcp_flow *f)
{
	uint32_t pipe = tcp_send_in_flight(f) - seq_ranges_count(&f->sacked, f->snd_una, f->snd_nxt);
	uint32_t from = seq_max(f->rexmit_nxt, f->snd_una);
	if (f->recovering && seq_lt(from, f->lost_end)) {
		uint32_t lost = f->lost_end - from - seq_ranges_count(&f->sacked, from, f->lost_end);
		pipe -= MIN(lost, pipe);
	}
	return pipe;
}

/* RFC 5681 §3.1, counting bytes (RFC 3465 without the limit L): here one ACK covers a whole batch. */
static void window_grows(struct tcp_flow *f, uint32_t acked, uint32_t was_in_flight)
{
	if (2 * was_in_flight < f->cwnd)
		return; /* the window was not the limit (RFC 7661) */
	if (f->cwnd < f->ssthresh)
		f->cwnd += acked;
	else
		f->cwnd += (uint32_t)MAX((uint64_t)f->mss * acked / f->cwnd, (uint64_t)1);
	f->cwnd = MIN(f->cwnd, TCP_FLOW_CWND_MAX);
}

static void enter_recovery(struct tcp_flow *f)
{
	f->ssthresh = MAX(tcp_send_in_flight(f) / 2, 2 * (uint32_t)f->mss); /* RFC 5681 (4) */
	f->recover = f->snd_nxt;
	f->recovering = true;
	f->rexmit_nxt = f->snd_una;
}

void tcp_send_timed_out(struct tcp_flow *f)
{
	if (!f->after_timeout)
		enter_recovery(f);
	f->recover = f->snd_nxt;
	f->rexmit_nxt = f->snd_una;
	f->lost_end = f->snd_nxt;
	f->after_timeout = true;
	f->cwnd = tcp_flow_segment_size(f);
	f->dup_acks = 0;
	f->sacked.n = 0; /* the guest may have reneged (RFC 2018 §8) */
}

void tcp_flow_too_big(struct tcp_flow *f, uint32_t seq, uint32_t mss)
{
	bool under_way = seq_le(f->snd_una, seq) && seq_lt(seq, f->snd_nxt);
	mss = MAX(mss, MSS_MIN);
	if (f->state < TCP_STATE_ESTABLISHED || !under_way || mss >= f->mss)
		return;
	f->mss = (uint16_t)mss;
	/* Bytes in flight were too large as well. This is no congestion: the window stays (RFC 1191 §6.5). */
	if (!f->recovering)
		f->ssthresh = MAX(f->ssthresh, f->cwnd);
	f->recovering = true;
	f->recover = f->snd_nxt;
	f->rexmit_nxt = f->snd_una;
	f->lost_end = f->snd_nxt;
}

static void loss_detected(struct tcp_flow *f)
{
	if (!f->recovering) {
		enter_recovery(f);
		f->cwnd = f->ssthresh;
	}
	if (f->after_timeout)
		return;
	uint32_t one = f->snd_una + seq_min(tcp_flow_segment_size(f), tcp_send_in_flight(f));
	f->lost_end = f->sacked.n > 0 ? f->sacked.r[f->sacked.n - 1].left : one;
}

static void sack_received(struct tcp_flow *f, const struct tcp_header *h)
{
	for (unsigned i = 0; i < h->n_sack; i++) {
		struct seq_range r = { h->sack[i].left, h->sack[i].right };
		/* A block outside the bytes in flight is a duplicate report (RFC 2883) or false. */
		if (seq_le(f->snd_una, r.left) && seq_lt(r.left, r.right) && seq_le(r.right, f->snd_nxt))
			seq_ranges_add(&f->sacked, r);
	}
	seq_ranges_drop_before(&f->sacked, f->snd_una);
}

/* Counts duplicate ACKs (RFC 5681 §2). */
static void same_ack_received(struct tcp_flow *f, uint32_t len, bool window_changed)
{
	if (tcp_send_in_flight(f) == 0 || len > 0 || (window_changed && f->sacked.n == 0))
		return;
	if (f->dup_acks < UINT8_MAX)
		f->dup_acks++;
	bool many_reported = seq_ranges_count(&f->sacked, f->snd_una, f->snd_nxt) > (DUP_ACKS - 1) * (uint32_t)f->mss;
	if (f->dup_acks >= DUP_ACKS || many_reported || (f->recovering && f->sacked.n > 0))
		loss_detected(f);
}

static void our_fin_acked(struct tcp_flow *f, usec_t now)
{
	if (f->state == TCP_STATE_FIN_WAIT_1)
		f->state = TCP_STATE_FIN_WAIT_2;
	else if (f->state == TCP_STATE_CLOSING)
		tcp_flow_enter_time_wait(f, now);
	else if (f->state == TCP_STATE_LAST_ACK)
		tcp_flow_closed(f);
}

static void recovery_goes_on(struct tcp_flow *f)
{
	if (seq_le(f->recover, f->snd_una)) {
		f->recovering = false;
		f->after_timeout = false;
		f->cwnd = MAX(MIN(f->ssthresh, f->cwnd), tcp_flow_segment_size(f));
		return;
	}
	/* A partial ACK: the next hole counts as lost too (RFC 6582 §3.2, RFC 6675 §5). */
	if (!f->after_timeout) {
		if (f->sacked.n == 0)
			f->rexmit_nxt = f->snd_una;
		loss_detected(f);
	}
}

static void new_ack_received(struct tcp_flow *f, usec_t now, uint32_t ack)
{
	uint32_t was_in_flight = tcp_send_in_flight(f);
	uint32_t acked = ack - f->snd_una;
	bool fin_acked = f->fin_sent && ack == f->snd_nxt;
	f->snd_una = ack;
	f->rexmit_nxt = seq_max(f->rexmit_nxt, ack);
	f->lost_end = seq_max(f->lost_end, ack);
	f->consume += acked - (fin_acked ? 1 : 0);
	f->dup_acks = 0;
	seq_ranges_drop_before(&f->sacked, ack);
	tcp_timers_progress(f, now, ack);
	if (f->recovering)
		recovery_goes_on(f);
	if (!f->recovering || f->after_timeout)
		window_grows(f, acked, was_in_flight);
	if (fin_acked)
		our_fin_acked(f, now);
}

static bool window_received(struct tcp_flow *f, const struct tcp_header *h)
{
	uint32_t window = (uint32_t)h->window << f->snd_scale;
	bool newer = seq_lt(f->snd_wl1, h->seq) || (f->snd_wl1 == h->seq && seq_le(f->snd_wl2, h->ack));
	if (!newer)
		return false;
	f->snd_wl1 = h->seq;
	f->snd_wl2 = h->ack;
	bool changed = window != f->snd_wnd;
	if (window > f->snd_wnd)
		tcp_timers_window_opened(f);
	f->snd_wnd = window;
	f->max_wnd = MAX(f->max_wnd, window);
	return changed;
}

bool tcp_send_ack_received(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len)
{
	if (seq_lt(f->snd_nxt, h->ack) || seq_lt(h->ack, f->snd_una - f->max_wnd)) {
		tcp_receive_challenge(f, now);
		return false;
	}
	if (seq_lt(h->ack, f->snd_una))
		return true;
	sack_received(f, h);
	bool changed = window_received(f, h);
	if (h->ack == f->snd_una)
		same_ack_received(f, len + (h->flags & TCP_FIN), changed);
	else
		new_ack_received(f, now, h->ack);
	return true;
}

static uint32_t window_left(const struct tcp_flow *f)
{
	uint32_t in_flight = tcp_send_in_flight(f);
	return f->snd_wnd > in_flight ? f->snd_wnd - in_flight : 0;
}

static bool has_unsent(const struct tcp_flow *f)
{
	bool may_send = f->state == TCP_STATE_ESTABLISHED || f->state == TCP_STATE_CLOSE_WAIT;
	return may_send && (f->host_ready || f->host_eof);
}

bool tcp_send_is_stuck(const struct tcp_flow *f)
{
	return tcp_send_in_flight(f) == 0 && has_unsent(f) && f->snd_wnd == 0;
}

static bool next_lost(struct tcp_flow *f, usec_t now, struct tcp_action *a)
{
	uint32_t right, segment = tcp_flow_segment_size(f);
	uint32_t from = seq_ranges_hole(&f->sacked, seq_max(f->rexmit_nxt, f->snd_una), f->lost_end, &right);
	if (!f->recovering || !seq_lt(from, right))
		return false;
	f->rexmit_nxt = from;
	uint32_t pipe = pipe_size(f);
	/* The first hole is always sent: only it can bring the ACK that recovery waits for. */
	if (from != f->snd_una && pipe + segment > f->cwnd)
		return false;
	uint32_t data_end = f->fin_sent ? f->snd_nxt - 1 : f->snd_nxt;
	if (from == data_end) {
		f->rexmit_nxt = f->snd_nxt;
		tcp_timers_sent(f, now, false, f->snd_nxt);
		*a = (struct tcp_action){ .type = TCP_ACTION_SEGMENT };
		tcp_flow_header(f, now, from, TCP_FIN | TCP_ACK, &a->header);
		return true;
	}
	uint32_t len = seq_min(right, data_end) - from;
	uint32_t room = f->cwnd > pipe ? f->cwnd - pipe : 0;
	len = MIN(len, MAX(room - room % segment, segment));
	*a = (struct tcp_action){ .type = TCP_ACTION_DATA, .again = true, .seq = from, .offset = from - f->snd_una, .len = len };
	return true;
}

static uint32_t allowed_now(const struct tcp_flow *f)
{
	uint32_t segment = tcp_flow_segment_size(f), pipe = pipe_size(f);
	uint32_t room = MIN(window_left(f), f->cwnd > pipe ? f->cwnd - pipe : 0);
	if (room >= segment)
		/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): the MSS is larger than all options */
		return room - room % segment;
	/* Sender's silly window avoidance (RFC 9293 §3.8.6.2.1). */
	if (tcp_send_in_flight(f) > 0 && room < f->max_wnd / 2)
		return 0;
	return room;
}

static void enter_fin_sent(struct tcp_flow *f)
{
	f->fin_sent = true;
	f->snd_nxt++;
	f->state = f->state == TCP_STATE_CLOSE_WAIT ? TCP_STATE_LAST_ACK : TCP_STATE_FIN_WAIT_1;
}

static bool fin_fits(const struct tcp_flow *f)
{
	return has_unsent(f) && f->host_eof && !f->host_ready && window_left(f) > 0;
}

static bool next_new(struct tcp_flow *f, usec_t now, struct tcp_action *a)
{
	if (!has_unsent(f))
		return false;
	if (fin_fits(f)) {
		uint32_t seq = f->snd_nxt;
		enter_fin_sent(f);
		tcp_timers_sent(f, now, true, f->snd_nxt);
		*a = (struct tcp_action){ .type = TCP_ACTION_SEGMENT };
		tcp_flow_header(f, now, seq, TCP_FIN | TCP_ACK, &a->header);
		return true;
	}
	uint32_t len = f->host_ready ? allowed_now(f) : 0;
	if (len == 0) {
		if (tcp_send_is_stuck(f))
			tcp_timers_window_shut(f, now);
		return false;
	}
	*a = (struct tcp_action){ .type = TCP_ACTION_DATA, .seq = f->snd_nxt, .offset = tcp_send_in_flight(f), .len = len };
	return true;
}

bool tcp_send_next(struct tcp_flow *f, usec_t now, struct tcp_action *ret)
{
	return !f->guest_blocked && (next_lost(f, now, ret) || next_new(f, now, ret));
}

void tcp_flow_data_found(struct tcp_flow *f, const struct tcp_action *a, uint32_t n, bool eof)
{
	if (a->again) {
		f->rexmit_nxt = a->seq + n;
		if (n == 0)
			f->lost_end = f->rexmit_nxt; /* the shell could not send; the timer tries again */
		return;
	}
	f->snd_nxt += n;
	if (n < a->len)
		f->host_ready = false;
	if (eof)
		f->host_eof = true;
}

void tcp_flow_data_header(struct tcp_flow *f, usec_t now, uint32_t seq, uint32_t len, struct tcp_header *ret)
{
	uint8_t flags = TCP_ACK;
	uint32_t end = seq + len;
	bool first = !f->recovering || !seq_lt(seq, f->recover);
	if (end == f->snd_nxt || (f->recovering && seq_le(f->lost_end, end)))
		flags |= TCP_PSH;
	if (end == f->snd_nxt && fin_fits(f)) {
		enter_fin_sent(f);
		flags |= TCP_FIN;
	} else if (f->fin_sent && end + 1 == f->snd_nxt) {
		flags |= TCP_FIN;
		f->rexmit_nxt = seq_max(f->rexmit_nxt, f->snd_nxt);
	}
	tcp_timers_sent(f, now, first, end);
	tcp_flow_header(f, now, seq, flags, ret);
}
