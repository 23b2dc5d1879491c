/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile offload metadata, and what of it may reach a port: only what is true. */
#pragma once

#include "base/arena.h"
#include "lan/frame.h"
#include "lan/packet.h"

#include <stdlib.h>

#define METADATA_LEN 6u

/* The last bytes of the frame, METADATA_LEN of them, are its metadata too. */
static inline void metadata_take(struct frame *f)
{
	uint8_t bytes[METADATA_LEN];
	if (f->len < sizeof(bytes) || frame_copy(f, f->len - sizeof(bytes), bytes, sizeof(bytes)) < sizeof(bytes))
		return;
	f->checksum = (bytes[0] & 3) % 3;
	f->gso = bytes[0] >> 2 & 3;
	f->csum_start = (uint16_t)((bytes[1] & 1) << 8 | bytes[2]);
	f->csum_offset = bytes[3];
	f->gso_size = (uint16_t)(bytes[4] << 8 | bytes[5]);
}

/* The fields of @f, as the headers say; more stupid than offload_check(). */
static inline void metadata_check(const struct frame *f)
{
	if (f->checksum != FRAME_CHECKSUM_PARTIAL && f->gso == FRAME_GSO_NONE)
		return;
	struct arena arena;
	struct packet p;
	enum drop_reason why;
	arena_init(&arena, 1 << 20);
	bool parses = packet_parse(f, NULL, &arena, &p, &why) == 0 && p.ip_error == 0;
	bool udp = parses && p.protocol == IP_PROTOCOL_UDP, tcp = parses && p.protocol == IP_PROTOCOL_TCP;
	bool is_right = (udp || tcp) && f->checksum == FRAME_CHECKSUM_PARTIAL && f->csum_start == p.l4_offset &&
			f->csum_offset == (udp ? 6 : 16) && !packet_is_fragment(&p);
	switch (f->gso) {
	case FRAME_GSO_NONE: break;
	case FRAME_GSO_TCP4: is_right = is_right && tcp && packet_is_v4(&p); break;
	case FRAME_GSO_TCP6: is_right = is_right && tcp && !packet_is_v4(&p); break;
	case FRAME_GSO_UDP: is_right = is_right && udp; break;
	}
	arena_done(&arena);
	if (!is_right)
		abort();
}
