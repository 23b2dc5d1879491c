/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unix datagram sockets that many guests send to: QEMU's `-netdev dgram` with local.path and remote.path.  A datagram is one Ethernet
 * frame.
 *
 * Each path that frames come from is a port, with a socket of its own that is connected to that path.  The port ends when the path has no
 * receiver any more: that shows when a frame is sent to it, or in a check after DGRAM_SILENCE (at most twice that) without a frame from it.
 * The socket is always drained, because QEMU 7.2 spins while it cannot send.
 *
 * A guest's socket beside the link's socket that is called guest-*.sock is removed with its port.
 */
#pragma once

#include "link/link.h"

/* Ports of one socket.  More would be made-up paths. */
#define DGRAM_PORTS_MAX 256u
#define DGRAM_SILENCE (60 * USEC_PER_SEC)

extern const struct link_ops dgram_link_ops;
