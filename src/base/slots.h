/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers for objects.  An object keeps its number while it is in, so all objects can be walked in slices while others come and go.
 * A number that became free is used again: what stores one stores something beside it that tells two owners apart.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct slot {
	void *object; /* NULL: free */
	uint32_t next_free;
};

/* Zeroed before use. */
struct slots {
	struct slot *at;
	uint32_t n; /* slots, free ones included; every number is below it */
	uint32_t used;
	uint32_t free_slot; /* valid while used < n */
};

void slots_done(struct slots *s);
/* Gives @object the number *@ret.  -ENOMEM. */
int slots_add(struct slots *s, void *object, uint32_t *ret);
void slots_remove(struct slots *s, uint32_t number);
/* The object with @number; NULL when it is free or was never given. */
static inline void *slots_get(const struct slots *s, uint32_t number)
{
	return number < s->n ? s->at[number].object : NULL;
}
