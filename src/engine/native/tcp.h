/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP flow of the native engine: the machine (engine/native/machine/tcp_flow.h) and the host side's socket.
 *
 * upload: guest to host.   Payload of the turn's frames is gathered and written by one sendmsg(), straight from the frames; bytes
 * that the socket does not take go to the hold. download: host to guest. Bytes are peeked from the socket's queue (MSG_PEEK)
 * straight into the guest port's memory, and removed from the queue once the guest has acknowledged them.
 */
#pragma once

#include "engine/native/errqueue.h"
#include "engine/native/hold.h"
#include "engine/native/machine/backlog.h"
#include "engine/native/machine/tcp_flow.h"
#include "engine/native/state.h"

struct gather_chunk;

struct native_tcp {
	struct native_flow base;
	struct tcp_flow tcp;

	/* upload */
	struct gather_chunk *gather, *gather_last; /* in the turn's arena */
	uint32_t gathered;
	struct hold hold;
	struct backlog backlog;
	bool is_local;       /* no slow path is behind the socket: nothing waits for one */
	uint32_t unsent_max; /* the socket's limit of unsent bytes, 0: not set */
	uint32_t credit;     /* bytes to write before the socket must be asked, when there is a limit */
	bool writable;       /* by the socket's last result, or an edge since then */
	bool written_once, no_delay;

	/* download */
	bool is_tcp;       /* the socket is TCP, not another kind of stream */
	bool is_v6;        /* a TCP socket of IPv6 */
	bool can_peek_off; /* SO_PEEK_OFF works on it */
	bool peer_shut;    /* the peer sent FIN: nothing will be added to the queue */
	bool marked;       /* the peer sends urgent data: the kernel ends every peek before the mark */
	bool low_water;    /* SO_RCVLOWAT is raised */
	bool long_queue;   /* the queue has been long since it was last empty */
	uint8_t small_discards, useless_edges;
	int32_t peek_off;     /* current SO_PEEK_OFF, -1 while it is off */
	uint32_t undiscarded; /* acknowledged bytes that are still at the front of the queue */
	uint32_t appetite;    /* bytes to make room for in one read */

	bool probes;   /* the socket sends keepalives */
	usec_t probed; /* when the peer was probed, 0: it has answered since */

	bool waits_for_acks; /* the guest has waited for an ACK before it sent more */
	usec_t released;     /* when it got an ACK of bytes that had been withheld, 0: it has sent since, or a while ago */

	struct engine_opening *opening; /* provides the host side once the guest has answered; NULL: the host side is open */
	bool cuts;                      /* close() resets the connection (SO_LINGER) */
	bool failed;                    /* the socket has an error; the flow ends when all readable bytes are sent */
	bool local;                     /* the host side is a service of the gateway */
	bool half_open;                 /* counted as half-open */
	struct list of_half_open;       /* in payer->half_open while it is */
	/* IP header fields of the guest's SYN */
	uint8_t syn_ttl, syn_tos;
	uint16_t syn_id;
	bool syn_has_df;
	uint32_t retransmits;
};

static inline struct native_tcp *native_tcp_of(struct native_flow *f)
{
	return container_of(f, struct native_tcp, base);
}

/* The events that a flow's socket is watched for. */
#define NATIVE_TCP_EVENTS (POLL_EVENT_IN | POLL_EVENT_PRI | POLL_EVENT_OUT | POLL_EVENT_PEER_SHUT | POLL_EVENT_EDGE)

/* The flow with this key, or NULL. */
struct native_tcp *native_tcp_find(struct engine *e, const struct flow_key *key);
/* The watch.ready callback of a flow's socket. */
void native_tcp_ready(struct watch *w, usec_t now, unsigned events);
/* Removes the flow from all lists and frees it. */
void native_tcp_finish(struct native_tcp *t);

/* Opens a flow for @p, a SYN with header @h that belongs to no flow. */
void native_tcp_accept(struct engine *e, usec_t now, const struct packet *p, const struct flow_key *key, const struct tcp_header *h);
/* Opens the host side of a flow whose machine is in CONNECTING.  Negative errno. */
int native_tcp_connect(struct native_tcp *t, usec_t now);
/* The guest repeated its SYN with @ttl: use it for the host's next SYN. */
void native_tcp_syn_repeated(struct native_tcp *t, uint8_t ttl);
/* Like native_tcp_connect() for a flow to a service of the gateway. Called when the guest's handshake is complete. */
int native_tcp_connect_service(struct native_tcp *t, usec_t now);
/* The guest has answered the SYN of an opening, or will not answer. */
void native_tcp_answered(struct native_tcp *t, usec_t now);
/* Ends the host side's stream: the guest sends no more. */
void native_tcp_shut(const struct native_tcp *t);
/*
 * Whether close() resets the connection. It does from the start, so that the peer of a flow that was cut, even by the end of the process,
 * sees no orderly end.
 */
void native_tcp_cut_on_close(struct native_tcp *t, bool cut);
/* Keeps bytes that the peer marks as urgent in the stream (SO_OOBINLINE). */
void native_tcp_keep_urgent(const struct native_tcp *t);
/* Handles an event of the socket while it connects. */
void native_tcp_connecting(struct native_tcp *t, usec_t now, unsigned events);
/* Tells the guest that the host side could not connect. */
void native_tcp_connect_failed(struct native_tcp *t, usec_t now, int error);

/* Stores payload that the machine took. It begins @at bytes into the frame; @held is tcp.held from before. -ENOMEM. */
int native_tcp_keep(struct native_tcp *t, const struct packet *p, size_t at, const struct tcp_take *take, uint32_t held);
/* Whether so much is held for the guest's port that this one must not accept more now. */
bool native_tcp_over_budget(const struct native_tcp *t);
/* Writes the bytes that are in order to the host socket. False when the socket failed. */
bool native_tcp_upload(struct native_tcp *t, usec_t now);
void native_tcp_upload_done(struct native_tcp *t);

/* Withholds an ACK that is due, where the guest must not have it before the host's peer has answered. */
void native_tcp_confirm(struct native_tcp *t, usec_t now);

enum native_download {
	NATIVE_DOWNLOAD_DONE,
	NATIVE_DOWNLOAD_BLOCKED,   /* the guest's port has no room */
	NATIVE_DOWNLOAD_NO_MEMORY, /* in this turn */
	NATIVE_DOWNLOAD_FAILED,    /* the socket did */
};
/* Performs the DATA action @a. */
enum native_download native_tcp_download(struct native_tcp *t, usec_t now, const struct tcp_action *a);
/* The guest acknowledged @n bytes from the front of the queue. */
void native_tcp_consume(struct native_tcp *t, uint32_t n);
/* Removes all acknowledged bytes from the queue. Required before close(), or the kernel sends RST. */
void native_tcp_discard(struct native_tcp *t);
/* Handles an edge: silences a socket that has bytes which the guest cannot take yet. */
void native_tcp_edge(struct native_tcp *t);

/* Opens the host side of a connection to a service of the gateway; returns a descriptor or a negative errno. */
int native_local_connect(struct engine *e, usec_t now, struct stream_service *service, const struct native_flow *f);
/* Ends all such connections silently. */
void native_local_done(struct engine *e);
struct stream_service *native_local_find(const struct engine *e, uint16_t port);
