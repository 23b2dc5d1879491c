/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes JSON text (RFC 8259) in pieces and hands out the objects in it one by one, each as soon as it is complete.  White space, line feeds
 * and the ends of pieces mean nothing: an object ends with its closing brace.
 *
 * A list is one object with an array of objects, {"leases": [{…}, {…}]}; it may be larger than memory, so that it is never kept whole.  A
 * stream is one object after another, without an end.
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
	bool (*each)(void *opaque, JsonObject *element); /* false: no more of them */
	void *opaque;
	GString *element; /* what is there of one that is not complete */
	unsigned depth;   /* of objects and arrays that are open */
	bool in_list, in_element, in_string, escaped;
};

void json_elements_init(struct json_elements *e, enum json_elements_of of, bool (*each)(void *opaque, JsonObject *element), void *opaque);
void json_elements_done(struct json_elements *e);

/* False when each() wants no more or, with @error set, when an element is not JSON. */
bool json_elements_take(struct json_elements *e, const char *bytes, gsize len, GError **error);
/* Whether all that was opened has been closed. */
bool json_elements_complete(const struct json_elements *e);
