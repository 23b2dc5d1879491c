/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/command/table.h"

#include "app/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define GAP 2u

struct table {
	char **heading;
	unsigned columns;
	GPtrArray *cells;
};

struct table *table_new(const char *heading)
{
	struct table *t = g_new0(struct table, 1);
	t->heading = g_strsplit(heading, "|", -1);
	t->columns = g_strv_length(t->heading);
	t->cells = g_ptr_array_new_with_free_func(g_free);
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	g_strfreev(t->heading);
	g_ptr_array_unref(t->cells);
	g_free(t);
}

char *table_disarm(const char *text)
{
	char *copy = g_utf8_make_valid(text && text[0] ? text : "-", -1);
	for (char *c = copy; *c; c = g_utf8_next_char(c)) {
		if (!g_unichar_iscntrl(g_utf8_get_char(c)))
			continue;
		gsize len = (gsize)(g_utf8_next_char(c) - c);
		memset(c, '?', len);
	}
	return copy;
}

void table_add(struct table *t, const char *text)
{
	g_ptr_array_add(t->cells, table_disarm(text));
}

void table_addf(struct table *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	table_add(t, text);
}

unsigned table_rows(const struct table *t)
{
	return t->cells->len / t->columns;
}

static bool is_number(const struct table *t, unsigned column)
{
	return t->heading[column][0] == '>';
}

static const char *heading_of(const struct table *t, unsigned column)
{
	return t->heading[column] + is_number(t, column);
}

static const char *cell(const struct table *t, unsigned row, unsigned column)
{
	return g_ptr_array_index(t->cells, row * t->columns + column);
}

static unsigned width_of(const struct table *t, unsigned column, unsigned rows)
{
	glong most = g_utf8_strlen(heading_of(t, column), -1);
	for (unsigned i = 0; i < rows; i++)
		most = MAX(most, g_utf8_strlen(cell(t, i, column), -1));
	return (unsigned)most;
}

/* Formats a line; @row -1 is the heading. */
static char *format_line(const struct table *t, int row, const unsigned *widths, unsigned width)
{
	g_autoptr(GString) line = g_string_new(NULL);
	for (unsigned i = 0; i < t->columns; i++) {
		const char *text = row < 0 ? heading_of(t, i) : cell(t, (unsigned)row, i);
		unsigned blanks = widths[i] - (unsigned)g_utf8_strlen(text, -1);
		unsigned before = is_number(t, i) ? blanks : 0, behind = i + 1 < t->columns ? blanks - before + GAP : 0;
		g_string_append_printf(line, "%*s%s%*s", (int)before, "", text, (int)behind, "");
	}
	if (width > 0 && g_utf8_strlen(line->str, -1) > (glong)width)
		return g_utf8_substring(line->str, 0, (glong)width);
	return g_string_free(g_steal_pointer(&line), FALSE);
}

bool table_print(const struct table *t, FILE *out, unsigned max_rows, unsigned width)
{
	unsigned rows = max_rows ? MIN(table_rows(t), max_rows) : table_rows(t);
	g_autofree unsigned *widths = g_new(unsigned, t->columns);
	for (unsigned i = 0; i < t->columns; i++)
		widths[i] = width_of(t, i, rows);
	bool bold = out == stdout && table_has_colours();
	g_autofree char *heading = format_line(t, -1, widths, width);
	fprintf(out, "%s%s%s\n", bold ? "\033[1m" : "", heading, bold ? "\033[0m" : "");
	for (unsigned i = 0; i < rows; i++) {
		g_autofree char *line = format_line(t, (int)i, widths, width);
		fprintf(out, "%s\n", line);
	}
	return !ferror(out);
}

bool table_has_colours(void)
{
	const char *term = g_getenv("TERM"), *no_colour = g_getenv("NO_COLOR");
	return isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]) && term && strcmp(term, "dumb") != 0;
}

char *table_bytes(guint64 bytes)
{
	static const char units[] = " kMGTPE";
	double value = (double)bytes;
	unsigned unit = 0;
	while (value >= 999.95 && units[unit + 1]) {
		value /= 1000;
		unit++;
	}
	return unit == 0 ? g_strdup_printf("%" G_GUINT64_FORMAT " B", bytes) : g_strdup_printf("%.1f %cB", value, units[unit]);
}

char *table_duration(double seconds)
{
	guint64 s = (guint64)seconds;
	if (seconds < 10)
		return g_strdup_printf("%.1f s", seconds);
	if (s < 120)
		return g_strdup_printf("%" G_GUINT64_FORMAT " s", s);
	if (s < 7200)
		return g_strdup_printf("%" G_GUINT64_FORMAT " min", s / 60);
	if (s < 48 * 3600)
		return g_strdup_printf("%" G_GUINT64_FORMAT " h %" G_GUINT64_FORMAT " min", s / 3600, s / 60 % 60);
	return g_strdup_printf("%" G_GUINT64_FORMAT " d %" G_GUINT64_FORMAT " h", s / 86400, s / 3600 % 24);
}

bool table_finish(GError **error)
{
	return (fflush(stdout) == 0 && !ferror(stdout)) || fail(error, FAILURE_GENERAL, "standard output: %s", g_strerror(errno));
}
