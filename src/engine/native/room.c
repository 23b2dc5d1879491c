/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/native/room.h"

#include "base/macros.h"
#include "gateway/engine.h"

#include <string.h>

unsigned room_slice(const struct port_room *room, size_t from, size_t len, struct iovec *ret, unsigned max)
{
	unsigned n = 0;
	for (unsigned i = 0; i < room->n_iov && len > 0 && n < max; i++) {
		size_t there = room->iov[i].iov_len;
		if (from >= there) {
			from -= there;
			continue;
		}
		size_t part = MIN(there - from, len);
		ret[n++] = (struct iovec){ .iov_base = (uint8_t *)room->iov[i].iov_base + from, .iov_len = part };
		len -= part;
		from = 0;
	}
	return n;
}

void room_write(const struct port_room *room, const void *bytes, size_t len)
{
	struct iovec iov[ENGINE_IOV_MAX];
	const uint8_t *at = bytes;
	unsigned n = room_slice(room, 0, len, iov, ENGINE_IOV_MAX);
	for (unsigned i = 0; i < n; i++) {
		memcpy(iov[i].iov_base, at, iov[i].iov_len);
		at += iov[i].iov_len;
	}
}
