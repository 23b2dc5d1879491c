/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TCP machine, a segment at a time, with a clock turned by hand. */
#include "engine/native/machine/tcp_flow.h"

#include "base/macros.h"

#include <glib.h>

#define START (1000 * USEC_PER_SEC)
#define GUEST_ISN 5000u
#define OUR_ISN 70000u
#define MSS 1460

struct fixture {
	struct tcp_flow f;
	usec_t now;
	struct tcp_take take;
	struct tcp_action a;
	uint32_t guest_seq; /* what the guest sends next */
};

static struct tcp_header segment(const struct fixture *x, uint8_t flags)
{
	return (struct tcp_header){ .seq = x->guest_seq, .ack = x->f.snd_nxt, .flags = flags, .window = 500 };
}

static enum tcp_verdict receive(struct fixture *x, struct tcp_header h, uint32_t len)
{
	return tcp_flow_segment(&x->f, x->now, &h, len, &x->take);
}

static enum tcp_action_type next(struct fixture *x)
{
	tcp_flow_next(&x->f, x->now, &x->a);
	return x->a.type;
}

static void expect_nothing(struct fixture *x)
{
	g_assert_cmpint(next(x), ==, TCP_ACTION_NONE);
}

/* The next action sends a segment with exactly these flags. */
static struct tcp_header *expect_segment(struct fixture *x, uint8_t flags)
{
	g_assert_cmpint(next(x), ==, TCP_ACTION_SEGMENT);
	g_assert_cmphex(x->a.header.flags, ==, flags);
	return &x->a.header;
}

static void turn_to_deadline(struct fixture *x)
{
	usec_t at = tcp_flow_deadline(&x->f);
	g_assert_cmpuint(at, !=, USEC_INFINITY);
	x->now = MAX(at, x->now);
	tcp_flow_expire(&x->f, x->now);
}

static struct tcp_header guest_syn(void)
{
	return (struct tcp_header){
		.seq = GUEST_ISN,
		.flags = TCP_SYN,
		.window = 64240,
		.has_mss = true,
		.mss = MSS,
		.has_window_scale = true,
		.window_scale = 7,
		.sack_permitted = true,
	};
}

static void connecting_with(struct fixture *x, const struct tcp_header *syn)
{
	*x = (struct fixture){ .now = START, .guest_seq = GUEST_ISN + 1 };
	tcp_flow_accept(&x->f, x->now, &(struct tcp_open){ .iss = OUR_ISN, .mss = MSS }, syn);
}

static void connecting(struct fixture *x)
{
	struct tcp_header syn = guest_syn();
	connecting_with(x, &syn);
}

static void established_with(struct fixture *x, const struct tcp_header *syn)
{
	connecting_with(x, syn);
	tcp_flow_host_connected(&x->f, x->now);
	expect_segment(x, TCP_SYN | TCP_ACK);
	receive(x, segment(x, TCP_ACK), 0);
	g_assert_cmpstr(tcp_state_name(x->f.state), ==, "established");
	expect_nothing(x);
}

static void established(struct fixture *x)
{
	struct tcp_header syn = guest_syn();
	established_with(x, &syn);
}

/* The host's queue has @n bytes: they are sent, in segments. */
static void host_sends(struct fixture *x, uint32_t n)
{
	struct tcp_header h;
	tcp_flow_host_readable(&x->f);
	g_assert_cmpint(next(x), ==, TCP_ACTION_DATA);
	struct tcp_action a = x->a;
	g_assert_cmpuint(a.len, >=, n);
	tcp_flow_data_found(&x->f, &a, n, false);
	for (uint32_t at = 0; at < n; at += MSS)
		tcp_flow_data_header(&x->f, x->now, a.seq + at, MIN(n - at, (uint32_t)MSS), &h);
	x->f.host_ready = false;
}

/* The host ends its stream and the FIN goes out. */
static void host_ends(struct fixture *x)
{
	tcp_flow_host_readable(&x->f);
	g_assert_cmpint(next(x), ==, TCP_ACTION_DATA);
	struct tcp_action a = x->a;
	tcp_flow_data_found(&x->f, &a, 0, true);
	expect_segment(x, TCP_FIN | TCP_ACK);
}

static void guest_ends(struct fixture *x)
{
	receive(x, segment(x, TCP_FIN | TCP_ACK), 0);
	x->guest_seq++;
}

/* --- opening --- */

static void the_syn_is_answered_when_the_host_is_connected(void)
{
	struct fixture x;
	connecting(&x);
	expect_nothing(&x);
	tcp_flow_host_connected(&x.f, x.now);
	struct tcp_header *h = expect_segment(&x, TCP_SYN | TCP_ACK);
	g_assert_cmpuint(h->ack, ==, GUEST_ISN + 1);
	g_assert_cmpuint(h->mss, ==, MSS);
	g_assert_true(h->has_window_scale);
	g_assert_true(h->sack_permitted);
	g_assert_false(h->has_timestamps);
	expect_nothing(&x);
}

static void options_that_the_guest_did_not_offer_are_not_used(void)
{
	struct fixture x;
	struct tcp_header syn = { .seq = GUEST_ISN, .flags = TCP_SYN, .window = 8000 };
	connecting_with(&x, &syn);
	tcp_flow_host_connected(&x.f, x.now);
	struct tcp_header *h = expect_segment(&x, TCP_SYN | TCP_ACK);
	g_assert_false(h->has_window_scale);
	g_assert_false(h->sack_permitted);
	g_assert_false(h->has_timestamps);
	/* RFC 9293 §3.7.1: without the option, 536. */
	g_assert_cmpuint(tcp_flow_segment_size(&x.f), ==, 536);
}

static void a_repeated_syn_while_connecting_is_not_answered(void)
{
	struct fixture x;
	connecting(&x);
	receive(&x, guest_syn(), 0);
	expect_nothing(&x);
}

static void a_lost_syn_ack_is_sent_again(void)
{
	struct fixture x;
	connecting(&x);
	tcp_flow_host_connected(&x.f, x.now);
	expect_segment(&x, TCP_SYN | TCP_ACK);
	turn_to_deadline(&x);
	g_assert_cmpuint(x.now - START, ==, USEC_PER_SEC); /* RFC 6298 §2.1 */
	expect_segment(&x, TCP_SYN | TCP_ACK);
	turn_to_deadline(&x);
	g_assert_cmpuint(x.now - START, ==, 3 * USEC_PER_SEC); /* backed off */
}

