/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets of a forward.  Such a socket receives the first datagram of each peer.  From then on the peer has a connected socket of
 * its own, which the engine owns: this keeps peers apart, and answers leave from the port that the peer sent to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct forward;

/* @fd is bound to @port, and owned by the forward when 0 is returned; otherwise a negative errno. */
int forward_datagram_add(struct forward *f, int fd, uint16_t port);
/* Leaves datagrams in the sockets, or receives them again. */
void forward_datagram_suspend(struct forward *f, bool suspended);
/* Closes the sockets. */
void forward_datagram_close(struct forward *f);
