/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#define LINE_SIZE 512
#define LIMIT_WINDOW USEC_PER_SEC
#define LIMIT_LINES 5

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

static bool limit_passes(struct log *log, usec_t now)
{
	if (now - log->window_start >= LIMIT_WINDOW) {
		if (log->suppressed > 0)
			log_write(log, LOG_LEVEL_INFO, "%u more lines were suppressed (rate limit)", log->suppressed);
		log->window_start = now;
		log->in_window = 0;
		log->suppressed = 0;
	}
	if (log->in_window < LIMIT_LINES) {
		log->in_window++;
		return true;
	}
	log->suppressed++;
	return false;
}

void log_limited(struct log *log, usec_t now, enum log_level level, const char *format, ...)
{
	if (!log || level > log->level || !limit_passes(log, now))
		return;
	va_list args;
	va_start(args, format);
	write_v(log, level, format, args);
	va_end(args);
}
