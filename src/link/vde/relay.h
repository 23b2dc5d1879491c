/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection of libvdeplug, behind a socket of ours.  relay.c is the one file that knows <libvdeplug.h>; without the library
 * relay_off.c takes its place.
 *
 * libvdeplug and its plugins may block whenever they are called: they look up names, start programs, wait for a peer that does not
 * read.  So each connection has a thread of its own, which opens it, carries frames between it and one end of a socket pair,
 * and closes it.  The other end is all that the data thread sees; the two share no memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether lanlet was built with libvdeplug. */
bool vde_relay_is_available(void);

/*
 * Starts to open @url, as a thread that ends by itself.  Returns a SOCK_SEQPACKET (CLOEXEC, NONBLOCK) or a negative errno.  The first
 * message on it is an int: 0 when the connection is open, or the errno of its failure.  From then on each message is a frame.
 * The socket is at its end when the connection is; closing it ends the connection as soon as libvdeplug lets go.
 */
int vde_relay_start(const char *url);

/* The largest frame that the plugin of @url carries, Ethernet header included. */
size_t vde_relay_max_frame(const char *url);
