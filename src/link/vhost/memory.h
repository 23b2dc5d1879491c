/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory regions of a front end.  Each has three addresses: the guest's (used in descriptors), the front end's (used in SET_VRING_ADDR)
 * and the local one.  Only addresses are computed here; mapping.c maps and unmaps.
 *
 * Regions never overlap in guest or user addresses, and none wraps.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* The answer to GET_MAX_MEM_SLOTS. */
#define MEMORY_REGIONS_MAX 64

/* Of all regions together.  Sixteen such guests fit into an address space of 47 bits. */
#define MEMORY_BYTES_MAX (UINT64_C(1) << 43)

struct memory_region {
	uint64_t guest; /* guest-physical address */
	uint64_t user;  /* address in the front end's process */
	uint64_t size;
	uint8_t *host; /* local address */
};

struct memory {
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned n;
};

/* Whether @r may be added: -EINVAL when it is empty, wraps or overlaps another, -ENOSPC when there are too many or too much. */
int memory_check(const struct memory *m, const struct memory_region *r);
/* Whether @r is there already, by its guest and user address and size. */
bool memory_has(const struct memory *m, const struct memory_region *r);
/* Adds @r, which memory_check() must have accepted. */
void memory_add(struct memory *m, const struct memory_region *r);
/* Removes the region with the guest address, user address and size of @r, and returns it in @ret.  -ENOENT. */
int memory_remove(struct memory *m, const struct memory_region *r, struct memory_region *ret);

/* The local address of @len bytes at the front end's @user; NULL when they are not in one region, or not aligned to @align. */
void *memory_at_user(const struct memory *m, uint64_t user, uint64_t len, size_t align);
/* As above, for the guest's address @guest. */
void *memory_at_guest(const struct memory *m, uint64_t guest, uint64_t len);

/*
 * The pieces of the guest's [@guest, @guest + @len), which may span adjacent regions; returns how many.  -EFAULT when a part of it is not
 * in memory, -E2BIG when @max pieces are not enough.
 */
int memory_pieces(const struct memory *m, uint64_t guest, uint32_t len, struct iovec *ret, unsigned max);
