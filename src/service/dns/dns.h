/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway's name server, over UDP and TCP.
 *
 * It answers for the names of guests, for itself and for the addresses of the segment (dns_local.h); everything else
 * goes to the name servers of the host as it came, but for a fresh id, and the answer comes back as it
 * is (dns_forward.h).  Pure: the servers are reached through a struct dns_upstream.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"

#include <stdint.h>

struct dns;
struct dns_names;
struct dns_server_list;
struct dns_upstream;
struct log;
struct service;
struct sink;
struct stream_service;

struct dns_config {
	ip4_t gateway;
	struct prefix4 subnet;
	const char *domain;       /* of the guests, "lanlet.internal"; NULL or "": none, guests have bare names only */
	const char *gateway_name; /* a single label; NULL: "gateway" */
	struct hash_key hash_key; /* secret: makes the ids that answers from outside must know */
	struct dns_names *names;
	struct dns_upstream *upstream;
	struct sink *sink; /* where all answers go, late ones too */
	struct log *log;   /* may be NULL */
};

struct dns_counters {
	uint64_t queries;    /* that parsed, over UDP and TCP */
	uint64_t local;      /* answered from here, errors included */
	uint64_t forwarded;  /* asked upstream */
	uint64_t answered;   /* of those: an answer came back */
	uint64_t unanswered; /* of those: no server answered, SERVFAIL */
	uint64_t retries;    /* sent again, to the same or another server */
	uint64_t forged;     /* messages from a server that were no answer to what was asked */
};

/* @config is copied, its strings too; what it points to otherwise is borrowed.  -EINVAL when a name is none, -ENOMEM. */
int dns_new(const struct dns_config *config, struct dns **ret);
/* Cancels every transaction and closes every stream. */
void dns_free(struct dns *d);

/* UDP, and the deadlines of everything. */
struct service *dns_service(struct dns *d);
/* DNS over TCP, for engine_ops.local() on port 53. */
struct stream_service *dns_stream_service(struct dns *d);

/* The servers to ask, in order of preference; none: SERVFAIL.  Until called there are none.  Copied. */
void dns_set_servers(struct dns *d, const struct dns_server_list *servers);

void dns_get_counters(const struct dns *d, struct dns_counters *ret);
