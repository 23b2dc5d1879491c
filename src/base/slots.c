/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/slots.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 64u

void slots_done(struct slots *s)
{
	free(s->at);
	*s = (struct slots){ 0 };
}

static int grow(struct slots *s)
{
	uint32_t n = s->n > 0 ? s->n * 2 : FIRST_SLOTS;
	struct slot *at = realloc(s->at, n * sizeof(*at));
	if (!at)
		return -ENOMEM;
	for (uint32_t i = s->n; i < n; i++)
		at[i] = (struct slot){ .next_free = i + 1 };
	s->free_slot = s->n;
	s->at = at;
	s->n = n;
	return 0;
}

int slots_add(struct slots *s, void *object, uint32_t *ret)
{
	if (s->used == s->n && grow(s) < 0)
		return -ENOMEM;
	*ret = s->free_slot;
	s->free_slot = s->at[*ret].next_free;
	s->at[*ret].object = object;
	s->used++;
	return 0;
}

void slots_remove(struct slots *s, uint32_t number)
{
	s->at[number] = (struct slot){ .next_free = s->free_slot };
	s->free_slot = number;
	s->used--;
}
