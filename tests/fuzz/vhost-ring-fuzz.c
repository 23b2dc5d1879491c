/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An input is four bytes of set-up (size of the ring as a power of two; 1: indirect, 2: event idx, 4: to the driver; base), then what the
 * guest's memory begins with: descriptors, available and used ring lie where vring.c puts them.  The ring is worked on until it is
 * empty or broken, its memory changing meanwhile.
 */
#include "base/macros.h"
#include "link/vhost/memory.h"
#include "link/vhost/net_header.h"
#include "link/vhost/ring.h"
#include "support/vring.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY_SIZE 16384u
#define TURNS 64

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* All pieces lie in memory and can be written to. */
static void use_pieces(uint8_t *bytes, const struct iovec *iov, const struct ring_chain *chain)
{
	size_t len = 0;
	for (unsigned i = 0; i < chain->n_iov; i++) {
		uint8_t *at = iov[i].iov_base;
		check(at >= bytes && iov[i].iov_len <= (size_t)(bytes + MEMORY_SIZE - at));
		at[0]++;
		at[iov[i].iov_len - 1]++;
		len += iov[i].iov_len;
	}
	check(len == chain->len);
}

static void use_header(const uint8_t *bytes, uint64_t features)
{
	uint8_t frame[200] = { 0 };
	struct iovec iov;
	struct frame f = frame_of(&iov, frame, sizeof(frame));
	if (net_header_parse(bytes, features, &f) < 0)
		return;
	uint8_t again[NET_HEADER_LEN];
	net_header_emit(&f, features, 1, again);
	check((f.gso == FRAME_GSO_NONE) == (again[1] == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4)
		return 0;
	uint8_t *bytes = aligned_alloc(4096, MEMORY_SIZE);
	if (!bytes)
		return 0;
	memset(bytes, 0, MEMORY_SIZE);
	struct memory memory = { 0 };
	memory_add(&memory, &(struct memory_region){ VRING_GUEST, VRING_USER, MEMORY_SIZE / 2, bytes });
	memory_add(&memory, &(struct memory_region){ VRING_GUEST + MEMORY_SIZE / 2, VRING_USER + MEMORY_SIZE, MEMORY_SIZE / 2,
						     bytes + MEMORY_SIZE / 2 });
	struct vring driver;
	vring_init(&driver, bytes, 0, 1u << data[0] % 7);
	memcpy(bytes, data + 4, MIN(size - 4, (size_t)MEMORY_SIZE));
	struct ring ring;
	int r = ring_init(&ring, &(struct ring_config){
					 .memory = &memory,
					 .size = driver.size,
					 .descriptors = VRING_USER + driver.descriptors_at,
					 .available = VRING_USER + driver.available_at,
					 .used = VRING_USER + driver.used_at,
					 .base = data[2],
					 .indirect = data[1] & 1,
					 .event_idx = data[1] & 2,
				 });
	check(r == 0);
	struct iovec iov[RING_PIECES_MAX];
	struct ring_chain chain;
	for (unsigned i = 0; i < TURNS; i++) {
		if (ring_take(&ring, data[1] & 4 ? RING_TO_DRIVER : RING_FROM_DRIVER, iov, RING_PIECES_MAX, &chain) <= 0)
			break;
		use_pieces(bytes, iov, &chain);
		if (i % 8 == 7)
			ring_untake(&ring, 1);
		else
			ring_give(&ring, chain.head, 1);
		if (i % 4 == 3) {
			ring_publish(&ring);
			ring_want_kicks(&ring);
		}
		use_header(bytes + i * 16, data[3] * UINT64_C(0x0101010101010101));
	}
	ring_waiting(&ring);
	free(bytes);
	return 0;
}
