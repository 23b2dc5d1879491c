/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Common part of the native engine's UDP and ping sockets: the NAT mapping, and packet fields that are set by socket options. */
#pragma once

#include "engine/native/errqueue.h"
#include "engine/native/machine/mapping.h"
#include "engine/native/state.h"

struct datagram_out;
struct sockaddr_in;

struct native_datagram {
	struct list of_payer;    /* in payer->mappings */
	usec_t listed;           /* mapping.active when it was last moved to the end of that list */
	struct native_flow base; /* key: the guest's endpoint; for a flow opened from outside the peer's too */
	struct ip_endpoint peer; /* of a flow opened from outside: the socket is connected to it; port 0: the guest opened the flow */
	struct mapping mapping;
	int ttl, df; /* current socket options; -1: not set yet */
	bool readable;
	bool errors; /* its error queue may have entries */
	/* UDP */
	struct datagram_out *out, *out_last; /* this turn's datagrams, in the turn's arena */
	uint16_t segment_max;                /* largest UDP_SEGMENT size that works */
	uint16_t expected;                   /* expected payload bytes of the next datagrams, 0: unknown */
	uint8_t appetite;                    /* messages to read in one call; 0: the minimum */
	bool gro;                            /* UDP_GRO is on */
	bool coalesced;                      /* the last message held several datagrams */
};

static inline struct native_datagram *native_datagram_of(struct native_flow *f)
{
	return container_of(f, struct native_datagram, base);
}

struct native_datagram *native_datagram_find(struct engine *e, enum native_kind kind, const struct ip_endpoint *guest);
/*
 * Makes the flow that @p opens from @guest, with a socket of @protocol (0: UDP), bound to @port if that is not 0 and free. Negative
 * errno; -EMFILE and the like are already counted.
 */
int native_datagram_new(struct engine *e, usec_t now, enum native_kind kind, const struct packet *p, const struct ip_endpoint *guest,
			int protocol, uint16_t port, struct native_datagram **ret);
/*
 * Makes a flow to @guest opened from outside, with @key and a socket that is connected to @peer. The flow owns the socket on success.
 * Negative errno.
 */
int native_datagram_adopt(struct engine *e, usec_t now, struct guest *guest, const struct flow_key *key, int fd,
			  const struct ip_endpoint *peer, struct native_datagram **ret);
/* The flow with this key that was opened from outside, or NULL. */
struct native_datagram *native_datagram_find_opened(struct engine *e, const struct flow_key *key);
/* Ends the flow's turn: keeps its place in payer->mappings. */
void native_datagram_ran(struct native_datagram *d);
void native_datagram_free(struct native_datagram *d);
/* Sets TTL and DF of the next packets. */
void native_datagram_like(struct native_datagram *d, uint8_t ttl, bool dont_fragment);
/* Fills in what flows of both kinds show in listings. */
void native_datagram_describe(const struct native_flow *f, struct engine_flow *flow);
void native_datagram_ready(struct watch *w, usec_t now, unsigned events);
struct sockaddr_in native_sockaddr(const struct ip_endpoint *at);
struct ip_endpoint native_endpoint(const struct sockaddr_in *in);
