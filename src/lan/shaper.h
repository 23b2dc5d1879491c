/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic shaping: bandwidth limits of ports, and of all guests together.
 *
 * A port with a limit, or in a network with one, has a shaper.  Frames that come too early wait there, in order, for 100 ms of the average
 * rate at most; what comes while that is full is dropped (DROP_BANDWIDTH).  To the NAT engine the port is throttled then, so that downloads
 * wait in the host's sockets and lose nothing.
 *
 * Directions are those of the guest: `in` is to it, `out` is from it.  The limits of the network count what passes the gateway only, not
 * frames between guests.
 *
 * A port without a shaper pays nothing: the shaper puts its own ops in front of the port's, and frames from the port are looked at only
 * while port.is_plain is false.
 */
#pragma once

#include "base/list.h"
#include "lan/port.h"
#include "lan/rate.h"

struct arena;
struct frame;

/* What shaping asks of the segment. */
struct shaping_ops {
	/* @frame from @p, which was counted when it came, enters the segment now. */
	void (*enter)(void *opaque, usec_t now, struct port *p, const struct frame *frame);
	void (*drop)(void *opaque, struct port *p, enum drop_reason why, const struct frame *frame);
	/* @p is not throttled any more. */
	void (*writable)(void *opaque, usec_t now, struct port *p);
	/* @p was given a frame, and its flush() is due. */
	void (*dirty)(void *opaque, struct port *p);
};

/* Of a segment. */
struct shaping {
	struct bandwidth limit; /* of all guests together */
	struct rate_bucket in, out;
	struct list waiting; /* shaper.waiting, the next one to be served first */
	struct arena *arena; /* for frames that have waited */
	const struct shaping_ops *ops;
	void *opaque;
};

/* @arena, @ops and @opaque are borrowed. */
void shaping_init(struct shaping *s, struct arena *arena, const struct shaping_ops *ops, void *opaque);
/*
 * Gives @p a shaper, or takes it away, as port.bandwidth and the network's limit say; frames that wait for a limit that is no more go at
 * the next shaping_expire(), and the shaper with them.  Without memory the port stays as it was: -ENOMEM.
 */
int shaping_settle(struct shaping *s, struct port *p);
/* Takes the shaper of @p away, with the frames that wait in it.  Harmless without one. */
void shaping_detach(struct port *p);

/*
 * Whether @frame from @p, which has a shaper, may enter now.  False: it waits, or was dropped.  @passes_gateway: the network's limit
 * counts, too.
 */
bool shaping_admits(struct shaping *s, usec_t now, struct port *p, const struct frame *frame, bool passes_gateway);

/* Bytes that may be sent to @p, which has a shaper, before it is throttled. */
size_t shaping_room(const struct port *p);

/* When shaping_expire() is wanted. */
usec_t shaping_deadline(const struct shaping *s);
/* Lets frames go whose time has come; a flush of the segment follows. */
void shaping_expire(struct shaping *s, usec_t now);
