/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations (static leases) and DNS names that were added while the network ran, by the API or `lanlet reserve` and `lanlet names`, and
 * that outlive a restart.  They are in the file "kept" of the state directory: a line for each, an option's name and its value as in the
 * INI file.
 */
#pragma once

#include "options/settings.h"

struct log;

struct runtime_entries {
	struct settings settings; /* nothing but hosts, dhcp_hosts and names */
	char *path;               /* NULL: they end with the network */
	struct log *log;
};

/* Reads the file, if there is one; invalid lines are logged and skipped.  @state_dir NULL: no file.  -ENOMEM. */
int runtime_entries_init(struct runtime_entries *e, const char *state_dir, struct log *log);
/* Harmless on a zeroed one. */
void runtime_entries_done(struct runtime_entries *e);

/* Replaces all entries by those of @s, which is taken over on success, in the file first.  Negative errno. */
int runtime_entries_replace(struct runtime_entries *e, struct settings *s);
