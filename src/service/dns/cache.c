/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry is the message as it came, with the offsets of its TTLs: they are all that changes, beside the id, the flags that repeat the
 * query, and the spelling of the name (RFC 4343 §4.1 and of 0x20 encoding: a requester may look at it).
 */
#include "service/dns/cache.h"

#include "base/allowance.h"
#include "base/macros.h"
#include "gateway/payer.h"

#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 256u
/* SOA: five numbers at the end, the last of which is the TTL of negative answers. */
#define SOA_NUMBERS_LEN 20u

struct dns_cached {
	struct hash_node node;
	struct list by_use;
	struct list of_payer; /* in payer->dns_cached, least recently used first */
	struct payer *payer;  /* with a reference */
	usec_t stored, expires;
	usec_t failed_until;
	bool is_negative;
	struct dns_key key;
	size_t size; /* of all of it */
	uint16_t len, n_ttls;
	uint16_t ttl_at[]; /* then the message */
};

static uint8_t *message_of(struct dns_cached *e)
{
	return (uint8_t *)(e->ttl_at + e->n_ttls);
}

void dns_cache_init(struct dns_cache *c, const struct hash_key *key)
{
	*c = (struct dns_cache){ .key = *key };
	list_init(&c->by_use);
}

static void drop(struct dns_cache *c, struct dns_cached *e)
{
	hash_table_remove(&c->by_key, &e->node);
	list_remove(&e->by_use);
	list_remove(&e->of_payer);
	c->bytes -= e->size;
	e->payer->dns_cached_bytes -= e->size;
	payer_unref(e->payer);
	free(e);
}

void dns_cache_flush(struct dns_cache *c)
{
	list_for_each(node, &c->by_use)
		drop(c, container_of(node, struct dns_cached, by_use));
	hash_table_done(&c->by_key);
	dns_cache_init(c, &(struct hash_key){ { c->key.k[0], c->key.k[1] } });
}

/* What a message says about its life. */
struct content {
	uint32_t ttl;
	bool is_negative;
	unsigned n_ttls;
	uint16_t ttl_at[RECORDS_MAX];
};

static uint32_t soa_minimum(const uint8_t *message, const struct dns_record_view *soa)
{
	struct bytes_reader r = bytes_reader(message + soa->data_at + soa->len - sizeof(uint32_t), sizeof(uint32_t));
	return bytes_get_be32(&r);
}

/* False: the message is not for the cache. */
static bool look_into(const uint8_t *message, size_t len, struct content *ret)
{
	struct dns_header h;
	struct dns_question q;
	struct dns_message_reader m;
	struct dns_record_view r;
	bool has_data = false, has_soa = false;
	uint32_t ttl = DNS_CACHE_TTL_MAX, negative = DNS_CACHE_NEGATIVE_TTL_MAX;
	if (dns_message_begin(message, len, &h, &q, &m) < 0 || h.truncated ||
	    (h.rcode != DNS_RCODE_NOERROR && h.rcode != DNS_RCODE_NXDOMAIN))
		return false;
	ret->n_ttls = 0;
	int more;
	while ((more = dns_message_next(&m, &r)) > 0) {
		if (r.type == DNS_TYPE_OPT)
			continue;
		if (ret->n_ttls == RECORDS_MAX)
			return false;
		ret->ttl_at[ret->n_ttls++] = (uint16_t)r.ttl_at;
		/* RFC 2181 §8: a TTL with the highest bit set is 0. */
		uint32_t own = r.ttl > INT32_MAX ? 0 : r.ttl;
		if (r.section == DNS_SECTION_ANSWER) {
			ttl = MIN(ttl, own);
			has_data |= r.type == q.type || q.type == DNS_TYPE_ANY;
		} else if (r.section == DNS_SECTION_AUTHORITY && r.type == DNS_TYPE_SOA && r.len > SOA_NUMBERS_LEN) {
			has_soa = true;
			negative = MIN(negative, MIN(own, soa_minimum(message, &r)));
		}
	}
	ret->is_negative = h.rcode == DNS_RCODE_NXDOMAIN || !has_data;
	ret->ttl = ret->is_negative ? MIN(ttl, negative) : ttl;
	return more == 0 && ret->ttl > 0 && (!ret->is_negative || has_soa);
}

static struct dns_cached *find(const struct dns_cache *c, const struct dns_key *k, uint64_t hash)
{
	for (struct hash_node *n = hash_table_find(&c->by_key, hash); n; n = hash_node_next(n)) {
		struct dns_cached *e = container_of(n, struct dns_cached, node);
		if (dns_key_equal(&e->key, k))
			return e;
	}
	return NULL;
}

