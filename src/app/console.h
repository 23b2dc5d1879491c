/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines on standard error: "lanlet: warning: …", in colours on a terminal, with the prefixes of sd-daemon(3) for the journal.
 * Control characters, which can come from a guest's name, are printed as "?".
 */
#pragma once

#include "lanlet.h"

#include <stdbool.h>

enum console_style {
	CONSOLE_PLAIN,
	CONSOLE_COLOUR,
	CONSOLE_JOURNAL,
};

/* Writing a line never blocks the network: if nothing reads standard error, lines are lost and counted. */
struct console {
	enum console_style style;
	unsigned lost;
};

/* Chooses the style from isatty(), $NO_COLOR, $TERM and $JOURNAL_STREAM. */
void console_init(struct console *c);

/* Formats a line of @level, line feed included. A string to g_free(). */
char *console_format(enum console_style style, enum lanlet_log_level level, const char *line);

/* For lanlet_config_set_log(): @console is a struct console. */
void console_log(void *console, enum lanlet_log_level level, const char *line);
