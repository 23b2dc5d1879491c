/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for a guest that has no receive buffer left: copies, in order, as the queue of a tap device would keep them.  Bounded;
 * embedded in the queue that they wait for.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

struct backlog_frame;
struct frame;

#define BACKLOG_BYTES_MAX ((size_t)1024 * 1024)

/* All zero is empty. */
struct backlog {
	struct backlog_frame *first, *last;
	size_t bytes; /* of memory */
};

static inline bool backlog_is_empty(const struct backlog *b)
{
	return b->first == NULL;
}

/* Keeps a copy of @f behind the others.  -ENOBUFS when there are enough, -ENOMEM. */
int backlog_put(struct backlog *b, usec_t now, const struct frame *f);
/* The oldest frame, which backlog_drop_first() frees; there must be one. */
const struct frame *backlog_first(const struct backlog *b);
/* When it was put there. */
usec_t backlog_since(const struct backlog *b);
void backlog_drop_first(struct backlog *b);
void backlog_clear(struct backlog *b);
