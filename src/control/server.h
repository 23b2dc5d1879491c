/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP server: who may connect, how many, for how long without doing anything; and from whole requests to their handlers.
 *
 * Connections are accepted here and handed to libsoup only when they are welcome: on the unix socket those of our own user and of root.
 * A client that holds its connection without making progress loses it.
 */
#pragma once

#include <glib.h>

struct control;
struct server;

/* Listens.  To be called, as everything else of it, with the control plane's context as the thread's default. */
struct server *server_new(struct control *c, GError **error);
/* NULL is fine. */
void server_free(struct server *s);
