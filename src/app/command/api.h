/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands' side of the API: asks the process that runs a network, over api.sock, and waits for what it answers.  What the
 * server calls an error comes back as a failure with its message.
 */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

struct api;
struct arguments;

/* Where the API of the network that @a is about is served.  A string to g_free(); NULL on failure. */
char *api_socket(const struct arguments *a, GError **error);

/* For the network that @a is about.  Nothing is sent yet. */
struct api *api_new(const struct arguments *a, GError **error);
/* NULL is fine. */
void api_free(struct api *api);
typedef struct api Api;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Api, api_free)

/*
 * The answer to @method of @path, "/v1/…", with @body (NULL: none) as JSON text.  An object of the caller's, an empty one for an
 * empty answer; NULL on failure: FAILURE_NOT_RUNNING, FAILURE_NOT_FOUND, FAILURE_USAGE or FAILURE_GENERAL.
 */
JsonObject *api_call(struct api *api, const char *method, const char *path, const char *body, GError **error);
JsonObject *api_get(struct api *api, const char *path, GError **error);

/* One request to the network that @a is about, of which only success matters. */
bool api_change(const struct arguments *a, const char *method, const char *path, const char *body, GError **error);

/*
 * The elements of a list, GET @path, as they come, of which there may be more than memory should hold.  @each returns false to stop, which
 * is no failure.
 */
bool api_each(struct api *api, const char *path, bool (*each)(void *opaque, JsonObject *element), void *opaque, GError **error);
/* The same for a stream, which ends when the network does. */
bool api_follow(struct api *api, const char *path, bool (*each)(void *opaque, JsonObject *element), void *opaque, GError **error);

/* Likewise the bytes of an answer, whatever they are. */
bool api_read(struct api *api, const char *path, bool (*take)(void *opaque, const void *bytes, gsize len), void *opaque, GError **error);

struct api_reader {
	const char *header; /* of the answer, whose value begun() is told before the first bytes; NULL when it is not there */
	void (*begun)(void *opaque, const char *value);
	bool (*take)(void *opaque, const void *bytes, gsize len);
	void *opaque;
};

/* The same for a reader that wants to know more. */
bool api_read_by(struct api *api, const char *path, const struct api_reader *reader, GError **error);

/* "PATH?KEY=VALUE&…" with what has to be escaped escaped; pairs of strings up to NULL, those with a NULL value left out. */
char *api_path(const char *path, ...) G_GNUC_NULL_TERMINATED;
/* "/v1/NOUN/PART", @part escaped. */
char *api_path_to(const char *collection, const char *part);

/* {"KEY": "VALUE", …} from pairs up to NULL; those with a NULL value are left out.  A string to g_free(). */
char *api_object(const char *key, ...) G_GNUC_NULL_TERMINATED;

/* Members of an object of the server's, or what stands for them when they are not there or null. */
const char *api_text(JsonObject *o, const char *name);
guint64 api_number(JsonObject *o, const char *name);
double api_decimal(JsonObject *o, const char *name);
bool api_has(JsonObject *o, const char *name);
