/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VDE switch: directories with a `ctl` socket, where QEMU's `-netdev vde`, vde_plug, vdens and User-mode Linux attach as to vde_switch.
 *
 * A client connects to ctl and names its datagram socket.  lanlet answers with the address of a socket of its own, and from then on each
 * datagram is a frame.  The port ends with the control connection.
 *
 *     request     a client's request, on memory only
 */
#pragma once

#include "link/link.h"

/* Clients of one directory, those without a request included. */
#define VDE_PORTS_MAX 256u

extern const struct link_ops vde_link_ops;
