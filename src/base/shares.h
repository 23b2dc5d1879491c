/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fair shares of a thread's time.  A share stands for one source of work that could keep all others waiting: the frames of a port of the
 * segment, or the host sockets of its guests.  Its work is a list of items, oldest first.
 *
 * Work is done in rounds.  In a round each share that has work gets one slice, in the order in which they came; a share that has work left
 * gets its next slice in the next round.  So work that comes waits for one slice of each other share at most, however much they have.  A
 * slice is shorter while many shares have work.
 *
 * Decides about the order and the length of slices only; the caller does the work and reads the clock.
 */
#pragma once

#include "base/list.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>

/* Embedded in its owner. */
struct share {
	struct list node; /* in shares->ready while there is work */
	struct list work;
};

struct shares {
	struct list ready;     /* shares with work, the next one first */
	struct list round_end; /* marks the end of this round's part of the list */
	unsigned n_round;      /* shares that had work when the round began */
};

void shares_init(struct shares *s);
void share_init(struct share *share);
/* False for a zeroed one. */
static inline bool share_is_initialized(const struct share *share)
{
	return share->node.next != NULL;
}
/* All its work must have been removed.  Also while it is being served, and harmless when it was never initialized but zeroed. */
void share_done(struct share *share);

/* Adds @item, which is on no list, to the work of @share.  The owner may remove it with list_remove(). */
void shares_add(struct shares *s, struct share *share, struct list *item);
/* Whether any share has work. */
bool shares_have_work(const struct shares *s);

void shares_begin_round(struct shares *s);
/* The share whose slice it is; NULL when the round is over.  shares_served() follows. */
struct share *shares_next(struct shares *s);
/* Takes the oldest item of @share, which shares_next() returned.  NULL when its work is done, or its owner has ended the share. */
struct list *shares_take(struct shares *s, struct share *share);
/* The slice of @share is over. */
void shares_served(struct shares *s, struct share *share);

/* How long a slice of this round is, in microseconds. */
usec_t shares_slice(const struct shares *s);