static void an_unanswered_syn_ack_ends_the_host_side(void)
{
	struct fixture x;
	connecting(&x);
	tcp_flow_host_connected(&x.f, x.now);
	for (unsigned i = 0; i < 20 && x.f.state != TCP_STATE_CLOSED; i++) {
		expect_segment(&x, TCP_SYN | TCP_ACK);
		turn_to_deadline(&x);
	}
	expect_segment(&x, TCP_RST | TCP_ACK);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_ABORT);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_END);
	g_assert_cmpuint(x.now - START, >=, 240 * USEC_PER_SEC);
	g_assert_cmpuint(x.now - START, <, 300 * USEC_PER_SEC);
}

static void a_refused_connection_is_reset(void)
{
	struct fixture x;
	connecting(&x);
	tcp_flow_host_refused(&x.f, x.now, true);
	struct tcp_header *h = expect_segment(&x, TCP_RST | TCP_ACK);
	g_assert_cmpuint(h->ack, ==, GUEST_ISN + 1);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_END);
}

static void a_guest_that_gives_up_connecting_ends_the_host_side(void)
{
	struct fixture x;
	connecting(&x);
	receive(&x, segment(&x, TCP_RST), 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_ABORT);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_END);
}

static void a_flow_from_the_host_connects_to_the_guest(void)
{
	struct fixture x = { .now = START, .guest_seq = GUEST_ISN };
	tcp_flow_connect(&x.f, x.now, &(struct tcp_open){ .iss = OUR_ISN, .mss = MSS });
	struct tcp_header *h = expect_segment(&x, TCP_SYN);
	g_assert_true(h->has_mss && h->has_window_scale && h->sack_permitted && h->has_timestamps);
	struct tcp_header answer = guest_syn();
	answer.flags |= TCP_ACK;
	answer.ack = OUR_ISN + 1;
	receive(&x, answer, 0);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_ESTABLISHED);
	/* The host may have sent already: its queue is looked at. */
	g_assert_cmpint(next(&x), ==, TCP_ACTION_DATA);
}

static void a_guest_that_refuses_a_flow_from_the_host_resets_it(void)
{
	struct fixture x = { .now = START };
	tcp_flow_connect(&x.f, x.now, &(struct tcp_open){ .iss = OUR_ISN, .mss = MSS });
	expect_segment(&x, TCP_SYN);
	receive(&x, (struct tcp_header){ .flags = TCP_RST | TCP_ACK, .ack = OUR_ISN + 1 }, 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_ABORT);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_END);
}

static void an_old_connection_of_the_guest_is_reset_before_a_new_one_opens(void)
{
	struct fixture x = { .now = START };
	tcp_flow_connect(&x.f, x.now, &(struct tcp_open){ .iss = OUR_ISN, .mss = MSS });
	expect_segment(&x, TCP_SYN);
	/* RFC 9293 §3.10.7.3, first check. */
	g_assert_cmpint(receive(&x, (struct tcp_header){ .flags = TCP_ACK, .ack = OUR_ISN - 5 }, 0), ==, TCP_VERDICT_RESET);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_SYN_SENT);
}

/* --- bytes from the guest --- */

static void bytes_in_order_are_taken_and_acknowledged(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_ACK), 3000);
	g_assert_cmpuint(x.take.len, ==, 3000);
	g_assert_cmpuint(x.take.offset, ==, 0);
	g_assert_cmpuint(x.take.advance, ==, 3000);
	tcp_flow_host_took(&x.f, 3000);
	struct tcp_header *h = expect_segment(&x, TCP_ACK);
	g_assert_cmpuint(h->ack, ==, GUEST_ISN + 3001);
}

static void a_small_segment_is_acknowledged_a_little_later(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
	tcp_flow_host_took(&x.f, 10);
	expect_nothing(&x);
	usec_t asked = x.now;
	turn_to_deadline(&x);
	g_assert_cmpuint(x.now - asked, <=, 500 * USEC_PER_MSEC); /* RFC 9293 §3.8.6.3 */
	expect_segment(&x, TCP_ACK);
	/* That was in vain: the next ones are acknowledged at once. */
	x.guest_seq += 10;
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
	expect_segment(&x, TCP_ACK);
}

static void an_answer_carries_the_acknowledgement(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
	tcp_flow_host_took(&x.f, 10);
	host_sends(&x, 20);
	expect_nothing(&x);
	g_assert_cmpuint(x.f.ack_timer, ==, USEC_INFINITY);
}

static void early_bytes_are_kept_and_reported(void)
{
	struct fixture x;
	established(&x);
	x.guest_seq += 1000;
	receive(&x, segment(&x, TCP_ACK), 500);
	g_assert_cmpuint(x.take.offset, ==, 1000);
	g_assert_cmpuint(x.take.advance, ==, 0);
	struct tcp_header *h = expect_segment(&x, TCP_ACK);
	g_assert_cmpuint(h->ack, ==, GUEST_ISN + 1);
	g_assert_cmpuint(h->n_sack, ==, 1);
	g_assert_cmpuint(h->sack[0].left, ==, GUEST_ISN + 1001);
	/* The gap is filled: everything is in order at once. */
	x.guest_seq -= 1000;
	receive(&x, segment(&x, TCP_ACK), 1000);
	g_assert_cmpuint(x.take.len, ==, 1000);
	g_assert_cmpuint(x.take.advance, ==, 1500);
	h = expect_segment(&x, TCP_ACK);
	g_assert_cmpuint(h->ack, ==, GUEST_ISN + 1501);
	g_assert_cmpuint(h->n_sack, ==, 0);
}

static void the_latest_early_segment_is_reported_first(void)
{
	struct fixture x;
	established(&x);
	for (unsigned i = 3; i > 0; i--) {
		struct tcp_header h = segment(&x, TCP_ACK);
		h.seq = GUEST_ISN + 1 + i * 1000;
		receive(&x, h, 100);
	}
	struct tcp_header *h = expect_segment(&x, TCP_ACK);
	g_assert_cmpuint(h->n_sack, ==, 3);
	g_assert_cmpuint(h->sack[0].left, ==, GUEST_ISN + 1001); /* RFC 2018 §4 */
}

static void bytes_received_before_are_not_taken_twice(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_ACK), 1000);
	/* 400 old bytes, 300 new ones. */
	x.guest_seq += 600;
	receive(&x, segment(&x, TCP_ACK), 700);
	g_assert_cmpuint(x.take.skip, ==, 400);
	g_assert_cmpuint(x.take.len, ==, 300);
	expect_segment(&x, TCP_ACK);
}

