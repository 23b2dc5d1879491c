/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of a guest that its host socket has not taken yet, and bytes that came early: a ring addressed by the
 * distance from the first byte that the host wants next.  It owns memory only while something is in it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct hold {
	uint8_t *data;   /* NULL while empty */
	uint32_t size;   /* a power of two */
	uint32_t start;  /* where distance 0 is in data */
	uint32_t extent; /* largest distance behind a byte that was put */
};

/* The memory of rings that emptied, for those that fill next: a busy flow's ring comes and goes all the time. */
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
/* Puts @len bytes at distance @at.  -ENOMEM. */
int hold_put(struct hold *h, struct hold_pool *pool, uint32_t at, const void *bytes, uint32_t len);
/* The first @n bytes went to the host, whether they were in here or not. */
void hold_advance(struct hold *h, struct hold_pool *pool, uint32_t n);
/* The first @n bytes, which have been put, as one or two pieces; returns how many. */
unsigned hold_pieces(const struct hold *h, uint32_t n, struct iovec ret[static 2]);
