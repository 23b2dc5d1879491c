/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded queue of records from one thread to one other, in one block of memory.  The writer never waits, and counts records that do not
 * fit.  Each record is contiguous and aligned to 8 bytes.
 *
 * Positions only grow; a position modulo the size is the place in memory.  A record that does not fit before the end of the memory is put
 * at the start, and a mark before the gap tells the reader.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct capture_ring {
	uint8_t *bytes;
	size_t size;        /* a power of two */
	size_t reserved;    /* where the writer puts its next record */
	atomic_size_t head; /* the writer has written up to here */
	atomic_size_t tail; /* the reader has read up to here */
};

/* @size is a power of two.  -ENOMEM. */
int capture_ring_init(struct capture_ring *r, size_t size);
void capture_ring_done(struct capture_ring *r);

/* For the writer: room for a record of @len bytes, which need not be used; NULL: the ring is full. */
void *capture_ring_reserve(struct capture_ring *r, size_t len);
/* Makes a record of the first @len bytes of what was reserved last. */
void capture_ring_commit(struct capture_ring *r, size_t len);

/* For the reader: the oldest record, which is its own until it releases it; NULL: the ring is empty. */
void *capture_ring_peek(struct capture_ring *r, size_t *ret_len);
/* Releases the record that was peeked at last. */
void capture_ring_release(struct capture_ring *r);
