/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status socket: whoever of us connects is sent the network's state as text, and then the connection is closed.
 * Nothing is read from a client.  One that does not read keeps one of a few places; the oldest loses its place
 * to the next client.
 */
#pragma once

#include <glib.h>

struct lanlet_network;
struct status_server;

#define STATUS_CLIENTS 8u

/* Listens at @path, mode 0600, in place of a stale socket, as part of @net's loop.  @net is borrowed. */
struct status_server *status_server_new(const char *path, struct lanlet_network *net, GError **error);
/* Closes all and takes the socket away; before the network is freed.  NULL is fine. */
void status_server_free(struct status_server *s);
