/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TCP connection of a guest as the engine sees it: a TCP endpoint towards the guest (RFC 9293, with RFC 5681, 5961, 6298, 6675,
 * 7323) joined to a byte stream on the host side.
 *
 * The machine is pure. Its inputs are events: a segment's header and payload length, what the host's stream did, the time. Its
 * outputs are actions, which the shell takes from tcp_flow_next() until none is left. The machine never sees payload, only its
 * length and position.
 *
 * Guest to host: tcp_flow_segment() says which bytes of a payload to keep and at which position. The shell offers bytes in order to
 * the host socket, holds what the socket does not take, and reports how much it took. The window that the machine advertises bounds
 * what the shell must hold.
 *
 * Host to guest: bytes stay in the host socket's receive queue until the guest acknowledges them. TCP_ACTION_DATA asks the shell to
 * peek at a range of that queue and send it, TCP_ACTION_CONSUME to remove acknowledged bytes from its front.
 *
 * States, followed by those of RFC 9293 §3.3.2 as seen from our end, until TIME_WAIT or CLOSED:
 *
 *     a guest opens the flow      CONNECTING → SYN_RECEIVED → ESTABLISHED → …
 *     the host opens the flow     SYN_SENT → ESTABLISHED → …
 */
#pragma once

#include "base/usec.h"
#include "engine/native/machine/seq.h"
#include "wire/tcp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_FLOW_WINDOW (1024u * 1024) /* most bytes that the shell may have to hold for one flow */
#define TCP_FLOW_WINDOW_SCALE 7
#define TCP_FLOW_CWND_MAX (16u * 1024 * 1024)

enum tcp_state {
	TCP_STATE_CONNECTING, /* guest's SYN seen, the host side is being opened */
	TCP_STATE_SYN_RECEIVED,
	TCP_STATE_SYN_SENT,
	TCP_STATE_ESTABLISHED,
	TCP_STATE_FIN_WAIT_1,
	TCP_STATE_FIN_WAIT_2,
	TCP_STATE_CLOSE_WAIT,
	TCP_STATE_CLOSING,
	TCP_STATE_LAST_ACK,
	TCP_STATE_TIME_WAIT,
	TCP_STATE_CLOSED,
};

const char *tcp_state_name(enum tcp_state state);

struct tcp_flow {
	uint8_t state; /* enum tcp_state */
	uint8_t snd_scale, rcv_scale;
	uint8_t dup_acks;
	uint8_t retries;          /* retransmissions or probes without progress */
	uint8_t quick_acks;       /* segments to acknowledge at once before delayed ACKs are used again */
	uint8_t unacked_segments; /* received in order since our last ACK */

	bool sack_ok : 1, ts_ok : 1, scale_ok : 1;
	/* to do */
	bool syn_due : 1, ack_due : 1, reset_due : 1, probe_due : 1;
	bool keepalive_due : 1, abort_due : 1, shutdown_due : 1, release_due : 1;
	/* host side */
	bool host_ready : 1;    /* its receive queue may have bytes that were not looked at */
	bool host_eof : 1;      /* end of file: nothing will be added to its queue */
	bool guest_blocked : 1; /* the guest's port is full: no DATA actions now */
	/* guest side */
	bool fin_received : 1, fin_sent : 1;
	bool recovering : 1, after_timeout : 1;
	bool rtt_timing : 1;
	bool ack_optional : 1; /* the ACK that is due is so because nothing else carried it, or for a keepalive */

	uint16_t mss;     /* largest payload that we send, without timestamps */
	uint16_t our_mss; /* the MSS option that we send */

	/* receiving, RFC 9293 §3.3.1 */
	uint32_t irs, rcv_nxt;
	uint32_t rcv_edge;       /* right edge of the window that was announced last */
	uint32_t unacked;        /* bytes received since our last ACK */
	uint32_t held;           /* in order, not yet taken by the host socket */
	uint32_t window;         /* most bytes that may be held */
	struct seq_ranges early; /* received out of order, held by the shell */
	uint32_t early_last;     /* start of the segment received last, for SACK */

	/* sending */
	uint32_t iss, snd_una, snd_nxt; /* snd_nxt never moves back: retransmission uses rexmit_nxt */
	uint32_t snd_wnd, snd_wl1, snd_wl2, max_wnd;
	uint32_t consume; /* acknowledged bytes to remove from the host's queue */
	uint32_t cwnd, ssthresh;
	uint32_t recover;    /* snd_nxt when recovery began */
	uint32_t rexmit_nxt; /* next byte to send again */
	uint32_t lost_end;   /* below this, what SACK did not report counts as lost */
	struct seq_ranges sacked;

	/* time */
	uint32_t srtt_us, rttvar_us, rto_us;
	uint32_t rtt_seq;
	uint32_t ts_recent;
	usec_t rtt_start;
	usec_t active; /* last segment from the guest */
	usec_t timer;  /* retransmission, probe, TIME_WAIT, idle: by state; see tcp_timers.c */
	usec_t ack_timer;
	usec_t withheld;  /* since when the shell withholds an ACK; USEC_INFINITY: it does not */
	usec_t challenge; /* when the next challenge ACK may be sent (RFC 5961 §7) */
};

/* Which part of a segment's payload to keep. */
struct tcp_take {
	uint32_t skip;    /* bytes to skip at its front */
	uint32_t len;     /* bytes to keep, 0 for none */
	uint32_t offset;  /* distance of the first kept byte from rcv_nxt */
	uint32_t advance; /* bytes that are now in order: these and earlier out-of-order ones */
};

