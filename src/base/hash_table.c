/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/hash_table.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64u

void hash_table_done(struct hash_table *t)
{
	free(t->buckets);
	*t = (struct hash_table){ 0 };
}

static void chain(struct hash_node **buckets, size_t n_buckets, struct hash_node *node)
{
	struct hash_node **head = &buckets[node->hash & (n_buckets - 1)];
	node->next = *head;
	*head = node;
}

/* Doubling keeps chains at about one object, at an amortised constant cost for each. */
static int grow(struct hash_table *t)
{
	size_t n = t->n_buckets > 0 ? t->n_buckets * 2 : FIRST_BUCKETS;
	struct hash_node **buckets = calloc(n, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_buckets; i++) {
		for (struct hash_node *node = t->buckets[i], *next; node; node = next) {
			next = node->next;
			chain(buckets, n, node);
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->n_buckets = n;
	return 0;
}

int hash_table_add(struct hash_table *t, struct hash_node *node, uint64_t hash)
{
	if (t->n >= t->n_buckets && grow(t) < 0)
		return -ENOMEM;
	node->hash = hash;
	chain(t->buckets, t->n_buckets, node);
	t->n++;
	return 0;
}

void hash_table_remove(struct hash_table *t, struct hash_node *node)
{
	struct hash_node **at = &t->buckets[node->hash & (t->n_buckets - 1)];
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	t->n--;
}
