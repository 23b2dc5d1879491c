/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Common part of the native engine's UDP and ping sockets: the NAT mapping, and packet fields that are set by socket options. */
#pragma once

#include "engine/native/errqueue.h"
#include "engine/native/machine/mapping.h"
#include "engine/native/machine/sent.h"
#include "engine/native/state.h"
#include "engine/native/udp_receive.h"

struct datagram_out;
struct udp_peer;

/* Header fields of packets that are socket options. */
struct native_fields {
	uint8_t ttl;
	uint8_t tos; /* DSCP and ECN (RFC 2474 §3, RFC 3168 §5), or the traffic class */
	bool dont_fragment;
};

/* Those of a guest's packet. */
struct native_fields native_fields_of(const struct packet *p);

static inline bool native_fields_equal(const struct native_fields *a, const struct native_fields *b)
{
	return a->ttl == b->ttl && a->tos == b->tos && a->dont_fragment == b->dont_fragment;
}

/* What is set at a socket for the next packets; -1: not set yet. */
struct native_socket_options {
	int ttl, tos, df;
};

#define NATIVE_SOCKET_OPTIONS_NONE \
	{ \
		.ttl = -1, .df = -1 /* TOS is 0 at first */ \
	}

struct native_datagram {
	struct list of_payer;     /* in payer->mappings, unless it is of a listener */
	usec_t listed;            /* mapping.active when it was last moved to the end of that list, or of the listener's */
	struct native_flow base;  /* key: the guest's endpoint; for a flow opened from outside the peer's too */
	struct udp_peer *outside; /* owned; of a flow opened from outside, which uses the socket of a listener; NULL: the guest opened it */
	struct mapping mapping;
	struct native_socket_options options;
	struct native_sent sent;
	/* The last destination of a packet with DF that was too large for its path, since when, and when the guest was told; 0: not yet */
	struct ip_addr narrow;
	usec_t narrow_since, narrow_told;
	bool readable;
	bool errors; /* its error queue may have entries */
	/* UDP */
	struct datagram_out *out, *out_last; /* this turn's datagrams, in the turn's arena */
	uint16_t segment_max;                /* largest UDP_SEGMENT size that works */
	struct udp_habits habits;
};

static inline struct native_datagram *native_datagram_of(struct native_flow *f)
{
	return container_of(f, struct native_datagram, base);
}

/* The flow that a guest opened with this key; NULL: no flow has it. */
struct native_datagram *native_datagram_find(struct engine *e, enum native_kind kind, const struct flow_key *key);
/*
 * Makes the flow with @key that @p opens, with a socket bound to @port if that is not 0 and free. Negative errno; -EMFILE and the like
 * are already counted.
 */
int native_datagram_new(struct engine *e, usec_t now, enum native_kind kind, const struct packet *p, const struct flow_key *key,
			uint16_t port, struct native_datagram **ret);
/* Makes a flow to @guest opened from outside, with @key, which owns @outside on success. Negative errno. */
int native_datagram_adopt(struct engine *e, usec_t now, struct guest *guest, const struct flow_key *key, struct udp_peer *outside,
			  struct native_datagram **ret);
/* The flow with this key that was opened from outside, or NULL. */
struct native_datagram *native_datagram_find_opened(struct engine *e, const struct flow_key *key);
/*
 * The remote address in the key of an IPv6 guest's flow whose socket is one of IPv4: of pings to IPv4 behind NAT64, because a ping socket
 * is of one family; and, where there are no sockets of IPv6, of UDP, whose sockets serve both families otherwise.
 */
#define NATIVE_BY_IPV4 ip_from_ip4(IP4(0, 0, 0, 0))
/* Whether the flow's own socket is one of IPv6. */
bool native_datagram_is_v6(const struct native_datagram *d);
/* The socket by which the flow sends. */
int native_datagram_fd(const struct native_datagram *d);
/* Ends the flow's turn: keeps its place in the list of flows by use. */
void native_datagram_ran(struct native_datagram *d);
void native_datagram_free(struct native_datagram *d);
/* Sets the fields of the next packets. */
void native_datagram_like(struct native_datagram *d, const struct native_fields *fields);
/* Lets the socket @fd report TOS, or the traffic class, of what it receives. */
void native_report_tos(int fd, bool v6);
/*
 * What becomes of a packet of @len bytes to @dst that has DF and is too large for the path.
 *
 * A guest on a segment with a large MTU does not fragment what it would on an Ethernet.  The large MTU is ours, so it may not cost a
 * datagram for each destination, nor an error for a short exchange: a connected socket returns EMSGSIZE when the guest is told.  A guest
 * that goes on is told, and one that goes on with DF after that searches for the path's MTU, and is obeyed for as long as guests remember
 * what they were told.
 */
enum native_too_large {
	NATIVE_TELL_AND_DROP, /* as RFC 1191 §3 wants */
	NATIVE_TELL_AND_FRAGMENT,
	NATIVE_FRAGMENT,
};
enum native_too_large native_datagram_too_large(struct native_datagram *d, usec_t now, const struct ip_addr *dst, size_t len);
/* What came of emptying the error queue of a socket. */
struct native_drained {
	uint32_t mtu;       /* the host's own stack found a packet too large for this MTU; 0: it did not */
	unsigned n_of_icmp; /* ICMP errors, which were passed to guests */
};
/* Fills in what flows of both kinds show in listings. */
void native_datagram_describe(const struct native_flow *f, struct engine_flow *flow);
void native_datagram_ready(struct watch *w, usec_t now, unsigned events);
