/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows by key.  A flow is embedded in its owner's object, which the table does not own and which must not move while
 * it is in the table.  The hash is keyed (base/hash.h), so a guest that chooses its ports cannot make chains
 * long.  The flow found last is looked at first: packets come in runs.
 *
 * Every flow that enters a table gets an id: an index that is used again and a generation that is not, so that
 * whoever remembers an id of a flow that has ended is told so instead of meeting another one.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"

#include <assert.h>
#include <stdint.h>

/* Which of the two ends count is the owner's business; what does not count is zero. */
struct flow_key {
	struct ip_endpoint guest, remote;
};

static_assert(sizeof(struct flow_key) == 36, "hashed and compared as bytes: no padding");

struct flow {
	struct flow_key key;
	uint32_t hash;
	uint32_t index, generation;
	struct flow *next; /* in its bucket */
};

struct flow_slot {
	struct flow *flow; /* NULL: free */
	uint32_t generation;
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
/* NULL when there is none. */
struct flow *flow_table_find(struct flow_table *t, const struct flow_key *key);
/* The flow with this id, NULL when it has ended. */
struct flow *flow_table_by_id(const struct flow_table *t, uint32_t index, uint32_t generation);
/* The first flow in a slot from @index on, for walks in slices; NULL behind the last one. */
struct flow *flow_table_from(const struct flow_table *t, uint32_t index);
