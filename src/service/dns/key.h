/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes two queries equal: their answers are. */
#pragma once

#include "base/hash.h"
#include "wire/dns.h"

struct dns_key {
	struct dns_name name; /* in lower case */
	uint16_t type, class;
	uint8_t flags; /* of the header and of EDNS that a name server may look at */
};

/* False: the answer to @q depends on more, such as options of EDNS. */
static inline bool dns_key_of(const struct dns_query *q, struct dns_key *ret)
{
	if (!q->is_plain)
		return false;
	ret->name = dns_name_fold(&q->question.name);
	ret->type = q->question.type;
	ret->class = q->question.class;
	ret->flags = (uint8_t)(q->header.authentic | q->header.checking_disabled << 1 | q->edns.present << 2 | q->edns.dnssec_ok << 3);
	return true;
}

static inline uint64_t dns_key_hash(const struct dns_key *k, const struct hash_key *secret)
{
	uint8_t bytes[DNS_NAME_MAX + 5];
	memcpy(bytes, k->name.bytes, k->name.len);
	uint8_t tail[] = { (uint8_t)(k->type >> 8), (uint8_t)k->type, (uint8_t)(k->class >> 8), (uint8_t)k->class, k->flags };
	memcpy(bytes + k->name.len, tail, sizeof(tail));
	return hash_bytes(secret, bytes, k->name.len + sizeof(tail));
}

static inline bool dns_key_equal(const struct dns_key *a, const struct dns_key *b)
{
	return a->type == b->type && a->class == b->class && a->flags == b->flags && a->name.len == b->name.len &&
	       memcmp(a->name.bytes, b->name.bytes, a->name.len) == 0;
}
