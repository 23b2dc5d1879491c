/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access control for the loopback port of `lanlet web`. Decides from the head of a request and knows no socket.
 *
 * Every user of the machine can reach the port, and so can any page in the user's browser and, with --host-loopback, every guest.
 * Without a key they get only the page, which holds no data. Other requests need the session key in their Authorization header.
 * The gate issues the session key once, in exchange for the token in the printed link. The key is not a cookie, because a browser
 * sends cookies to every port of 127.0.0.1, including ports forwarded to a guest.
 */
#pragma once

#include "control/token.h"

#include <glib.h>
#include <stdbool.h>

struct web_gate {
	char once[TOKEN_SIZE]; /* the token in the printed link */
	bool used;             /* `once` was used and is no longer valid */
	char session[TOKEN_SIZE];
};

void web_gate_init(struct web_gate *g);

/* Longer heads are refused. */
#define WEB_HEAD_MAX ((gsize)16 * 1024)

/* The length of the head at the start of @bytes, with its empty line; 0 if it is incomplete. */
gsize web_head_len(const char *bytes, gsize len);

/* True if the request with this head may go to the network; otherwise @answer is the complete answer. */
bool web_gate_admits(struct web_gate *g, const char *head, gsize len, GString *answer);
