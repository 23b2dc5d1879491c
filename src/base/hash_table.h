/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table of objects that embed a node.  The caller computes the hashes, with a secret key when a guest can choose what is hashed
 * (base/hash.h), and compares the objects that a look-up finds.  The table grows; objects must not move while they are in it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_node {
	struct hash_node *next; /* in its bucket */
	uint64_t hash;
};

/* Zeroed before use. */
struct hash_table {
	struct hash_node **buckets;
	size_t n_buckets; /* a power of two; 0 before the first object */
	size_t n;         /* objects */
};

/* Frees the table, not the objects. */
void hash_table_done(struct hash_table *t);
/* Adds @node under @hash.  -ENOMEM. */
int hash_table_add(struct hash_table *t, struct hash_node *node, uint64_t hash);
/* Removes @node, which is in the table. */
void hash_table_remove(struct hash_table *t, struct hash_node *node);

/* @node or the first one behind it in its bucket with @hash.  The look-ups are inline because each packet needs some. */
static inline struct hash_node *hash_node_with(struct hash_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

/* The first object with @hash; NULL when there is no such object. */
static inline struct hash_node *hash_table_find(const struct hash_table *t, uint64_t hash)
{
	return t->n_buckets > 0 ? hash_node_with(t->buckets[hash & (t->n_buckets - 1)], hash) : NULL;
}

/* The object behind @node with the same hash, or NULL. */
static inline struct hash_node *hash_node_next(const struct hash_node *node)
{
	return hash_node_with(node->next, node->hash);
}
