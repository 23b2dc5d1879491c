/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/stream_out.h"

#include "lan/frame.h"
#include "wire/framing.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define QUEUE_BYTES ((size_t)1024 * 1024)
#define FRAMES_MAX 256
/* Most bytes that are copied into one piece: an ACK with padding behind it, for example. */
#define SMALL_BYTES 128
/* Most pieces of one sendmsg() (UIO_MAXIOV). */
#define IOV_MAX_PIECES 1024

static_assert(IOV_MAX_PIECES > FRAME_IOV_MAX + 1, "a whole frame fits");

/* Frames taken since the last write; their bytes are borrowed. */
struct stream_gather {
	struct iovec iov[IOV_MAX_PIECES];
	unsigned n_iov;
	uint8_t lengths[FRAMES_MAX][FRAMING_LENGTH_BYTES];
	unsigned first_iov[FRAMES_MAX]; /* of each frame: the piece that holds its length */
	unsigned n_frames;
	size_t bytes;
};

void stream_out_init(struct stream_out *o, int fd, void (*dropped)(struct stream_out *o, const struct frame *frame))
{
	*o = (struct stream_out){ .fd = fd, .dropped = dropped };
}

void stream_out_done(struct stream_out *o)
{
	free(o->gather);
	free(o->queue);
	*o = (struct stream_out){ .fd = -1 };
}

/* --- the queue --- */

static size_t queued(const struct stream_out *o)
{
	return o->queue_len - o->queue_at;
}

bool stream_out_is_crowded(const struct stream_out *o)
{
	return queued(o) > QUEUE_BYTES / 2;
}

/* False when there is no room for all @len bytes. */
static bool queue_append(struct stream_out *o, const struct iovec *iov, unsigned n, size_t len)
{
	if (!o->queue)
		o->queue = malloc(QUEUE_BYTES);
	if (!o->queue || len > QUEUE_BYTES - queued(o))
		return false;
	if (len > QUEUE_BYTES - o->queue_len) {
		memmove(o->queue, o->queue + o->queue_at, queued(o));
		o->queue_len -= o->queue_at;
		o->queue_at = 0;
	}
	for (unsigned i = 0; i < n; i++) {
		memcpy(o->queue + o->queue_len, iov[i].iov_base, iov[i].iov_len);
		o->queue_len += iov[i].iov_len;
	}
	return true;
}

static void queue_frame(struct stream_out *o, const struct frame *frame)
{
	if (FRAMING_LENGTH_BYTES + frame->len > QUEUE_BYTES - queued(o)) {
		o->dropped(o, frame);
		return;
	}
	uint8_t length[FRAMING_LENGTH_BYTES];
	framing_emit(length, frame->len);
	queue_append(o, &(struct iovec){ .iov_base = length, .iov_len = sizeof(length) }, 1, sizeof(length));
	queue_append(o, frame->iov, frame->n_iov, frame->len);
}

