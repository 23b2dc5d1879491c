/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stream of blocks, as `lanlet capture` takes it apart: cut into pieces of any length, it gives the same blocks. */
#include "wire/pcapng.h"

#include <stdbool.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0, need;
	struct pcapng_block block;
	int r;
	while ((r = pcapng_parse_block(data + at, size - at, &block, &need)) > 0) {
		check(block.len >= 12 && block.len <= size - at);
		struct pcapng_block cut;
		for (size_t len = 0; len < block.len; len += 1 + block.len / 8) {
			check(pcapng_parse_block(data + at, len, &cut, &need) == 0);
			check(need > len && need <= block.len);
		}
		at += block.len;
	}
	check(r < 0 || need > size - at);
	return 0;
}
