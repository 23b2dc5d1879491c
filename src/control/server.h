/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP server: decides which clients may connect, how many, and how long they may be idle, and passes requests to their
 * handlers.
 *
 * Connections are accepted here, and given to libsoup when they are allowed: on the unix socket, those of the same user and of root.
 * A client that makes no progress loses its connection.
 */
#pragma once

#include <glib.h>

struct control;
struct server;

/* Listens.  This and all else of the server needs the control plane's context as the thread's default. */
struct server *server_new(struct control *c, GError **error);
/* NULL is fine. */
void server_free(struct server *s);
