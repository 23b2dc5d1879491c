/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/machine/seq.h"

#include <string.h>

static void remove_at(struct seq_ranges *s, unsigned i)
{
	s->n--;
	memmove(&s->r[i], &s->r[i + 1], (s->n - i) * sizeof(s->r[0]));
}

bool seq_ranges_add(struct seq_ranges *s, struct seq_range add)
{
	if (!seq_lt(add.left, add.right))
		return true;
	unsigned first = 0;
	while (first < s->n && seq_lt(s->r[first].right, add.left))
		first++;
	unsigned behind = first; /* ranges [first, behind) touch the new one */
	while (behind < s->n && seq_le(s->r[behind].left, add.right))
		behind++;
	if (first == behind) {
		if (s->n == SEQ_RANGES_MAX)
			return false;
		memmove(&s->r[first + 1], &s->r[first], (s->n - first) * sizeof(s->r[0]));
		s->n++;
		s->r[first] = add;
		return true;
	}
	s->r[first].left = seq_min(s->r[first].left, add.left);
	s->r[first].right = seq_max(s->r[behind - 1].right, add.right);
	while (--behind > first)
		remove_at(s, behind);
	return true;
}

void seq_ranges_drop_before(struct seq_ranges *s, uint32_t seq)
{
	while (s->n > 0 && seq_le(s->r[0].right, seq))
		remove_at(s, 0);
	if (s->n > 0)
		s->r[0].left = seq_max(s->r[0].left, seq);
}

const struct seq_range *seq_ranges_find(const struct seq_ranges *s, uint32_t seq)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (seq_le(s->r[i].left, seq) && seq_lt(seq, s->r[i].right))
			return &s->r[i];
	}
	return NULL;
}

uint32_t seq_ranges_count(const struct seq_ranges *s, uint32_t left, uint32_t right)
{
	uint32_t count = 0;
	for (unsigned i = 0; i < s->n; i++) {
		uint32_t l = seq_max(s->r[i].left, left), r = seq_min(s->r[i].right, right);
		if (seq_lt(l, r))
			count += r - l;
	}
	return count;
}

uint32_t seq_ranges_hole(const struct seq_ranges *s, uint32_t seq, uint32_t end, uint32_t *ret_right)
{
	*ret_right = end;
	for (unsigned i = 0; i < s->n; i++) {
		const struct seq_range *r = &s->r[i];
		if (seq_lt(seq, r->left)) {
			*ret_right = seq_min(r->left, end);
			break;
		}
		if (seq_lt(seq, r->right))
			seq = r->right;
	}
	return seq;
}
