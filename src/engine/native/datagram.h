/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What UDP and ping sockets of the native engine have in common: a mapping, and packet fields that are socket options. */
#pragma once

#include "engine/native/errqueue.h"
#include "engine/native/machine/mapping.h"
#include "engine/native/state.h"

struct datagram_out;
struct sockaddr_in;

struct native_datagram {
	struct native_flow base; /* key: the guest's endpoint only, but for a flow that was opened from outside */
	struct ip_endpoint peer; /* of such a flow: the socket is connected to it; port 0: it is no such flow */
	struct mapping mapping;
	int ttl, df; /* what the socket is set to; -1: not set yet */
	bool readable;
	bool errors; /* its error queue may have something */
	/* UDP */
	struct datagram_out *out, *out_last; /* this turn's datagrams, in the turn's arena */
	uint16_t segment_max;                /* largest that the kernel cuts messages into */
	uint16_t expected;                   /* bytes of payload that the next datagrams are likely to have, 0: no idea */
	uint8_t appetite;                    /* messages to read at once; 0: as few as make sense */
	bool gro;                            /* UDP_GRO is on */
	bool coalesced;                      /* the last message was several datagrams */
};

static inline struct native_datagram *native_datagram_of(struct native_flow *f)
{
	return container_of(f, struct native_datagram, base);
}

struct native_datagram *native_datagram_find(struct engine *e, enum native_kind kind, const struct ip_endpoint *guest);
/*
 * Makes a flow with a socket of @protocol (0: UDP), bound to @port when that is not 0 and free, that is charged to @payer as well.
 * Negative errno: -EMFILE and the like are counted already.
 */
int native_datagram_new(struct engine *e, usec_t now, enum native_kind kind, const struct ip_endpoint *guest, const struct port *payer,
			int protocol, uint16_t port, struct native_datagram **ret);
/*
 * Makes a flow, opened from outside, of @key and a socket that is connected to @peer.  Owned on success; negative errno.
 */
int native_datagram_adopt(struct engine *e, usec_t now, const struct flow_key *key, int fd, const struct ip_endpoint *peer,
			  struct native_datagram **ret);
/* A flow that was opened from outside; NULL when there is none. */
struct native_datagram *native_datagram_find_opened(struct engine *e, const struct flow_key *key);
void native_datagram_free(struct native_datagram *d);
/* How the next packets are sent. */
void native_datagram_like(struct native_datagram *d, uint8_t ttl, bool dont_fragment);
/* What flows of both kinds show. */
void native_datagram_describe(const struct native_flow *f, struct engine_flow *flow);
void native_datagram_ready(struct watch *w, usec_t now, unsigned events);
struct sockaddr_in native_sockaddr(const struct ip_endpoint *at);
struct ip_endpoint native_endpoint(const struct sockaddr_in *in);
