/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame on its way: a borrowed scatter list of an Ethernet frame and what its bytes
 * leave undone (checksum, segmentation).  A 64 KiB super-frame is one frame everywhere.
 *
 * The bytes belong to whoever produced the frame and stay valid until the end of the
 * segment's flush (see segment.h).  Nobody writes to them.  Whoever needs them longer copies.
 * The struct frame and its iovec array themselves live only for the call they are passed to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct arena;
struct port;

/* Same meaning as in a virtio_net_hdr (virtio 1.3 §5.1.6). */
enum frame_checksum {
	FRAME_CHECKSUM_COMPLETE, /* in the bytes, not verified by us */
	FRAME_CHECKSUM_VERIFIED, /* in the bytes, or known right: no need to look */
	FRAME_CHECKSUM_PARTIAL,  /* the field at csum_start + csum_offset holds the pseudo-header sum only */
};

enum frame_gso {
	FRAME_GSO_NONE,
	FRAME_GSO_TCP4,
	FRAME_GSO_TCP6,
	FRAME_GSO_UDP, /* USO: equal datagrams of gso_size payload bytes, either family */
};

struct frame {
	const struct iovec *iov;
	unsigned n_iov;
	size_t len; /* bytes in iov, Ethernet header included, no FCS */

	enum frame_checksum checksum;
	uint16_t csum_start;  /* from the start of the frame */
	uint16_t csum_offset; /* from csum_start */

	enum frame_gso gso;
	uint16_t gso_size; /* payload bytes of each segment */

	uint16_t joined; /* how many frames GRO made it of; 0: none, it is as it came */

	/*
	 * Bytes in front of iov[0] that whoever is passed the frame may write to, so that its own header need not be a piece
	 * of its own; several who do write the same, or the frame is passed to one only.
	 */
	size_t headroom;

	struct port *ingress; /* where it entered the segment; NULL for one of our own making */
};

/* Takes a frame that somebody made: the struct and its iovec array are borrowed for the call, the bytes for the turn. */
typedef void (*frame_emit_t)(void *opaque, const struct frame *f);

/* Room to leave in front of headers that are made in an arena: for Ethernet's and a link's. */
#define FRAME_HEADROOM 32

/* A frame of one piece; @iov is filled in and must live as long as the frame is looked at. */
static inline struct frame frame_of(struct iovec *iov, const void *data, size_t len)
{
	*iov = (struct iovec){ .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	return (struct frame){ .iov = iov, .n_iov = 1, .len = len };
}

/* Copies up to @len bytes from @offset on into @to; returns how many there were. */
size_t frame_copy(const struct frame *f, size_t offset, void *to, size_t len);

/*
 * @len bytes from @offset on in one piece: a pointer into the frame where they are
 * contiguous, else a copy in @arena.  NULL when the frame is shorter or the arena is empty.
 */
const uint8_t *frame_linear(const struct frame *f, size_t offset, size_t len, struct arena *arena);

/*
 * Fills @ret with the pieces of [offset, offset + len) and returns how many; -E2BIG when more
 * than @max are needed, -ERANGE when the frame is shorter.
 */
int frame_slice(const struct frame *f, size_t offset, size_t len, struct iovec *ret, unsigned max);

/* Most pieces a frame may have: what one sendmsg() takes less room for headers. */
#define FRAME_IOV_MAX 64

struct checksum;

/* Adds the bytes of [offset, offset + len), all of which the frame has, to @c. */
void frame_checksum(const struct frame *f, size_t offset, size_t len, struct checksum *c);

/*
 * A frame of the same origin as @f: @head, then the bytes [offset, offset + len) of @f.  @iov becomes its
 * scatter list and must live as long as it.  The bytes are copied to @arena only when they are in too
 * many pieces.  -ERANGE when @f is shorter, -ENOMEM.
 */
int frame_splice(const struct frame *f, const void *head, size_t head_len, size_t offset, size_t len, struct arena *arena,
		 struct iovec iov[static FRAME_IOV_MAX], struct frame *ret);
