/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queries and streams of each guest, for its share of the limits.  An entry exists while the guest has a query or a
 * stream.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"
#include "base/list.h"

#define DNS_GUEST_BUCKETS 256u

struct dns_guest {
	struct list node; /* in a bucket */
	ip4_t ip;
	unsigned n_queries, n_streams;
	struct list queries; /* forwarded ones, struct dns_pending of forward.c */
};

struct dns_guests {
	struct hash_key key;
	struct list buckets[DNS_GUEST_BUCKETS];
};

void dns_guests_init(struct dns_guests *g, const struct hash_key *key);
/* NULL when @ip has no entry. */
struct dns_guest *dns_guests_find(struct dns_guests *g, ip4_t ip);
/* Finds or adds the entry of @ip; NULL when out of memory.  The caller counts a query or stream in it, or releases it. */
struct dns_guest *dns_guests_get(struct dns_guests *g, ip4_t ip);
/* A query or stream has ended: frees @guest when it was the last. */
void dns_guest_release(struct dns_guest *guest);
