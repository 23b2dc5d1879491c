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
#include "base/hash_table.h"
#include "base/slots.h"

#include <assert.h>
#include <stdint.h>

/* The owner of the table decides which fields identify a flow and leaves the others zero. */
struct flow_key {
	struct ip_endpoint guest, remote;
};

static_assert(sizeof(struct flow_key) == 36, "hashed and compared as bytes: no padding");

struct flow {
	struct flow_key key;
	uint32_t index;
	struct hash_node node; /* in flow_table.by_key */
};

struct flow_table {
	struct hash_key hash_key;
	struct hash_table by_key;
	struct slots by_index;
	struct flow *last;
};

void flow_table_init(struct flow_table *t, const struct hash_key *key);
/* Frees the table, not the flows. */
void flow_table_done(struct flow_table *t);

/* Puts @flow, its key set and not in the table yet, into it.  -ENOMEM. */
int flow_table_add(struct flow_table *t, struct flow *flow);
void flow_table_remove(struct flow_table *t, struct flow *flow);
/* The flow with index @index; NULL: no flow has it. */
static inline struct flow *flow_table_at(const struct flow_table *t, uint32_t index)
{
	return slots_get(&t->by_index, index);
}
/* NULL when no flow has this key. */
struct flow *flow_table_find(struct flow_table *t, const struct flow_key *key);
/* The first flow at index @index or later, to walk the table in slices; NULL after the last one. */
struct flow *flow_table_from(const struct flow_table *t, uint32_t index);
