/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/flow_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256u
#define FIRST_SLOTS 256u
#define NO_SLOT UINT32_MAX

void flow_table_init(struct flow_table *t, const struct hash_key *key)
{
	*t = (struct flow_table){ .hash_key = *key, .free_slot = NO_SLOT };
}

void flow_table_done(struct flow_table *t)
{
	free(t->buckets);
	free(t->slots);
	t->buckets = NULL;
	t->slots = NULL;
}

static bool key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void chain(struct flow **buckets, uint32_t n_buckets, struct flow *flow)
{
	struct flow **head = &buckets[flow->hash & (n_buckets - 1)];
	flow->next = *head;
	*head = flow;
}

/* Doubling keeps chains at about one flow, at an amortised constant cost per flow. */
static int grow_buckets(struct flow_table *t)
{
	uint32_t n = t->n_buckets > 0 ? t->n_buckets * 2 : FIRST_BUCKETS;
	struct flow **buckets = calloc(n, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n_buckets; i++) {
		for (struct flow *f = t->buckets[i], *next; f; f = next) {
			next = f->next;
			chain(buckets, n, f);
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->n_buckets = n;
	return 0;
}

static int grow_slots(struct flow_table *t)
{
	uint32_t n = t->n_slots > 0 ? t->n_slots * 2 : FIRST_SLOTS;
	struct flow_slot *slots = realloc(t->slots, n * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = t->n_slots; i < n; i++)
		slots[i] = (struct flow_slot){ .next_free = i + 1 < n ? i + 1 : NO_SLOT };
	t->free_slot = t->n_slots;
	t->slots = slots;
	t->n_slots = n;
	return 0;
}

int flow_table_add(struct flow_table *t, struct flow *flow)
{
	if (t->n_flows >= t->n_buckets && grow_buckets(t) < 0)
		return -ENOMEM;
	if (t->free_slot == NO_SLOT && grow_slots(t) < 0)
		return -ENOMEM;
	flow->hash = (uint32_t)hash_bytes(&t->hash_key, &flow->key, sizeof(flow->key));
	flow->index = t->free_slot;
	struct flow_slot *slot = &t->slots[flow->index];
	t->free_slot = slot->next_free;
	slot->flow = flow;
	chain(t->buckets, t->n_buckets, flow);
	t->n_flows++;
	t->last = flow;
	return 0;
}

void flow_table_remove(struct flow_table *t, struct flow *flow)
{
	struct flow **at = &t->buckets[flow->hash & (t->n_buckets - 1)];
	while (*at != flow)
		at = &(*at)->next;
	*at = flow->next;
	struct flow_slot *slot = &t->slots[flow->index];
	slot->flow = NULL;
	slot->next_free = t->free_slot;
	t->free_slot = flow->index;
	t->n_flows--;
	if (t->last == flow)
		t->last = NULL;
}

struct flow *flow_table_find(struct flow_table *t, const struct flow_key *key)
{
	if (t->last && key_equal(&t->last->key, key))
		return t->last;
	if (t->n_buckets == 0)
		return NULL;
	uint32_t hash = (uint32_t)hash_bytes(&t->hash_key, key, sizeof(*key));
	for (struct flow *f = t->buckets[hash & (t->n_buckets - 1)]; f; f = f->next) {
		if (f->hash == hash && key_equal(&f->key, key)) {
			t->last = f;
			return f;
		}
	}
	return NULL;
}

struct flow *flow_table_from(const struct flow_table *t, uint32_t index)
{
	for (; index < t->n_slots; index++)
		if (t->slots[index].flow)
			return t->slots[index].flow;
	return NULL;
}
