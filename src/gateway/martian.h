/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that a guest's packet must not have when it asks the gateway to carry it away.
 * One table, asked before any engine sees the packet: connecting to 0.0.0.0 or 127.0.0.0/8 would reach
 * the host's loopback listeners, and a source outside the segment would be somebody else's.
 */
#pragma once

#include "base/addr.h"
#include "base/drop.h"

/*
 * 0 when @src is an address that a guest of @subnet may have: inside it, not its network or broadcast address, not
 * @gateway.  -EPERM with the reason in @ret_why.
 */
int martian_check_source(const struct prefix4 *subnet, ip4_t gateway, ip4_t src, enum drop_reason *ret_why);

/*
 * 0 when a packet to @dst may be handed to an engine: @gateway itself or a unicast address outside @subnet.
 * -EPERM with the reason in @ret_why.  Other addresses inside @subnet are on the segment, never
 * beyond it: what a gateway delivers there by itself it takes out before asking.
 */
int martian_check_destination(const struct prefix4 *subnet, ip4_t gateway, ip4_t dst, enum drop_reason *ret_why);
