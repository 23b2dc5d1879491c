/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of frames for a guest that has no receive buffer left, in order, like the queue of a tap device.  Bounded; embedded in the queue
 * that they wait for.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

struct backlog_frame;
struct frame;

#define BACKLOG_BYTES_MAX ((size_t)1024 * 1024)

/* Zeroed: empty. */
struct backlog {
	struct backlog_frame *first, *last;
	size_t bytes; /* memory of all frames */
};

static inline bool backlog_is_empty(const struct backlog *b)
{
	return b->first == NULL;
}

/* Appends a copy of @f.  -ENOBUFS when the backlog is full, -ENOMEM. */
int backlog_put(struct backlog *b, usec_t now, const struct frame *f);
/* The oldest frame; there must be one.  backlog_drop_first() frees it. */
const struct frame *backlog_first(const struct backlog *b);
/* When the oldest frame was appended. */
usec_t backlog_since(const struct backlog *b);
void backlog_drop_first(struct backlog *b);
void backlog_clear(struct backlog *b);
