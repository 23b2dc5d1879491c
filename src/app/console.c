/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/console.h"

#include <glib.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* colours: ECMA-48 §8.3.117 */
static const struct {
	const char *name, *colour;
	int syslog; /* sd-daemon(3) */
} levels[] = {
	[LANLET_LOG_ERROR] = { "error: ", "\033[1;31m", 3 },
	[LANLET_LOG_WARNING] = { "warning: ", "\033[1;33m", 4 },
	[LANLET_LOG_INFO] = { "", "", 6 },
	[LANLET_LOG_DEBUG] = { "debug: ", "\033[2m", 7 },
};

/* $JOURNAL_STREAM is "device:inode" of the journal's socket; standard error may have been redirected since. */
static bool is_journal(void)
{
	const char *stream = g_getenv("JOURNAL_STREAM");
	struct stat st;
	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	g_autofree char *ours = g_strdup_printf("%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

static enum console_style detect(void)
{
	const char *no_color = g_getenv("NO_COLOR");
	if (is_journal())
		return CONSOLE_JOURNAL;
	if (!isatty(STDERR_FILENO) || (no_color && no_color[0] != '\0') || g_strcmp0(g_getenv("TERM"), "dumb") == 0)
		return CONSOLE_PLAIN;
	return CONSOLE_COLOUR;
}

char *console_format(enum console_style style, enum lanlet_log_level level, const char *line)
{
	g_autofree char *clean = g_strdup(line);
	for (char *p = clean; *p; p++)
		if (g_ascii_iscntrl(*p))
			*p = '?';
	if (style == CONSOLE_JOURNAL)
		return g_strdup_printf("<%d>%s\n", levels[level].syslog, clean);
	const char *colour = style == CONSOLE_COLOUR ? levels[level].colour : "";
	return g_strdup_printf("lanlet: %s%s%s%s\n", colour, levels[level].name, clean, colour[0] != '\0' ? "\033[0m" : "");
}

void console_init(struct console *c)
{
	*c = (struct console){ .style = detect() };
}

/* A writable pipe takes PIPE_BUF bytes without blocking (pipe(7)); lines are shorter. */
static bool is_writable(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	return poll(&p, 1, 0) == 1;
}

static bool write_line(const struct console *c, enum lanlet_log_level level, const char *line)
{
	g_autofree char *text = console_format(c->style, level, line);
	return is_writable() && write(STDERR_FILENO, text, strlen(text)) > 0;
}

void console_log(void *console, enum lanlet_log_level level, const char *line)
{
	struct console *c = console;
	if (c->lost > 0) {
		g_autofree char *note = g_strdup_printf("%u log lines were lost because nothing read them", c->lost);
		if (write_line(c, LANLET_LOG_WARNING, note))
			c->lost = 0;
	}
	if (!write_line(c, level, line))
		c->lost++;
}
