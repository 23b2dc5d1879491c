/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame: a borrowed scatter list with the bytes of an Ethernet frame, and the offload work that is still to be done (checksum,
 * segmentation).  A super-frame of 64 KiB is one frame everywhere.
 *
 * The bytes belong to the producer and stay valid, and unchanged, until the end of segment_flush().  A receiver that needs them longer
 * copies them.  The struct and its iovec array live only until the call returns that they are passed to.
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
	FRAME_CHECKSUM_COMPLETE, /* in the bytes, not verified */
	FRAME_CHECKSUM_VERIFIED, /* in the bytes or known to be right: need not be verified */
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

	uint16_t joined; /* number of frames that GRO joined, which iov[1], … are the payloads of; 0: it is as it came */

	/*
	 * Writable bytes in front of iov[0], in which a receiver may put its own header instead of adding a piece.  Several receivers of
	 * one frame write the same bytes there.
	 */
	size_t headroom;

	struct port *ingress; /* where it entered the segment; NULL when lanlet made it */
};

/* Receives a frame: the struct and its iovec array are borrowed for the call, the bytes for the turn. */
typedef void (*frame_emit_t)(void *opaque, const struct frame *f);

/* Room to leave in front of headers in an arena, for an Ethernet header and a link's header. */
#define FRAME_HEADROOM 32

/* A frame of one piece.  @iov is filled in and must live as long as the frame. */
static inline struct frame frame_of(struct iovec *iov, const void *data, size_t len)
{
	*iov = (struct iovec){ .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	return (struct frame){ .iov = iov, .n_iov = 1, .len = len };
}

/* Copies up to @len bytes from @offset on into @to; returns how many were copied. */
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

/* Most pieces of a frame. */
#define FRAME_IOV_MAX 64

struct checksum;

/* Adds the bytes [offset, offset + len), which must be within the frame, to @c. */
void frame_checksum(const struct frame *f, size_t offset, size_t len, struct checksum *c);

/*
 * Makes a frame of @head and the bytes [offset, offset + len) of @f, with the ingress port of @f.  @iov becomes its scatter list and must
 * live as long as it.  The bytes are copied, to @arena, only when they are in too many pieces.  -ERANGE when @f is shorter, -ENOMEM.
 */
int frame_splice(const struct frame *f, const void *head, size_t head_len, size_t offset, size_t len, struct arena *arena,
		 struct iovec iov[static FRAME_IOV_MAX], struct frame *ret);
