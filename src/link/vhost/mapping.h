/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A part of a front end's memory, mapped into this process and guarded. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct guard;

struct vhost_mapping {
	uint8_t *host; /* the first byte of the part; NULL: not mapped */
	void *start;   /* of the mapped pages */
	size_t size;
	struct guard *guard;
};

/* Maps [@offset, @offset + @size) of @fd, which the caller keeps.  -EINVAL when the file is too short, -ENOMEM, … */
int vhost_mapping_map(int fd, uint64_t offset, uint64_t size, struct vhost_mapping *ret);
void vhost_mapping_unmap(struct vhost_mapping *m);
