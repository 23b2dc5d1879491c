/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text tables: columns are as wide as their widest cell, numbers are aligned right. On a terminal the heading is bold. Names
 * chosen by guests cannot send control sequences to the terminal.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

struct table;

/* @heading: the names of the columns, separated by "|"; ">" begins the name of a column of numbers. */
struct table *table_new(const char *heading);
/* NULL is fine. */
void table_free(struct table *t);
typedef struct table Table;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* Adds the next cell; a row is full after its last column. */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *format, ...) G_GNUC_PRINTF(2, 3);
unsigned table_rows(const struct table *t);

/* Prints up to @max_rows rows (0: all), each cut at @width characters (0: never). False on a write error. */
bool table_print(const struct table *t, FILE *out, unsigned max_rows, unsigned width);

/* Whether standard output is a terminal that supports colours. */
bool table_has_colours(void);

/* @text with control characters replaced by "?"; "-" for an empty text. A string to g_free(). */
char *table_disarm(const char *text);
/* Formats bytes as "12.3 MB". A string to g_free(). */
char *table_bytes(guint64 bytes);
/* Formats a duration as "3 d 4 h", "45 min" or "12 s". A string to g_free(). */
char *table_duration(double seconds);

/* Flushes standard output. False, with an error, if it could not be written. */
bool table_finish(GError **error);
