/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway's DNS server, over UDP and TCP.
 *
 * It answers queries for names of guests and of the gateway and for addresses of the segment (local.h).  It forwards
 * all other queries to the host's name servers, unchanged but for a new id, and returns the answers unchanged
 * (forward.h).  Pure: it reaches the servers through a struct dns_upstream.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>

struct dns;
struct dns_names;
struct dns_records;
struct dns_domain_list;
struct dns_outside;
struct dns_upstream;
struct gateway_ip6;
struct log;
struct service;
struct sink;
struct stream_service;

struct dns_config {
	ip4_t gateway;
	struct prefix4 subnet;
	const struct gateway_ip6 *ip6; /* NULL: the gateway has no IPv6 */
	const char *domain;            /* of the guests, "lanlet.internal"; NULL or "": guests have single-label names only */
	bool shares_domain;            /* names of the domain that are not known here are asked outside */
	const char *gateway_name;      /* a single label; NULL: "gateway" */
	struct hash_key hash_key;      /* secret: generates the ids of forwarded queries */
	bool isolated;                 /* no query is forwarded */
	struct dns_names *names;
	struct dns_upstream *upstream;
	struct sink *sink; /* for all answers, also late ones */
	struct log *log;   /* may be NULL */
};

struct dns_counters {
	uint64_t queries;    /* valid ones, over UDP and TCP */
	uint64_t local;      /* answered by this server, errors included */
	uint64_t forwarded;  /* sent to a name server */
	uint64_t answered;   /* of those: answered by a name server */
	uint64_t unanswered; /* of those: no server answered; the guest got SERVFAIL */
	uint64_t retries;    /* sent again, to the same or another server */
	uint64_t forged;     /* messages from a server that do not match the query, or lack records */
	uint64_t cached;     /* answered from the cache, those with expired answers included */
	uint64_t stale;      /* of those: with an expired answer, because no server has answered */
	uint64_t shared;     /* waited for the answer to an equal one that was being forwarded */
};

/* Copies @config and its strings, borrows what else it points to.  -EINVAL when a name is invalid, -ENOMEM. */
int dns_new(const struct dns_config *config, struct dns **ret);
/* Cancels every transaction and closes every stream. */
void dns_free(struct dns *d);

/* DNS over UDP, and all deadlines. */
struct service *dns_service(struct dns *d);
/* DNS over TCP, for engine_ops.local() on port 53. */
struct stream_service *dns_stream_service(struct dns *d);

/*
 * Sets the name servers, copied.  At first there are none; then the answer is SERVFAIL.  When they change, what the cache has from the
 * former ones is forgotten: another network may have other answers.
 */
void dns_set_outside(struct dns *d, const struct dns_outside *outside);
/* Sets the domains, copied, that may have addresses of this machine and this network outside (rebind.h). */
void dns_set_rebind_ok(struct dns *d, const struct dns_domain_list *domains);

/* Replaces the records that the user has given, or those of the host's /etc/hosts, and takes @records over. */
void dns_set_given(struct dns *d, struct dns_records *records);
void dns_set_hosts(struct dns *d, struct dns_records *records);

void dns_get_counters(const struct dns *d, struct dns_counters *ret);
