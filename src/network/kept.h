/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was added to a running network's configuration and shall outlive it: reservations and names.  A file in the state
 * directory with a line for each, an option's name and its value as in the INI file; replaced whole by rename().
 */
#pragma once

#include "options/settings.h"

struct log;

struct kept {
	struct settings settings; /* nothing but hosts and names */
	char *path;               /* NULL: nothing is kept on disk */
	struct log *log;
};

/* Reads the file, if there is one.  A line that is none is said and left out.  @state_dir NULL: no file.  -ENOMEM. */
int kept_init(struct kept *k, const char *state_dir, struct log *log);
/* Harmless on a zeroed one. */
void kept_done(struct kept *k);

/* Replaces what is kept by @s, which is taken over on success, file first.  Negative errno. */
int kept_replace(struct kept *k, struct settings *s);
