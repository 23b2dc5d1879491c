/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many bytes of an upload may wait on the host: unsent in the host socket, or held because the socket does not take them.
 *
 * Whatever waits there arrives late by as much time as the path needs for it, and the guest, whose bytes are acknowledged already, cannot
 * know. So no more may wait than the path sends in PATIENCE, which is as long as the host and the guest may take to bring more. The
 * path's rate is what the kernel measures, which is too much for a peer that reads in small pieces, or twice what left the socket since it
 * was looked at last. While CPUs are short that is not enough: then the socket runs dry although the guest has more, and the allowance
 * grows until it does not.
 *
 * As long as the socket has no unsent bytes the path keeps up with the guest, and the allowance grows with what it took.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

#define BACKLOG_MAX (2u * 1024 * 1024)

struct backlog {
	uint32_t bytes;   /* the allowance */
	bool refused;     /* the socket has refused bytes since it was looked at */
	bool follows;     /* the allowance follows the path's rate */
	usec_t looked;    /* when the socket was looked at */
	usec_t busy;      /* backlog_sample.busy then */
	uint64_t offered; /* bytes that were unsent then, and that it took since */
};

/* What the kernel knows of a host socket. */
struct backlog_sample {
	uint64_t rate;   /* bytes a second that the path delivers, 0: not known */
	usec_t busy;     /* how long the socket has had bytes that were not acknowledged, in all */
	uint32_t unsent; /* bytes in the socket that were never sent */
	bool waits;      /* the guest has more, which had to wait */
};

void backlog_init(struct backlog *b);
/* The socket took @n bytes. */
void backlog_taken(struct backlog *b, uint32_t n);
/* The socket did not take all that it was offered. */
void backlog_refused(struct backlog *b);
/* Whether the socket should be looked at, before it is offered more. */
bool backlog_wants_sample(const struct backlog *b, usec_t now);
void backlog_sampled(struct backlog *b, usec_t now, const struct backlog_sample *s);
/* Most bytes to hold. */
uint32_t backlog_held_max(const struct backlog *b);
/* Most unsent bytes in the socket; UINT32_MAX: as many as the kernel likes. */
uint32_t backlog_unsent_max(const struct backlog *b);
