/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection of libvdeplug, behind a socket pair.  relay.c is the only file that knows <libvdeplug.h>; relay_off.c replaces it when
 * lanlet is built without the library.
 *
 * Calls of libvdeplug may block: its plugins look up names, start programs, wait for a peer.  So each connection has a thread, which opens
 * it, carries frames between it and one end of the socket pair, and closes it.  The data thread has the other end; the two threads share no
 * memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether lanlet was built with libvdeplug. */
bool vde_relay_is_available(void);

/*
 * Starts a thread that opens @url.  Returns a SOCK_SEQPACKET (CLOEXEC, NONBLOCK) or a negative errno.  The first message on it is an int: 0
 * when the connection is open, or the errno of the failure.  Every later message is a frame.  The socket ends with the connection; closing
 * it ends the connection as soon as libvdeplug returns.
 */
int vde_relay_start(const char *url);

/* The largest frame that the plugin of @url carries, Ethernet header included. */
size_t vde_relay_max_frame(const char *url);
