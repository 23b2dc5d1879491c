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

/* What standard error is, by isatty(), $NO_COLOR, $TERM and $JOURNAL_STREAM. */
enum console_style console_detect(void);

/* A line of @level as it is written in @style, line feed included.  A string to g_free(). */
char *console_format(enum console_style style, enum lanlet_log_level level, const char *line);

/* For lanlet_config_set_log(): @style is an enum console_style. */
void console_log(void *style, enum lanlet_log_level level, const char *line);