static void the_window_shrinks_by_what_is_held_and_opens_again(void)
{
	struct fixture x;
	established(&x);
	uint32_t before = x.f.window;
	for (uint32_t sent = 0; sent + 60000 <= before; sent += 60000, x.guest_seq += 60000) {
		receive(&x, segment(&x, TCP_ACK), 60000);
		g_assert_cmpuint(x.take.len, ==, 60000);
		struct tcp_header *h = expect_segment(&x, TCP_ACK);
		/* Right edge: what was promised stays promised, and no more than can be held. */
		g_assert_cmpuint(h->ack + ((uint32_t)h->window << TCP_FLOW_WINDOW_SCALE), <=, GUEST_ISN + 1 + before);
	}
	g_assert_cmpuint(x.f.rcv_edge - x.f.rcv_nxt, <, 60000);
	expect_nothing(&x);
	tcp_flow_host_took(&x.f, x.f.held);
	struct tcp_header *h = expect_segment(&x, TCP_ACK);
	g_assert_cmpuint((uint32_t)h->window << TCP_FLOW_WINDOW_SCALE, >, before / 2);
}

static void bytes_behind_the_window_are_cut_off(void)
{
	struct fixture x;
	established(&x);
	uint32_t room = x.f.rcv_edge - x.f.rcv_nxt;
	receive(&x, segment(&x, TCP_ACK), room + 100);
	g_assert_cmpuint(x.take.len, ==, room);
	x.guest_seq += room + 100;
	receive(&x, segment(&x, TCP_ACK), 100);
	g_assert_cmpuint(x.take.len, ==, 0);
	expect_segment(&x, TCP_ACK);
}

/* RFC 9293 §3.8.6.1, from the other end. */
static void a_guests_probe_of_our_shut_window_is_answered(void)
{
	struct fixture x;
	established(&x);
	for (uint32_t room; (room = x.f.rcv_edge - x.f.rcv_nxt) > 0; x.guest_seq += room) {
		receive(&x, segment(&x, TCP_ACK), room);
		g_assert_cmpuint(x.take.len, ==, room);
		expect_segment(&x, TCP_ACK);
	}
	for (unsigned i = 0; i < 3; i++) {
		x.now += USEC_PER_SEC;
		receive(&x, segment(&x, TCP_ACK), 1);
		g_assert_cmpuint(x.take.len, ==, 0);
		struct tcp_header *h = expect_segment(&x, TCP_ACK);
		g_assert_cmpuint(h->ack, ==, x.guest_seq);
		g_assert_cmpuint(h->window, ==, 0);
	}
}

/* --- bytes to the guest --- */

static void acknowledged_bytes_leave_the_hosts_queue(void)
{
	struct fixture x;
	established(&x);
	host_sends(&x, 3000);
	g_assert_cmpuint(x.f.snd_nxt - x.f.snd_una, ==, 3000);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.ack = OUR_ISN + 1 + 1460;
	receive(&x, ack, 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_CONSUME);
	g_assert_cmpuint(x.a.len, ==, 1460);
	expect_nothing(&x);
}

static void no_more_is_sent_than_the_guests_window(void)
{
	struct fixture x;
	established(&x);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.window = 2; /* << 7 */
	receive(&x, ack, 0);
	tcp_flow_host_readable(&x.f);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_DATA);
	g_assert_cmpuint(x.a.len, ==, 256);
}

/* What is in flight counts: neither more data of the host nor an acknowledgement that takes nothing from it makes room. */
static void a_full_window_lets_nothing_more_out(void)
{
	struct fixture x;
	established(&x);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.window = 23; /* << 7: two segments and 24 bytes */
	receive(&x, ack, 0);
	host_sends(&x, 2 * MSS);
	tcp_flow_host_readable(&x.f);
	expect_nothing(&x); /* 24 bytes are a silly segment */
	receive(&x, ack, 0);
	expect_nothing(&x);
	ack.ack += MSS;
	ack.window = 11; /* its right edge is where it was, but for 76 bytes */
	receive(&x, ack, 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_CONSUME);
	expect_nothing(&x);
	g_assert_cmpuint(x.f.snd_nxt - ack.ack, ==, MSS);
	ack.window = 23;
	receive(&x, ack, 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_DATA);
	g_assert_cmpuint(x.a.len, ==, MSS);
}

/* The guest took back a part of its window: more is in flight than it wants now. */
static void a_window_smaller_than_what_is_in_flight_lets_nothing_out(void)
{
	struct fixture x;
	established(&x);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.window = 100;
	receive(&x, ack, 0);
	host_sends(&x, 4 * MSS);
	ack.window = 12;
	receive(&x, ack, 0);
	tcp_flow_host_readable(&x.f);
	expect_nothing(&x);
}

static void a_shut_window_is_probed_and_its_opening_noticed(void)
{
	struct fixture x;
	established(&x);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.window = 0;
	receive(&x, ack, 0);
	tcp_flow_host_readable(&x.f);
	expect_nothing(&x);
	usec_t last = x.now, gap = 0;
	for (unsigned i = 0; i < 8; i++) {
		turn_to_deadline(&x);
		struct tcp_header *h = expect_segment(&x, TCP_ACK);
		g_assert_cmpuint(h->seq, ==, OUR_ISN);   /* one that the guest has seen */
		g_assert_cmpuint(x.now - last, >=, gap); /* further and further apart */
		gap = x.now - last;
		last = x.now;
		receive(&x, ack, 0);
		expect_nothing(&x);
	}
	ack.window = 500;
	receive(&x, ack, 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_DATA);
}

static void a_guest_that_answers_probes_may_keep_its_window_shut(void)
{
	struct fixture x;
	established(&x);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.window = 0;
	receive(&x, ack, 0);
	tcp_flow_host_readable(&x.f);
	expect_nothing(&x);
	while (x.now < START + 24 * 3600 * USEC_PER_SEC) {
		turn_to_deadline(&x);
		expect_segment(&x, TCP_ACK);
		receive(&x, ack, 0);
		expect_nothing(&x);
	}
	g_assert_cmpint(x.f.state, ==, TCP_STATE_ESTABLISHED);
}

/* Sends all that is asked for again; returns how much that was. */
static uint32_t send_again(struct fixture *x)
{
	uint32_t sent = 0;
	while (next(x) == TCP_ACTION_DATA) {
		struct tcp_action a = x->a;
		struct tcp_header h;
		g_assert_true(a.again);
		tcp_flow_data_found(&x->f, &a, a.len, false);
		tcp_flow_data_header(&x->f, x->now, a.seq, a.len, &h);
		sent += a.len;
	}
	return sent;
}

