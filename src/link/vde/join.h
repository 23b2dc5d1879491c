/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VDE networks of others that this segment joins, each by a URL of libvdeplug: vde://, ptp://, udp://, vxlan://, vxvde:// …  A connection
 * is a port with a whole segment behind it.  When it ends, or cannot be opened, it is opened again after a pause that grows from a quarter
 * of a second to half a minute.
 *
 *     relay       libvdeplug in a thread of its own
 */
#pragma once

#include "link/link.h"

extern const struct link_ops join_link_ops;
