/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The API by TCP, for clients that have the token: 256 random bits in a file of the runtime directory.  A guest may be able to reach the
 * port, but cannot know the token.
 */
#pragma once

#include <glib.h>
#include <libsoup/soup.h>
#include <stdbool.h>

struct control;
struct tcp_listener;

/* Listens as the configuration of the control plane says, and writes the file of the token.  NULL on failure. */
struct tcp_listener *tcp_listener_new(const struct control *c, GError **error);
/* Removes the file.  NULL is fine. */
void tcp_listener_free(struct tcp_listener *t);
int tcp_listener_fd(const struct tcp_listener *t);
/* Whether @msg has the token. */
bool tcp_listener_admits(const struct tcp_listener *t, SoupServerMessage *msg);
