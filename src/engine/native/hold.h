/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ring buffer for a guest's bytes that the host socket has not taken yet, in order and out of order. Positions count from the next
 * byte for the host. The ring owns memory only while it holds bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct hold {
	uint8_t *data;   /* NULL while empty */
	uint32_t size;   /* a power of two */
	uint32_t start;  /* index of position 0 in data */
	uint32_t extent; /* end of the farthest byte that was put */
};

/* Memory of emptied rings, kept for the next ones: a busy flow's ring fills and empties all the time. */
#define HOLD_SPARES 4u

struct hold_pool {
	struct {
		uint8_t *data;
		uint32_t size;
	} spare[HOLD_SPARES];
	unsigned n;
};

void hold_pool_done(struct hold_pool *pool);

void hold_done(struct hold *h, struct hold_pool *pool);
/* Puts @len bytes at position @at. -ENOMEM. */
int hold_put(struct hold *h, struct hold_pool *pool, uint32_t at, const void *bytes, uint32_t len);
/* The host took the first @n bytes, whether they were in the ring or not. */
void hold_advance(struct hold *h, struct hold_pool *pool, uint32_t n);
/* The first @n bytes, which must have been put, as one or two pieces; returns the number of pieces. */
unsigned hold_pieces(const struct hold *h, uint32_t n, struct iovec ret[static 2]);
