/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's side of a split virtqueue, for tests: lies in memory of the test's, whose guest-physical and user addresses differ
 * from its real ones.  Fields are public so that a test can break them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where test memory is to the guest and to the front end. */
#define VRING_GUEST UINT64_C(0x40000000)
#define VRING_USER UINT64_C(0x7f0000000000)

enum {
	VRING_NEXT = 1,
	VRING_WRITE = 2,
	VRING_INDIRECT = 4,
};

struct vring_descriptor {
	uint64_t address;
	uint32_t len;
	uint16_t flags, next;
};

struct vring_used_entry {
	uint32_t id, len;
};

struct vring {
	uint8_t *memory;
	unsigned size;
	struct vring_descriptor *descriptors;
	uint16_t *available;                          /* flags, index, entries, used_event */
	uint16_t *used;                               /* flags, index, entries, avail_event */
	size_t descriptors_at, available_at, used_at; /* in memory */
	uint16_t next_descriptor, index, taken;
};

struct vring_piece {
	size_t at; /* in memory */
	uint32_t len;
	bool write;
};

/* Lays a ring of @size entries out at @at of @memory; returns where it ends. */
size_t vring_init(struct vring *v, uint8_t *memory, size_t at, unsigned size);
/* Makes a chain of @n pieces available; returns its head. */
uint16_t vring_add(struct vring *v, const struct vring_piece *pieces, unsigned n);
/* The same in an indirect table at @table of memory. */
uint16_t vring_add_indirect(struct vring *v, size_t table, const struct vring_piece *pieces, unsigned n);
/* Makes @head available, whatever it is. */
void vring_offer(struct vring *v, uint16_t head);
/* The next chain that the device gave back. */
bool vring_take(struct vring *v, struct vring_used_entry *ret);
uint16_t *vring_used_event(struct vring *v);
uint16_t vring_avail_event(const struct vring *v);
