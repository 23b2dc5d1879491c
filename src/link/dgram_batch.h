/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch of datagrams with the addresses that they came from.  A link needs one: each batch is delivered, and the segment flushed, before
 * the next is read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

struct dgram_batch;

struct dgram_packet {
	const uint8_t *bytes;
	size_t len; /* larger than LINK_FRAME_MAX when the datagram was too long */
	const struct sockaddr_un *source;
	size_t source_len;
};

/* -ENOMEM. */
int dgram_batch_new(struct dgram_batch **ret);
void dgram_batch_free(struct dgram_batch *b);

/* The most datagrams of a batch. */
#define DGRAM_BATCH_MAX 64u

/* Reads up to @n datagrams from @fd.  Returns the number of datagrams or a negative errno; -EAGAIN when none waits. */
int dgram_batch_read(struct dgram_batch *b, int fd, unsigned n);
/* Datagram @i of the batch, valid until the next batch is read. */
struct dgram_packet dgram_batch_at(const struct dgram_batch *b, unsigned i);
