/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a front end's memory is: regions with three addresses each, the guest's own (in descriptors), the front
 * end's (in SET_VRING_ADDR) and ours.  Only addresses are computed here; mapping.c maps and unmaps.
 *
 * Regions never overlap in guest or user addresses and none wraps, so that a range that is found is ours to use.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* As many as QEMU's memory slots of a small machine; what GET_MAX_MEM_SLOTS says. */
#define MEMORY_REGIONS_MAX 64

/* All regions of a front end: more than machines have, little enough for sixteen such guests in an address space of 47 bits. */
#define MEMORY_BYTES_MAX (UINT64_C(1) << 43)

struct memory_region {
	uint64_t guest; /* guest-physical address */
	uint64_t user;  /* address in the front end's process */
	uint64_t size;
	uint8_t *host; /* address in ours */
};

struct memory {
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned n;
};

/* Whether @r may be added: -EINVAL when it is empty, wraps or overlaps another, -ENOSPC when there are too many or too much. */
int memory_check(const struct memory *m, const struct memory_region *r);
/* Whether @r is there already, by its guest and user address and size. */
bool memory_has(const struct memory *m, const struct memory_region *r);
/* Adds @r, of which memory_check() approves. */
void memory_add(struct memory *m, const struct memory_region *r);
/* Takes out the region with the same guest and user address and size as @r; what it was in @ret.  -ENOENT. */
int memory_remove(struct memory *m, const struct memory_region *r, struct memory_region *ret);

/* Our address of @len bytes at the front end's @user, all in one region; NULL when they are not, or not aligned to @align. */
void *memory_at_user(const struct memory *m, uint64_t user, uint64_t len, size_t align);
/* The same for the guest's address @guest. */
void *memory_at_guest(const struct memory *m, uint64_t guest, uint64_t len);

/*
 * The pieces of the guest's [@guest, @guest + @len), which may go on in an adjacent region; returns how many.  -EFAULT when not
 * all of it is memory, -E2BIG when @max pieces are not enough.
 */
int memory_pieces(const struct memory *m, uint64_t guest, uint32_t len, struct iovec *ret, unsigned max);
