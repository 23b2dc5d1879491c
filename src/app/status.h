/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status socket: whoever of us connects is sent the network's state as text, and then the connection is closed.
 * Nothing is read from a client.  One that does not read keeps one of a few places; the oldest loses its place
 * to the next client.
 */
#pragma once

#include <glib.h>
#include <poll.h>

struct status_server;

#define STATUS_CLIENTS 8u
#define STATUS_POLL_MAX (STATUS_CLIENTS + 1)

/*
 * Listens at @path, mode 0600, in place of a stale socket.  @text makes the state, a string to free() or NULL; it and @opaque
 * are borrowed.
 */
struct status_server *status_server_new(const char *path, char *(*text)(void *opaque), void *opaque, GError **error);
/* Closes all and takes the socket away.  NULL is fine. */
void status_server_free(struct status_server *s);

/* Puts what to wait for into @ret, room for STATUS_POLL_MAX, and returns how many there are. */
unsigned status_server_poll(const struct status_server *s, struct pollfd *ret);
/* Does what is there to do, whatever poll() said. */
void status_server_dispatch(struct status_server *s);
