/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "support/vring.h"

#include <string.h>

#define ALIGN(at, to) (((at) + (to)-1) / (to) * (to))

size_t vring_init(struct vring *v, uint8_t *memory, size_t at, unsigned size)
{
	size_t descriptors = ALIGN(at, 16), available = descriptors + size * sizeof(struct vring_descriptor);
	size_t used = ALIGN(available + 6 + 2 * size, 4);
	*v = (struct vring){
		.memory = memory,
		.size = size,
		.descriptors = (void *)(memory + descriptors),
		.available = (void *)(memory + available),
		.used = (void *)(memory + used),
		.descriptors_at = descriptors,
		.available_at = available,
		.used_at = used,
	};
	size_t end = used + 6 + 8 * size;
	memset(memory + descriptors, 0, end - descriptors);
	return end;
}

/* @table need not be aligned. */
static void describe(uint8_t *table, unsigned size, unsigned first, const struct vring_piece *pieces, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct vring_descriptor d = {
			.address = VRING_GUEST + pieces[i].at,
			.len = pieces[i].len,
			.flags = (uint16_t)((pieces[i].write ? VRING_WRITE : 0) | (i + 1 < n ? VRING_NEXT : 0)),
			.next = (uint16_t)((first + i + 1) % size),
		};
		memcpy(table + (first + i) % size * sizeof(d), &d, sizeof(d));
	}
}

void vring_offer(struct vring *v, uint16_t head)
{
	v->available[2 + v->index % v->size] = head;
	__atomic_store_n(&v->available[1], ++v->index, __ATOMIC_RELEASE);
}

uint16_t vring_add(struct vring *v, const struct vring_piece *pieces, unsigned n)
{
	uint16_t head = v->next_descriptor;
	describe((void *)v->descriptors, v->size, head, pieces, n);
	v->next_descriptor = (uint16_t)((head + n) % v->size);
	vring_offer(v, head);
	return head;
}

uint16_t vring_add_indirect(struct vring *v, size_t table, const struct vring_piece *pieces, unsigned n)
{
	uint16_t head = v->next_descriptor;
	describe(v->memory + table, n, 0, pieces, n);
	v->descriptors[head] = (struct vring_descriptor){
		.address = VRING_GUEST + table,
		.len = (uint32_t)(n * sizeof(struct vring_descriptor)),
		.flags = VRING_INDIRECT,
	};
	v->next_descriptor = (uint16_t)((head + 1) % v->size);
	vring_offer(v, head);
	return head;
}

bool vring_take(struct vring *v, struct vring_used_entry *ret)
{
	if (__atomic_load_n(&v->used[1], __ATOMIC_ACQUIRE) == v->taken)
		return false;
	memcpy(ret, &v->used[2 + 4 * (v->taken++ % v->size)], sizeof(*ret));
	return true;
}

uint16_t *vring_used_event(struct vring *v)
{
	return &v->available[2 + v->size];
}

uint16_t vring_avail_event(const struct vring *v)
{
	return v->used[2 + 4 * v->size];
}
