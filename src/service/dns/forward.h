/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queries on their way to the name servers outside: which server, which id, when to ask again, when to give up, and
 * which message is the answer.  The theory is at the top of dns_forward.c.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/usec.h"
#include "service/dns/dns.h"
#include "service/dns/guests.h"
#include "service/dns/servers.h"
#include "service/dns/upstream.h"
#include "wire/dns.h"

#define DNS_PENDING_MAX 512u       /* queries outside at once, each with a socket or a few */
#define DNS_PENDING_PER_GUEST 128u /* above what load generators keep under way (dnsperf: 100) */
#define DNS_QUERY_MAX 16384u       /* bytes of a query that is passed on */
#define DNS_ATTEMPT_TIMEOUT (1200 * USEC_PER_MSEC)
/* Gives up after 4.8 s: just before the requester does, who waits 5 s (resolv.conf(5), dig). */
#define DNS_ATTEMPT_ROUNDS 4u

struct dns_pending;
struct dns_stream;

/* Whom to answer. */
struct dns_client {
	ip4_t ip;
	uint16_t port;
	struct mac mac;
	struct dns_stream *stream; /* NULL: over UDP */
};

struct dns_forward_config {
	struct hash_key hash_key;
	struct dns_guests *guests;
	struct dns_upstream *upstream;
	struct dns_counters *counters;
	struct log *log;
	/*
	 * @q of @who is over: @answer, with @who's id, may be written to; NULL when no server answered.
	 * May ask() again and forget().
	 */
	void (*done)(void *opaque, usec_t now, const struct dns_client *who, const struct dns_query *q, uint8_t *answer, size_t len);
	void *opaque;
};

struct dns_forward {
	struct dns_forward_config config;
	struct dns_servers servers;
	struct list waiting; /* by deadline, the next one first */
	uint64_t serial;     /* of the last query */
	uint64_t ids;        /* made so far */
	unsigned n_free;
	uint16_t free_index[DNS_PENDING_MAX];
	struct dns_pending *pending[DNS_PENDING_MAX];
};

void dns_forward_init(struct dns_forward *f, const struct dns_forward_config *config);
/* Cancels everything without a word to anybody. */
void dns_forward_done(struct dns_forward *f);

/* Whether ask() has room for one more of @guest's without giving up another. */
bool dns_forward_has_room(const struct dns_forward *f, ip4_t guest);
/*
 * Asks outside.  @bytes is the message that @q was parsed from.  At a limit the oldest query over UDP is given up for this
 * one, without a word to who asked it, and 1 is returned instead of 0.  -EBUSY: at a limit and there is none to
 * give up; -EALREADY: the same query of @who is under way; -ENETUNREACH: no server can be asked; -ENOMEM.  done() is then
 * not called; nor is it from within.
 */
int dns_forward_ask(struct dns_forward *f, usec_t now, const struct dns_client *who, const struct dns_query *q, const uint8_t *bytes,
		    size_t len);
/* @stream of @guest is gone: its queries are cancelled. */
void dns_forward_forget(struct dns_forward *f, ip4_t guest, const struct dns_stream *stream);
void dns_forward_set_servers(struct dns_forward *f, const struct dns_server_list *servers);

bool dns_forward_answered(struct dns_forward *f, usec_t now, dns_token token, uint8_t *bytes, size_t len);
void dns_forward_failed(struct dns_forward *f, usec_t now, dns_token token, int error);

usec_t dns_forward_deadline(const struct dns_forward *f);
void dns_forward_expire(struct dns_forward *f, usec_t now);
