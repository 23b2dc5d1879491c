/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that keep the boundaries of packets and have one peer as ports: connections of a unix SOCK_SEQPACKET listener,
 * one end of a socket pair, UDP between two addresses.  One packet is one bare Ethernet frame.
 *
 * One struct packet_link serves all of a segment.  A unix socket whose peer goes takes its port away; behind a UDP
 * socket the peer may come and go.
 */
#pragma once

#include "link/link.h"

extern const struct link_ops packet_link_ops;
