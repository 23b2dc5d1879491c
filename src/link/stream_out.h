/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sending half of a stream connection.  Frames are collected by reference and written by one system call; what the socket does not take
 * is copied into a bounded queue until the socket is writable again.
 *
 * Embedded in a connection, which owns the descriptor.  Frames are sent or dropped whole, or the peer could not find the next one.
 */
#pragma once

#include "wire/framing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct frame;
struct stream_gather;

/* Room for the frames of busy connections, shared by all: a connection has some only within a turn in which it is sent much. */
#define STREAM_POOL_MAX 4u

struct stream_pool {
	struct stream_gather *spare[STREAM_POOL_MAX];
	unsigned n;
};

void stream_pool_done(struct stream_pool *p);

#define STREAM_FEW_FRAMES 4u
#define STREAM_FEW_PIECES 12u

struct stream_out {
	int fd;
	struct stream_pool *pool;
	struct stream_gather *gather; /* of the pool; NULL while the frames of the turn are few */
	/* Frames taken since the last write, in @gather or in the arrays below; their bytes are borrowed. */
	unsigned n_frames, n_iov;
	size_t bytes;
	struct iovec few_iov[STREAM_FEW_PIECES];
	unsigned few_first[STREAM_FEW_FRAMES];
	uint8_t few_lengths[STREAM_FEW_FRAMES][FRAMING_LENGTH_BYTES];
	uint8_t *queue; /* bytes to be sent, in [queue_at, queue_len) */
	size_t queue_at, queue_len;
	void (*dropped)(struct stream_out *o,
			const struct frame *frame); /* no room for @frame, borrowed for the call; NULL: for the rest of one */
};

/* @pool is borrowed for the life of @o. */
void stream_out_init(struct stream_out *o, int fd, struct stream_pool *pool,
		     void (*dropped)(struct stream_out *o, const struct frame *frame));
void stream_out_done(struct stream_out *o);

/* Takes @frame, whose bytes are borrowed until stream_out_write().  Negative errno when the connection is broken. */
int stream_out_frame(struct stream_out *o, const struct frame *frame);
/* Writes the frames that were taken and gives up borrowed bytes.  Negative errno as above. */
int stream_out_write(struct stream_out *o);
/* Gives up borrowed bytes without writing them, for a connection that ends. */
void stream_out_forget(struct stream_out *o);
/* The socket is writable: sends from the queue.  1 when the queue is empty, 0 when it is not, or a negative errno as above. */
int stream_out_drain(struct stream_out *o);

/* The queue is not empty. */
static inline bool stream_out_waits(const struct stream_out *o)
{
	return o->queue_len > o->queue_at;
}

/* The queue is more than half full. */
bool stream_out_is_crowded(const struct stream_out *o);
