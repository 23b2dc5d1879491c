/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/backlog.h"

#include "lan/frame.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct backlog_frame {
	struct backlog_frame *next;
	usec_t since;
	struct frame frame;
	struct iovec iov;
	uint8_t bytes[];
};

static size_t size_of(const struct frame *f)
{
	return sizeof(struct backlog_frame) + f->len;
}

int backlog_put(struct backlog *b, usec_t now, const struct frame *f)
{
	if (size_of(f) > BACKLOG_BYTES_MAX - b->bytes)
		return -ENOBUFS;
	struct backlog_frame *kept = malloc(size_of(f));
	if (!kept)
		return -ENOMEM;
	kept->next = NULL;
	kept->since = now;
	kept->frame = *f;
	kept->frame.iov = &kept->iov;
	kept->frame.n_iov = 1;
	kept->frame.ingress = NULL; /* the port may go before the frame does */
	kept->iov = (struct iovec){ .iov_base = kept->bytes, .iov_len = f->len };
	frame_copy(f, 0, kept->bytes, f->len);
	*(b->first ? &b->last->next : &b->first) = kept;
	b->last = kept;
	b->bytes += size_of(f);
	return 0;
}

const struct frame *backlog_first(const struct backlog *b)
{
	return &b->first->frame;
}

usec_t backlog_since(const struct backlog *b)
{
	return b->first->since;
}

void backlog_drop_first(struct backlog *b)
{
	struct backlog_frame *gone = b->first;
	b->first = gone->next;
	b->bytes -= size_of(&gone->frame);
	free(gone);
}

void backlog_clear(struct backlog *b)
{
	while (!backlog_is_empty(b))
		backlog_drop_first(b);
}
