/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loopback port of `lanlet web`: each connection's head goes through the gate, and what that admits is carried to api.sock and
 * back.  Needs the thread's default GMainContext to run.
 */
#pragma once

#include <glib.h>

struct web_gate;
struct web_relay;

/* Listens on a port of 127.0.0.1 that is free, for the API at @socket; @gate is borrowed.  NULL on failure. */
struct web_relay *web_relay_new(struct web_gate *gate, const char *socket, GError **error);
/* Closes the port and every connection.  NULL is fine. */
void web_relay_free(struct web_relay *r);
guint16 web_relay_port(const struct web_relay *r);
