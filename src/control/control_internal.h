/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the control plane share: the plane itself, and the way from the server to a request. */
#pragma once

#include "control/control.h"
#include "control/event_hub.h"
#include "base/usec.h"
#include "host/call_queue.h"

#include <libsoup/soup.h>

struct request;
struct server;

struct control {
	struct control_config config; /* strings of our own */
	GMainContext *context;
	GMainLoop *loop;
	GThread *thread;
	struct call_queue finished; /* jobs that the network has done */
	GSource *finished_source, *reload_source;
	struct event_hub events;
	GList *captures; /* struct capture_stream */
	struct server *server;
	struct list connects; /* see route_connect.c */
};

/* A line in the log, from the control thread. */
void control_log(const struct control *c, enum lanlet_log_level level, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Takes over @msg, whose request has been read whole; @path is unescaped, @query may be NULL.  Answers it in any case. */
void request_begin(struct control *c, GList **all, SoupServerMessage *msg, const char *path, GHashTable *query);
/* Answers @msg with an error, {"error": …}. */
void request_refuse(SoupServerMessage *msg, unsigned status, const char *why);
/* The connection of @msg, a descriptor of the caller's from now on; @msg is over.  Negative errno. */
int server_take_connection(SoupServerMessage *msg);
/* There is something for @msg's client to read from now on. */
void server_sends(SoupServerMessage *msg);
/* How long @msg's client may go without a byte while there is something for it to read. */
void server_set_patience(SoupServerMessage *msg, usec_t patience);
/* Frees @r, whatever its state: when both threads are at rest. */
void request_free(struct request *r);
