/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines go to the program that embeds lanlet.  A struct log is borrowed by every object that logs and outlives them all.
 *
 * Lines that a guest can cause are charged to a struct log_limit, which passes a few lines a second and afterwards tells how many it
 * suppressed.  Each port has its own, so no guest can hide what is logged about another one.  Warnings that a user has to act on have
 * reserves in it, so no guest can hide them behind other lines about itself either.
 */
#pragma once

#include "base/macros.h"
#include "base/usec.h"

#include <stdbool.h>

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
};

/* Lines since @start. */
struct log_window {
	usec_t start;
	unsigned lines;
};

/* What warnings that a user has to act on are about.  Each has a reserve of its own, so that one does not hide another. */
enum log_matter {
	LOG_MATTER_CONFLICT, /* of MACs or addresses */
	LOG_MATTER_SERVER,   /* a guest serves what only the gateway should */
	LOG_MATTER_LOOP,
	LOG_MATTER_COUNT
};

/* The lines of one source: a port, a listening socket, a service.  Zeroed but for its name it is ready. */
struct log_limit {
	const char *kind, *name; /* for the line that tells the number of suppressed ones, as "port", "vm1"; borrowed, may be NULL */
	/* private to log.c */
	struct log_window ordinary, important[LOG_MATTER_COUNT];
	unsigned suppressed;
	enum log_level worst; /* of the suppressed lines */
};

/* All discard the line when @log is NULL or its level excludes it. */
void log_write(struct log *log, enum log_level level, const char *format, ...) LANLET_PRINTF(3, 4);
/* A line that is charged to @limit.  Returns whether it was written. */
bool log_limited(struct log *log, struct log_limit *limit, usec_t now, enum log_level level, const char *format, ...) LANLET_PRINTF(5, 6);
/* Likewise a warning that other lines must not hide: @limit has a reserve for each matter. */
bool log_important(struct log *log, struct log_limit *limit, usec_t now, enum log_matter matter, const char *format, ...)
	LANLET_PRINTF(5, 6);
/* The source of @limit goes away: tells how many lines were suppressed since it was last told. */
void log_limit_end(struct log *log, struct log_limit *limit);

#define log_error(log, ...) log_write(log, LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_write(log, LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(log, ...) log_write(log, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_write(log, LOG_LEVEL_DEBUG, __VA_ARGS__)
