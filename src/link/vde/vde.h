/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VDE switch: directories whose `ctl` socket speaks the switch protocol of VDE, so that QEMU's `-netdev vde`, vde_plug, vdens and
 * User-mode Linux plug in as if vde_switch ran there.
 *
 * A client connects to ctl and says where its datagram socket is; it is answered with the address of one of ours, and from then on each
 * datagram is a frame.  The control connection says nothing more; when it ends, the port is unplugged.  Directories, ports and the
 * sockets in the file system all belong to one struct vde_link per segment.
 *
 *     request     what a client asks for        on memory only
 */
#pragma once

#include "link/link.h"

/* Of one directory, clients that have not asked for anything yet among them. */
#define VDE_PORTS_MAX 256u

extern const struct link_ops vde_link_ops;
