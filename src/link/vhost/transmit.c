/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the guest.  Frames enter the segment where they lie in the guest's memory, and the chains are given back when the
 * segment has been flushed: by then nobody looks at them any more.
 *
 * The guest can change its memory while we decide by it.  So whatever decisions are made by, which is headers and all of a
 * small frame, is copied first; behind that is payload, which nobody interprets.
 */
#include "link/vhost/device.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "wire/eth.h"

#include <errno.h>

/* So many frames that calls are shared, so few that they are still in the cache when they are looked at again. */
#define BATCH_FRAMES 256u
#define BATCH_BYTES ((size_t)1024 * 1024)
/* While the guest goes on sending; then others have their turn. */
#define BATCHES_PER_TURN 4u
/* Whatever services and the engine parse fits this; frames of an ordinary MTU do as a whole. */
#define COPY_WHOLE_MAX ((size_t)2048)
/* Ethernet, two tags, IPv6 with extensions, TCP with options. */
#define COPY_HEAD ((size_t)256)
/* The engine and the stream links need some room for pieces of their own. */
#define PIECES_MAX 48u

static_assert(PIECES_MAX < FRAME_IOV_MAX, "the frame may have so many pieces");

/* Skips @len bytes of the @n pieces @iov, copying them to @to; returns how many pieces are used up. */
static unsigned take_front(struct iovec *iov, unsigned n, size_t len, uint8_t *to)
{
	unsigned i = 0;
	while (i < n && len > 0) {
		size_t part = MIN(iov[i].iov_len, len);
		memcpy(to, iov[i].iov_base, part);
		to += part;
		len -= part;
		iov[i].iov_base = (uint8_t *)iov[i].iov_base + part;
		iov[i].iov_len -= part;
		if (iov[i].iov_len == 0)
			i++;
	}
	return i;
}

/* The frame in the pieces at @iov[1 … n), of which iov[0] becomes a copy of its beginning. */
static int make_frame(struct vhost_device *d, struct iovec *iov, unsigned n, size_t len, struct frame *ret)
{
	size_t head = len <= COPY_WHOLE_MAX || n > PIECES_MAX ? len : COPY_HEAD;
	uint8_t *copy = arena_alloc(&d->config->segment->arena, head);
	if (!copy)
		return -ENOMEM;
	unsigned used = take_front(iov + 1, n - 1, head, copy);
	iov[used] = (struct iovec){ .iov_base = copy, .iov_len = head };
	ret->iov = iov + used;
	ret->n_iov = n - used;
	/* Pieces that were empty behind the copy are no part of the frame. */
	if (head == len)
		ret->n_iov = 1;
	ret->ingress = &d->port;
	return 0;
}

/* A chain of @n pieces at @iov + 1 with the net header in front of the frame. */
static void deliver(struct vhost_queue *q, usec_t now, struct iovec *iov, unsigned n, size_t len)
{
	struct vhost_device *d = q->device;
	uint8_t header[NET_HEADER_LEN];
	size_t header_len = net_header_len(d->features);
	if (len < header_len + ETH_HEADER_LEN || len - header_len > LINK_FRAME_MAX) {
		vhost_device_drop(d, DROP_VHOST_HEADER, NULL);
		return;
	}
	unsigned used = take_front(iov + 1, n, header_len, header);
	struct frame f = { .len = len - header_len };
	if (net_header_parse(header, d->features, &f) < 0) {
		vhost_device_drop(d, DROP_VHOST_HEADER, NULL);
	} else if (make_frame(d, iov + used, n - used + 1, f.len, &f) < 0) {
		vhost_device_drop(d, DROP_NO_MEMORY, NULL);
	} else {
		vhost_steer_learn(q, &f);
		segment_input(d->config->segment, now, &d->port, &f);
	}
}

/* Gives the chains back, if the queue outlived the turn. */
static void complete(struct vhost_queue *q, const uint16_t *heads, unsigned n)
{
	if (!vhost_queue_runs(q))
		return;
	for (unsigned i = 0; i < n; i++)
		ring_give(&q->ring, heads[i], 0);
	vhost_queue_publish(q);
}

/* A batch; true when there are more frames. */
static bool transmit_batch(struct vhost_queue *q, usec_t now)
{
	struct vhost_device *d = q->device;
	struct iovec iov[1 + RING_PIECES_MAX];
	uint16_t heads[BATCH_FRAMES];
	unsigned n = 0;
	size_t bytes = 0;
	struct ring_chain chain = { 0 };
	int r = 1;
	while (n < BATCH_FRAMES && bytes < BATCH_BYTES &&
	       (r = ring_take(&q->ring, RING_FROM_DRIVER, iov + 1, RING_PIECES_MAX, &chain)) > 0) {
		heads[n++] = chain.head;
		bytes += chain.len;
		deliver(q, now, iov, chain.n_iov, chain.len);
	}
	segment_flush(d->config->segment, now);
	if (!vhost_device_check_memory(d, now))
		return false;
	complete(q, heads, n);
	if (r < 0)
		vhost_device_fail(d, now, DROP_VHOST_RING);
	return vhost_queue_runs(q) && (r > 0 || vhost_queue_rest(q));
}

void vhost_transmit_kicked(struct vhost_queue *q, usec_t now)
{
	ring_refuse_kicks(&q->ring);
	for (unsigned i = 0; i < BATCHES_PER_TURN; i++)
		if (!transmit_batch(q, now))
			return;
	vhost_queue_kick_again(q);
}
