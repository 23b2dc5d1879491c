/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An XML document as a tree of elements, for short files that a user has written.  Parsed by GMarkup, which knows no document types and
 * no entities of their own, so that a file can neither read other files nor grow while it is parsed.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define XML_FILE_MAX (1024u * 1024) /* bytes */
#define XML_DEPTH_MAX 64u

struct xml_element {
	char *name;
	int line;                         /* of its start tag, from 1 */
	char **attributes, **values;      /* each ends with NULL */
	GString *text;                    /* its own text, without that of elements inside */
	struct xml_element *first, *last; /* inside it, in the order of the file */
	struct xml_element *next;
};

/* The root element; NULL: @error names @path, and the line where the text is not XML. */
struct xml_element *xml_parse(const char *path, const char *text, size_t len, GError **error);
/* The text of the file at @path, of at most XML_FILE_MAX bytes.  NULL: @error names it. */
GString *xml_read_file(const char *path, GError **error);
/* NULL does nothing. */
void xml_free(struct xml_element *e);

/* Puts "?" for control characters, which attributes and names can have, so that @text can be shown in one line.  Returns @text. */
char *xml_one_line(char *text);

/* NULL: there is no such attribute. */
const char *xml_attribute(const struct xml_element *e, const char *name);
/* Whether @e has the attribute @name, and it is @value. */
bool xml_attribute_is(const struct xml_element *e, const char *name, const char *value);
/* The first element called @name inside @e; NULL. */
const struct xml_element *xml_child(const struct xml_element *e, const char *name);
