/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network/capture_ring.h"

#include <errno.h>
#include <stdlib.h>

/* Before each record. */
struct head {
	uint64_t len; /* GAP: no record follows before the end of the memory */
};

#define GAP UINT64_MAX

static size_t aligned(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

static struct head *head_at(const struct capture_ring *r, size_t position)
{
	return (struct head *)(r->bytes + (position & (r->size - 1)));
}

static size_t left_to_end(const struct capture_ring *r, size_t position)
{
	return r->size - (position & (r->size - 1));
}

int capture_ring_init(struct capture_ring *r, size_t size)
{
	*r = (struct capture_ring){ .bytes = malloc(size), .size = size };
	return r->bytes ? 0 : -ENOMEM;
}

void capture_ring_done(struct capture_ring *r)
{
	free(r->bytes);
	r->bytes = NULL;
}

void *capture_ring_reserve(struct capture_ring *r, size_t len)
{
	size_t need = sizeof(struct head) + aligned(len);
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t used = head - atomic_load_explicit(&r->tail, memory_order_acquire);
	size_t gap = need > left_to_end(r, head) ? left_to_end(r, head) : 0;
	if (need + gap > r->size - used)
		return NULL;
	if (gap > 0)
		head_at(r, head)->len = GAP;
	r->reserved = head + gap;
	return head_at(r, r->reserved) + 1;
}

void capture_ring_commit(struct capture_ring *r, size_t len)
{
	head_at(r, r->reserved)->len = len;
	atomic_store_explicit(&r->head, r->reserved + sizeof(struct head) + aligned(len), memory_order_release);
}

void *capture_ring_peek(struct capture_ring *r, size_t *ret_len)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	if (tail == head)
		return NULL;
	if (head_at(r, tail)->len == GAP) { /* a record follows, because the mark and the record are published together */
		tail += left_to_end(r, tail);
		atomic_store_explicit(&r->tail, tail, memory_order_release);
	}
	struct head *h = head_at(r, tail);
	*ret_len = h->len;
	return h + 1;
}

void capture_ring_release(struct capture_ring *r)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	atomic_store_explicit(&r->tail, tail + sizeof(struct head) + aligned(head_at(r, tail)->len), memory_order_release);
}
