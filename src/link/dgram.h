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

#include "base/usec.h"

#include <stddef.h>

struct dgram_link;
struct log;
struct poller;
struct segment;

/* Ports of one socket: with more, somebody makes up paths. */
#define DGRAM_PORTS_MAX 256u
#define DGRAM_SILENCE (60 * USEC_PER_SEC)

struct dgram_link_config {
	struct poller *poller;
	struct segment *segment;
	struct log *log;
	size_t mtu; /* of the ports: what the whole path to a guest is known to carry */
};

/* -ENOMEM. */
int dgram_link_new(const struct dgram_link_config *config, struct dgram_link **ret);
/* Closes all sockets.  NULL is fine. */
void dgram_link_free(struct dgram_link *l, usec_t now);

/* When expire() wants to be called; USEC_INFINITY for never. */
usec_t dgram_link_deadline(const struct dgram_link *l);
void dgram_link_expire(struct dgram_link *l, usec_t now);

/* Receives from everybody at @fd, a bound unix datagram socket; owned from now on when 0 is returned. */
int dgram_link_add(struct dgram_link *l, int fd);
