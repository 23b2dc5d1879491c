/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTP request, from the handler of its route to the end of its answer.  The server owns it.  It lives until the answer has been sent or
 * the client is gone, and until its job is done.
 *
 * A handler answers at once (request_respond…), after asking the network (request_ask), or in pieces (request_stream, request_list).  A
 * slow client costs the memory of one piece.
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
/* The @index-th variable part of the path ("{mac}" in the route), unescaped. */
const char *request_part(const struct request *r, unsigned index);
/* A parameter of the query; NULL: it was not given. */
const char *request_parameter(const struct request *r, const char *name);
/* A header; NULL: there is none. */
const char *request_header(const struct request *r, const char *name);
/* The body's bytes; to be unref'd. */
GBytes *request_body(const struct request *r);

/* --- answers: each request gets one --- */

/* 4xx or 5xx, {"error": …}.  @status is an HTTP status. */
void request_fail(struct request *r, unsigned status, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* 204 */
void request_respond_nothing(struct request *r);
/* 200; takes @text. */
void request_respond_json(struct request *r, GString *text);
void request_respond_text(struct request *r, const char *type, GString *text);

/*
 * Takes the connection away from HTTP, for another protocol; the client has sent nothing after the request.  Frees @r.  A descriptor, or a
 * negative errno.
 */
int request_take_connection(struct request *r);

/* --- asking the network --- */

/*
 * Runs @work on the network's thread (job.h), then @done on this one unless the client is gone; @done answers the request or asks again.
 * @data, from g_malloc() or NULL, is freed with the request or by the next request_ask().
 */
void request_ask(struct request *r, void (*work)(struct lanlet_network *n, usec_t now, void *data),
		 void (*done)(struct request *r, void *data), void *data);

/* The last @data of request_ask() or request_set_data(). */
void *request_data(const struct request *r);
/* Sets @data before request_ask().  @ended, unless NULL, is called when the request ends for any reason, before @data is freed. */
void request_set_data(struct request *r, void *data, void (*ended)(struct request *r));

/* Sets a header of the answer, before the answer begins. */
void request_set_header(struct request *r, const char *name, const char *value);
/* How long the client may leave an answer unread; the default is a minute. */
void request_set_patience(struct request *r, usec_t patience);

/* --- answers in pieces --- */

/*
 * Begins an answer in pieces.  @more is called each time a piece has been sent; it calls request_put() or request_end(), at once or later.
 */
void request_stream(struct request *r, const char *type, void (*more)(struct request *r));
void request_put(struct request *r, GString *text); /* "": sends nothing */
void request_end(struct request *r);

/* A GET of a long list, {"name": [ … ]}, in slices. */
struct listing {
	const char *name;
	size_t item_size;
	unsigned slice; /* items that are fetched at a time */
	/* On the network's thread, as in network/snapshot.h.  @filter is that of request_list(). */
	unsigned (*fetch)(struct lanlet_network *n, usec_t now, const void *filter, uint64_t *cursor, void *items, unsigned max);
	/* Writes one item as an object. */
	void (*write)(struct json *out, usec_t now, const void *item);
};

/* @filter, from g_malloc() or NULL, is freed with the request. */
void request_list(struct request *r, const struct listing *l, void *filter);
