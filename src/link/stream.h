/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports on stream sockets: QEMU's `-netdev stream`.  Each frame follows its length, 4 bytes in network order; both ends may split the
 * stream anywhere.
 *
 * A connection that announces an impossible length is closed.  Frames for a guest that does not read wait in a bounded queue; when that is
 * full they are dropped and counted.
 */
#pragma once

#include "link/link.h"

extern const struct link_ops stream_link_ops;
