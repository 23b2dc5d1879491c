/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for one turn: bytes that must live until the segment is flushed, such as the
 * replies of services and the headers that the gateway puts in front of an engine's packet.
 * Allocation is a pointer step; everything is given back at once by arena_reset(),
 * which keeps one chunk so that a quiet network owns little memory.
 */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;                /* bytes handed out of all chunks this turn */
	size_t limit;
};

/* At most @limit_bytes a turn.  Allocates nothing yet. */
void arena_init(struct arena *a, size_t limit_bytes);
void arena_done(struct arena *a);
/* @size bytes aligned to 16, uninitialised; NULL when the limit or memory is reached. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of @data. */
void *arena_copy(struct arena *a, const void *data, size_t size);
void arena_reset(struct arena *a);