static size_t iov_bytes(const struct iovec *iov, unsigned n)
{
	size_t len = 0;
	for (unsigned i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

/* Advances @n pieces at @iov by @by bytes; returns how many pieces are used up. */
static unsigned iov_advance(struct iovec *iov, unsigned n, size_t by)
{
	unsigned i = 0;
	for (; i < n && by >= iov[i].iov_len; i++)
		by -= iov[i].iov_len;
	if (i < n) {
		iov[i].iov_base = (uint8_t *)iov[i].iov_base + by;
		iov[i].iov_len -= by;
	}
	return i;
}

/* Queues a frame of @len bytes in @n pieces at @iov, the length in front of it included; @len 0: the rest of a frame. */
static void drop_gathered(struct stream_out *o, struct iovec *iov, unsigned n, size_t len)
{
	if (len == 0) {
		o->dropped(o, NULL);
		return;
	}
	unsigned passed = iov_advance(iov, n, FRAMING_LENGTH_BYTES);
	struct frame f = {
		.iov = iov + passed, .n_iov = n - passed, .len = len - FRAMING_LENGTH_BYTES, .checksum = FRAME_CHECKSUM_VERIFIED
	};
	o->dropped(o, &f);
}

/*
 * Queues what is left of the gathered frames behind the first @sent bytes.  Whole frames that do not fit are dropped; the rest of a frame
 * that was partly sent always fits, because the queue is empty then.
 */
static void queue_rest(struct stream_out *o, size_t sent)
{
	struct stream_gather *g = o->gather;
	for (unsigned f = 0; f < g->n_frames; f++) {
		struct iovec *iov = g->iov + g->first_iov[f];
		unsigned n = (f + 1 < g->n_frames ? g->first_iov[f + 1] : g->n_iov) - g->first_iov[f];
		size_t len = iov_bytes(iov, n);
		if (sent >= len) {
			sent -= len;
			continue;
		}
		unsigned passed = iov_advance(iov, n, sent);
		if (!queue_append(o, iov + passed, n - passed, len - sent))
			drop_gathered(o, iov, n, sent > 0 ? 0 : len);
		sent = 0;
	}
}

/* --- the socket --- */

static bool is_transient(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOBUFS;
}

static void gather_small(const struct stream_gather *g, uint8_t to[static SMALL_BYTES])
{
	for (unsigned i = 0; i < g->n_iov; i++) {
		memcpy(to, g->iov[i].iov_base, g->iov[i].iov_len);
		to += g->iov[i].iov_len;
	}
}

static ssize_t send_gathered(int fd, struct stream_gather *g)
{
	/* A single piece is cheaper for the kernel than sendmsg(), by more than a copy of few bytes costs. */
	uint8_t small[SMALL_BYTES];
	if (g->n_iov == 1)
		return send(fd, g->iov[0].iov_base, g->iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (g->bytes <= sizeof(small)) {
		gather_small(g, small);
		return send(fd, small, g->bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	struct msghdr m = { .msg_iov = g->iov, .msg_iovlen = g->n_iov };
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void stream_out_forget(struct stream_out *o)
{
	if (!o->gather)
		return;
	o->gather->n_iov = o->gather->n_frames = 0;
	o->gather->bytes = 0;
}

int stream_out_write(struct stream_out *o)
{
	struct stream_gather *g = o->gather;
	if (!g || g->n_frames == 0)
		return 0;
	ssize_t n = send_gathered(o->fd, g);
	int error = n < 0 ? errno : 0;
	/* EFAULT: the memory of the sending guest has gone, which is not this peer's fault. */
	bool broken = error != 0 && !is_transient(error) && error != EFAULT;
	if (!broken && n < (ssize_t)g->bytes)
		queue_rest(o, n < 0 ? 0 : (size_t)n);
	stream_out_forget(o);
	return broken ? -error : 0;
}

static void gather_frame(struct stream_gather *g, const struct frame *frame)
{
	bool in_place = frame->headroom >= FRAMING_LENGTH_BYTES;
	uint8_t *length = in_place ? (uint8_t *)frame->iov[0].iov_base - FRAMING_LENGTH_BYTES : g->lengths[g->n_frames];
	framing_emit(length, frame->len);
	g->first_iov[g->n_frames++] = g->n_iov;
	struct iovec *first = &g->iov[g->n_iov];
	*first = (struct iovec){ .iov_base = length, .iov_len = FRAMING_LENGTH_BYTES };
	if (in_place)
		first->iov_len += frame->iov[0].iov_len;
	memcpy(first + 1, frame->iov + in_place, (frame->n_iov - in_place) * sizeof(*frame->iov));
	g->n_iov += 1 + frame->n_iov - in_place;
	g->bytes += FRAMING_LENGTH_BYTES + frame->len;
}

int stream_out_frame(struct stream_out *o, const struct frame *frame)
{
	if (!o->gather)
		o->gather = calloc(1, sizeof(*o->gather));
	struct stream_gather *g = o->gather;
	if (!g || frame->n_iov > FRAME_IOV_MAX) {
		o->dropped(o, frame);
		return 0;
	}
	int r = 0;
	if (g->n_frames == FRAMES_MAX || g->n_iov + 1 + frame->n_iov > IOV_MAX_PIECES)
		r = stream_out_write(o);
	if (r < 0)
		return r;
	if (stream_out_waits(o))
		queue_frame(o, frame);
	else
		gather_frame(g, frame);
	return 0;
}

int stream_out_drain(struct stream_out *o)
{
	ssize_t n = send(o->fd, o->queue + o->queue_at, queued(o), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return is_transient(errno) ? 0 : -errno;
	o->queue_at += (size_t)n;
	if (stream_out_waits(o))
		return 0;
	free(o->queue);
	o->queue = NULL;
	o->queue_at = o->queue_len = 0;
	return 1;
}
