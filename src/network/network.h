/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running network as the control plane sees it: how to run a call on the thread that dispatches the network, and what such a call
 * may use beside snapshots (snapshot.h), changes (change.h) and captures (capture.h).  The parts of a network are private to
 * src/network.
 */
#pragma once

#include "base/usec.h"

#include <stdint.h>

struct call;
struct dial;
struct lanlet_network;

/*
 * Runs @c on the thread that dispatches @n, between two turns.  Any thread may post.  Each call has to be short: one that walks over
 * something unbounded does a slice of it and posts itself again.
 */
void network_post(struct lanlet_network *n, struct call *c);

/* --- on the thread that dispatches @n --- */

/* Forgets every call that has not run yet, and network_wake_on_event().  While no other thread posts. */
void network_forget_calls(struct lanlet_network *n);

/* Calls @wake once, when the next event happens.  There is one @wake at a time. */
void network_wake_on_event(struct lanlet_network *n, void (*wake)(void *opaque), void *opaque);

/*
 * Connects to @port of @guest as dial_begin() does, for a client on the host.  @guest is a MAC, an address or a name, with or
 * without the network's domain.  -EINVAL: @guest is not a valid MAC, address or name.
 */
int network_dial(struct lanlet_network *n, usec_t now, struct dial *d, const char *guest, uint16_t port);
