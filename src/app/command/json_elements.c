/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings, braces and brackets are enough to find where an object ends; json-glib checks the rest. UTF-8 needs no care, because
 * all bytes of a multi-byte character are above 0x7f.
 */
#include "app/command/json_elements.h"

#include "app/failure.h"

void json_elements_init(struct json_elements *e, enum json_elements_of of, bool (*each)(void *opaque, JsonObject *element), void *opaque)
{
	*e = (struct json_elements){ .of = of, .each = each, .opaque = opaque, .element = g_string_new(NULL) };
}

void json_elements_done(struct json_elements *e)
{
	g_string_free(e->element, TRUE);
	e->element = NULL;
}

static bool emit(struct json_elements *e, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(JsonNode) node = json_from_string(e->element->str, &problem);
	g_string_truncate(e->element, 0);
	if (!node || !JSON_NODE_HOLDS_OBJECT(node))
		return fail(error, FAILURE_GENERAL, "the answer is not JSON: %s", problem ? problem->message : "expected an object");
	return e->each(e->opaque, json_node_get_object(node));
}

/* The elements of a list are in an array that is a member of the outermost object. */
static bool begins_element(const struct json_elements *e, char c)
{
	return c == '{' && (e->of == JSON_ELEMENTS_OF_STREAM ? e->depth == 0 : e->in_list && e->depth == 2);
}

static void open_one(struct json_elements *e, char c)
{
	if (!e->in_element && begins_element(e, c))
		e->in_element = true;
	else if (!e->in_element && e->depth == 1)
		e->in_list = c == '[';
	e->depth++;
}

/* True if this completes an element. */
static bool close_one(struct json_elements *e)
{
	e->depth -= e->depth > 0;
	if (!e->in_element || e->depth != (e->of == JSON_ELEMENTS_OF_STREAM ? 0 : 2))
		return false;
	e->in_element = false;
	return true;
}

static void take_in_string(struct json_elements *e, char c)
{
	if (e->escaped)
		e->escaped = false;
	else if (c == '\\')
		e->escaped = true;
	else if (c == '"')
		e->in_string = false;
}

/* True if @c completes an element. */
static bool take_byte(struct json_elements *e, char c)
{
	if (e->in_string)
		take_in_string(e, c);
	else if (c == '"')
		e->in_string = true;
	else if (c == '{' || c == '[')
		open_one(e, c);
	else if (c == '}' || c == ']')
		return close_one(e);
	return false;
}

bool json_elements_take(struct json_elements *e, const char *bytes, gsize len, GError **error)
{
	gsize begin = 0; /* start of the bytes of the element that are not in e->element yet */
	for (gsize i = 0; i < len; i++) {
		bool was_in_element = e->in_element, complete = take_byte(e, bytes[i]);
		if (e->in_element && !was_in_element)
			begin = i;
		if (!complete)
			continue;
		g_string_append_len(e->element, bytes + begin, (gssize)(i + 1 - begin));
		if (!emit(e, error))
			return false;
	}
	if (e->in_element)
		g_string_append_len(e->element, bytes + begin, (gssize)(len - begin));
	return true;
}

bool json_elements_complete(const struct json_elements *e)
{
	return e->depth == 0 && !e->in_string;
}
