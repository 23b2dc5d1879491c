/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes from the guest.
 *
 * Window: the shell can hold f->window bytes, both in order and not yet taken by the host (f->held) and out of order, so window -
 * held can be announced. The right edge never moves back: a guest cannot send more than was announced, and held grows by no more
 * than the guest sent.
 *
 * ACKs: sent at once after two full segments, for out-of-order data and for a FIN. Otherwise the ACK is delayed, so that the host's
 * answer can carry it and the guest wakes up once less per request. The delay is far below the 500 ms of RFC 9293 §3.8.6.3. When no
 * answer came in time, delayed ACKs stop for a while, so that a guest whose Nagle algorithm waits for our ACK (write, write, read)
 * loses a few milliseconds only once.
 */
#include "base/macros.h"
#include "engine/native/machine/tcp_internal.h"

#define ACK_AT_ONCE_BYTES 8192u
#define ACK_DELAY (5 * USEC_PER_MSEC)
#define CHALLENGE_GAP (10 * USEC_PER_MSEC)
#define REPEATS_AFTER (200 * USEC_PER_MSEC) /* the shortest time after which common guests repeat a single segment */
#define TELL_BELOW (32u * 1024)
#define WINDOW_FIELD_MAX 65535u

void tcp_receive_init(struct tcp_flow *f, const struct tcp_header *syn)
{
	f->irs = syn->seq;
	f->rcv_nxt = syn->seq + 1;
	f->rcv_edge = f->rcv_nxt;
	f->ts_recent = syn->ts_value;
}

bool tcp_receive_acceptable(const struct tcp_flow *f, uint32_t seq, uint32_t len)
{
	uint32_t window = f->rcv_edge - f->rcv_nxt;
	if (len == 0 && window == 0)
		return seq == f->rcv_nxt;
	bool starts_inside = seq - f->rcv_nxt < window;
	bool ends_inside = len > 0 && seq + len - 1 - f->rcv_nxt < window;
	return starts_inside || ends_inside || (len > 0 && seq_lt(seq, f->rcv_nxt) && seq_lt(f->rcv_nxt, seq + len));
}

static uint32_t window_now(const struct tcp_flow *f)
{
	uint32_t room = f->window - MIN(f->held, f->window);
	uint32_t announced = f->rcv_edge - f->rcv_nxt;
	/* Receiver's silly window avoidance (RFC 9293 §3.8.6.2.2). */
	if (room < announced + MIN((uint32_t)f->our_mss, f->window / 2))
		return announced;
	return room;
}

uint16_t tcp_receive_announce(struct tcp_flow *f, bool syn)
{
	uint32_t scale = syn ? 0 : f->rcv_scale;
	uint32_t window = MIN(window_now(f), WINDOW_FIELD_MAX << scale);
	f->rcv_edge = seq_max(f->rcv_edge, f->rcv_nxt + window);
	f->ack_due = f->ack_optional = false;
	f->ack_timer = f->withheld = USEC_INFINITY;
	f->unacked = 0;
	f->unacked_segments = 0;
	return (uint16_t)(window >> scale);
}

static unsigned sack_blocks(const struct tcp_flow *f)
{
	if (!f->sack_ok)
		return 0;
	return MIN((unsigned)f->early.n, f->ts_ok ? TCP_SACK_MAX - 1u : TCP_SACK_MAX);
}

uint32_t tcp_receive_sack_len(const struct tcp_flow *f)
{
	return tcp_sack_len(sack_blocks(f));
}

void tcp_receive_sack_blocks(const struct tcp_flow *f, struct tcp_header *h)
{
	unsigned max = sack_blocks(f);
	if (max == 0)
		return;
	/* The block with the latest segment comes first (RFC 2018 §4). */
	const struct seq_range *last = seq_ranges_find(&f->early, f->early_last);
	if (last)
		h->sack[h->n_sack++] = (struct tcp_sack_block){ last->left, last->right };
	for (unsigned i = 0; i < f->early.n && h->n_sack < max; i++) {
		if (&f->early.r[i] != last)
			h->sack[h->n_sack++] = (struct tcp_sack_block){ f->early.r[i].left, f->early.r[i].right };
	}
}

void tcp_receive_challenge(struct tcp_flow *f, usec_t now)
{
	if (now < f->challenge)
		return;
	f->challenge = now + CHALLENGE_GAP;
	tcp_ack_now(f);
}

/* So many bytes are acknowledged at once. */
static uint32_t at_once_bytes(const struct tcp_flow *f)
{
	return MIN(2 * (uint32_t)f->our_mss, ACK_AT_ONCE_BYTES);
}

bool tcp_flow_may_withhold_ack(const struct tcp_flow *f)
{
	bool open = f->state == TCP_STATE_ESTABLISHED || f->state == TCP_STATE_FIN_WAIT_1 || f->state == TCP_STATE_FIN_WAIT_2;
	/* Without this room the guest would wait for the ACK. */
	bool has_room = f->rcv_edge - f->rcv_nxt >= MIN(f->window / 2, 4 * (uint32_t)f->our_mss);
	/* Two segments in flight make a guest send the last one again soon (RFC 8985 §7). */
	bool one = f->unacked_segments <= 1 || f->withheld != USEC_INFINITY;
	bool few = f->unacked < at_once_bytes(f);
	return f->ack_due && f->ack_optional && open && one && few && f->early.n == 0 && has_room;
}

void tcp_flow_withhold_ack(struct tcp_flow *f, usec_t now, usec_t until)
{
	f->ack_due = f->ack_optional = false;
	f->withheld = usec_min(f->withheld, now);
	f->ack_timer = until;
}

/*
 * The guest sent more while an ACK is withheld. With two segments in flight it would soon send the last one again (RFC 8985 §7), so it
 * gets the ACK, unless it has waited for so long that it repeats the first one anyway.
 */
