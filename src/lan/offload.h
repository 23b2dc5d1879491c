/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether offload metadata is true.  A frame with work left to do (FRAME_CHECKSUM_PARTIAL, gso) says which bytes are a checksum field.  The
 * switch writes there, and the driver of the receiving guest believes it.  So a guest's metadata has to be that of the headers:
 *
 *     TCP or UDP, IPv4 or IPv6, with tags, options and extensions   the field is that of the parsed header        passes
 *     a super-frame                                                 also: type, family, protocol, size, header    passes
 *     a tunnel (UDP, GRE, IP in IP)                                 the field is in the packet that is carried    completed here
 *     everything else, fragments among it                                                                         dropped
 *
 * Linux completes checksums inside tunnels itself for virtio-net, other drivers may not.  Completing them before anything else looks
 * at the frame means that no byte changes after it was checked.
 */
#pragma once

#include "lan/frame.h"

struct arena;
struct packet;

static inline bool offload_is_wanted(const struct frame *f)
{
	return f->checksum == FRAME_CHECKSUM_PARTIAL || f->gso != FRAME_GSO_NONE;
}

enum offload_verdict {
	OFFLOAD_TRUE,
	OFFLOAD_IN_TUNNEL, /* offload_complete() has to be called */
	OFFLOAD_FALSE,
	OFFLOAD_NO_MEMORY,
};

/* What the metadata of @p's frame, of which offload_is_wanted(), is.  Sets headers_len of a super-frame. */
enum offload_verdict offload_check(struct packet *p);

/*
 * Makes @ret of @f with its checksum in the bytes (virtio 1.3 §5.1.6.2: the sum runs to the end of the packet).  @iov becomes its scatter
 * list and must live as long as it; the bytes up to the checksum are copied to @arena.  -EBADMSG: the field is not in @f; -ENOMEM.
 */
int offload_complete(const struct frame *f, struct arena *arena, struct iovec iov[static FRAME_IOV_MAX], struct frame *ret);
