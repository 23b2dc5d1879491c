/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How frames stand in a byte stream (QEMU's `-netdev stream` and `socket`): each behind its
 * length, 4 bytes in network order.
 */
#pragma once

#include "base/bytes.h"

#define FRAMING_LENGTH_BYTES 4

enum framing_next {
	FRAMING_FRAME,  /* a whole frame */
	FRAMING_MORE,   /* its rest is still to come */
	FRAMING_BROKEN, /* a length that cannot be: nothing behind it can be found any more */
};

/*
 * Takes the next frame of @min to @max bytes from @r; on FRAMING_FRAME only, @r is behind it and @ret_frame,
 * @ret_len say where it lies.
 */
enum framing_next framing_take(struct bytes_reader *r, size_t min, size_t max, const uint8_t **ret_frame, size_t *ret_len);
/* Writes the length that goes in front of a frame of @len bytes. */
void framing_emit(uint8_t to[static FRAMING_LENGTH_BYTES], size_t len);
