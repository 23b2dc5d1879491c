/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch of datagrams from a socket that many send to, each with the address it came from.
 * One is enough for a whole link: a batch is delivered and the segment flushed before the next is read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

struct dgram_batch;

struct dgram_packet {
	const uint8_t *bytes;
	size_t len; /* larger than any frame may be when the sender's was */
	const struct sockaddr_un *source;
	size_t source_len;
};

/* -ENOMEM. */
int dgram_batch_new(struct dgram_batch **ret);
void dgram_batch_free(struct dgram_batch *b);

/* Reads what waits at @fd, up to a batch.  How many datagrams, or a negative errno; -EAGAIN when none waits. */
int dgram_batch_read(struct dgram_batch *b, int fd);
/* Number @i of the batch, valid until the next one is read. */
struct dgram_packet dgram_batch_at(const struct dgram_batch *b, unsigned i);
