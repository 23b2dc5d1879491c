/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/hold.h"

#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define FIRST_SIZE (64u * 1024)

void hold_pool_done(struct hold_pool *pool)
{
	while (pool->n > 0)
		free(pool->spare[--pool->n].data);
}

static void give_back(struct hold_pool *pool, uint8_t *data, uint32_t size)
{
	if (!data || pool->n == HOLD_SPARES) {
		free(data);
		return;
	}
	pool->spare[pool->n].data = data;
	pool->spare[pool->n++].size = size;
}

/* At least @need bytes. */
static uint8_t *take(struct hold_pool *pool, uint32_t need, uint32_t *ret_size)
{
	for (unsigned i = 0; i < pool->n; i++) {
		if (pool->spare[i].size < need)
			continue;
		uint8_t *data = pool->spare[i].data;
		*ret_size = pool->spare[i].size;
		pool->spare[i] = pool->spare[--pool->n];
		return data;
	}
	*ret_size = FIRST_SIZE;
	while (*ret_size < need)
		*ret_size *= 2;
	return malloc(*ret_size);
}

void hold_done(struct hold *h, struct hold_pool *pool)
{
	give_back(pool, h->data, h->size);
	*h = (struct hold){ 0 };
}

static int grow(struct hold *h, struct hold_pool *pool, uint32_t need)
{
	uint32_t size;
	uint8_t *data = take(pool, need, &size);
	if (!data)
		return -ENOMEM;
	struct iovec old[2];
	unsigned n = hold_pieces(h, h->extent, old);
	for (unsigned i = 0, at = 0; i < n; at += (unsigned)old[i].iov_len, i++)
		memcpy(data + at, old[i].iov_base, old[i].iov_len);
	give_back(pool, h->data, h->size);
	h->data = data;
	h->size = size;
	h->start = 0;
	return 0;
}

int hold_put(struct hold *h, struct hold_pool *pool, uint32_t at, const void *bytes, uint32_t len)
{
	if (at + len > h->size) {
		int r = grow(h, pool, at + len);
		if (r < 0)
			return r;
	}
	uint32_t from = (h->start + at) & (h->size - 1);
	uint32_t first = MIN(len, h->size - from);
	memcpy(h->data + from, bytes, first);
	memcpy(h->data, (const uint8_t *)bytes + first, len - first);
	h->extent = MAX(h->extent, at + len);
	return 0;
}

void hold_advance(struct hold *h, struct hold_pool *pool, uint32_t n)
{
	if (n >= h->extent) {
		if (h->data)
			hold_done(h, pool);
		return;
	}
	h->start = (h->start + n) & (h->size - 1);
	h->extent -= n;
}

unsigned hold_pieces(const struct hold *h, uint32_t n, struct iovec ret[static 2])
{
	if (n == 0)
		return 0;
	uint32_t first = MIN(n, h->size - h->start);
	ret[0] = (struct iovec){ .iov_base = h->data + h->start, .iov_len = first };
	if (first == n)
		return 1;
	ret[1] = (struct iovec){ .iov_base = h->data, .iov_len = n - first };
	return 2;
}
