/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the control plane share: its struct, and what the server and requests need of each other. */
#pragma once

#include "control/control.h"
#include "control/event_hub.h"
#include "base/usec.h"
#include "host/call_queue.h"

#include <libsoup/soup.h>

struct request;
struct server;

struct control {
	struct control_config config; /* owns its strings */
	GMainContext *context;
	GMainLoop *loop;
	GThread *thread;
	struct call_queue finished; /* jobs that the network's thread has done */
	GSource *finished_source, *reload_source;
	struct event_hub events;
	GList *captures; /* struct capture_stream */
	struct server *server;
	struct list connects; /* struct connect, see route/connect.c */
};

/* Writes a line to the log, on the control thread. */
void control_log(const struct control *c, enum lanlet_log_level level, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Takes over @msg, whose request has been read completely, and answers it.  @path is unescaped, @query may be NULL. */
void request_begin(struct control *c, GList **all, SoupServerMessage *msg, const char *path, GHashTable *query);
/* Answers @msg with an error, {"error": …}. */
void request_refuse(SoupServerMessage *msg, unsigned status, const char *why);
/* Takes the connection of @msg, which ends: a descriptor that the caller owns, or a negative errno. */
int server_take_connection(SoupServerMessage *msg);
/* The client of @msg has something to read from now on. */
void server_sends(SoupServerMessage *msg);
/* How long the client of @msg may read nothing while there is something to read. */
void server_set_patience(SoupServerMessage *msg, usec_t patience);
/* Frees @r in any state, while neither thread runs. */
void request_free(struct request *r);
