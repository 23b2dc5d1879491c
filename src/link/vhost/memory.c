/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "link/vhost/memory.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

static bool wraps(uint64_t start, uint64_t size)
{
	return size == 0 || size > SIZE_MAX / 2 || start > UINT64_MAX - (size - 1);
}

/* Neither range may wrap. */
static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

static bool is_same(const struct memory_region *a, const struct memory_region *b)
{
	return a->guest == b->guest && a->user == b->user && a->size == b->size;
}

bool memory_has(const struct memory *m, const struct memory_region *r)
{
	for (unsigned i = 0; i < m->n; i++)
		if (is_same(&m->regions[i], r))
			return true;
	return false;
}

int memory_check(const struct memory *m, const struct memory_region *r)
{
	if (wraps(r->guest, r->size) || wraps(r->user, r->size))
		return -EINVAL;
	uint64_t left = MEMORY_BYTES_MAX;
	for (unsigned i = 0; i < m->n; i++) {
		const struct memory_region *other = &m->regions[i];
		if (overlap(r->guest, r->size, other->guest, other->size) || overlap(r->user, r->size, other->user, other->size))
			return -EINVAL;
		left -= other->size;
	}
	return m->n == MEMORY_REGIONS_MAX || r->size > left ? -ENOSPC : 0;
}

void memory_add(struct memory *m, const struct memory_region *r)
{
	assert(m->n < MEMORY_REGIONS_MAX);
	m->regions[m->n++] = *r;
}

int memory_remove(struct memory *m, const struct memory_region *r, struct memory_region *ret)
{
	for (unsigned i = 0; i < m->n; i++) {
		struct memory_region *here = &m->regions[i];
		if (!is_same(here, r))
			continue;
		*ret = *here;
		*here = m->regions[--m->n];
		return 0;
	}
	return -ENOENT;
}

/* The local address of @at in region @r, whose addresses of that kind begin with @start.  @ret_left: bytes from there to its end. */
static uint8_t *host_address(const struct memory_region *r, uint64_t start, uint64_t at, uint64_t *ret_left)
{
	if (at < start || at - start >= r->size)
		return NULL;
	*ret_left = r->size - (at - start);
	return r->host + (at - start);
}

void *memory_at_user(const struct memory *m, uint64_t user, uint64_t len, size_t align)
{
	for (unsigned i = 0; i < m->n; i++) {
		uint64_t left;
		uint8_t *p = host_address(&m->regions[i], m->regions[i].user, user, &left);
		if (p)
			return len <= left && (uintptr_t)p % align == 0 ? p : NULL;
	}
	return NULL;
}

static uint8_t *find_guest(const struct memory *m, uint64_t guest, uint64_t *ret_left)
{
	for (unsigned i = 0; i < m->n; i++) {
		uint8_t *p = host_address(&m->regions[i], m->regions[i].guest, guest, ret_left);
		if (p)
			return p;
	}
	return NULL;
}

void *memory_at_guest(const struct memory *m, uint64_t guest, uint64_t len)
{
	uint64_t left;
	uint8_t *p = find_guest(m, guest, &left);
	return p && len <= left ? p : NULL;
}

int memory_pieces(const struct memory *m, uint64_t guest, uint32_t len, struct iovec *ret, unsigned max)
{
	unsigned n = 0;
	while (len > 0) {
		uint64_t left;
		uint8_t *p = find_guest(m, guest, &left);
		if (!p)
			return -EFAULT;
		if (n == max)
			return -E2BIG;
		uint32_t part = (uint32_t)MIN(left, (uint64_t)len);
		ret[n++] = (struct iovec){ .iov_base = p, .iov_len = part };
		len -= part;
		/* The end of the address space was reached. */
		if (len > 0 && guest > UINT64_MAX - part)
			return -EFAULT;
		guest += part;
	}
	return (int)n;
}
