/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One unix datagram socket with many guests: QEMU's `-netdev dgram` with local.path and remote.path.  A datagram is one bare
 * Ethernet frame.
 *
 * Whoever sends from a path of his own has a port for that path, and a socket of ours that is connected to it.  The port
 * goes when nobody receives at the path any more, which shows when something is sent to it, and else after DGRAM_SILENCE to
 * twice that without a frame.  The socket is always drained: QEMU 7.2 spins while it cannot send.
 *
 * A guest's dead socket that lies beside ours and is called guest-*.sock goes with its port.
 */
#pragma once

#include "link/link.h"

/* Ports of one socket: with more, somebody makes up paths. */
#define DGRAM_PORTS_MAX 256u
#define DGRAM_SILENCE (60 * USEC_PER_SEC)

extern const struct link_ops dgram_link_ops;