static void a_guest_may_take_back_a_window_and_what_was_sent_into_it(void)
{
	struct fixture x;
	established(&x);
	host_sends(&x, MSS);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.ack = OUR_ISN + 1;
	ack.window = 0;
	while (x.now < START + 3600 * USEC_PER_SEC) {
		turn_to_deadline(&x);
		g_assert_cmpuint(send_again(&x), ==, MSS);
		receive(&x, ack, 0);
	}
	ack.window = 500;
	receive(&x, ack, 0);
	g_assert_cmpuint(send_again(&x), ==, MSS); /* at once */
	receive(&x, segment(&x, TCP_ACK), 0);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_ESTABLISHED);
	g_assert_cmpuint(x.f.snd_una, ==, x.f.snd_nxt);
}

static void three_duplicate_acks_bring_a_retransmission(void)
{
	struct fixture x;
	established(&x);
	host_sends(&x, 5 * MSS);
	struct tcp_header dup = segment(&x, TCP_ACK);
	dup.ack = OUR_ISN + 1;
	for (unsigned i = 0; i < 2; i++) {
		receive(&x, dup, 0);
		expect_nothing(&x);
	}
	receive(&x, dup, 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_DATA);
	g_assert_true(x.a.again);
	g_assert_cmpuint(x.a.offset, ==, 0);
	g_assert_cmpuint(x.a.len, ==, MSS);
}

static void only_what_sack_does_not_report_is_sent_again(void)
{
	struct fixture x;
	established(&x);
	host_sends(&x, 8 * MSS);
	struct tcp_header dup = segment(&x, TCP_ACK);
	dup.ack = OUR_ISN + 1;
	dup.n_sack = 2;
	dup.sack[0] = (struct tcp_sack_block){ OUR_ISN + 1 + 2 * MSS, OUR_ISN + 1 + 5 * MSS };
	dup.sack[1] = (struct tcp_sack_block){ OUR_ISN + 1 + 6 * MSS, OUR_ISN + 1 + 8 * MSS };
	for (unsigned i = 0; i < 3; i++)
		receive(&x, dup, 0);
	uint32_t again = 0;
	while (next(&x) == TCP_ACTION_DATA) {
		struct tcp_action a = x.a;
		struct tcp_header h;
		g_assert_true(a.again);
		g_assert_true(a.offset < 2 * MSS || (a.offset >= 5 * MSS && a.offset < 6 * MSS));
		tcp_flow_data_found(&x.f, &a, a.len, false);
		tcp_flow_data_header(&x.f, x.now, a.seq, a.len, &h);
		again += a.len;
	}
	g_assert_cmpuint(again, ==, 3 * MSS);
}

static void a_timeout_sends_again_and_backs_off(void)
{
	struct fixture x;
	established(&x);
	host_sends(&x, MSS);
	usec_t gap = 0;
	for (unsigned i = 0; i < 5; i++) {
		usec_t before = x.now;
		turn_to_deadline(&x);
		g_assert_cmpuint(x.now - before, >=, 2 * gap);
		gap = x.now - before;
		g_assert_cmpint(next(&x), ==, TCP_ACTION_DATA);
		struct tcp_action a = x.a;
		struct tcp_header h;
		g_assert_true(a.again);
		tcp_flow_data_found(&x.f, &a, a.len, false);
		tcp_flow_data_header(&x.f, x.now, a.seq, a.len, &h);
		expect_nothing(&x);
	}
	/* RFC 6298 §3: its ACK says nothing about the round trip. */
	uint32_t rto = x.f.rto_us;
	receive(&x, segment(&x, TCP_ACK), 0);
	g_assert_cmpuint(x.f.rto_us, ==, rto);
}

static void a_guest_that_never_answers_is_given_up(void)
{
	struct fixture x;
	established(&x);
	host_sends(&x, MSS);
	for (unsigned i = 0; i < 100 && x.f.state != TCP_STATE_CLOSED; i++) {
		turn_to_deadline(&x);
		if (next(&x) == TCP_ACTION_DATA) {
			struct tcp_action a = x.a;
			struct tcp_header h;
			tcp_flow_data_found(&x.f, &a, a.len, false);
			tcp_flow_data_header(&x.f, x.now, a.seq, a.len, &h);
		}
	}
	g_assert_cmpint(x.f.state, ==, TCP_STATE_CLOSED);
	g_assert_cmpuint(x.now - START, >=, 100 * USEC_PER_SEC); /* RFC 1122 §4.2.3.5 */
}

static void a_full_port_of_the_guest_holds_data_but_not_acks(void)
{
	struct fixture x;
	established(&x);
	tcp_flow_host_readable(&x.f);
	tcp_flow_guest_blocked(&x.f, true);
	receive(&x, segment(&x, TCP_ACK), 9000);
	expect_segment(&x, TCP_ACK);
	expect_nothing(&x);
	tcp_flow_guest_blocked(&x.f, false);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_DATA);
}

/* --- closing --- */

static void a_guests_fin_is_passed_on_when_its_bytes_are_taken(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_ACK | TCP_FIN), 100);
	expect_segment(&x, TCP_ACK);
	expect_nothing(&x);
	tcp_flow_host_took(&x.f, 100);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_SHUTDOWN);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_CLOSE_WAIT);
}

static void a_fin_before_a_gap_waits(void)
{
	struct fixture x;
	established(&x);
	x.guest_seq += 100;
	receive(&x, segment(&x, TCP_ACK | TCP_FIN), 50);
	g_assert_false(x.f.fin_received);
	x.guest_seq -= 100;
	receive(&x, segment(&x, TCP_ACK), 100);
	g_assert_cmpuint(x.take.advance, ==, 150);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_ESTABLISHED);
}

static void a_half_closed_flow_goes_on_the_other_way(void)
{
	struct fixture x;
	established(&x);
	guest_ends(&x);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_SHUTDOWN);
	expect_segment(&x, TCP_ACK);
	host_sends(&x, 1000);
	receive(&x, segment(&x, TCP_ACK), 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_CONSUME);
	host_ends(&x);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_LAST_ACK);
	receive(&x, segment(&x, TCP_ACK), 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_END);
}

static void the_host_may_end_first(void)
{
	struct fixture x;
	established(&x);
	host_ends(&x);
	receive(&x, segment(&x, TCP_ACK), 0);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_FIN_WAIT_2);
	receive(&x, segment(&x, TCP_ACK), 500);
	g_assert_cmpuint(x.take.len, ==, 500);
	tcp_flow_host_took(&x.f, 500);
	x.guest_seq += 500;
	guest_ends(&x);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_TIME_WAIT);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_RELEASE);
	expect_segment(&x, TCP_ACK);
	turn_to_deadline(&x);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_END);
}

