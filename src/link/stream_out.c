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

/* Many frames and their pieces. */
struct stream_gather {
	struct iovec iov[IOV_MAX_PIECES];
	uint8_t lengths[FRAMES_MAX][FRAMING_LENGTH_BYTES];
	unsigned first[FRAMES_MAX]; /* of each frame: the piece that holds its length */
};

/* --- room for frames --- */

void stream_pool_done(struct stream_pool *p)
{
	while (p->n > 0)
		free(p->spare[--p->n]);
}

static void give_back(struct stream_pool *p, struct stream_gather *g)
{
	if (g && p->n < STREAM_POOL_MAX)
		p->spare[p->n++] = g;
	else
		free(g);
}

static struct iovec *pieces(struct stream_out *o)
{
	return o->gather ? o->gather->iov : o->few_iov;
}

/* For each frame the index of its first piece, which holds its length. */
static unsigned *firsts(struct stream_out *o)
{
	return o->gather ? o->gather->first : o->few_first;
}

static bool has_room(const struct stream_out *o, unsigned n_iov)
{
	unsigned frames = o->gather ? FRAMES_MAX : STREAM_FEW_FRAMES, iovs = o->gather ? IOV_MAX_PIECES : STREAM_FEW_PIECES;
	return o->n_frames < frames && o->n_iov + n_iov <= iovs;
}

/* Moves the few frames to room for many; the lengths stay where they are.  False without memory. */
static bool grow(struct stream_out *o)
{
	struct stream_pool *p = o->pool;
	struct stream_gather *g = p->n > 0 ? p->spare[--p->n] : malloc(sizeof(*g));
	if (!g)
		return false;
	memcpy(g->iov, o->few_iov, o->n_iov * sizeof(g->iov[0]));
	memcpy(g->first, o->few_first, o->n_frames * sizeof(g->first[0]));
	o->gather = g;
	return true;
}

static bool make_room(struct stream_out *o, unsigned n_iov)
{
	return has_room(o, n_iov) || (!o->gather && grow(o));
}

void stream_out_init(struct stream_out *o, int fd, struct stream_pool *pool,
		     void (*dropped)(struct stream_out *o, const struct frame *frame))
{
	*o = (struct stream_out){ .fd = fd, .pool = pool, .dropped = dropped };
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
	const unsigned *first = firsts(o);
	for (unsigned f = 0; f < o->n_frames; f++) {
		struct iovec *iov = pieces(o) + first[f];
		unsigned n = (f + 1 < o->n_frames ? first[f + 1] : o->n_iov) - first[f];
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

static void gather_small(const struct iovec *iov, unsigned n_iov, uint8_t to[static SMALL_BYTES])
{
	for (unsigned i = 0; i < n_iov; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
}

static ssize_t send_gathered(struct stream_out *o)
{
	/* A single piece is cheaper for the kernel than sendmsg(), by more than a copy of few bytes costs. */
	uint8_t small[SMALL_BYTES];
	struct iovec *iov = pieces(o);
	if (o->n_iov == 1)
		return send(o->fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (o->bytes <= sizeof(small)) {
		gather_small(iov, o->n_iov, small);
		return send(o->fd, small, o->bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = o->n_iov };
	return sendmsg(o->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void stream_out_forget(struct stream_out *o)
{
	o->n_iov = o->n_frames = 0;
	o->bytes = 0;
	if (!o->gather)
		return;
	give_back(o->pool, o->gather);
	o->gather = NULL;
}

int stream_out_write(struct stream_out *o)
{
	if (o->n_frames == 0)
		return 0;
	ssize_t n = send_gathered(o);
	int error = n < 0 ? errno : 0;
	/* EFAULT: the memory of the sending guest has gone, which is not this peer's fault. */
	bool broken = error != 0 && !is_transient(error) && error != EFAULT;
	if (!broken && n < (ssize_t)o->bytes)
		queue_rest(o, n < 0 ? 0 : (size_t)n);
	stream_out_forget(o);
	return broken ? -error : 0;
}

static uint8_t *length_room(struct stream_out *o)
{
	return o->gather ? o->gather->lengths[o->n_frames] : o->few_lengths[o->n_frames];
}

static void gather_frame(struct stream_out *o, const struct frame *frame)
{
	bool in_place = frame->headroom >= FRAMING_LENGTH_BYTES;
	uint8_t *length = in_place ? (uint8_t *)frame->iov[0].iov_base - FRAMING_LENGTH_BYTES : length_room(o);
	framing_emit(length, frame->len);
	firsts(o)[o->n_frames++] = o->n_iov;
	struct iovec *first = &pieces(o)[o->n_iov];
	*first = (struct iovec){ .iov_base = length, .iov_len = FRAMING_LENGTH_BYTES };
	if (in_place)
		first->iov_len += frame->iov[0].iov_len;
	memcpy(first + 1, frame->iov + in_place, (frame->n_iov - in_place) * sizeof(*frame->iov));
	o->n_iov += 1 + frame->n_iov - in_place;
	o->bytes += FRAMING_LENGTH_BYTES + frame->len;
}

int stream_out_frame(struct stream_out *o, const struct frame *frame)
{
	if (frame->n_iov > FRAME_IOV_MAX) {
		o->dropped(o, frame);
		return 0;
	}
	bool fits = make_room(o, 1 + frame->n_iov);
	int r = fits ? 0 : stream_out_write(o);
	if (r < 0)
		return r;
	if (stream_out_waits(o))
		queue_frame(o, frame);
	else if (fits || make_room(o, 1 + frame->n_iov))
		gather_frame(o, frame);
	else
		o->dropped(o, frame); /* out of memory */
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
