/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A part of a front end's memory, mapped into our address space and guarded. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct guard;

struct vhost_mapping {
	uint8_t *host; /* where the part begins; NULL: not mapped */
	void *start;   /* of the pages that it lies in */
	size_t size;
	struct guard *guard;
};

/* Maps [@offset, @offset + @size) of @fd, which stays the caller's.  -EINVAL when the file has no such part, -ENOMEM, … */
int vhost_mapping_map(int fd, uint64_t offset, uint64_t size, struct vhost_mapping *ret);
void vhost_mapping_unmap(struct vhost_mapping *m);
