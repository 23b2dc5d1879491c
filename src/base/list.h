/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive doubly linked list.  The head is a node of its own.  A node that is on no list
 * points to itself, so removing it twice is harmless.  The list owns nothing.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Appends @node, which is on no list, to the list @head. */
static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* The body may remove @pos from the list and free it. */
#define list_for_each(pos, head) \
	for (struct list *pos = (head)->next, *pos##_next = pos->next; pos != (head); pos = pos##_next, pos##_next = pos->next)
