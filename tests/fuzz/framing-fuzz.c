/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A byte stream cut at a place that its first byte chooses: the frames found do not depend on the cut. */
#include "base/macros.h"
#include "wire/framing.h"

#include <stdlib.h>

#define MIN_LEN 14
#define MAX_LEN 65553

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
	size_t frames, used;
	uint32_t sum;
	enum framing_next end;
};

/* Takes frames from @data[at…len) on; adds to @f. */
static void take(const uint8_t *data, size_t len, struct found *f)
{
	struct bytes_reader r = bytes_reader(data + f->used, len - f->used);
	const uint8_t *frame;
	size_t frame_len;
	while ((f->end = framing_take(&r, MIN_LEN, MAX_LEN, &frame, &frame_len)) == FRAMING_FRAME) {
		if (frame_len < MIN_LEN || frame < data || frame_len > (size_t)(data + len - frame))
			abort();
		f->frames++;
		f->sum = f->sum * 31 + frame[0] + frame[frame_len - 1] + (uint32_t)frame_len;
	}
	f->used = len - r.left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	size_t cut = MIN((size_t)data[0], size - 1);
	data++;
	size--;
	struct found whole = { 0 }, cut_once = { 0 };
	take(data, size, &whole);
	take(data, cut, &cut_once);
	if (cut_once.end != FRAMING_BROKEN)
		take(data, size, &cut_once);
	if (whole.frames != cut_once.frames || whole.sum != cut_once.sum || whole.end != cut_once.end)
		abort();
	return 0;
}
