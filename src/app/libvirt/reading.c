/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/libvirt/reading.h"

#include "app/failure.h"

#include <stdarg.h>
#include <string.h>

/* Whether @value is not empty and has no control characters, which a configuration file could not have either. */
static bool is_one_line(const char *value)
{
	const char *c = value;
	while (*c && !g_ascii_iscntrl(*c))
		c++;
	return c > value && *c == '\0';
}

bool reading_try(struct reading *r, const char *key, const char *value, char *reason, size_t size)
{
	if (is_one_line(value))
		return r->reader->option(r->reader->opaque, key, value, reason, size) >= 0;
	g_snprintf(reason, size, "%s has no value, or one with control characters", key);
	return false;
}

bool reading_set(struct reading *r, const struct xml_element *e, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *value = g_strstrip(g_strdup_vprintf(format, args)); /* as a configuration file does */
	va_end(args);
	char reason[512] = "";
	return reading_try(r, key, value, reason, sizeof(reason)) ||
	       fail(r->error, FAILURE_USAGE, "%s:%d: <%s>: %s", r->path, e->line, e->name, reason);
}

bool reading_refuse(struct reading *r, const struct xml_element *e, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *reason = g_strdup_vprintf(format, args);
	va_end(args);
	return fail(r->error, FAILURE_USAGE, "%s:%d: <%s>: %s", r->path, e->line, e->name, xml_one_line(reason));
}

bool reading_ignore(struct reading *r, const struct xml_element *e, const char *what, const char *reason)
{
	g_autofree char *key = g_strdup_printf("%s: %s", what, reason);
	if (r->reader->warning && g_hash_table_add(r->warned, g_strdup(key))) {
		g_autofree char *line = g_strdup_printf("%s:%d: %s", r->path, e->line, key);
		r->reader->warning(r->reader->opaque, xml_one_line(line));
	}
	return true;
}

void reading_ignore_attribute(struct reading *r, const struct xml_element *e, const char *name, const char *reason)
{
	if (!xml_attribute(e, name))
		return;
	g_autofree char *what = g_strdup_printf("<%s %s='%s'>", e->name, name, xml_attribute(e, name));
	reading_ignore(r, e, what, reason);
}

const char *reading_required(struct reading *r, const struct xml_element *e, const char *name)
{
	const char *value = xml_attribute(e, name);
	if (!value)
		reading_refuse(r, e, "the attribute %s is missing", name);
	return value;
}

/* --- rows --- */

static const struct element_row *find_row(const struct element_row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

bool reading_take(struct reading *r, const struct xml_element *e, const struct element_row *rows, size_t n)
{
	const struct element_row *row = find_row(rows, n, e->name);
	if (row && row->take)
		return row->take(r, e);
	if (row && !row->reason)
		return true;
	g_autofree char *what = g_strdup_printf("<%s>", e->name);
	return reading_ignore(r, e, what, row ? row->reason : "not known to this version");
}

bool reading_take_inside(struct reading *r, const struct xml_element *e, const struct element_row *rows, size_t n)
{
	for (const struct xml_element *child = e->first; child; child = child->next)
		if (!reading_take(r, child, rows, n))
			return false;
	return true;
}
