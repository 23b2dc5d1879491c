/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One TCP connection of a guest as the engine sees it: a TCP endpoint towards the guest (RFC 9293, with
 * RFC 5681, 5961, 6298, 6675, 7323) joined to a byte stream on the host side.
 *
 * The machine is pure.  It is told what happened: a segment's header and payload length, what the
 * host's stream did, that time has passed.  It answers with actions that the shell takes from tcp_flow_next() until
 * there are none.  Payload never enters: it is spoken of by its length and its place.
 *
 * Guest to host: tcp_flow_segment() says which bytes of a payload to keep and where they belong.  The shell
 * offers bytes that are in order to the host, holds what the host does not take (up to the window that the
 * machine advertises, so there is always room), and reports how much was taken.
 *
 * Host to guest: bytes that the guest has not acknowledged stay in the host's queue.  TCP_ACTION_DATA asks the shell
 * to look at a range of that queue and send it; TCP_ACTION_CONSUME to drop acknowledged bytes from its front.
 *
 * Life of a flow that a guest opens:    CONNECTING → SYN_RECEIVED → ESTABLISHED → …
 * and of one that the host opens:       SYN_SENT → ESTABLISHED → …
 * where … are the states of RFC 9293 §3.3.2 seen from our end, until TIME_WAIT or CLOSED.
 */
#pragma once

#include "base/usec.h"
#include "engine/native/machine/seq.h"
#include "wire/tcp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_FLOW_WINDOW (1024u * 1024) /* most bytes of a guest that the shell may have to hold for a flow */
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
	uint8_t retries;    /* of the same thing without progress */
	uint8_t quick_acks; /* segments to acknowledge at once before answers are waited for again */

	bool sack_ok : 1, ts_ok : 1, scale_ok : 1;
	/* to do */
	bool syn_due : 1, ack_due : 1, reset_due : 1, probe_due : 1;
	bool keepalive_due : 1, abort_due : 1, shutdown_due : 1, release_due : 1;
	/* host side */
	bool host_ready : 1;    /* may have bytes that were not looked at */
	bool host_eof : 1;      /* will have no more than it has */
	bool guest_blocked : 1; /* the way to the guest is full: no DATA actions now */
	/* guest side */
	bool fin_received : 1, fin_sent : 1;
	bool recovering : 1, after_timeout : 1;
	bool rtt_timing : 1;
	bool keepalive_seen : 1;

	uint16_t mss;     /* of what we send: payload bytes without timestamps */
	uint16_t our_mss; /* what we announce */

	/* receiving, RFC 9293 §3.3.1 */
	uint32_t irs, rcv_nxt;
	uint32_t rcv_edge;       /* rcv_nxt + window when it was last announced */
	uint32_t unacked;        /* bytes received since our last ACK */
	uint32_t held;           /* in order, but not yet taken by the host */
	uint32_t window;         /* most that may be held */
	struct seq_ranges early; /* received out of order, held by the shell */
	uint32_t early_last;     /* where the last one of them began */

	/* sending */
	uint32_t iss, snd_una, snd_nxt; /* snd_nxt never goes back; retransmission has its own pointer */
	uint32_t snd_wnd, snd_wl1, snd_wl2, max_wnd;
	uint32_t consume; /* acknowledged bytes to be dropped from the host's queue */
	uint32_t cwnd, ssthresh;
	uint32_t recover;    /* snd_nxt when recovery began */
	uint32_t rexmit_nxt; /* next byte to send again */
	uint32_t lost_end;   /* up to here, what was not reported received counts as lost */
	struct seq_ranges sacked;

	/* time */
	uint32_t srtt_us, rttvar_us, rto_us;
	uint32_t rtt_seq;
	uint32_t ts_recent;
	usec_t rtt_start;
	usec_t active; /* last sign of life from the guest */
	usec_t timer;  /* retransmission, probe, TIME_WAIT, idle: by state; see tcp_timers.c */
	usec_t ack_timer;
	usec_t challenge; /* when the next unasked-for ACK may be sent (RFC 5961 §7) */
};

/* What becomes of a segment's payload. */
struct tcp_take {
	uint32_t skip;    /* bytes at its front that are not wanted */
	uint32_t len;     /* bytes to keep, 0 for none */
	uint32_t offset;  /* distance of the first one from the first byte that is missing */
	uint32_t advance; /* bytes that are in order now: these and early ones behind them */
};

enum tcp_verdict {
	TCP_VERDICT_DONE,
	TCP_VERDICT_REOPEN, /* a new SYN for a flow in TIME_WAIT: end this one and begin again (RFC 9293 §3.6.1) */
	TCP_VERDICT_RESET,  /* the segment is of another connection: answer it with tcp_reset_for() */
};