static void more_behind_withheld(struct tcp_flow *f, usec_t now)
{
	if (now - f->withheld < REPEATS_AFTER)
		tcp_ack_now(f);
	else
		tcp_ack_confirmed(f);
}

static void ack_later(struct tcp_flow *f, usec_t now)
{
	if (f->withheld != USEC_INFINITY) {
		more_behind_withheld(f, now);
		return;
	}
	if (f->quick_acks > 0 || f->unacked >= at_once_bytes(f)) {
		tcp_ack_now(f);
		if (f->quick_acks > 0)
			f->quick_acks--;
	} else if (f->ack_timer == USEC_INFINITY) {
		f->ack_timer = now + ACK_DELAY;
	}
}

/* A frame may carry several, for the guest's card to cut. */
static uint32_t segments_in(const struct tcp_flow *f, uint32_t len)
{
	uint32_t most = MIN(f->mss, f->our_mss);
	return most > 0 ? (len + most - 1) / most : 1;
}

/* Advances rcv_nxt over @len new bytes and the out-of-order bytes that follow them; returns by how much. */
static uint32_t advance(struct tcp_flow *f, uint32_t len)
{
	uint32_t before = f->rcv_nxt;
	f->rcv_nxt += len;
	if (f->early.n > 0) {
		seq_ranges_drop_before(&f->early, f->rcv_nxt);
		const struct seq_range *next = seq_ranges_find(&f->early, f->rcv_nxt);
		if (next) {
			f->rcv_nxt = next->right;
			seq_ranges_drop_before(&f->early, f->rcv_nxt);
		}
	}
	uint32_t moved = f->rcv_nxt - before;
	f->held += moved;
	f->unacked += moved;
	f->unacked_segments = (uint8_t)MIN(f->unacked_segments + segments_in(f, moved), (uint32_t)UINT8_MAX);
	return moved;
}

void tcp_receive_repeated(struct tcp_flow *f, uint32_t end)
{
	bool acked = seq_le(end, f->rcv_nxt - f->unacked); /* our ACK was lost */
	if (acked || f->withheld == USEC_INFINITY)
		tcp_ack_now(f);
	else
		tcp_ack_confirmed(f);
}

static void take_payload(struct tcp_flow *f, usec_t now, uint32_t seq, uint32_t len, struct tcp_take *ret)
{
	struct tcp_take t = { 0 };
	if (seq_lt(seq, f->rcv_nxt)) {
		t.skip = f->rcv_nxt - seq;
		tcp_receive_repeated(f, seq + len);
	}
	if (t.skip >= len)
		return;
	t.offset = seq + t.skip - f->rcv_nxt;
	t.len = MIN(len - t.skip, f->rcv_edge - f->rcv_nxt - t.offset);
	if (t.offset > 0) {
		tcp_ack_now(f);
		if (!seq_ranges_add(&f->early, (struct seq_range){ seq + t.skip, seq + t.skip + t.len }))
			return;
		f->early_last = seq + t.skip;
	} else {
		/* RFC 5681 §4.2: a segment that fills a gap is acknowledged at once. */
		bool fills = f->early.n > 0;
		t.advance = advance(f, t.len);
		if (fills || t.len < len - t.skip)
			tcp_ack_now(f);
		else
			ack_later(f, now);
	}
	*ret = t;
}

static void fin_arrived(struct tcp_flow *f, usec_t now)
{
	f->fin_received = true;
	f->shutdown_due = true;
	tcp_ack_now(f);
	f->rcv_nxt++;
	f->rcv_edge = seq_max(f->rcv_edge, f->rcv_nxt);
	if (f->state == TCP_STATE_ESTABLISHED)
		f->state = TCP_STATE_CLOSE_WAIT;
	else if (f->state == TCP_STATE_FIN_WAIT_1)
		f->state = TCP_STATE_CLOSING;
	else if (f->state == TCP_STATE_FIN_WAIT_2)
		tcp_flow_enter_time_wait(f, now);
}

void tcp_receive_segment(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len, struct tcp_take *ret)
{
	bool open = f->state == TCP_STATE_ESTABLISHED || f->state == TCP_STATE_FIN_WAIT_1 || f->state == TCP_STATE_FIN_WAIT_2;
	if (len > 0 && open)
		take_payload(f, now, h->seq, len, ret);
	else if (len > 0)
		tcp_ack_now(f);
	/* A FIN counts only when all bytes before it have arrived; otherwise the guest sends it again. */
	if ((h->flags & TCP_FIN) && open && h->seq + len == f->rcv_nxt)
		fin_arrived(f, now);
	else if (h->flags & TCP_FIN)
		tcp_ack_now(f);
}

void tcp_flow_set_window(struct tcp_flow *f, uint32_t window)
{
	f->window = window;
}

bool tcp_flow_window_is_short(const struct tcp_flow *f)
{
	return f->rcv_edge - f->rcv_nxt < f->window / 2;
}

void tcp_flow_host_took(struct tcp_flow *f, uint32_t n)
{
	f->held -= MIN(n, f->held);
	if (f->fin_received || f->state < TCP_STATE_ESTABLISHED || f->state == TCP_STATE_CLOSED)
		return;
	uint32_t most = MIN(f->window, WINDOW_FIELD_MAX << f->rcv_scale);
	uint32_t announced = f->rcv_edge - f->rcv_nxt;
	uint32_t room = MIN(f->window - MIN(f->held, f->window), most);
	/* Send a window update by itself only to a guest that may be waiting for it. */
	bool waits = announced < MIN(TELL_BELOW, most / 2);
	if (waits && (room >= announced + most / 2 || (announced < f->our_mss && room >= f->our_mss)))
		tcp_ack_now(f);
}
