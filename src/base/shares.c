/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/shares.h"

#include "base/macros.h"

/* What a round should take, besides the flushes that end slices. */
#define ROUND_TIME ((usec_t)1000)
/* Less would cut batches that are worth their length: a whole read of a stream link, 512 KiB of joined TCP segments, takes about 150 us. */
#define SLICE_MIN ((usec_t)400)

void shares_init(struct shares *s)
{
	*s = (struct shares){ 0 };
	list_init(&s->ready);
	list_init(&s->round_end);
}

void share_init(struct share *share)
{
	list_init(&share->node);
	list_init(&share->work);
}

void share_done(struct share *share)
{
	if (!share_is_initialized(share))
		return;
	assert(list_empty(&share->work));
	list_remove(&share->node);
}

void shares_add(struct shares *s, struct share *share, struct list *item)
{
	list_append(&share->work, item);
	if (list_empty(&share->node))
		list_append(&s->ready, &share->node);
}

bool shares_have_work(const struct shares *s)
{
	return !list_empty(&s->ready);
}

void shares_begin_round(struct shares *s)
{
	list_remove(&s->round_end);
	s->n_round = 0;
	list_for_each(node, &s->ready)
		s->n_round++;
	list_append(&s->ready, &s->round_end);
}

struct share *shares_next(struct shares *s)
{
	if (s->ready.next != &s->round_end)
		return container_of(s->ready.next, struct share, node);
	list_remove(&s->round_end);
	return NULL;
}

/* A share that is served stays at the head of the list until then; its owner removes it from there. */
static bool is_there(const struct shares *s, const struct share *share)
{
	return s->ready.next == &share->node;
}

struct list *shares_take(struct shares *s, struct share *share)
{
	if (!is_there(s, share) || list_empty(&share->work))
		return NULL;
	struct list *item = share->work.next;
	list_remove(item);
	return item;
}

void shares_served(struct shares *s, struct share *share)
{
	if (!is_there(s, share))
		return;
	list_remove(&share->node);
	if (!list_empty(&share->work))
		list_append(&s->ready, &share->node);
}

usec_t shares_slice(const struct shares *s)
{
	return MAX(ROUND_TIME / MAX(s->n_round, 1u), SLICE_MIN);
}
