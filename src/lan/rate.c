/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/rate.h"

#include "base/macros.h"

#define NSEC_PER_USEC UINT64_C(1000)
#define NSEC_PER_SEC UINT64_C(1000000000)
#define BURST_TIME_NS (NSEC_PER_SEC / 20)
/* How far ahead of the peak rate a frame may be: the event loop wakes once a millisecond. */
#define PEAK_TIME_NS (2 * NSEC_PER_USEC * 1000)

/* How long @bytes take. */
static uint64_t time_of(uint64_t bytes, uint64_t per_second)
{
	return bytes / per_second * NSEC_PER_SEC + bytes % per_second * NSEC_PER_SEC / per_second;
}

static uint64_t burst_time(const struct rate_limit *l)
{
	return l->burst > 0 ? time_of(l->burst, l->average) : MAX(BURST_TIME_NS, time_of(RATE_BURST_MIN, l->average));
}

static uint64_t ready_ns(uint64_t full_at, uint64_t depth)
{
	return full_at > depth ? full_at - depth : 0;
}

usec_t rate_ready_at(const struct rate_bucket *b, const struct rate_limit *l)
{
	if (l->average == 0)
		return 0;
	uint64_t average = ready_ns(b->average_ns, burst_time(l)), peak = l->peak > 0 ? ready_ns(b->peak_ns, PEAK_TIME_NS) : 0;
	return (MAX(average, peak) + NSEC_PER_USEC - 1) / NSEC_PER_USEC;
}

void rate_take(struct rate_bucket *b, const struct rate_limit *l, usec_t now, size_t len)
{
	if (l->average == 0)
		return;
	uint64_t now_ns = now * NSEC_PER_USEC;
	b->average_ns = MAX(b->average_ns, now_ns) + time_of(len, l->average);
	if (l->peak > 0)
		b->peak_ns = MAX(b->peak_ns, now_ns) + time_of(len, l->peak);
}

size_t rate_patience(const struct rate_limit *l)
{
	return (size_t)MAX(l->average / 10, 3 * RATE_BURST_MIN);
}
