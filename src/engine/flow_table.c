/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/flow_table.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

void flow_table_init(struct flow_table *t, const struct hash_key *key)
{
	*t = (struct flow_table){ .hash_key = *key };
}

void flow_table_done(struct flow_table *t)
{
	hash_table_done(&t->by_key);
	slots_done(&t->by_index);
}

static bool key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static uint64_t hash_of(const struct flow_table *t, const struct flow_key *key)
{
	return hash_bytes(&t->hash_key, key, sizeof(*key));
}

int flow_table_add(struct flow_table *t, struct flow *flow)
{
	if (slots_add(&t->by_index, flow, &flow->index) < 0)
		return -ENOMEM;
	if (hash_table_add(&t->by_key, &flow->node, hash_of(t, &flow->key)) < 0) {
		slots_remove(&t->by_index, flow->index);
		return -ENOMEM;
	}
	t->last = flow;
	return 0;
}

void flow_table_remove(struct flow_table *t, struct flow *flow)
{
	hash_table_remove(&t->by_key, &flow->node);
	slots_remove(&t->by_index, flow->index);
	if (t->last == flow)
		t->last = NULL;
}

struct flow *flow_table_find(struct flow_table *t, const struct flow_key *key)
{
	if (t->last && key_equal(&t->last->key, key))
		return t->last;
	struct hash_node *n = hash_table_find(&t->by_key, hash_of(t, key));
	while (n && !key_equal(&container_of(n, struct flow, node)->key, key))
		n = hash_node_next(n);
	if (!n)
		return NULL;
	t->last = container_of(n, struct flow, node);
	return t->last;
}

struct flow *flow_table_from(const struct flow_table *t, uint32_t index)
{
	for (; index < t->by_index.n; index++)
		if (flow_table_at(t, index))
			return flow_table_at(t, index);
	return NULL;
}
