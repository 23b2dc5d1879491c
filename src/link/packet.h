/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports on sockets with one peer that keep packet boundaries: connections to a unix SOCK_SEQPACKET listener, one end of a socket pair, UDP
 * between two addresses.  One packet is one Ethernet frame.
 *
 * A port ends when the peer of its unix socket closes; the peer of a UDP socket may come and go.
 */
#pragma once

#include "link/link.h"

extern const struct link_ops packet_link_ops;