enum tcp_verdict {
	TCP_VERDICT_DONE,
	TCP_VERDICT_REOPEN, /* a new SYN for a flow in TIME_WAIT: end this flow and open a new one (RFC 9293 §3.6.1) */
	TCP_VERDICT_RESET,  /* the segment belongs to another connection: answer it with tcp_reset_for() */
};

enum tcp_action_type {
	TCP_ACTION_NONE,
	TCP_ACTION_SEGMENT,   /* send @header without payload */
	TCP_ACTION_DATA,      /* send up to @len bytes from @offset in the host's queue: tcp_flow_data_header() */
	TCP_ACTION_CONSUME,   /* drop @len bytes from the front of the host's queue */
	TCP_ACTION_SHUTDOWN,  /* the guest sent FIN and all its bytes are taken: shut down the host socket's write side */
	TCP_ACTION_ABORT,     /* reset the host side */
	TCP_ACTION_RELEASE,   /* close the host side; the flow lives on in TIME_WAIT */
	TCP_ACTION_KEEPALIVE, /* the guest sent a keepalive: probe the host's peer */
	TCP_ACTION_END,       /* the flow has ended: close the host side if it is open, free the flow */
};

struct tcp_action {
	enum tcp_action_type type;
	bool again; /* DATA: a retransmission */
	uint32_t seq, offset, len;
	struct tcp_header header; /* without ports, which the shell fills in */
};

struct tcp_open {
	uint32_t iss;
	uint16_t mss; /* largest payload that fits a packet to or from the guest */
};

/* A guest sent @syn.  The shell opens the host side. */
void tcp_flow_accept(struct tcp_flow *f, usec_t now, const struct tcp_open *how, const struct tcp_header *syn);
/* The host side is open: connect to the guest. */
void tcp_flow_connect(struct tcp_flow *f, usec_t now, const struct tcp_open *how);

/* A segment with @len bytes of payload arrived from the guest. */
enum tcp_verdict tcp_flow_segment(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len, struct tcp_take *ret);

/* The host side of a flow in CONNECTING is open. */
void tcp_flow_host_connected(struct tcp_flow *f, usec_t now);
/* The host side could not be opened. @reset: send RST; otherwise the shell has answered with ICMP, or stays silent. */
void tcp_flow_host_refused(struct tcp_flow *f, usec_t now, bool reset);
/* The host side may have new bytes. */
void tcp_flow_host_readable(struct tcp_flow *f);
/* The host side took @n of the bytes that are in order. */
void tcp_flow_host_took(struct tcp_flow *f, uint32_t n);
/* The host side was reset or failed: send RST to the guest. */
void tcp_flow_host_reset(struct tcp_flow *f, usec_t now);
/* Whether the guest's port is full. Then data waits, everything else continues. */
void tcp_flow_guest_blocked(struct tcp_flow *f, bool blocked);
/* The guest left the segment: send it nothing, reset the host side. */
void tcp_flow_guest_gone(struct tcp_flow *f);
/* An ICMP unreachable error quoted our SYN at @seq. Ends the flow if the guest has not answered yet. */
void tcp_flow_unreachable(struct tcp_flow *f, uint32_t seq);
/*
 * An ICMP error quoted the segment at @seq as too big; @mss bytes of payload without options fit. Believed only if @seq is in flight
 * (RFC 5927 §4.1).
 */
void tcp_flow_too_big(struct tcp_flow *f, uint32_t seq, uint32_t mss);
/* Sets how many bytes the shell may hold from now on. A window already announced is not taken back. */
void tcp_flow_set_window(struct tcp_flow *f, uint32_t window);

/* Whether the guest may send less than half of what it may when nothing is held. */
bool tcp_flow_window_is_short(const struct tcp_flow *f);

/*
 * Whether an ACK is due that may be withheld until the host's peer has answered. Then a guest learns as without NAT that its peer is dead:
 * by keepalives or because the last bytes that it sent are not acknowledged (TCP_USER_TIMEOUT).
 */
bool tcp_flow_may_withhold_ack(const struct tcp_flow *f);
/* Sends no ACK now. It is due again at @until. */
void tcp_flow_withhold_ack(struct tcp_flow *f, usec_t now, usec_t until);

/* Takes the next action; false when none is left. */
bool tcp_flow_next(struct tcp_flow *f, usec_t now, struct tcp_action *ret);
/*
 * The host's queue had @n bytes for the DATA action @a. Fewer than asked for: the queue ends there; with @eof, nothing will follow.
 * Call once per action, before tcp_flow_data_header().
 */
void tcp_flow_data_found(struct tcp_flow *f, const struct tcp_action *a, uint32_t n, bool eof);
/* Makes the header for @len bytes at @seq. Call in order of @seq. */
void tcp_flow_data_header(struct tcp_flow *f, usec_t now, uint32_t seq, uint32_t len, struct tcp_header *ret);
/* Bytes of TCP options in each data segment sent now. */
uint32_t tcp_flow_options_len(const struct tcp_flow *f);
/* Payload bytes that fit one segment. */
uint32_t tcp_flow_segment_size(const struct tcp_flow *f);

/* When tcp_flow_expire() wants to be called; USEC_INFINITY for never. */
usec_t tcp_flow_deadline(const struct tcp_flow *f);
void tcp_flow_expire(struct tcp_flow *f, usec_t now);

/* The RST for a segment that belongs to no flow (RFC 9293 §3.10.7.1), with ports; false: it must not be answered. */
bool tcp_reset_for(const struct tcp_header *h, uint32_t len, struct tcp_header *ret);
