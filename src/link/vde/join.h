/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joins other VDE networks, each by a URL of libvdeplug: vde://, ptp://, udp://, vxlan://, vxvde:// …  A connection is a port with a whole
 * segment behind it (port.uplink).  A connection that ends or cannot be opened is opened again after a pause, which grows from a quarter of
 * a second to half a minute.
 *
 *     relay       libvdeplug in a thread of its own
 */
#pragma once

#include "link/link.h"

extern const struct link_ops join_link_ops;
