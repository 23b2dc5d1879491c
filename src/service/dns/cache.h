/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers of name servers outside, kept for their TTL (RFC 1035 §7.4, RFC 2308 §5) and, for when no server answers, for a while longer
 * (RFC 8767).  Nothing is asked for that no guest has asked for.
 *
 * The memory is shared among payers (base/allowance.h): a guest that asks for many names displaces its own answers.  A guest can find out
 * by the time of an answer whether another one has asked for the name, as with every shared resolver.
 */
#pragma once

#include "base/hash.h"
#include "base/hash_table.h"
#include "base/list.h"
#include "base/usec.h"
#include "service/dns/key.h"

#include <stddef.h>
#include <stdint.h>

struct payer;

#define DNS_CACHE_BYTES (4u * 1024 * 1024)
#define DNS_CACHE_MESSAGE_MAX 8192u
/* Longer TTLs are shortened; negative answers are likely to be wrong sooner (RFC 2308 §5 suggests one to three hours). */
#define DNS_CACHE_TTL_MAX 86400u
#define DNS_CACHE_NEGATIVE_TTL_MAX 3600u
/* RFC 8767 §5: how long expired answers are of use, the TTL with which they are sent, and when the servers are tried again. */
#define DNS_CACHE_STALE_MAX (86400 * USEC_PER_SEC)
#define DNS_CACHE_STALE_TTL 30u
#define DNS_CACHE_RETRY (30 * USEC_PER_SEC)

/* Zeroed but for the key, then dns_cache_init(). */
struct dns_cache {
	struct hash_key key;
	struct hash_table by_key;
	struct list by_use; /* least recently used first */
	size_t bytes;
};

struct dns_cached;

void dns_cache_init(struct dns_cache *c, const struct hash_key *key);
/* Forgets everything. */
void dns_cache_flush(struct dns_cache *c);

/*
 * Keeps the answer to @k that @payer's query has brought, if it may be kept: not truncated, a TTL that is not 0, and of negative answers
 * an SOA record.
 */
void dns_cache_put(struct dns_cache *c, usec_t now, const struct dns_key *k, struct payer *payer, const uint8_t *bytes, size_t len);

enum dns_freshness {
	DNS_CACHE_NONE,
	DNS_CACHE_STALE,  /* of use when no server answers */
	DNS_CACHE_FAILED, /* stale, and servers have just failed to answer: of use at once */
	DNS_CACHE_FRESH,
};

enum dns_freshness dns_cache_find(struct dns_cache *c, usec_t now, const struct dns_key *k, struct dns_cached **ret);
/* Servers did not answer the query for @e. */
void dns_cached_failed(struct dns_cached *e, usec_t now);
size_t dns_cached_len(const struct dns_cached *e);
/* Writes the answer to @q, whose key @e has: its id, its spelling of the name, and what is left of each TTL.  @to: dns_cached_len() bytes.
 */
void dns_cached_emit(const struct dns_cached *e, usec_t now, const struct dns_query *q, uint8_t *to);
