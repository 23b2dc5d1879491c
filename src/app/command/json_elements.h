/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes JSON text (RFC 8259) in pieces and passes on the objects in it, each as soon as it is complete. White space, line feeds
 * and the boundaries of pieces mean nothing: an object ends with its closing brace.
 *
 * A list is an object with an array of objects, {"leases": [{…}, {…}]}. It can be larger than memory, so only one element is kept.
 * A stream is one object after another, without end.
 */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

enum json_elements_of {
	JSON_ELEMENTS_OF_LIST,
	JSON_ELEMENTS_OF_STREAM,
};

struct json_elements {
	enum json_elements_of of;
	bool (*each)(void *opaque, JsonObject *element); /* false: stop */
	void *opaque;
	GString *element; /* the bytes of an incomplete element */
	unsigned depth;   /* open objects and arrays */
	bool in_list, in_element, in_string, escaped;
};

void json_elements_init(struct json_elements *e, enum json_elements_of of, bool (*each)(void *opaque, JsonObject *element), void *opaque);
void json_elements_done(struct json_elements *e);

/* False when each() returns false or, with @error set, when an element is not valid JSON. */
bool json_elements_take(struct json_elements *e, const char *bytes, gsize len, GError **error);
/* Whether every object, array and string is closed. */
bool json_elements_complete(const struct json_elements *e);
