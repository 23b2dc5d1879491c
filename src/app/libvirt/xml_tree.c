/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/libvirt/xml_tree.h"

#include "app/failure.h"

#include <stdio.h>
#include <string.h>

struct building {
	struct xml_element *root;
	struct xml_element *open[XML_DEPTH_MAX]; /* from the root inwards */
	unsigned depth;
};

static void start_element(GMarkupParseContext *context, const char *name, const char **attributes, const char **values, void *opaque,
			  GError **error)
{
	struct building *b = opaque;
	if (b->depth == XML_DEPTH_MAX) {
		g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "more than %u elements inside one another",
			    XML_DEPTH_MAX);
		return;
	}
	if (b->depth == 0 && b->root) {
		g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "more than one element outside all others");
		return;
	}
	struct xml_element *e = g_new0(struct xml_element, 1);
	e->name = g_strdup(name);
	e->attributes = g_strdupv((char **)attributes);
	e->values = g_strdupv((char **)values);
	e->text = g_string_new(NULL);
	g_markup_parse_context_get_position(context, &e->line, NULL);
	struct xml_element *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	if (!parent)
		b->root = e;
	else if (parent->last)
		parent->last = parent->last->next = e;
	else
		parent->first = parent->last = e;
	b->open[b->depth++] = e;
}

static void end_element(GMarkupParseContext *context, const char *name, void *opaque, GError **error)
{
	struct building *b = opaque;
	b->depth--;
}

static void add_text(GMarkupParseContext *context, const char *text, size_t len, void *opaque, GError **error)
{
	struct building *b = opaque;
	if (b->depth > 0)
		g_string_append_len(b->open[b->depth - 1]->text, text, (gssize)len);
}

struct xml_element *xml_parse(const char *path, const char *text, size_t len, GError **error)
{
	static const GMarkupParser parser = { .start_element = start_element, .end_element = end_element, .text = add_text };
	if (!g_utf8_validate(text, (gssize)len, NULL)) {
		fail(error, FAILURE_USAGE, "%s: it is not text in UTF-8", path);
		return NULL;
	}
	struct building b = { .root = NULL };
	g_autoptr(GError) problem = NULL;
	GMarkupParseContext *context = g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &b, NULL);
	bool good =
		g_markup_parse_context_parse(context, text, (gssize)len, &problem) && g_markup_parse_context_end_parse(context, &problem);
	g_markup_parse_context_free(context);
	if (good && b.root)
		return b.root;
	xml_free(b.root);
	fail(error, FAILURE_USAGE, "%s: %s", path, problem ? xml_one_line(problem->message) : "there is no element");
	return NULL;
}

char *xml_one_line(char *text)
{
	for (char *c = text; *c; c++)
		if (g_ascii_iscntrl(*c))
			*c = '?';
	return text;
}

GString *xml_read_file(const char *path, GError **error)
{
	g_autofree char *text = g_malloc(XML_FILE_MAX + 1);
	FILE *f = fopen(path, "re");
	if (!f) {
		fail(error, FAILURE_USAGE, "%s: %s", path, g_strerror(errno));
		return NULL;
	}
	size_t len = fread(text, 1, XML_FILE_MAX + 1, f);
	int err = ferror(f) ? errno : 0;
	fclose(f);
	if (err != 0)
		fail(error, FAILURE_USAGE, "%s: %s", path, g_strerror(err));
	else if (len > XML_FILE_MAX)
		fail(error, FAILURE_USAGE, "%s: a network's description has at most %u bytes", path, XML_FILE_MAX);
	else
		return g_string_new_len(text, (gssize)len);
	return NULL;
}

void xml_free(struct xml_element *e)
{
	while (e) {
		struct xml_element *next = e->next;
		xml_free(e->first); /* at most XML_DEPTH_MAX calls deep */
		g_string_free(e->text, TRUE);
		g_strfreev(e->values);
		g_strfreev(e->attributes);
		g_free(e->name);
		g_free(e);
		e = next;
	}
}

const char *xml_attribute(const struct xml_element *e, const char *name)
{
	for (size_t i = 0; e->attributes[i]; i++)
		if (strcmp(e->attributes[i], name) == 0)
			return e->values[i];
	return NULL;
}

bool xml_attribute_is(const struct xml_element *e, const char *name, const char *value)
{
	const char *given = xml_attribute(e, name);
	return given && strcmp(given, value) == 0;
}

const struct xml_element *xml_child(const struct xml_element *e, const char *name)
{
	for (const struct xml_element *child = e->first; child; child = child->next)
		if (strcmp(child->name, name) == 0)
			return child;
	return NULL;
}
