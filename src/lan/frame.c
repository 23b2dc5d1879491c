/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/frame.h"

#include "base/arena.h"
#include "base/macros.h"
#include "wire/checksum.h"

#include <errno.h>
#include <string.h>

size_t frame_copy(const struct frame *f, size_t offset, void *to, size_t len)
{
	size_t copied = 0;
	for (unsigned i = 0; i < f->n_iov && copied < len; i++) {
		const struct iovec *v = &f->iov[i];
		if (offset >= v->iov_len) {
			offset -= v->iov_len;
			continue;
		}
		size_t n = MIN(v->iov_len - offset, len - copied);
		memcpy((uint8_t *)to + copied, (const uint8_t *)v->iov_base + offset, n);
		copied += n;
		offset = 0;
	}
	return copied;
}

const uint8_t *frame_linear(const struct frame *f, size_t offset, size_t len, struct arena *arena)
{
	if (offset > f->len || len > f->len - offset)
		return NULL;
	size_t at = offset;
	for (unsigned i = 0; i < f->n_iov; i++) {
		const struct iovec *v = &f->iov[i];
		if (at < v->iov_len) {
			if (len <= v->iov_len - at)
				return (const uint8_t *)v->iov_base + at;
			break;
		}
		at -= v->iov_len;
	}
	uint8_t *copy = arena_alloc(arena, len);
	if (copy)
		frame_copy(f, offset, copy, len);
	return copy;
}

int frame_slice(const struct frame *f, size_t offset, size_t len, struct iovec *ret, unsigned max)
{
	if (offset > f->len || len > f->len - offset)
		return -ERANGE;
	unsigned n = 0;
	for (unsigned i = 0; i < f->n_iov && len > 0; i++) {
		const struct iovec *v = &f->iov[i];
		if (offset >= v->iov_len) {
			offset -= v->iov_len;
			continue;
		}
		if (n == max)
			return -E2BIG;
		size_t part = MIN(v->iov_len - offset, len);
		ret[n++] = (struct iovec){ .iov_base = (uint8_t *)v->iov_base + offset, .iov_len = part };
		len -= part;
		offset = 0;
	}
	return (int)n;
}

void frame_checksum(const struct frame *f, size_t offset, size_t len, struct checksum *c)
{
	for (unsigned i = 0; i < f->n_iov && len > 0; i++) {
		const struct iovec *v = &f->iov[i];
		if (offset >= v->iov_len) {
			offset -= v->iov_len;
			continue;
		}
		size_t n = MIN(v->iov_len - offset, len);
		checksum_add(c, (const uint8_t *)v->iov_base + offset, n);
		len -= n;
		offset = 0;
	}
}

int frame_splice(const struct frame *f, const void *head, size_t head_len, size_t offset, size_t len, struct arena *arena,
		 struct iovec iov[static FRAME_IOV_MAX], struct frame *ret)
{
	unsigned heads = head_len > 0;
	int n = frame_slice(f, offset, len, iov + heads, FRAME_IOV_MAX - heads);
	if (n == -ERANGE)
		return n;
	if (n < 0) {
		const uint8_t *copy = frame_linear(f, offset, len, arena);
		if (!copy)
			return -ENOMEM;
		iov[heads] = (struct iovec){ .iov_base = (void *)(uintptr_t)copy, .iov_len = len };
		n = 1;
	}
	if (heads)
		iov[0] = (struct iovec){ .iov_base = (void *)(uintptr_t)head, .iov_len = head_len };
	*ret = (struct frame){ .iov = iov, .n_iov = (unsigned)n + heads, .len = head_len + len, .ingress = f->ingress };
	return 0;
}