static void both_may_end_at_once(void)
{
	struct fixture x;
	established(&x);
	host_ends(&x);
	struct tcp_header fin = segment(&x, TCP_FIN | TCP_ACK);
	fin.ack--; /* has not seen ours */
	receive(&x, fin, 0);
	x.guest_seq++;
	g_assert_cmpint(x.f.state, ==, TCP_STATE_CLOSING);
	receive(&x, segment(&x, TCP_ACK), 0);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_TIME_WAIT);
}

static void a_lost_fin_is_sent_again(void)
{
	struct fixture x;
	established(&x);
	host_ends(&x);
	turn_to_deadline(&x);
	expect_segment(&x, TCP_FIN | TCP_ACK);
}

static void the_last_segment_carries_the_fin(void)
{
	struct fixture x;
	established(&x);
	tcp_flow_host_readable(&x.f);
	next(&x);
	struct tcp_action a = x.a;
	struct tcp_header h;
	tcp_flow_data_found(&x.f, &a, 100, true);
	tcp_flow_data_header(&x.f, x.now, a.seq, 100, &h);
	g_assert_true(h.flags & TCP_FIN);
	expect_nothing(&x);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_FIN_WAIT_1);
}

static void a_repeated_fin_in_time_wait_is_acknowledged(void)
{
	struct fixture x;
	established(&x);
	host_ends(&x);
	receive(&x, segment(&x, TCP_ACK), 0);
	guest_ends(&x);
	next(&x);
	expect_segment(&x, TCP_ACK);
	x.now += USEC_PER_SEC;
	x.guest_seq--;
	receive(&x, segment(&x, TCP_FIN | TCP_ACK), 0);
	expect_segment(&x, TCP_ACK);
}

static void time_wait_makes_way_for_a_new_connection(void)
{
	struct fixture x;
	established(&x);
	host_ends(&x);
	receive(&x, segment(&x, TCP_ACK), 0);
	guest_ends(&x);
	struct tcp_header syn = guest_syn();
	syn.seq = x.guest_seq + 1000;
	g_assert_cmpint(receive(&x, syn, 0), ==, TCP_VERDICT_REOPEN);
	/* An old one does not. */
	syn.seq = GUEST_ISN;
	g_assert_cmpint(receive(&x, syn, 0), ==, TCP_VERDICT_DONE);
}

/* RFC 6191: numbers begin anywhere after two gigabytes, timestamps go on. */
static void time_wait_makes_way_for_a_newer_timestamp(void)
{
	struct fixture x;
	struct tcp_header syn = guest_syn();
	syn.has_timestamps = true;
	syn.ts_value = 1000;
	established_with(&x, &syn);
	host_ends(&x);
	receive(&x, segment(&x, TCP_ACK), 0);
	guest_ends(&x);
	syn.seq = GUEST_ISN - 70000;
	g_assert_cmpint(receive(&x, syn, 0), ==, TCP_VERDICT_DONE);
	syn.ts_value++;
	g_assert_cmpint(receive(&x, syn, 0), ==, TCP_VERDICT_REOPEN);
}

static void a_new_connection_waits_for_the_last_bytes_of_the_old_one(void)
{
	struct fixture x;
	established(&x);
	host_ends(&x);
	receive(&x, segment(&x, TCP_ACK), 1000);
	x.guest_seq += 1000;
	guest_ends(&x);
	struct tcp_header syn = guest_syn();
	syn.seq = x.guest_seq + 1000;
	g_assert_cmpint(receive(&x, syn, 0), ==, TCP_VERDICT_DONE);
	tcp_flow_host_took(&x.f, 1000);
	g_assert_cmpint(receive(&x, syn, 0), ==, TCP_VERDICT_REOPEN);
}

/* --- resets and attacks --- */

static void a_guests_reset_is_a_reset_outside(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_RST), 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_ABORT);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_END);
}

static void a_reset_from_outside_reaches_the_guest(void)
{
	struct fixture x;
	established(&x);
	tcp_flow_host_reset(&x.f, x.now);
	struct tcp_header *h = expect_segment(&x, TCP_RST | TCP_ACK);
	g_assert_cmpuint(h->seq, ==, OUR_ISN + 1);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_ABORT);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_END);
}

static void a_guessed_reset_is_challenged(void)
{
	struct fixture x;
	established(&x);
	x.guest_seq += 100; /* inside the window, but not the next byte: RFC 5961 §3.2 */
	receive(&x, segment(&x, TCP_RST), 0);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_ESTABLISHED);
	expect_segment(&x, TCP_ACK);
	x.guest_seq += 0x40000000; /* outside: ignored */
	receive(&x, segment(&x, TCP_RST), 0);
	expect_nothing(&x);
}

static void a_syn_in_the_middle_is_challenged(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_SYN), 0); /* RFC 5961 §4.2 */
	g_assert_cmpint(x.f.state, ==, TCP_STATE_ESTABLISHED);
	expect_segment(&x, TCP_ACK);
}

static void data_with_an_ack_of_another_age_is_dropped(void)
{
	struct fixture x;
	established(&x);
	struct tcp_header h = segment(&x, TCP_ACK);
	h.ack += 0x10000; /* never sent: RFC 5961 §5.2 */
	receive(&x, h, 100);
	g_assert_cmpuint(x.take.len, ==, 0);
	h.ack = OUR_ISN - 0x10000000;
	receive(&x, h, 100);
	g_assert_cmpuint(x.take.len, ==, 0);
}

static void challenges_are_rationed(void)
{
	struct fixture x;
	established(&x);
	unsigned sent = 0;
	for (unsigned i = 0; i < 1000; i++) {
		struct tcp_header h = segment(&x, TCP_SYN);
		receive(&x, h, 0);
		sent += next(&x) == TCP_ACTION_SEGMENT;
	}
	g_assert_cmpuint(sent, ==, 1);
}

static void an_old_timestamp_is_refused(void)
{
	struct fixture x;
	struct tcp_header syn = guest_syn();
	syn.has_timestamps = true;
	syn.ts_value = 1000;
	connecting_with(&x, &syn);
	tcp_flow_host_connected(&x.f, x.now);
	struct tcp_header *h = expect_segment(&x, TCP_SYN | TCP_ACK);
	g_assert_true(h->has_timestamps);
	g_assert_cmpuint(h->ts_echo, ==, 1000);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.has_timestamps = true;
	ack.ts_value = 2000;
	receive(&x, ack, 0);
	ack.ts_value = 1500;
	receive(&x, ack, 100); /* RFC 7323 §5.3 */
	g_assert_cmpuint(x.take.len, ==, 0);
	ack.ts_value = 2001;
	receive(&x, ack, 100);
	g_assert_cmpuint(x.take.len, ==, 100);
}

