/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of vhost-user front ends: QEMU's `-netdev vhost-user`, User-mode Linux, any other VMM.  The guest's memory is mapped here; frames
 * enter the segment without being copied from it, and are written into the guest's receive buffers.
 *
 * A front end that violates the protocol is disconnected.  An invalid ring, or memory that cannot be used, stops the device until its
 * driver sets it up again.
 *
 *     protocol    messages: bytes to values            on memory only
 *     memory      addresses of the guest               on memory only
 *     ring        virtqueues                           on memory only
 *     net_header  what is in front of each frame       on memory only
 *     mapping, guard   the guest's memory in this process
 *     device, queue    one front end: its state and its descriptors
 *     request     carries out messages
 *     transmit, receive   frames from and to the guest
 */
#pragma once

#include "link/link.h"

extern const struct link_ops vhost_link_ops;
