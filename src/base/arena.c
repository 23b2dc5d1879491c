/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include "base/macros.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)256 * 1024)
#define ALIGNMENT ((size_t)16)

struct arena_chunk {
	struct arena_chunk *older;
	size_t size, used;
	_Alignas(16) uint8_t bytes[];
};

void arena_init(struct arena *a, size_t limit_bytes)
{
	*a = (struct arena){ .limit = limit_bytes };
}

static void free_chunks(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *older = c->older;
		free(c);
		c = older;
	}
}

void arena_done(struct arena *a)
{
	free_chunks(a->chunks);
	a->chunks = NULL;
}

static struct arena_chunk *grow(struct arena *a, size_t size)
{
	size_t bytes = MAX(size, CHUNK_BYTES);
	struct arena_chunk *c = malloc(sizeof(*c) + bytes);
	if (!c)
		return NULL;
	*c = (struct arena_chunk){ .older = a->chunks, .size = bytes };
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	if (size > a->limit)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (size > a->limit - MIN(a->used, a->limit))
		return NULL;
	struct arena_chunk *c = a->chunks;
	if (!c || size > c->size - c->used)
		c = grow(a, size);
	if (!c)
		return NULL;
	void *p = c->bytes + c->used;
	c->used += size;
	a->used += size;
	return p;
}

void *arena_copy(struct arena *a, const void *data, size_t size)
{
	void *p = arena_alloc(a, size);
	if (p && size > 0)
		memcpy(p, data, size);
	return p;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->chunks;
	a->used = 0;
	if (!keep)
		return;
	free_chunks(keep->older);
	keep->older = NULL;
	keep->used = 0;
}
