/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for people: columns as wide as their widest cell, numbers to the right.  On a terminal the heading is bold; what guests chose
 * (names) cannot send it control sequences.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

struct table;

/* @heading: the columns' names with "|" between them; one that begins with ">" is a column of numbers. */
struct table *table_new(const char *heading);
/* NULL is fine. */
void table_free(struct table *t);
typedef struct table Table;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* The next cell; rows fill up by themselves. */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *format, ...) G_GNUC_PRINTF(2, 3);
unsigned table_rows(const struct table *t);

/* Prints up to @max_rows rows (0: all), each line cut at @width characters (0: not).  False when @out cannot be written to. */
bool table_print(const struct table *t, FILE *out, unsigned max_rows, unsigned width);

/* Whether standard output is a terminal that takes colours. */
bool table_has_colours(void);

/* @text with control characters as "?"; "-" for nothing.  A string to g_free(). */
char *table_disarm(const char *text);
/* "12.3 MB" and the like, for a column.  A string to g_free(). */
char *table_bytes(guint64 bytes);
/* "3 d 4 h", "45 min", "12 s".  A string to g_free(). */
char *table_duration(double seconds);

/* Flushes standard output: false, and an error, when it could not be written. */
bool table_finish(GError **error);
