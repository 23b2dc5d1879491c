/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A limit of bandwidth: token buckets for the average rate and for the peak rate, as two of RFC 2698's.  What has been idle may send
 * @burst bytes at the peak rate; in the long run the average is exact.
 *
 * A frame may pass while a bucket has any tokens, and takes all of its bytes: a super-frame is not cut, and what it takes too much, the
 * next frames wait for.
 */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_limit {
	uint64_t average; /* bytes per second; 0: no limit, and the other members mean nothing */
	uint64_t peak;    /* bytes per second; 0: no limit */
	uint64_t burst;   /* bytes; 0: what the average gives in 50 ms, at least RATE_BURST_MIN */
};

#define RATE_MIN 1000u                       /* bytes per second */
#define RATE_MAX UINT64_C(12500000000)       /* 100 Gbit/s */
#define RATE_BURST_MIN ((uint64_t)64 * 1024) /* a super-frame */
#define RATE_BURST_MAX ((uint64_t)1024 * 1024 * 1024)

static inline bool rate_limit_equal(const struct rate_limit *a, const struct rate_limit *b)
{
	return a->average == b->average && a->peak == b->peak && a->burst == b->burst;
}

/* Zeroed, it is full. */
struct rate_bucket {
	uint64_t average_ns, peak_ns; /* when each will be full again */
};

/* When a frame may pass; 0: now, or there is no limit. */
usec_t rate_ready_at(const struct rate_bucket *b, const struct rate_limit *l);
/* A frame of @len bytes passes at @now. */
void rate_take(struct rate_bucket *b, const struct rate_limit *l, usec_t now, size_t len);
/* Bytes that may wait for the limit: what the average gives in 100 ms, at least three super-frames. */
size_t rate_patience(const struct rate_limit *l);
