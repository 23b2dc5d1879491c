/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's side of a split virtqueue, for tests.  It is in memory of the test, whose guest-physical and user addresses
 * differ from its addresses in this process.  Members are public so that a test can corrupt them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Addresses of the test's memory for the guest and for the front end. */
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

/* Places a ring of @size entries at offset @at of @memory; returns the offset of its end. */
size_t vring_init(struct vring *v, uint8_t *memory, size_t at, unsigned size);
/* Makes a chain of @n buffers available; returns its head. */
uint16_t vring_add(struct vring *v, const struct vring_piece *pieces, unsigned n);
/* The same with an indirect table at offset @table of the memory. */
uint16_t vring_add_indirect(struct vring *v, size_t table, const struct vring_piece *pieces, unsigned n);
/* Makes @head available, valid or not. */
void vring_offer(struct vring *v, uint16_t head);
/* The next chain that the device has used. */
bool vring_take(struct vring *v, struct vring_used_entry *ret);
uint16_t *vring_used_event(struct vring *v);
uint16_t vring_avail_event(const struct vring *v);
