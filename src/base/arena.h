/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for one turn of the event loop: bytes that must live until the segment is flushed,
 * such as replies of services and headers in front of an engine's packet.  Allocating
 * advances a pointer.  arena_reset() frees everything at once, except one chunk, so that a
 * quiet network owns little memory.
 */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;                /* bytes allocated from all chunks in this turn */
	size_t limit;
};

/* Allows @limit_bytes a turn.  Allocates nothing yet. */
void arena_init(struct arena *a, size_t limit_bytes);
void arena_done(struct arena *a);
/* @size uninitialised bytes, aligned to 16; NULL at the limit or out of memory. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of @data; NULL as arena_alloc(). */
void *arena_copy(struct arena *a, const void *data, size_t size);
void arena_reset(struct arena *a);
