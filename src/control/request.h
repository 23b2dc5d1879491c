/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One HTTP request on its way through the control plane, from its route's handler to the end of its answer.  It is owned by
 * the server, and lives until the answer has been sent or the client has gone, and no job of its is under way.
 *
 * A handler answers at once (request_respond…), after asking the network (request_ask), or piece by piece (request_stream,
 * request_list).  Whatever it answers, a slow client costs the memory of one piece.
 */
#pragma once

#include "base/usec.h"
#include "control/json.h"
#include "control/route/route.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;
struct lanlet_network;
struct request;

/* --- what was asked --- */

struct control *request_control(const struct request *r);
/* What stands in the path where the route has its @index-th "*"; unescaped. */
const char *request_part(const struct request *r, unsigned index);
/* A parameter of the query; NULL when it was not given. */
const char *request_parameter(const struct request *r, const char *name);
/* A header; NULL when there is none. */
const char *request_header(const struct request *r, const char *name);
/* The body's bytes; to be unref'd. */
GBytes *request_body(const struct request *r);

/* --- answers: one for each request --- */

/* 4xx or 5xx, {"error": …}.  @status is an HTTP status. */
void request_fail(struct request *r, unsigned status, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* 204 */
void request_respond_nothing(struct request *r);
/* 200; takes @text. */
void request_respond_json(struct request *r, GString *text);
void request_respond_text(struct request *r, const char *type, GString *text);

/*
 * Takes the connection away from HTTP, to be read from and written to by others; the client has sent nothing more on it.  @r is no
 * more.  A descriptor, or a negative errno.
 */
int request_take_connection(struct request *r);

/* --- asking the network --- */

/*
 * Has @work run on the network's thread, as job.h says, then @done here, in which the request is answered or asks again; not when
 * the client has gone.  @data, from g_malloc() or NULL, is freed with the request or by the next request_ask().
 */
void request_ask(struct request *r, void (*work)(struct lanlet_network *n, usec_t now, void *data),
		 void (*done)(struct request *r, void *data), void *data);

/* What request_ask() was given last, or request_set_data(). */
void *request_data(const struct request *r);
/* As request_ask() does, before that; @ended, unless NULL, is called when the request ends, however it does, before @data is freed. */
void request_set_data(struct request *r, void *data, void (*ended)(struct request *r));

/* A header of the answer, before that begins. */
void request_set_header(struct request *r, const char *name, const char *value);
/* How long the client may leave an answer unread, which is a minute otherwise. */
void request_set_patience(struct request *r, usec_t patience);

/* --- answers in pieces --- */

/*
 * Begins an answer of which there is no end yet.  @more is called each time what was put has been sent: it calls
 * request_put() or request_end(), then or later.  @data likewise.
 */
void request_stream(struct request *r, const char *type, void (*more)(struct request *r));
void request_put(struct request *r, GString *text); /* "": nothing */
void request_end(struct request *r);

/* A GET of things of which there are many: {"name": [ … ]}, in slices. */
struct listing {
	const char *name;
	size_t item_size;
	unsigned slice; /* items to be fetched at once */
	/* On the network's thread, as in network/snapshot.h.  @filter is what the route's handler gave. */
	unsigned (*fetch)(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max);
	/* One object with everything in it. */
	void (*write)(struct json *out, usec_t now, const void *item);
};

/* @filter, from g_malloc() or NULL, is freed with the request. */
void request_list(struct request *r, const struct listing *l, void *filter);
