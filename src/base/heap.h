/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A binary heap of objects that embed a node, for what ends at a time that can change: the first one is found at once, adding and removing
 * take a time that grows with the logarithm of their number.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* heap_node.at of a node that is in no heap. */
#define HEAP_NOWHERE SIZE_MAX

struct heap_node {
	uint64_t key;
	size_t at; /* in heap.nodes; HEAP_NOWHERE before it is added first */
};

/* Zeroed before use. */
struct heap {
	struct heap_node **nodes;
	size_t n, size;
};

/* Frees the heap, not the objects. */
void heap_done(struct heap *h);
/* Makes room for @n objects in all, so that adding them cannot fail.  -ENOMEM. */
int heap_reserve(struct heap *h, size_t n);
/* Adds @node, which is in no heap.  There must be room. */
void heap_add(struct heap *h, struct heap_node *node, uint64_t key);
/* Removes @node if it is in the heap. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The object with the smallest key; NULL: the heap is empty. */
static inline struct heap_node *heap_first(const struct heap *h)
{
	return h->n > 0 ? h->nodes[0] : NULL;
}
