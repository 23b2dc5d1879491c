/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls between the parts of the TCP machine. Events that several parts act on are functions in the past tense. Each part is one
 * file: tcp_segment.c (what a segment means in each state), tcp_receive.c (bytes from the guest, windows, when to acknowledge),
 * tcp_send.c (bytes to the guest, congestion, recovery), tcp_timers.c (timers), tcp_flow.c (host side, order of actions).
 */
#pragma once

#include "engine/native/machine/tcp_flow.h"

/* tcp_flow.c */
void tcp_flow_closed(struct tcp_flow *f);
/* Both sides are reset: RST to the guest, RST to the host. */
void tcp_flow_abort(struct tcp_flow *f);
void tcp_flow_enter_time_wait(struct tcp_flow *f, usec_t now);
/* Makes a header without ports, with sequence number @seq. It has ACK, window, timestamps and SACK unless it is a first SYN. */
void tcp_flow_header(struct tcp_flow *f, usec_t now, uint32_t seq, uint8_t flags, struct tcp_header *ret);

/* tcp_receive.c */
void tcp_receive_init(struct tcp_flow *f, const struct tcp_header *syn);
/* Whether any part of the segment lies in the window (RFC 9293 §3.10.7.4, first check). */
bool tcp_receive_acceptable(const struct tcp_flow *f, uint32_t seq, uint32_t len);
/* Takes payload and FIN of an acceptable segment. */
void tcp_receive_segment(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len, struct tcp_take *ret);
/* The window to announce now. Records its right edge and that an ACK is sent. */
uint16_t tcp_receive_announce(struct tcp_flow *f, bool syn);
/* Bytes of the SACK option in the next header. */
uint32_t tcp_receive_sack_len(const struct tcp_flow *f);
void tcp_receive_sack_blocks(const struct tcp_flow *f, struct tcp_header *h);

/* Whatever the host's peer does, the guest gets an ACK. */
static inline void tcp_ack_now(struct tcp_flow *f)
{
	f->ack_due = true;
	f->ack_optional = false;
}

/* The guest gets an ACK that may wait for the host's peer, unless one is due that may not. */
static inline void tcp_ack_confirmed(struct tcp_flow *f)
{
	f->ack_optional = !f->ack_due || f->ack_optional;
	f->ack_due = true;
}

/* The guest repeated bytes up to @end. */
void tcp_receive_repeated(struct tcp_flow *f, uint32_t end);
/* Sends a challenge ACK (RFC 5961), rate-limited. */
void tcp_receive_challenge(struct tcp_flow *f, usec_t now);

/* tcp_send.c */
void tcp_send_init(struct tcp_flow *f, const struct tcp_open *how);
/* Reads MSS, window and options from the guest's SYN. */
void tcp_send_options(struct tcp_flow *f, const struct tcp_header *syn, uint16_t mss);
/* False: the ACK number is out of range, drop the segment (RFC 5961 §5). */
bool tcp_send_ack_received(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len);
/* The next retransmission, new data or FIN. */
bool tcp_send_next(struct tcp_flow *f, usec_t now, struct tcp_action *ret);
/* A timeout: all bytes in flight that SACK did not report count as lost. */
void tcp_send_timed_out(struct tcp_flow *f);

static inline uint32_t tcp_send_in_flight(const struct tcp_flow *f)
{
	return f->snd_nxt - f->snd_una;
}

/* Data waits, the guest's window has no room, and nothing is in flight that would open it. */
bool tcp_send_is_stuck(const struct tcp_flow *f);

/* tcp_timers.c */
void tcp_timers_init(struct tcp_flow *f, usec_t now);
/* A segment that needs an ACK was sent; @first: not a retransmission. */
void tcp_timers_sent(struct tcp_flow *f, usec_t now, bool first, uint32_t end);
/* The guest acknowledged new bytes, up to @ack. */
void tcp_timers_progress(struct tcp_flow *f, usec_t now, uint32_t ack);
void tcp_timers_window_shut(struct tcp_flow *f, usec_t now);
/* The guest announced a larger window than f->snd_wnd, which still has the old value. */
void tcp_timers_window_opened(struct tcp_flow *f);
