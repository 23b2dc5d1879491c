/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost-user front ends as ports: QEMU's `-netdev vhost-user`, User-mode Linux, any other VMM.  The guest's memory is mapped
 * here; frames enter the segment where they lie in it and leave into its receive buffers.
 *
 * One struct vhost_link serves all listeners and connections of a segment.  A connection that ends takes only its own port
 * away; so does a front end that does not keep to the protocol.  A ring or memory that cannot be worked with stops the
 * device until its driver sets it up again.
 *
 *     protocol    messages: bytes to values            on memory only
 *     memory      addresses of the guest               on memory only
 *     ring        virtqueues                           on memory only
 *     net_header  what is in front of each frame       on memory only
 *     mapping, guard   memory of others in our address space
 *     device, queue    one front end: its state and its descriptors
 *     request     what each message does
 *     transmit, receive   frames from and to the guest
 */
#pragma once

#include "link/link.h"

extern const struct link_ops vhost_link_ops;
