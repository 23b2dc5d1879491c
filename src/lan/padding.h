/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Padding: a frame on an Ethernet has at least ETH_FRAME_MIN bytes (IEEE 802.3 §4.2.8, PadField), and some cards drop shorter ones, such
 * as QEMU's pcnet and ne2k_pci.
 */
#pragma once

#include "lan/frame.h"
#include "wire/eth.h"

struct arena;

/* Most pieces of a frame that is padded. */
#define PADDING_IOV_MAX 8u

static inline bool padding_is_needed(const struct frame *f)
{
	return f->len < ETH_FRAME_MIN;
}

/*
 * Fills in @ret: @f, with zeros behind it up to ETH_FRAME_MIN bytes.  @iov becomes its scatter list and must live as long as it.  The bytes
 * of @f are copied, to @arena, only when they are in many pieces.  -ENOMEM.
 */
int padding_add(const struct frame *f, struct arena *arena, struct iovec iov[static PADDING_IOV_MAX], struct frame *ret);
