/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP sequence numbers, modulo 2^32 and compared within half the space (RFC 9293 §3.4), and small sorted sets of ranges of them: the
 * bytes that a receiver holds out of order, or that a sender knows to be received (SACK, RFC 2018).
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
	uint32_t left, right; /* right is exclusive */
};

#define SEQ_RANGES_MAX 4

/* Ranges are sorted, not empty, and neither overlap nor touch. */
struct seq_ranges {
	uint8_t n;
	struct seq_range r[SEQ_RANGES_MAX];
};

/* Adds a range, which may overlap others. Returns false and changes nothing when the set is full. */
bool seq_ranges_add(struct seq_ranges *s, struct seq_range add);
/* Removes all numbers before @seq. */
void seq_ranges_drop_before(struct seq_ranges *s, uint32_t seq);
/* The range that holds @seq, or NULL. */
const struct seq_range *seq_ranges_find(const struct seq_ranges *s, uint32_t seq);
/* How many numbers in [@left, @right) are in the set. */
uint32_t seq_ranges_count(const struct seq_ranges *s, uint32_t left, uint32_t right);
/* The first number at or after @seq that is not in the set; @ret_right is the end of that hole, at most @end. */
uint32_t seq_ranges_hole(const struct seq_ranges *s, uint32_t seq, uint32_t end, uint32_t *ret_right);
