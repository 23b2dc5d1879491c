/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rule that shares a limited resource, without a constant for each user.
 *
 * What a user may have depends on what is left, as with the dynamic thresholds of Choudhury and Hahne (1998), but on its square: what is
 * taken may be kept for long, so users who come one after another must not each get the same part of what the last one left.  One user
 * alone gets weight / (weight + 1) of all.  The n-th greedy one leaves about 1 / (n * weight * (weight + 1)).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A user may always have one of this many units that are left, so the last ones are of use, too. */
#define SHARE_OF_THE_REST 8u

/* Whether a user that has @mine of the @used units, of which there are @max (below 2^28), may take @want more.  @weight is at most 15. */
static inline bool share_allows(size_t mine, size_t want, size_t used, size_t max, unsigned weight)
{
	uint64_t left = used < max ? max - used : 0, then = mine + want;
	return want <= left && (then * max <= weight * (weight + 1) * left * left || then * SHARE_OF_THE_REST <= left);
}
