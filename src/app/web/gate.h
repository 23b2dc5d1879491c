/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may pass the loopback port of `lanlet web`: decides from the head of a request, and knows no socket.
 *
 * Every user of the machine reaches that port, and so does any page in the user's browser and, where guests reach the host's
 * loopback, every guest.  So all they get is the page, which holds nothing.  What passes has the session's key in its
 * Authorization; that is given, once, to whoever shows the token that the user was told.  It is no cookie: a browser sends those to
 * every port of 127.0.0.1, also to one that is forwarded to a guest.
 */
#pragma once

#include "control/token.h"

#include <glib.h>
#include <stdbool.h>

struct web_gate {
	char once[TOKEN_SIZE]; /* what the user was told */
	bool used;             /* it was shown: it is worth nothing any more */
	char session[TOKEN_SIZE];
};

void web_gate_init(struct web_gate *g);

/* Bytes of a head that are looked at; longer ones are refused. */
#define WEB_HEAD_MAX ((gsize)16 * 1024)

/* Where the head at the beginning of @bytes ends, the empty line included; 0: it is not there yet. */
gsize web_head_len(const char *bytes, gsize len);

/* True when the request with this head may go on to the network; else @answer is set to the whole answer to it. */
bool web_gate_admits(struct web_gate *g, const char *head, gsize len, GString *answer);
