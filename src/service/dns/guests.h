/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who of the guests has queries under way or streams open, so that none of them takes more than its share.  An
 * entry lives while it is in use; idle guests cost nothing.
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
	struct list queries; /* forwarded ones, of dns_forward.c */
};

struct dns_guests {
	struct hash_key key;
	struct list buckets[DNS_GUEST_BUCKETS];
};

void dns_guests_init(struct dns_guests *g, const struct hash_key *key);
/* NULL when @ip uses nothing. */
struct dns_guest *dns_guests_find(struct dns_guests *g, ip4_t ip);
/* Finds or makes the entry of @ip; NULL when out of memory.  The caller counts what it uses, or releases it. */
struct dns_guest *dns_guests_get(struct dns_guests *g, ip4_t ip);
/* Something that @guest used is gone: frees it when that was the last. */
void dns_guest_release(struct dns_guest *guest);
