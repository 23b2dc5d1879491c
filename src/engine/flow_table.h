/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash table of flows by key. A flow is embedded in an object that belongs to the caller and must not move while it is in the table.
 * The hash has a secret key (base/hash.h), so a guest cannot choose ports that make a chain long. The last flow found is tried
 * first, because packets of one flow come in runs.
 *
 * Each flow has an index, which stays the same while the flow is in the table; the table can be walked by it in slices.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"

#include <assert.h>
#include <stdint.h>

/* The owner of the table decides which fields identify a flow and leaves the others zero. */
struct flow_key {
	struct ip_endpoint guest, remote;
};

static_assert(sizeof(struct flow_key) == 36, "hashed and compared as bytes: no padding");

struct flow {
	struct flow_key key;
	uint32_t hash;
	uint32_t index;
	struct flow *next; /* in its bucket */
};

struct flow_slot {
	struct flow *flow; /* NULL: free */
	uint32_t next_free;
};

struct flow_table {
	struct hash_key hash_key;
	struct flow **buckets;
	uint32_t n_buckets; /* a power of two, 0 before the first flow */
	uint32_t n_flows;
	struct flow_slot *slots;
	uint32_t n_slots, free_slot;
	struct flow *last;
};

void flow_table_init(struct flow_table *t, const struct hash_key *key);
/* Frees the table, not the flows. */
void flow_table_done(struct flow_table *t);

/* Puts @flow, its key set and not in the table yet, into it.  -ENOMEM. */
int flow_table_add(struct flow_table *t, struct flow *flow);
void flow_table_remove(struct flow_table *t, struct flow *flow);
/* NULL when no flow has this key. */
struct flow *flow_table_find(struct flow_table *t, const struct flow_key *key);
/* The first flow at index @index or later, to walk the table in slices; NULL after the last one. */
struct flow *flow_table_from(const struct flow_table *t, uint32_t index);
