/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets of a forward.  Each takes the first datagram of every peer; from then on the peer has a socket of its own,
 * connected to it, which is the engine's: so peers are kept apart, and answers leave from the port that was asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct forward;

/* @fd is bound to @port; the forward's when 0 is returned, else a negative errno. */
int forward_datagram_add(struct forward *f, int fd, uint16_t port);
/* Leaves datagrams in the sockets, or takes them again. */
void forward_datagram_suspend(struct forward *f, bool suspended);
/* Closes the sockets. */
void forward_datagram_close(struct forward *f);
