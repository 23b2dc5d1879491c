/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many messages a port reads with one call.  What was read cannot stay in the socket when the port's slice is over, so a port whose
 * frames take long reads fewer the next time, and more again when they were dealt with in time.
 */
#pragma once

#include "base/macros.h"

#define APPETITE_MIN 4u

/* @n: messages to read, from @most on. */
struct appetite {
	unsigned n, most;
};

static inline struct appetite appetite_of(unsigned most)
{
	return (struct appetite){ most, most };
}

/* @in_time of the @got messages were dealt with before the slice was over. */
static inline void appetite_served(struct appetite *a, unsigned got, unsigned in_time)
{
	if (in_time < got)
		a->n = MAX(in_time, APPETITE_MIN);
	else if (got == a->n)
		a->n = MIN(a->n * 2, a->most);
}
