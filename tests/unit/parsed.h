/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses a frame that a test expects to be valid ARP or IP. */
#pragma once

#include "lan/packet.h"

#include <glib.h>

static inline struct packet parsed(const struct frame *f, struct arena *arena)
{
	struct packet p;
	enum drop_reason why;
	g_assert_cmpint(packet_parse(f, f->ingress, arena, &p, &why), ==, 0);
	return p;
}
