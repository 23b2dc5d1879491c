/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/framing.h"

enum framing_next framing_take(struct bytes_reader *r, size_t min, size_t max, const uint8_t **ret_frame, size_t *ret_len)
{
	if (r->left < FRAMING_LENGTH_BYTES)
		return FRAMING_MORE;
	struct bytes_reader ahead = *r;
	size_t len = bytes_get_be32(&ahead);
	if (len < min || len > max)
		return FRAMING_BROKEN;
	const uint8_t *frame = bytes_take(&ahead, len);
	if (!frame)
		return FRAMING_MORE;
	*r = ahead;
	*ret_frame = frame;
	*ret_len = len;
	return FRAMING_FRAME;
}

void framing_emit(uint8_t to[static FRAMING_LENGTH_BYTES], size_t len)
{
	struct bytes_writer w = bytes_writer(to, FRAMING_LENGTH_BYTES);
	bytes_put_be32(&w, (uint32_t)len);
}
