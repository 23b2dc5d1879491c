/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/mapping.h"

#include "base/macros.h"
#include "link/vhost/guard.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HUGETLBFS_MAGIC 0x958458f6

/* The page size for mappings of @fd. */
static uint64_t page_size(int fd)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC)
		return (uint64_t)fs.f_bsize;
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* An access beyond the end of the file would raise SIGBUS. */
static int check_part(int fd, uint64_t offset, uint64_t size)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (offset > INT64_MAX - size || (S_ISREG(st.st_mode) && (uint64_t)st.st_size < offset + size))
		return -EINVAL;
	return 0;
}

int vhost_mapping_map(int fd, uint64_t offset, uint64_t size, struct vhost_mapping *ret)
{
	int r = size > INT64_MAX / 2 ? -EINVAL : check_part(fd, offset, size);
	if (r < 0)
		return r;
	uint64_t page = page_size(fd), before = offset % page;
	size_t whole = (before + size + page - 1) / page * page;
	void *start = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)(offset - before));
	if (start == MAP_FAILED)
		return -errno;
	madvise(start, whole, MADV_DONTDUMP); /* keep the guest's secrets out of core dumps */
	struct guard *guard = guard_add(start, whole);
	if (!guard) {
		munmap(start, whole);
		return -ENOMEM;
	}
	*ret = (struct vhost_mapping){ .host = (uint8_t *)start + before, .start = start, .size = whole, .guard = guard };
	return 0;
}

void vhost_mapping_unmap(struct vhost_mapping *m)
{
	if (!m->host)
		return;
	guard_remove(m->guard);
	munmap(m->start, m->size);
	*m = (struct vhost_mapping){ 0 };
}
