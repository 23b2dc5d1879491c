/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/machine/backlog.h"

#include "base/macros.h"

#define PATIENCE (16 * USEC_PER_MSEC)
#define BACKLOG_MIN (16u * 1024)
#define BACKLOG_FIRST (128u * 1024)   /* of which half may be held: as much as a SYN-ACK can announce */
#define FOLLOWED_FIRST (1024u * 1024) /* the first estimate may be far too high */
#define LOOK_GAP (5 * USEC_PER_MSEC)
#define SURE_TIME (100 * USEC_PER_MSEC) /* a shorter pause may be due to a busy CPU */
#define LOOK_BYTES (64u * 1024)         /* a socket may take megabytes before it refuses any */
#define HELD_MAX (BACKLOG_MAX / 2)

void backlog_init(struct backlog *b)
{
	*b = (struct backlog){ .bytes = BACKLOG_FIRST };
}

void backlog_taken(struct backlog *b, uint32_t n)
{
	b->offered += n;
	if (!b->follows)
		b->bytes = n < BACKLOG_MAX - b->bytes ? b->bytes + n : BACKLOG_MAX;
}

void backlog_refused(struct backlog *b)
{
	b->refused = true;
}

bool backlog_wants_sample(const struct backlog *b, usec_t now)
{
	return (b->refused || b->offered >= LOOK_BYTES) && (b->looked == 0 || now - b->looked >= LOOK_GAP);
}

/* The path's rate in bytes a second. */
static uint64_t path_rate(const struct backlog *b, const struct backlog_sample *s)
{
	if (!b->follows || s->busy <= b->busy || b->offered < s->unsent)
		return s->rate;
	return MIN(s->rate, 2 * (b->offered - s->unsent) * USEC_PER_SEC / (s->busy - b->busy));
}

static uint32_t next_allowance(const struct backlog *b, const struct backlog_sample *s)
{
	uint64_t of_path = MIN(path_rate(b, s), (uint64_t)UINT32_MAX) * PATIENCE / USEC_PER_SEC;
	uint32_t enough = (uint32_t)MIN(MAX(of_path, (uint64_t)BACKLOG_MIN), (uint64_t)BACKLOG_MAX);
	if (!b->follows)
		return MIN(enough, FOLLOWED_FIRST);
	if (enough > b->bytes)
		return MIN(enough, 2 * b->bytes);
	if (b->offered <= s->unsent)
		return b->bytes; /* the peer reads nothing: that tells nothing of the path */
	if (s->unsent == 0)
		return s->waits ? MIN(2 * b->bytes, BACKLOG_MAX) : b->bytes;
	return s->busy - b->busy >= SURE_TIME ? enough : MAX(enough, b->bytes - b->bytes / 4);
}

void backlog_sampled(struct backlog *b, usec_t now, const struct backlog_sample *s)
{
	bool behind = s->unsent > 0 || b->refused;
	if (b->follows || behind)
		b->bytes = next_allowance(b, s);
	b->follows = b->follows || behind;
	b->refused = false;
	b->looked = now;
	b->busy = s->busy;
	b->offered = s->unsent;
}

uint32_t backlog_held_max(const struct backlog *b)
{
	return MIN(b->bytes / 2, HELD_MAX);
}

uint32_t backlog_unsent_max(const struct backlog *b)
{
	return b->follows && b->bytes < BACKLOG_MAX ? b->bytes / 2 : UINT32_MAX;
}
