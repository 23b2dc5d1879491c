/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream sockets as ports: QEMU's `-netdev stream`.  Each frame goes behind its length, 4 bytes in network
 * order; both ends may split and join at any byte.
 *
 * One struct stream_link serves all listeners and connections of a segment.  A connection that ends, or
 * announces a length that cannot be, takes only its own port away.  One that does not drain has a
 * bounded queue; frames behind that are dropped and counted.
 */
#pragma once

#include "link/link.h"

extern const struct link_ops stream_link_ops;
