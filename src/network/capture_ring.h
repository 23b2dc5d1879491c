/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded queue of records from one thread to another, as bytes in one piece of memory: the writer never waits and the
 * reader never makes it wait.  What does not fit is the writer's to count.  Each record is contiguous and aligned to 8 bytes.
 *
 * Positions only grow; where one is in memory is its remainder.  A record that does not fit before the end of the memory begins at its
 * start, and the reader finds a mark in front of the gap.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct capture_ring {
	uint8_t *bytes;
	size_t size;        /* a power of two */
	size_t reserved;    /* the writer's: where its next record goes */
	atomic_size_t head; /* written up to here, by the writer */
	atomic_size_t tail; /* read up to here, by the reader */
};

/* @size is a power of two.  -ENOMEM. */
int capture_ring_init(struct capture_ring *r, size_t size);
void capture_ring_done(struct capture_ring *r);

/* The writer's: room for a record of @len bytes, which need not be used; NULL when there is none now. */
void *capture_ring_reserve(struct capture_ring *r, size_t len);
/* What was reserved last is a record of @len bytes, at most as many as were reserved. */
void capture_ring_commit(struct capture_ring *r, size_t len);

/* The reader's: the oldest record, its own until it is released; NULL when there is none. */
void *capture_ring_peek(struct capture_ring *r, size_t *ret_len);
/* Releases what was peeked at last. */
void capture_ring_release(struct capture_ring *r);