static void a_segment_without_a_flow_is_reset(void)
{
	struct tcp_header r;
	/* RFC 9293 §3.10.7.1 */
	g_assert_true(tcp_reset_for(&(struct tcp_header){ .flags = TCP_ACK, .ack = 77 }, 10, &r));
	g_assert_cmphex(r.flags, ==, TCP_RST);
	g_assert_cmpuint(r.seq, ==, 77);
	g_assert_true(tcp_reset_for(&(struct tcp_header){ .flags = TCP_SYN, .seq = 5 }, 10, &r));
	g_assert_cmphex(r.flags, ==, TCP_RST | TCP_ACK);
	g_assert_cmpuint(r.ack, ==, 16);
	g_assert_false(tcp_reset_for(&(struct tcp_header){ .flags = TCP_RST }, 0, &r));
}

/* --- idleness --- */

static void an_idle_guest_is_asked_before_it_is_given_up(void)
{
	struct fixture x;
	established(&x);
	turn_to_deadline(&x);
	g_assert_cmpuint(x.now - START, >=, (2 * 3600 + 4 * 60) * USEC_PER_SEC); /* RFC 5382 REQ-5 */
	expect_segment(&x, TCP_ACK);
	/* It answers, and is left alone for as long again. */
	receive(&x, segment(&x, TCP_ACK), 0);
	usec_t answered = x.now;
	turn_to_deadline(&x);
	g_assert_cmpuint(x.now - answered, >=, (2 * 3600 + 4 * 60) * USEC_PER_SEC);
	for (unsigned i = 0; i < 20 && x.f.state == TCP_STATE_ESTABLISHED; i++) {
		expect_segment(&x, TCP_ACK);
		turn_to_deadline(&x);
	}
	expect_segment(&x, TCP_RST | TCP_ACK);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_ABORT);
}

static void a_silent_guest_is_asked_nine_times(void)
{
	struct fixture x;
	unsigned asked = 0;
	established(&x);
	turn_to_deadline(&x);
	for (; next(&x) == TCP_ACTION_SEGMENT && x.a.header.flags == TCP_ACK; asked++)
		turn_to_deadline(&x);
	g_assert_cmpuint(asked, ==, 9);
	g_assert_cmphex(x.a.header.flags, ==, TCP_RST | TCP_ACK);
}

static void a_full_window_holds_the_fin_back(void)
{
	struct fixture x;
	established(&x);
	struct tcp_header ack = segment(&x, TCP_ACK);
	ack.window = 2; /* << 7 */
	receive(&x, ack, 0);
	host_sends(&x, 256);
	x.f.host_eof = true;
	expect_nothing(&x);
	ack.ack += 256;
	receive(&x, ack, 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_CONSUME);
	expect_segment(&x, TCP_FIN | TCP_ACK);
}

static void a_guests_keepalive_is_answered_and_passed_on(void)
{
	struct fixture x;
	established(&x);
	x.now += 60 * USEC_PER_SEC;
	struct tcp_header probe = segment(&x, TCP_ACK);
	probe.seq--;
	receive(&x, probe, 0);
	g_assert_cmpint(next(&x), ==, TCP_ACTION_KEEPALIVE);
	expect_segment(&x, TCP_ACK);
}

static void keepalive_probe(struct fixture *x)
{
	struct tcp_header probe = segment(x, TCP_ACK);
	probe.seq--;
	receive(x, probe, 0);
}

static void each_keepalive_of_a_guest_may_wait_for_the_peers_answer(void)
{
	struct fixture x;
	established(&x);
	for (unsigned i = 0; i < 3; i++) {
		x.now += USEC_PER_SEC;
		keepalive_probe(&x);
		g_assert_cmpint(next(&x), ==, TCP_ACTION_KEEPALIVE);
		g_assert_true(tcp_flow_may_withhold_ack(&x.f));
		tcp_flow_withhold_ack(&x.f, x.now, x.now + 7 * USEC_PER_MSEC);
		expect_nothing(&x);
	}
	usec_t asked = x.now;
	turn_to_deadline(&x);
	g_assert_cmpuint(x.now - asked, ==, 7 * USEC_PER_MSEC);
	g_assert_true(tcp_flow_may_withhold_ack(&x.f));
	expect_segment(&x, TCP_ACK);
	g_assert_cmpuint(x.f.withheld, ==, USEC_INFINITY);
}

/* A small segment whose delayed ACK is due, and withheld. */
static void withheld(struct fixture *x)
{
	established(x);
	receive(x, segment(x, TCP_ACK | TCP_PSH), 10);
	tcp_flow_host_took(&x->f, 10);
	g_assert_false(tcp_flow_may_withhold_ack(&x->f));
	turn_to_deadline(x);
	g_assert_true(tcp_flow_may_withhold_ack(&x->f));
	tcp_flow_withhold_ack(&x->f, x->now, x->now + USEC_PER_SEC);
	expect_nothing(x);
}

static void a_segment_that_is_repeated_while_its_ack_is_withheld_is_not_acknowledged(void)
{
	struct fixture x;
	withheld(&x);
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
	g_assert_true(tcp_flow_may_withhold_ack(&x.f));
	tcp_flow_withhold_ack(&x.f, x.now, x.now + USEC_PER_SEC);
	expect_nothing(&x);
}

/* Two segments in flight would make the guest send the last one again soon. */
static void another_segment_soon_after_one_whose_ack_is_withheld_is_acknowledged(void)
{
	struct fixture x;
	withheld(&x);
	x.guest_seq += 10;
	x.now += 100 * USEC_PER_MSEC;
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
	tcp_flow_host_took(&x.f, 10);
	g_assert_false(tcp_flow_may_withhold_ack(&x.f));
	struct tcp_header *h = expect_segment(&x, TCP_ACK);
	g_assert_cmpuint(h->ack, ==, GUEST_ISN + 11 + 10);
}

/* The card cuts it into two. */
static void the_ack_of_a_segment_of_more_than_one_mss_is_not_withheld(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), MSS + 1);
	tcp_flow_host_took(&x.f, MSS + 1);
	turn_to_deadline(&x);
	g_assert_false(tcp_flow_may_withhold_ack(&x.f));
	expect_segment(&x, TCP_ACK);
}

static void few_bytes_long_after_one_whose_ack_is_withheld_are_no_reason_to_send_it(void)
{
	struct fixture x;
	withheld(&x);
	x.guest_seq += 10;
	x.now += 250 * USEC_PER_MSEC;
	for (unsigned i = 0; i < 3; i++) {
		receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
		x.guest_seq += 10;
	}
	tcp_flow_host_took(&x.f, 30);
	g_assert_true(tcp_flow_may_withhold_ack(&x.f));
	struct tcp_header *h = expect_segment(&x, TCP_ACK);
	g_assert_cmpuint(h->ack, ==, GUEST_ISN + 11 + 30);
}