enum tcp_action_type {
	TCP_ACTION_NONE,
	TCP_ACTION_SEGMENT,   /* send @header without payload */
	TCP_ACTION_DATA,      /* send up to @len bytes from @offset in the host's queue: tcp_flow_data_header() */
	TCP_ACTION_CONSUME,   /* drop @len bytes from the front of the host's queue */
	TCP_ACTION_SHUTDOWN,  /* the guest will send no more, all it sent is taken: pass the FIN on */
	TCP_ACTION_ABORT,     /* reset the host side */
	TCP_ACTION_RELEASE,   /* close the host side; the flow lives on in TIME_WAIT */
	TCP_ACTION_KEEPALIVE, /* the guest probes its peer: have the host side do the same */
	TCP_ACTION_END,       /* the flow is over: close the host side if it is open, forget the flow */
};

struct tcp_action {
	enum tcp_action_type type;
	bool again; /* DATA: a retransmission */
	uint32_t seq, offset, len;
	struct tcp_header header; /* ports are the shell's to fill in */
};

struct tcp_open {
	uint32_t iss;
	uint16_t mss; /* largest payload that fits a packet to or from the guest */
};

/* A guest sent @syn.  The shell opens the host side. */
void tcp_flow_accept(struct tcp_flow *f, usec_t now, const struct tcp_open *how, const struct tcp_header *syn);
/* The host side is there: connect to the guest. */
void tcp_flow_connect(struct tcp_flow *f, usec_t now, const struct tcp_open *how);

/* A segment with @len bytes of payload arrived from the guest. */
enum tcp_verdict tcp_flow_segment(struct tcp_flow *f, usec_t now, const struct tcp_header *h, uint32_t len, struct tcp_take *ret);

/* The host side of a flow in CONNECTING is open. */
void tcp_flow_host_connected(struct tcp_flow *f, usec_t now);
/* It could not be opened; @reset: answer with RST (else the shell answered with ICMP, or nothing is to be said). */
void tcp_flow_host_refused(struct tcp_flow *f, usec_t now, bool reset);
/* It may have new bytes. */
void tcp_flow_host_readable(struct tcp_flow *f);
/* It took @n of the bytes that are in order. */
void tcp_flow_host_took(struct tcp_flow *f, uint32_t n);
/* It was reset or failed: the guest gets a RST. */
void tcp_flow_host_reset(struct tcp_flow *f, usec_t now);
/* Whether the way to the guest is full: data waits, everything else goes on. */
void tcp_flow_guest_blocked(struct tcp_flow *f, bool blocked);
/* The guest is gone: nothing is sent to it, the host side is reset. */
void tcp_flow_guest_gone(struct tcp_flow *f);
/* Somebody said of the SYN that began at @seq that it cannot reach its port: ends a flow that the guest has not answered yet. */
void tcp_flow_unreachable(struct tcp_flow *f, uint32_t seq);
/*
 * Somebody on the way to the guest could not pass on the segment that began at @seq; one with @mss bytes of payload (and no
 * options) he could.  Believed of bytes that are under way only (RFC 5927 §4.1).
 */
void tcp_flow_too_big(struct tcp_flow *f, uint32_t seq, uint32_t mss);
/* Most bytes the shell is willing to hold from now on; what was announced stays announced. */
void tcp_flow_set_window(struct tcp_flow *f, uint32_t window);

/* Takes the next action; false when there is nothing to do. */
bool tcp_flow_next(struct tcp_flow *f, usec_t now, struct tcp_action *ret);
/*
 * The host's queue had @n bytes for the DATA action @a; fewer than it asked for means the queue ends there,
 * and with @eof that nothing follows.  To be called once, before the headers are made.
 */
void tcp_flow_data_found(struct tcp_flow *f, const struct tcp_action *a, uint32_t n, bool eof);
/* The header for @len bytes at @seq that were found, sent now.  In order of @seq. */
void tcp_flow_data_header(struct tcp_flow *f, usec_t now, uint32_t seq, uint32_t len, struct tcp_header *ret);
/* Bytes of options in every segment with data that is sent now. */
uint32_t tcp_flow_options_len(const struct tcp_flow *f);
/* Payload bytes that fit one segment. */
uint32_t tcp_flow_segment_size(const struct tcp_flow *f);

/* When tcp_flow_expire() wants to be called; USEC_INFINITY for never. */
usec_t tcp_flow_deadline(const struct tcp_flow *f);
void tcp_flow_expire(struct tcp_flow *f, usec_t now);

/*
 * The answer to a segment that belongs to no flow (RFC 9293 §3.10.7.1), ports included; false: none.
 */
bool tcp_reset_for(const struct tcp_header *h, uint32_t len, struct tcp_header *ret);
