/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A part of a front end's memory, mapped into our address space and guarded. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct guard;

struct mapping {
	uint8_t *host; /* where the part begins; NULL: not mapped */
	void *start;   /* of the pages that it lies in */
	size_t size;
	struct guard *guard;
};

/* Maps [@offset, @offset + @size) of @fd, which stays the caller's.  -EINVAL when the file has no such part, -ENOMEM, … */
int mapping_map(int fd, uint64_t offset, uint64_t size, struct mapping *ret);
void mapping_unmap(struct mapping *m);