static void an_upload_behind_a_withheld_ack_is_acknowledged(void)
{
	struct fixture x;
	withheld(&x);
	x.guest_seq += 10;
	for (unsigned i = 0; i < 2; i++) {
		receive(&x, segment(&x, TCP_ACK | TCP_PSH), MSS);
		x.guest_seq += MSS;
	}
	tcp_flow_host_took(&x.f, 2 * MSS);
	g_assert_false(tcp_flow_may_withhold_ack(&x.f));
	expect_segment(&x, TCP_ACK);
}

/* Or a request that is sent now and then would be acknowledged at once, whether its peer is alive or not. */
static void acks_are_delayed_again_after_a_pause(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
	x.guest_seq += 10;
	tcp_flow_host_took(&x.f, 10);
	turn_to_deadline(&x);
	expect_segment(&x, TCP_ACK);
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
	x.guest_seq += 10;
	tcp_flow_host_took(&x.f, 10);
	expect_segment(&x, TCP_ACK);
	x.now += USEC_PER_SEC;
	receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
	tcp_flow_host_took(&x.f, 10);
	expect_nothing(&x);
}

static void an_answer_carries_a_withheld_ack(void)
{
	struct fixture x;
	withheld(&x);
	host_sends(&x, 20);
	g_assert_cmpuint(x.f.withheld, ==, USEC_INFINITY);
	g_assert_cmpuint(x.f.ack_timer, ==, USEC_INFINITY);
}

static void the_ack_of_two_segments_a_fin_or_a_gap_is_never_withheld(void)
{
	struct fixture x;
	established(&x);
	for (unsigned i = 0; i < 2; i++) {
		receive(&x, segment(&x, TCP_ACK | TCP_PSH), 10);
		x.guest_seq += 10;
	}
	turn_to_deadline(&x);
	g_assert_false(tcp_flow_may_withhold_ack(&x.f));
	expect_segment(&x, TCP_ACK);

	withheld(&x);
	x.guest_seq += 10;
	receive(&x, segment(&x, TCP_ACK | TCP_FIN), 0);
	g_assert_false(tcp_flow_may_withhold_ack(&x.f));

	withheld(&x);
	x.guest_seq += 1000;
	receive(&x, segment(&x, TCP_ACK), 10);
	g_assert_false(tcp_flow_may_withhold_ack(&x.f));
	expect_segment(&x, TCP_ACK);
}

static void a_lost_ack_is_repeated_although_another_is_withheld(void)
{
	struct fixture x;
	established(&x);
	receive(&x, segment(&x, TCP_ACK), 3000);
	tcp_flow_host_took(&x.f, 3000);
	expect_segment(&x, TCP_ACK);
	struct tcp_header again = segment(&x, TCP_ACK);
	x.f.quick_acks = 0;
	x.guest_seq += 3000;
	receive(&x, segment(&x, TCP_ACK), 10);
	turn_to_deadline(&x);
	tcp_flow_withhold_ack(&x.f, x.now, x.now + USEC_PER_SEC);
	receive(&x, again, 3000);
	g_assert_false(tcp_flow_may_withhold_ack(&x.f));
	expect_segment(&x, TCP_ACK);
}

/* RFC 7323 §5.5: after 24 days of silence a timestamp says nothing; of probes alone it must not come to that. */
static void a_guest_that_only_probes_is_still_understood_after_months(void)
{
	struct fixture x;
	struct tcp_header syn = guest_syn();
	syn.has_timestamps = true;
	syn.ts_value = 1000;
	established_with(&x, &syn);
	struct tcp_header probe = segment(&x, TCP_ACK);
	probe.has_timestamps = true;
	probe.ts_value = 1000;
	probe.seq--;
	for (unsigned hours = 0; hours < 24 * 40; hours += 2) {
		probe.ts_value += 2 * 3600 * 1000;
		receive(&x, probe, 0);
	}
	probe.seq++;
	receive(&x, probe, 100);
	g_assert_cmpuint(x.take.len, ==, 100);
}

static void data_outside_of_the_window_is_not_taken(void)
{
	struct fixture x;
	established(&x);
	x.guest_seq += TCP_FLOW_WINDOW + 1000; /* beyond anything that was announced */
	receive(&x, segment(&x, TCP_ACK), 100);
	g_assert_cmpuint(x.take.len, ==, 0);
	expect_segment(&x, TCP_ACK);
	x.guest_seq = GUEST_ISN - 5000;
	receive(&x, segment(&x, TCP_ACK), 100);
	g_assert_cmpuint(x.take.len, ==, 0);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_ESTABLISHED);
}

static void segments_that_were_too_big_are_sent_again_smaller(void)
{
	struct fixture x;
	established(&x);
	host_sends(&x, 5 * MSS);
	uint32_t cwnd = x.f.cwnd;
	tcp_flow_too_big(&x.f, OUR_ISN + 1 + MSS, 1000);
	g_assert_cmpuint(tcp_flow_segment_size(&x.f), ==, 1000);
	g_assert_cmpuint(send_again(&x), ==, 5 * MSS);
	receive(&x, segment(&x, TCP_ACK), 0);
	g_assert_cmpuint(x.f.cwnd, >=, cwnd); /* RFC 1191 §6.5: no sign of congestion */
	g_assert_cmpint(next(&x), ==, TCP_ACTION_CONSUME);
	/* Others on the same way say it again. */
	host_sends(&x, MSS);
	tcp_flow_too_big(&x.f, OUR_ISN + 1 + 5 * MSS, 1000);
	tcp_flow_too_big(&x.f, OUR_ISN + 1 + 5 * MSS, 1400);
	expect_nothing(&x);
}

static void too_big_is_believed_for_bytes_in_flight_only(void)
{
	struct fixture x;
	connecting(&x);
	tcp_flow_too_big(&x.f, OUR_ISN, 500);
	established(&x);
	tcp_flow_too_big(&x.f, OUR_ISN + 1, 500);
	host_sends(&x, 5 * MSS);
	tcp_flow_too_big(&x.f, OUR_ISN, 500);
	tcp_flow_too_big(&x.f, OUR_ISN + 1 + 5 * MSS, 500);
	tcp_flow_too_big(&x.f, OUR_ISN + 0x80000000u, 500);
	g_assert_cmpuint(tcp_flow_segment_size(&x.f), ==, MSS);
	expect_nothing(&x);
}