/* Makes room for @size bytes of @payer; false when its share is too small. */
static bool make_room(struct dns_cache *c, usec_t now, const struct payer *payer, size_t size)
{
	while (!list_empty(&c->by_use)) {
		struct dns_cached *oldest = container_of(c->by_use.next, struct dns_cached, by_use);
		if (oldest->payer->port && usec_add(oldest->expires, DNS_CACHE_STALE_MAX) > now)
			break;
		drop(c, oldest);
	}
	while (!share_allows(payer->dns_cached_bytes, size, c->bytes, DNS_CACHE_BYTES, 1)) {
		if (list_empty(&payer->dns_cached))
			return false;
		drop(c, container_of(payer->dns_cached.next, struct dns_cached, of_payer));
	}
	return true;
}

/* A kept answer does not come from the authority (RFC 1035 §4.1.1). */
static void disown(uint8_t *message, size_t len)
{
	struct dns_header h;
	struct bytes_reader r = bytes_reader(message, len);
	struct bytes_writer w = bytes_writer(message, len);
	if (dns_header_parse(&r, &h) < 0)
		return;
	h.authoritative = false;
	dns_header_emit(&w, &h);
}

void dns_cache_put(struct dns_cache *c, usec_t now, const struct dns_key *k, struct payer *payer, const uint8_t *bytes, size_t len)
{
	struct content content;
	uint64_t hash = dns_key_hash(k, &c->key);
	if (len > DNS_CACHE_MESSAGE_MAX || !look_into(bytes, len, &content))
		return;
	struct dns_cached *old = find(c, k, hash);
	if (old)
		drop(c, old);
	size_t size = sizeof(struct dns_cached) + content.n_ttls * sizeof(content.ttl_at[0]) + len;
	struct dns_cached *e = make_room(c, now, payer, size) ? malloc(size) : NULL;
	if (!e)
		return;
	*e = (struct dns_cached){
		.payer = payer,
		.stored = now,
		.expires = usec_add(now, content.ttl * USEC_PER_SEC),
		.is_negative = content.is_negative,
		.key = *k,
		.size = size,
		.len = (uint16_t)len,
		.n_ttls = (uint16_t)content.n_ttls,
	};
	memcpy(e->ttl_at, content.ttl_at, content.n_ttls * sizeof(content.ttl_at[0]));
	memcpy(message_of(e), bytes, len);
	disown(message_of(e), len);
	if (hash_table_add(&c->by_key, &e->node, hash) < 0) {
		free(e);
		return;
	}
	payer_ref(payer);
	payer->dns_cached_bytes += size;
	c->bytes += size;
	list_append(&c->by_use, &e->by_use);
	list_append(&payer->dns_cached, &e->of_payer);
}

enum dns_freshness dns_cache_find(struct dns_cache *c, usec_t now, const struct dns_key *k, struct dns_cached **ret)
{
	struct dns_cached *e = c->by_key.n > 0 ? find(c, k, dns_key_hash(k, &c->key)) : NULL;
	if (!e)
		return DNS_CACHE_NONE;
	bool is_fresh = now < e->expires;
	if (!is_fresh && (e->is_negative || now >= usec_add(e->expires, DNS_CACHE_STALE_MAX))) {
		drop(c, e);
		return DNS_CACHE_NONE;
	}
	list_remove(&e->by_use);
	list_append(&c->by_use, &e->by_use);
	list_remove(&e->of_payer);
	list_append(&e->payer->dns_cached, &e->of_payer);
	*ret = e;
	return is_fresh ? DNS_CACHE_FRESH : now < e->failed_until ? DNS_CACHE_FAILED : DNS_CACHE_STALE;
}

void dns_cached_failed(struct dns_cached *e, usec_t now)
{
	e->failed_until = usec_add(now, DNS_CACHE_RETRY);
}

size_t dns_cached_len(const struct dns_cached *e)
{
	return e->len;
}

void dns_cached_emit(const struct dns_cached *e, usec_t now, const struct dns_query *q, uint8_t *to)
{
	memcpy(to, (const uint8_t *)(e->ttl_at + e->n_ttls), e->len);
	dns_answer_adopt(to, e->len, q);
	uint64_t age = (now - e->stored) / USEC_PER_SEC;
	for (unsigned i = 0; i < e->n_ttls; i++) {
		struct bytes_reader r = bytes_reader(to + e->ttl_at[i], sizeof(uint32_t));
		uint32_t ttl = MIN(bytes_get_be32(&r), DNS_CACHE_TTL_MAX);
		struct bytes_writer w = bytes_writer(to + e->ttl_at[i], sizeof(uint32_t));
		bytes_put_be32(&w, now >= e->expires ? DNS_CACHE_STALE_TTL : ttl > age ? (uint32_t)(ttl - age) : 0);
	}
}
