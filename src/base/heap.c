/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/heap.h"

#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SIZE 64u

void heap_done(struct heap *h)
{
	free(h->nodes);
	*h = (struct heap){ 0 };
}

int heap_reserve(struct heap *h, size_t n)
{
	if (n <= h->size)
		return 0;
	size_t size = MAX(MAX(2 * h->size, n), (size_t)FIRST_SIZE);
	struct heap_node **nodes = reallocarray(h->nodes, size, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	h->nodes = nodes;
	h->size = size;
	return 0;
}

static void put(struct heap *h, size_t at, struct heap_node *node)
{
	h->nodes[at] = node;
	node->at = at;
}

/* Puts @node at @at, which is free, or moves it towards the root. */
static void rise(struct heap *h, size_t at, struct heap_node *node)
{
	for (size_t parent; at > 0 && h->nodes[parent = (at - 1) / 2]->key > node->key; at = parent)
		put(h, at, h->nodes[parent]);
	put(h, at, node);
}

/* Puts @node at @at, which is free, or moves it away from the root. */
static void sink(struct heap *h, size_t at, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * at + 1;
		if (child + 1 < h->n && h->nodes[child + 1]->key < h->nodes[child]->key)
			child++;
		if (child >= h->n || h->nodes[child]->key >= node->key)
			break;
		put(h, at, h->nodes[child]);
		at = child;
	}
	put(h, at, node);
}

void heap_add(struct heap *h, struct heap_node *node, uint64_t key)
{
	assert(h->n < h->size);
	node->key = key;
	rise(h, h->n++, node);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	size_t at = node->at;
	if (at == HEAP_NOWHERE)
		return;
	struct heap_node *last = h->nodes[--h->n];
	node->at = HEAP_NOWHERE;
	if (last == node)
		return;
	if (at > 0 && h->nodes[(at - 1) / 2]->key > last->key)
		rise(h, at, last);
	else
		sink(h, at, last);
}
