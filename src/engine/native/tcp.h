/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP flow of the native engine: the machine (engine/native/machine/tcp_flow.h) and the host side's socket.
 *
 * upload: guest to host.   Payload of the turn's frames is gathered and written by one sendmsg(), straight from
 *         the frames; what the socket does not take goes to the hold.
 * download: host to guest. Bytes are looked at in the socket's queue (MSG_PEEK), straight into the guest port's memory,
 *         and dropped from the queue when the guest has acknowledged them.
 */
#pragma once

#include "engine/native/errqueue.h"
#include "engine/native/hold.h"
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
	bool writable; /* the socket's last answer, or an edge since */
	bool written_once, no_delay;

	/* download */
	bool is_tcp;       /* the socket is, and not some other stream */
	bool can_peek_off; /* SO_PEEK_OFF works on it */
	bool peer_shut;    /* all there will ever be is in the queue */
	bool marked;       /* the peer uses urgent data, before which the kernel makes every look end */
	bool low_water;    /* SO_RCVLOWAT is raised */
	bool long_queue;   /* the queue held much since it was empty last */
	uint8_t small_discards, useless_edges;
	int32_t peek_off;     /* what SO_PEEK_OFF stands at, -1 while it is off */
	uint32_t undiscarded; /* acknowledged bytes still at the front of the queue */
	uint32_t appetite;    /* bytes to make room for at once */

	struct engine_opening *opening; /* brings the host side when the guest has answered; NULL: it is there */
	bool failed;                    /* the socket has an error; the flow ends when what is readable was sent */
	bool local;                     /* the host side is a service of the gateway */
	bool half_open;                 /* charged as connecting */
	struct list of_half_open;       /* in guest->half_open while it is */
	uint8_t syn_ttl;
	uint32_t retransmits;
};

static inline struct native_tcp *native_tcp_of(struct native_flow *f)
{
	return container_of(f, struct native_tcp, base);
}

/* What its socket is watched for. */
#define NATIVE_TCP_EVENTS (POLL_EVENT_IN | POLL_EVENT_PRI | POLL_EVENT_OUT | POLL_EVENT_PEER_SHUT | POLL_EVENT_EDGE)

/* NULL when there is none. */
struct native_tcp *native_tcp_find(struct engine *e, const struct flow_key *key);
/* watch.ready of its socket. */
void native_tcp_ready(struct watch *w, usec_t now, unsigned events);
/* Takes it out of everything and frees it. */
void native_tcp_finish(struct native_tcp *t);

/* @p, whose header is @h, is a SYN for a flow that does not exist. */
void native_tcp_accept(struct engine *e, usec_t now, const struct packet *p, const struct flow_key *key, const struct tcp_header *h);
/* Opens the host side of a flow whose machine is in CONNECTING.  Negative errno. */
int native_tcp_connect(struct native_tcp *t, usec_t now);
/* The guest sent its SYN once more, with @ttl: the host's next one goes as far. */
void native_tcp_syn_repeated(struct native_tcp *t, uint8_t ttl);
/* As native_tcp_connect() for a local flow, whose guest has shown that it is there. */
int native_tcp_connect_service(struct native_tcp *t, usec_t now);
/* The guest has answered one that an opening waits for, or will not. */
void native_tcp_answered(struct native_tcp *t, usec_t now);
/* Bytes that the peer marks as urgent stay where they are in the stream. */
void native_tcp_keep_urgent(const struct native_tcp *t);
/* An event of the socket while it connects. */
void native_tcp_connecting(struct native_tcp *t, usec_t now, unsigned events);
/* Tells the guest that it did not connect. */
void native_tcp_connect_failed(struct native_tcp *t, usec_t now, int error);

/* Keeps payload that the machine took, which begins @at bytes into the frame; @held: tcp.held before.  -ENOMEM. */
int native_tcp_keep(struct native_tcp *t, const struct packet *p, size_t at, const struct tcp_take *take, uint32_t held);
/* Whether its guest's flows hold so much that this one may bring no more now. */
bool native_tcp_over_budget(const struct native_tcp *t);
/* Offers the host what is in order.  False when the socket failed. */
bool native_tcp_upload(struct native_tcp *t);
void native_tcp_upload_done(struct native_tcp *t);

enum native_download {
	NATIVE_DOWNLOAD_DONE,
	NATIVE_DOWNLOAD_BLOCKED,   /* no room towards the guest */
	NATIVE_DOWNLOAD_NO_MEMORY, /* in this turn */
	NATIVE_DOWNLOAD_FAILED,    /* the socket did */
};
/* Performs the DATA action @a. */
enum native_download native_tcp_download(struct native_tcp *t, usec_t now, const struct tcp_action *a);
/* @n bytes from the front of the queue are acknowledged. */
void native_tcp_consume(struct native_tcp *t, uint32_t n);
/* Drops everything that is acknowledged from the queue: before close(), or the kernel sends a reset. */
void native_tcp_discard(struct native_tcp *t);
/* An edge came: keeps a socket quiet that has bytes the guest cannot take yet. */
void native_tcp_edge(struct native_tcp *t);

/* The host side of a connection to a service of the gateway; a descriptor, or a negative errno. */
int native_local_connect(struct engine *e, usec_t now, struct stream_service *service, const struct ip_endpoint *guest);
/* Ends all of them without a word. */
void native_local_done(struct engine *e);
struct stream_service *native_local_find(const struct engine *e, uint16_t port);
