/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP sequence numbers: modulo 2^32, compared within half the space (RFC 9293 §3.4), and small
 * sorted sets of ranges of them: what a receiver holds out of order, what a sender knows to be
 * received (RFC 2018).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool seq_le(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? b : a;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? a : b;
}

struct seq_range {
	uint32_t left, right; /* right is the first one behind */
};

#define SEQ_RANGES_MAX 4

/* Sorted, disjoint, not touching one another, none empty. */
struct seq_ranges {
	uint8_t n;
	struct seq_range r[SEQ_RANGES_MAX];
};

/*
 * Adds a range, which may overlap others.  False, and nothing changed, when that would take more
 * ranges than there is room for.
 */
bool seq_ranges_add(struct seq_ranges *s, struct seq_range add);
/* Takes out everything before @seq. */
void seq_ranges_drop_before(struct seq_ranges *s, uint32_t seq);
/* The range that holds @seq, or NULL. */
const struct seq_range *seq_ranges_find(const struct seq_ranges *s, uint32_t seq);
/* Numbers of the set in [@left, @right). */
uint32_t seq_ranges_count(const struct seq_ranges *s, uint32_t left, uint32_t right);
/* The first number from @seq on that is not in the set, and in @ret_right where the set goes on, @end at most. */
uint32_t seq_ranges_hole(const struct seq_ranges *s, uint32_t seq, uint32_t end, uint32_t *ret_right);
