/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lan/padding.h"

#include "base/arena.h"

#include <errno.h>
#include <string.h>

static const uint8_t zeros[ETH_FRAME_MIN];

static struct iovec piece(const void *bytes, size_t len)
{
	return (struct iovec){ .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
}

int padding_add(const struct frame *f, struct arena *arena, struct iovec iov[static PADDING_IOV_MAX], struct frame *ret)
{
	struct frame padded = *f;
	if (!padding_is_needed(f)) {
		*ret = padded;
		return 0;
	}
	if (f->n_iov < PADDING_IOV_MAX) {
		memcpy(iov, f->iov, f->n_iov * sizeof(*iov));
	} else {
		const uint8_t *copy = frame_linear(f, 0, f->len, arena);
		if (!copy)
			return -ENOMEM;
		iov[0] = piece(copy, f->len);
		padded.n_iov = 1;
		padded.headroom = 0;
	}
	iov[padded.n_iov++] = piece(zeros, ETH_FRAME_MIN - f->len);
	padded.iov = iov;
	padded.len = ETH_FRAME_MIN;
	*ret = padded;
	return 0;
}
