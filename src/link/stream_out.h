/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on its way out of a stream connection.  Frames are collected by reference until they are written, all by one call; what the
 * socket does not take is copied into a queue, whole frames up to a limit, and goes out when it is writable again.
 *
 * Embedded in a connection, which owns the descriptor.  No frame is ever cut: the peer could not find the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct stream_gather;

struct stream_out {
	int fd;
	struct stream_gather *gather; /* NULL until the first frame */
	uint8_t *queue;               /* what the socket did not take: [queue_at, queue_len) */
	size_t queue_at, queue_len;
	void (*dropped)(struct stream_out *o,
			const struct frame *frame); /* there is no room for @frame, borrowed for the call; NULL: for what is left of one */
};

void stream_out_init(struct stream_out *o, int fd, void (*dropped)(struct stream_out *o, const struct frame *frame));
void stream_out_done(struct stream_out *o);

/* Takes @frame, whose bytes are borrowed until stream_out_write().  Negative errno when the connection is broken. */
int stream_out_frame(struct stream_out *o, const struct frame *frame);
/* Writes what was taken, gives up what was borrowed.  Negative errno as above. */
int stream_out_write(struct stream_out *o);
/* Gives up what was borrowed, for a connection that ends. */
void stream_out_forget(struct stream_out *o);
/* The socket is writable: goes on with the queue.  1 when nothing waits any more, 0, or a negative errno as above. */
int stream_out_drain(struct stream_out *o);

/* Something waits for the socket. */
static inline bool stream_out_waits(const struct stream_out *o)
{
	return o->queue_len > o->queue_at;
}

/* More than half of the queue is taken. */
bool stream_out_is_crowded(const struct stream_out *o);
