/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/storm.h"

#include "base/macros.h"

#define NSEC_PER_USEC 1000u
#define NSEC_PER_SEC 1000000000u
#define BURST_NS ((uint64_t)NSEC_PER_SEC)

bool storm_take(struct storm_bucket *b, usec_t now, unsigned per_second, unsigned n)
{
	if (per_second == 0)
		return true;
	uint64_t now_ns = now * NSEC_PER_USEC, full_at = MAX(b->full_at_ns, now_ns) + (uint64_t)n * NSEC_PER_SEC / per_second;
	if (full_at > now_ns + BURST_NS)
		return false;
	b->full_at_ns = full_at;
	return true;
}
