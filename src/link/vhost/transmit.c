/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames from the guest.  They enter the segment without being copied from the guest's memory; the chains are given back after the segment
 * has been flushed, when the frames are no longer used.
 *
 * The guest can change its memory at any time.  So the bytes that decisions depend on, which are headers and small frames, are copied
 * first; the rest is payload, which is not interpreted.
 */
#include "link/vhost/device.h"

#include "base/arena.h"
#include "base/macros.h"
#include "lan/frame.h"
#include "lan/segment.h"
#include "wire/eth.h"

#include <errno.h>

/* Enough frames to share notifications, few enough to stay in the cache. */
#define BATCH_FRAMES 256u
#define BATCH_BYTES ((size_t)1024 * 1024)
/* Batches of a guest that keeps sending, before other ports have their turn. */
#define BATCHES_PER_TURN 4u
/* Holds all that services and engines parse, and whole frames of an ordinary MTU. */
#define COPY_WHOLE_MAX ((size_t)2048)
/* Ethernet, two tags, IPv6 with extensions, TCP with options. */
#define COPY_HEAD ((size_t)256)
/* Engines and stream links add pieces of their own. */
#define PIECES_MAX 48u

static_assert(PIECES_MAX < FRAME_IOV_MAX, "the frame may have so many pieces");

/* Moves @len bytes from the @n pieces @iov to @to; returns how many pieces are used up. */
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

/* Makes a frame of the pieces at @iov[1 … n); @iov[0] becomes a copy of its beginning. */
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
	/* Leaves out empty pieces behind the copy. */
	if (head == len)
		ret->n_iov = 1;
	ret->ingress = &d->port;
	return 0;
}

/* A chain of @n pieces at @iov + 1, which begins with the net header. */
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

/* Gives the chains back, if the queue still runs. */
static void complete(struct vhost_queue *q, const uint16_t *heads, unsigned n)
{
	if (!vhost_queue_runs(q))
		return;
	for (unsigned i = 0; i < n; i++)
		ring_give(&q->ring, heads[i], 0);
	vhost_queue_publish(q);
}

static bool slice_is_over(const struct vhost_queue *q)
{
	return poller_slice_is_over(q->device->config->poller, 1);
}

/* Sends a batch, a shorter one when the slice ends; true when there are more frames. */
static bool transmit_batch(struct vhost_queue *q, usec_t now)
{
	struct vhost_device *d = q->device;
	struct iovec iov[1 + RING_PIECES_MAX];
	uint16_t heads[BATCH_FRAMES];
	unsigned n = 0;
	size_t bytes = 0;
	struct ring_chain chain = { 0 };
	int r = 1;
	while (n < BATCH_FRAMES && bytes < BATCH_BYTES && (n == 0 || !slice_is_over(q)) &&
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
	for (unsigned i = 0; i < BATCHES_PER_TURN && (i == 0 || !slice_is_over(q)); i++)
		if (!transmit_batch(q, now))
			return;
	vhost_queue_kick_again(q);
}
