/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on standard error: "lanlet: warning: …", in colours on a terminal, with the prefixes of sd-daemon(3) for the
 * journal.  Control characters, which a guest may have put into its name, come out as "?".
 */
#pragma once

#include "lanlet.h"

#include <stdbool.h>

enum console_style {
	CONSOLE_PLAIN,
	CONSOLE_COLOUR,
	CONSOLE_JOURNAL,
};

/* Standard error as a place for lines.  It never makes the network wait: while its reader does not read, lines are lost and counted. */
struct console {
	enum console_style style;
	unsigned lost;
};

/* Finds out what standard error is, by isatty(), $NO_COLOR, $TERM and $JOURNAL_STREAM. */
void console_init(struct console *c);

/* A line of @level as it is written in @style, line feed included.  A string to g_free(). */
char *console_format(enum console_style style, enum lanlet_log_level level, const char *line);

/* For lanlet_config_set_log(): @console is a struct console. */
void console_log(void *console, enum lanlet_log_level level, const char *line);
