/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines go to the program that embeds lanlet.  A struct log is borrowed by every object
 * that logs and outlives them all.  Lines that a guest can cause go to log_limited(), which
 * writes a few lines a second and afterwards the number of lines it suppressed.
 */
#pragma once

#include "base/macros.h"
#include "base/usec.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

struct log {
	enum log_level level; /* lines above this level are not formatted */
	void (*write)(void *opaque, enum log_level level, const char *line);
	void *opaque;
	/* private to log_limited() */
	usec_t window_start;
	unsigned in_window;
	unsigned suppressed;
};

/* Both discard the line when @log is NULL. */
void log_write(struct log *log, enum log_level level, const char *format, ...) LANLET_PRINTF(3, 4);
void log_limited(struct log *log, usec_t now, enum log_level level, const char *format, ...) LANLET_PRINTF(4, 5);

#define log_error(log, ...) log_write(log, LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_write(log, LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(log, ...) log_write(log, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_write(log, LOG_LEVEL_DEBUG, __VA_ARGS__)