static void too_big_never_makes_segments_tiny(void)
{
	struct fixture x;
	established(&x);
	host_sends(&x, MSS);
	tcp_flow_too_big(&x.f, OUR_ISN + 1, 0);
	g_assert_cmpuint(tcp_flow_segment_size(&x.f), >=, 88);
}

static void both_may_open_at_once(void)
{
	struct fixture x = { .now = START, .guest_seq = GUEST_ISN };
	tcp_flow_connect(&x.f, x.now, &(struct tcp_open){ .iss = OUR_ISN, .mss = MSS });
	expect_segment(&x, TCP_SYN);
	receive(&x, guest_syn(), 0);
	struct tcp_header *h = expect_segment(&x, TCP_SYN | TCP_ACK);
	g_assert_cmpuint(h->seq, ==, OUR_ISN);
	g_assert_cmpuint(h->ack, ==, GUEST_ISN + 1);
	x.guest_seq++;
	receive(&x, segment(&x, TCP_ACK), 0);
	g_assert_cmpint(x.f.state, ==, TCP_STATE_ESTABLISHED);
}

static void a_lost_syn_is_sent_again(void)
{
	struct fixture x = { .now = START, .guest_seq = GUEST_ISN };
	tcp_flow_connect(&x.f, x.now, &(struct tcp_open){ .iss = OUR_ISN, .mss = MSS });
	usec_t gap = 0;
	expect_segment(&x, TCP_SYN);
	for (unsigned i = 0; i < 4; i++) {
		usec_t before = x.now;
		turn_to_deadline(&x);
		g_assert_cmpuint(x.now - before, >=, 2 * gap);
		gap = x.now - before;
		g_assert_cmpuint(expect_segment(&x, TCP_SYN)->seq, ==, OUR_ISN);
	}
}

#define TEST(name) \
	{ \
#name, name \
	}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(the_syn_is_answered_when_the_host_is_connected),
	TEST(options_that_the_guest_did_not_offer_are_not_used),
	TEST(a_repeated_syn_while_connecting_is_not_answered),
	TEST(a_lost_syn_ack_is_sent_again),
	TEST(an_unanswered_syn_ack_ends_the_host_side),
	TEST(a_refused_connection_is_reset),
	TEST(a_guest_that_gives_up_connecting_ends_the_host_side),
	TEST(a_flow_from_the_host_connects_to_the_guest),
	TEST(a_guest_that_refuses_a_flow_from_the_host_resets_it),
	TEST(an_old_connection_of_the_guest_is_reset_before_a_new_one_opens),
	TEST(bytes_in_order_are_taken_and_acknowledged),
	TEST(a_small_segment_is_acknowledged_a_little_later),
	TEST(an_answer_carries_the_acknowledgement),
	TEST(early_bytes_are_kept_and_reported),
	TEST(the_latest_early_segment_is_reported_first),
	TEST(bytes_received_before_are_not_taken_twice),
	TEST(the_window_shrinks_by_what_is_held_and_opens_again),
	TEST(bytes_behind_the_window_are_cut_off),
	TEST(a_guests_probe_of_our_shut_window_is_answered),
	TEST(acknowledged_bytes_leave_the_hosts_queue),
	TEST(no_more_is_sent_than_the_guests_window),
	TEST(a_full_window_lets_nothing_more_out),
	TEST(a_window_smaller_than_what_is_in_flight_lets_nothing_out),
	TEST(a_shut_window_is_probed_and_its_opening_noticed),
	TEST(a_guest_that_answers_probes_may_keep_its_window_shut),
	TEST(a_guest_may_take_back_a_window_and_what_was_sent_into_it),
	TEST(three_duplicate_acks_bring_a_retransmission),
	TEST(only_what_sack_does_not_report_is_sent_again),
	TEST(a_timeout_sends_again_and_backs_off),
	TEST(a_guest_that_never_answers_is_given_up),
	TEST(a_full_port_of_the_guest_holds_data_but_not_acks),
	TEST(a_guests_fin_is_passed_on_when_its_bytes_are_taken),
	TEST(a_fin_before_a_gap_waits),
	TEST(a_half_closed_flow_goes_on_the_other_way),
	TEST(the_host_may_end_first),
	TEST(both_may_end_at_once),
	TEST(a_lost_fin_is_sent_again),
	TEST(the_last_segment_carries_the_fin),
	TEST(a_repeated_fin_in_time_wait_is_acknowledged),
	TEST(time_wait_makes_way_for_a_new_connection),
	TEST(time_wait_makes_way_for_a_newer_timestamp),
	TEST(a_new_connection_waits_for_the_last_bytes_of_the_old_one),
	TEST(a_guests_reset_is_a_reset_outside),
	TEST(a_reset_from_outside_reaches_the_guest),
	TEST(a_guessed_reset_is_challenged),
	TEST(a_syn_in_the_middle_is_challenged),
	TEST(data_with_an_ack_of_another_age_is_dropped),
	TEST(challenges_are_rationed),
	TEST(an_old_timestamp_is_refused),
	TEST(a_segment_without_a_flow_is_reset),
	TEST(an_idle_guest_is_asked_before_it_is_given_up),
	TEST(a_guests_keepalive_is_answered_and_passed_on),
	TEST(each_keepalive_of_a_guest_may_wait_for_the_peers_answer),
	TEST(a_segment_that_is_repeated_while_its_ack_is_withheld_is_not_acknowledged),
	TEST(another_segment_soon_after_one_whose_ack_is_withheld_is_acknowledged),
	TEST(the_ack_of_a_segment_of_more_than_one_mss_is_not_withheld),
	TEST(few_bytes_long_after_one_whose_ack_is_withheld_are_no_reason_to_send_it),
	TEST(an_upload_behind_a_withheld_ack_is_acknowledged),
	TEST(acks_are_delayed_again_after_a_pause),
	TEST(an_answer_carries_a_withheld_ack),
	TEST(the_ack_of_two_segments_a_fin_or_a_gap_is_never_withheld),
	TEST(a_lost_ack_is_repeated_although_another_is_withheld),
	TEST(a_silent_guest_is_asked_nine_times),
	TEST(a_full_window_holds_the_fin_back),
	TEST(a_guest_that_only_probes_is_still_understood_after_months),
	TEST(data_outside_of_the_window_is_not_taken),
	TEST(segments_that_were_too_big_are_sent_again_smaller),
	TEST(too_big_is_believed_for_bytes_in_flight_only),
	TEST(too_big_never_makes_segments_tiny),
	TEST(both_may_open_at_once),
	TEST(a_lost_syn_is_sent_again),
};

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		g_autofree char *path = g_strdup_printf("/tcp-flow/%s", tests[i].name);
		g_test_add_func(path, tests[i].run);
	}
	return g_test_run();
}
