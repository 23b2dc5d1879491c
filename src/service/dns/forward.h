/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forwarded queries: which server, which id, when to retry, when to give up, and which message is the answer.  Theory of
 * operation: forward.c.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/log.h"
#include "base/usec.h"
#include "service/dns/dns.h"
#include "service/dns/key.h"
#include "service/dns/routes.h"
#include "service/dns/upstream.h"
#include "wire/dns.h"

#define DNS_PENDING_MAX 512u /* forwarded queries at once, each with a few sockets; shared among payers, one alone gets half */
#define DNS_QUERY_MAX 16384u /* bytes of the longest query that is forwarded */
#define DNS_ATTEMPT_TIMEOUT (1200 * USEC_PER_MSEC)
/* Gives up after 4.8 s, just before the requester, which waits 5 s (resolv.conf(5), dig). */
#define DNS_ATTEMPT_ROUNDS 4u
/* The client response timer of RFC 8767 §5: when an expired answer is better than none yet. */
#define DNS_STALE_AFTER (1800 * USEC_PER_MSEC)

struct dns_pending;
struct dns_stream;
struct payer;

/* A guest that waits for an answer, and where it goes. */
struct dns_client {
	struct ip_addr ip;
	struct ip_addr asked; /* the gateway's address that the query was sent to, and that the answer comes from */
	uint16_t port;
	struct mac mac;
	struct dns_stream *stream; /* NULL: over UDP */
	struct payer *payer;       /* is charged for the query */
};

struct dns_forward_config {
	struct hash_key hash_key;
	struct dns_upstream *upstream;
	struct dns_counters *counters;
	struct log *log;
	/*
	 * An answer has come to a query with @key (NULL: one that has no equal), at @payer's expense.  It may be modified and made shorter;
	 * returns its length.  done() follows for each client.
	 */
	size_t (*arrived)(void *opaque, usec_t now, const struct dns_key *key, struct payer *payer, uint8_t *answer, size_t len);
	/*
	 * The query @q of @client is done.  @answer is made out to it; NULL when no server answered.  May call dns_forward_ask() and
	 * dns_forward_forget().
	 */
	void (*done)(void *opaque, usec_t now, const struct dns_client *client, const struct dns_query *q, uint8_t *answer, size_t len);
	/* @q, of which an expired answer is kept, has no answer yet, and done() will not be called. */
	void (*late)(void *opaque, usec_t now, const struct dns_client *client, const struct dns_query *q);
	void *opaque;
};

struct dns_forward {
	struct dns_forward_config config;
	struct dns_routes routes;
	struct log_limit log_limit;
	struct list waiting;      /* by deadline, the next one first */
	struct list may_be_stale; /* queries of which an expired answer is kept, the oldest first */
	struct hash_table by_key; /* queries that others may share */
	uint64_t serial;          /* of the last query */
	uint64_t ids;             /* number of ids generated */
	unsigned n_rotated;       /* queries that began with the next server */
	unsigned n_waiters;       /* clients of all queries */
	unsigned n_free;
	uint16_t free_index[DNS_PENDING_MAX];
	struct dns_pending *pending[DNS_PENDING_MAX];
};

void dns_forward_init(struct dns_forward *f, const struct dns_forward_config *config);
/* Cancels everything without calling done(). */
void dns_forward_done(struct dns_forward *f);

/* Whether dns_forward_ask() has room for one more query of @payer without giving up another one of it. */
bool dns_forward_has_room(const struct dns_forward *f, const struct payer *payer);
/* What is to be asked for a client's query @q. */
struct dns_forward_query {
	const struct dns_client *client;
	const struct dns_query *q;
	const struct dns_query *asked; /* the question to the servers: @q, or one about the name that an alias leads to */
	const uint8_t *bytes;          /* the message that @asked was parsed from */
	size_t len;
	bool has_stale; /* call late() */
};

/*
 * Forwards a query, or waits for the answer to an equal one that is on its way (RFC 5452 §5).  Returns 0, or 1 when it gave up a query over
 * UDP for this one because of a limit: the oldest one of the same payer, or, for a payer that has none, of the payer that has most.  That
 * query gets no answer. -EBUSY: at a limit, and no query can be given up; -EALREADY: the same query of @client is in progress;
 * -ENETUNREACH: no server can be asked; -EINPROGRESS: an expired answer is kept, and a query to renew it is late; -ENOMEM.  Does not call
 * done().
 */
int dns_forward_ask(struct dns_forward *f, usec_t now, const struct dns_forward_query *what);
/* @stream, which @payer was charged for, was closed: cancels its queries. */
void dns_forward_forget(struct dns_forward *f, struct payer *payer, const struct dns_stream *stream);
/* False when nothing changes by it. */
bool dns_forward_set_outside(struct dns_forward *f, const struct dns_outside *outside);

/* Events of the upstream: see dns_upstream_answered() and dns_upstream_failed(). */
bool dns_forward_answered(struct dns_forward *f, usec_t now, dns_token token, uint8_t *bytes, size_t len);
void dns_forward_failed(struct dns_forward *f, usec_t now, dns_token token, int error);

usec_t dns_forward_deadline(const struct dns_forward *f);
void dns_forward_expire(struct dns_forward *f, usec_t now);
