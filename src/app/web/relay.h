/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loopback port of `lanlet web`: passes each connection's head through the gate, and relays what the gate admits to api.sock.
 * Runs in the thread's default GMainContext.
 */
#pragma once

#include <glib.h>

struct web_gate;
struct web_relay;

/* Listens on a free port of 127.0.0.1, for the API at @socket. Borrows @gate. NULL on failure. */
struct web_relay *web_relay_new(struct web_gate *gate, const char *socket, GError **error);
/* Closes the port and every connection.  NULL is fine. */
void web_relay_free(struct web_relay *r);
guint16 web_relay_port(const struct web_relay *r);
