/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_SIZE 512
#define LIMIT_WINDOW USEC_PER_SEC
#define LIMIT_LINES 5 /* of each window */

static void write_v(struct log *log, enum log_level level, const char *format, va_list args)
{
	char line[LINE_SIZE];
	vsnprintf(line, sizeof(line), format, args);
	log->write(log->opaque, level, line);
}

void log_write(struct log *log, enum log_level level, const char *format, ...)
{
	if (!log || level > log->level)
		return;
	va_list args;
	va_start(args, format);
	write_v(log, level, format, args);
	va_end(args);
}

static void tell_suppressed(struct log *log, struct log_limit *l)
{
	if (l->suppressed == 0)
		return;
	log_write(log, l->worst, "%s%s%s%s%u more lines were suppressed (rate limit)", l->kind ? l->kind : "",
		  l->kind && l->name ? " " : "", l->name ? l->name : "", l->kind || l->name ? ": " : "", l->suppressed);
	l->suppressed = 0;
}

static bool window_passes(struct log *log, struct log_limit *l, struct log_window *w, usec_t now, enum log_level level)
{
	if (now - w->start >= LIMIT_WINDOW) {
		tell_suppressed(log, l);
		*w = (struct log_window){ .start = now };
	}
	if (w->lines < LIMIT_LINES) {
		w->lines++;
		return true;
	}
	l->worst = l->suppressed > 0 ? MIN(l->worst, level) : level;
	l->suppressed++;
	return false;
}

static bool write_limited(struct log *log, struct log_limit *l, struct log_window *w, usec_t now, enum log_level level, const char *format,
			  va_list args)
{
	if (!log || level > log->level || !window_passes(log, l, w, now, level))
		return false;
	write_v(log, level, format, args);
	return true;
}

bool log_limited(struct log *log, struct log_limit *limit, usec_t now, enum log_level level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bool written = write_limited(log, limit, &limit->ordinary, now, level, format, args);
	va_end(args);
	return written;
}

bool log_important(struct log *log, struct log_limit *limit, usec_t now, enum log_matter matter, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bool written = write_limited(log, limit, &limit->important[matter], now, LOG_LEVEL_WARNING, format, args);
	va_end(args);
	return written;
}

void log_limit_end(struct log *log, struct log_limit *limit)
{
	tell_suppressed(log, limit);
}
