/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames in a byte stream (QEMU's `-netdev stream` and `socket`): each frame follows its length,
 * 4 bytes in network order.
 */
#pragma once

#include "base/bytes.h"

#define FRAMING_LENGTH_BYTES 4

enum framing_next {
	FRAMING_FRAME,  /* a whole frame */
	FRAMING_MORE,   /* the frame is not complete yet */
	FRAMING_BROKEN, /* an impossible length: the following frames cannot be found any more */
};

/*
 * Takes the next frame, of @min to @max bytes, from @r.  Only FRAMING_FRAME advances @r and sets *@ret_frame, which points
 * into the reader's bytes, and *@ret_len.
 */
enum framing_next framing_take(struct bytes_reader *r, size_t min, size_t max, const uint8_t **ret_frame, size_t *ret_len);
/* Writes the length field for a frame of @len bytes. */
void framing_emit(uint8_t to[static FRAMING_LENGTH_BYTES], size_t len);
