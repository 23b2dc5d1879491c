/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A blocking client of the API, over api.sock of the process that runs a network. Errors of the server become failures with its
 * message.
 */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

struct api;
struct arguments;

/* The path of the API's socket. A string to g_free(); NULL on failure. */
char *api_socket(const struct arguments *a, GError **error);

/* A client for the network of @a. Sends nothing yet. */
struct api *api_new(const struct arguments *a, GError **error);
/* NULL is fine. */
void api_free(struct api *api);
typedef struct api Api;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Api, api_free)

/*
 * Sends @method and @path, "/v1/…", with the JSON text @body (NULL: no body), and returns the answer: an object of the caller,
 * empty for an empty answer. NULL on failure: FAILURE_NOT_RUNNING, FAILURE_NOT_FOUND, FAILURE_USAGE or FAILURE_GENERAL.
 */
JsonObject *api_call(struct api *api, const char *method, const char *path, const char *body, GError **error);
JsonObject *api_get(struct api *api, const char *path, GError **error);

/* One request whose answer does not matter, only whether it succeeded. */
bool api_change(const struct arguments *a, const char *method, const char *path, const char *body, GError **error);

/*
 * Calls @each for every element of the list GET @path as it arrives, since a list can be larger than memory. @each returns false
 * to stop, which is not a failure.
 */
bool api_each(struct api *api, const char *path, bool (*each)(void *opaque, JsonObject *element), void *opaque, GError **error);
/* The same for a stream of objects, which ends when the network does. */
bool api_follow(struct api *api, const char *path, bool (*each)(void *opaque, JsonObject *element), void *opaque, GError **error);

/* The same for the raw bytes of an answer. */
bool api_read(struct api *api, const char *path, bool (*take)(void *opaque, const void *bytes, gsize len), void *opaque, GError **error);

struct api_reader {
	const char *header; /* header of the answer; its value, or NULL if it is missing, is passed to begun() before the first bytes */
	void (*begun)(void *opaque, const char *value);
	bool (*take)(void *opaque, const void *bytes, gsize len);
	void *opaque;
};

/* The same with all callbacks of @reader. */
bool api_read_by(struct api *api, const char *path, const struct api_reader *reader, GError **error);

/* "PATH?KEY=VALUE&…", escaped, from pairs of strings up to NULL; pairs with a NULL value are left out. */
char *api_path(const char *path, ...) G_GNUC_NULL_TERMINATED;
/* "/v1/NOUN/PART", @part escaped. */
char *api_path_to(const char *collection, const char *part);

/* {"KEY": "VALUE", …} from pairs up to NULL; pairs with a NULL value are left out. A string to g_free(). */
char *api_object(const char *key, ...) G_GNUC_NULL_TERMINATED;

/* Members of an object; "", 0 or false for a member that is missing or null. */
const char *api_text(JsonObject *o, const char *name);
guint64 api_number(JsonObject *o, const char *name);
double api_decimal(JsonObject *o, const char *name);
bool api_has(JsonObject *o, const char *name);
